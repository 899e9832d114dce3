package org.ttame.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.ttame.core.ProgressListener;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.services.Evaluate;
import org.ttame.services.Explain;
import org.ttame.services.InvalidOptionException;
import org.ttame.services.Merge;
import org.ttame.services.Train;

/**
 * A command that is typed on one machine and done by others: its options, understood as the command
 * line understands them, for front ends that start the services themselves.
 */
public final class RemoteCommand {
  /** Measures shards. */
  public static final String EVALUATE = "evaluate";

  /** Explains shards. */
  public static final String EXPLAIN = "explain";

  /** Trains data-parallel. */
  public static final String TRAIN = "train";

  private final String name;
  private final Arguments arguments;
  private final Console console;

  private RemoteCommand(String name, Map<String, String> values) {
    this.name = name;
    arguments = new Arguments(values, List.of());
    console =
        new Console(
            stream(FileDescriptor.out),
            stream(FileDescriptor.err),
            arguments.has(CommonOptions.QUIET),
            arguments.has(CommonOptions.VERBOSE),
            false);
  }

  private static PrintStream stream(FileDescriptor to) {
    return new PrintStream(new FileOutputStream(to), true, StandardCharsets.UTF_8);
  }

  /**
   * Understands what was typed.
   *
   * @param words the command's name and options
   * @throws IllegalArgumentException with a sentence, if they make no sense
   */
  public static RemoteCommand parse(List<String> words) {
    List<String> names = List.of(EVALUATE, EXPLAIN, TRAIN);
    if (words.isEmpty() || !names.contains(words.get(0))) {
      throw new IllegalArgumentException(
          "the first word is the command, one of " + String.join(", ", names));
    }
    try {
      CommandSpec spec = command(words.get(0)).spec();
      Arguments read = CommandLineReader.read(spec, words.subList(1, words.size()));
      if (read.has(MetricArguments.FAIL_IF)) {
        throw new UsageException(
            "--fail-if must not be given: a job measures shards, not the whole");
      }
      if (read.has(CommonOptions.SHARD)) {
        throw new UsageException(
            "--shard must not be given: the job cuts the images into shards itself");
      }
      Map<String, String> given = read.given();
      if (!words.get(0).equals(TRAIN)) {
        OptionSpec images =
            words.get(0).equals(EVALUATE) ? CommonOptions.DATA : CommonOptions.IMAGES;
        if (!given.containsKey(images.name())) { // a place of Hadoop's would lose a slash as a path
          given.put(images.name(), ImageArguments.images(read, images).toString());
        }
      }
      return of(words.get(0), given);
    } catch (UsageException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }

  /**
   * A command by its options.
   *
   * @param values option name without dashes to value
   * @throws IllegalArgumentException with a sentence, if they make no sense
   */
  public static RemoteCommand of(String name, Map<String, String> values) {
    RemoteCommand command = new RemoteCommand(name, values);
    try {
      command(name).parse(command.arguments);
    } catch (UsageException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
    return command;
  }

  private static Command command(String name) {
    return switch (name) {
      case EVALUATE -> new EvaluateCommand();
      case EXPLAIN -> new ExplainCommand();
      default -> new TrainCommand();
    };
  }

  /** Its name. */
  public String name() {
    return name;
  }

  /** The options that were given, in the order of their names. */
  public Map<String, String> given() {
    return new TreeMap<>(arguments.given());
  }

  /** An option's value, or its default. */
  public Optional<String> text(String option) {
    return command(name).spec().options().stream()
        .filter(spec -> spec.name().equals(option))
        .findFirst()
        .flatMap(arguments::text);
  }

  /** The same with other options; an empty value takes an option away. */
  public RemoteCommand with(Map<String, String> others) {
    Map<String, String> values = new LinkedHashMap<>(arguments.given());
    values.putAll(others);
    values.values().removeIf(String::isEmpty);
    return of(name, values);
  }

  /** Whether failures are shown in full. */
  public boolean isVerbose() {
    return console.isVerbose();
  }

  /** Where it speaks. */
  public ProgressListener listener() {
    return console;
  }

  /** A line of the result. */
  public void result(String line) {
    console.result(line);
  }

  /** What evaluate is asked for. */
  public Evaluate.Options evaluate() {
    return parsed(EvaluateCommand::options);
  }

  /** What explain is asked for. */
  public Explain.Options explain() {
    return parsed(ExplainCommand::options);
  }

  /** What train is asked for. */
  public Train.Options train() {
    return parsed(new TrainCommand()::options);
  }

  private interface Parsing<T> {
    T parse(Arguments arguments) throws UsageException;
  }

  private <T> T parsed(Parsing<T> parsing) {
    try {
      return parsing.parse(arguments);
    } catch (UsageException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }

  /**
   * The classifier's file.
   *
   * @throws IOException if neither options nor run say which
   */
  public Path weights() throws IOException {
    return parsed(ClassifierArguments::parse).file();
  }

  /**
   * Loads ND4J, and has this thread compute with as many threads as the options say. To be called
   * by each thread that computes.
   */
  public void startEngine() throws IOException {
    try {
      Engine.start(parsed(Engine.Settings::parse), console);
    } catch (WorkFailedException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  /**
   * Loads the classifier.
   *
   * @return it; the caller closes it
   */
  public FrozenClassifier classifier() throws IOException {
    return parsed(ClassifierArguments::parse).load(console);
  }

  /** Says what was merged, as {@code ttame merge} does. */
  public void print(Merge.Result result, String out) {
    MergeCommand.print(result, out, console);
  }

  /** What went wrong, in a sentence. */
  public static String sentence(Throwable failure) {
    return OptionSpec.typed(
        failure instanceof InvalidOptionException
            ? "--" + failure.getMessage()
            : Failures.sentence(failure));
  }
}
