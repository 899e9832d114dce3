package org.ttame.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.ttame.core.Text;
import org.ttame.core.storage.AtomicFile;
import org.ttame.core.storage.FileNames;
import org.ttame.core.storage.InputFile;
import org.ttame.core.storage.Printable;
import org.ttame.services.InvalidOptionException;

/**
 * The {@code ttame} command: finds the command, answers help and wrong usage at once, and turns
 * failures into one sentence and an exit code.
 *
 * <p>Nothing here may load ND4J, so that {@code --help} answers within the start of the JVM.
 */
public final class Main {
  static final int DONE = 0;
  static final int FAILED = 1;
  static final int USAGE = 2;

  /** After SIGINT, which Ctrl-C sends: the JVM's own code. */
  static final int INTERRUPTED = 130;

  /** After SIGTERM, likewise. */
  static final int TERMINATED = 143;

  /** A command and its name; the command is made only when asked for. */
  record Entry(String name, Supplier<Command> command) {}

  static final List<Entry> COMMANDS =
      List.of(
          new Entry("train", TrainCommand::new),
          new Entry("explain", ExplainCommand::new),
          new Entry("predict", PredictCommand::new),
          new Entry("evaluate", EvaluateCommand::new),
          new Entry("compare", CompareCommand::new),
          new Entry("merge", MergeCommand::new),
          new Entry("figures", FiguresCommand::new),
          new Entry("inspect", InspectCommand::new),
          new Entry("export", ExportCommand::new),
          new Entry("import", ImportCommand::new),
          new Entry("sanity", SanityCommand::new),
          new Entry("ablate", AblateCommand::new),
          new Entry("lr-find", LrFindCommand::new),
          new Entry("search", SearchCommand::new),
          new Entry("split", SplitCommand::new),
          new Entry("serve", ServeCommand::new),
          new Entry("bench", BenchCommand::new),
          new Entry("doctor", DoctorCommand::new),
          new Entry("version", VersionCommand::new));

  private static final Pattern OPTION = Pattern.compile("--([a-z][a-z0-9-]*)");

  private final PrintStream out;
  private final PrintStream err;

  Main(PrintStream out, PrintStream err) {
    this.out = out;
    this.err = err;
  }

  /**
   * Runs a command and ends the JVM: 0 done, 1 the work failed, 2 wrong usage; 130 and 143 after
   * SIGINT and SIGTERM.
   *
   * @param args its name and options
   */
  public static void main(String[] args) {
    PrintStream out =
        new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
    PrintStream err =
        new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8);
    System.exit(new Main(out, err).runAndFlush(words(args)));
  }

  /**
   * What was typed. Where the locale is not UTF-8 ({@code LC_ALL=C}) Java has lost the letters that
   * are not ASCII; Linux still knows them.
   */
  private static List<String> words(String[] args) {
    List<String> words = Arrays.asList(args);
    if (words.stream().noneMatch(word -> word.indexOf('\uFFFD') >= 0)) {
      return words;
    }
    try (InputStream in = InputFile.open(Path.of("/proc/self/cmdline"))) {
      List<String> all = List.of(FileNames.decode(in.readAllBytes()).split("\0", -1));
      // The last one is ended, too.
      return all.subList(all.size() - 1 - args.length, all.size() - 1);
    } catch (IOException e) {
      return words; // another system: a path of such a word is then refused
    }
  }

  /** As {@link #run}; work whose results nobody could be given has failed. */
  int runAndFlush(List<String> words) {
    int code = run(words);
    if (code == DONE && out.checkError()) {
      err.println("ttame: standard output could not be written (a full disk, or a closed pipe)");
      return FAILED;
    }
    return code;
  }

  /** Runs a command by its name and options, and returns the exit code. */
  int run(List<String> words) {
    if (words.isEmpty()) {
      err.print(Help.general(COMMANDS, columns()));
      return USAGE;
    }
    String name = words.get(0).equals("--version") ? "version" : words.get(0);
    List<String> rest = words.subList(1, words.size());
    if (List.of("--help", "-h", "help").contains(name)) {
      if (name.equals("help") && !rest.isEmpty()) {
        return run(List.of(rest.get(0), "--help"));
      }
      out.print(Help.general(COMMANDS, columns()));
      return DONE;
    }
    for (Entry entry : COMMANDS) {
      if (entry.name().equals(name)) {
        return run(entry.command().get(), rest);
      }
    }
    List<String> names = COMMANDS.stream().map(Entry::name).toList();
    List<String> known = Stream.concat(names.stream(), Stream.of("help")).toList();
    err.printf(
        Locale.ROOT,
        "ttame: '%s' is not a command%s%n'ttame help' lists them: %s%n",
        Printable.of(name),
        Printable.of(Text.didYouMean(name, known)),
        String.join(", ", names));
    return USAGE;
  }

  private static int columns() {
    return Help.width(System.getenv("COLUMNS"));
  }

  private int run(Command command, List<String> words) {
    CommandSpec spec = command.spec();
    if (words.contains(CommonOptions.HELP.dashed()) || words.contains("-h")) {
      out.print(Help.of(spec, columns()));
      return DONE;
    }
    Console console = null;
    Arguments arguments = new Arguments(Map.of(), List.of());
    try {
      arguments = CommandLineReader.read(spec, words);
      arguments.exclusive(CommonOptions.QUIET, CommonOptions.VERBOSE);
      Command.Job job = command.parse(arguments);
      console =
          new Console(
              out,
              err,
              arguments.has(CommonOptions.QUIET),
              arguments.has(CommonOptions.VERBOSE),
              Console.isTerminal());
      requireWritable(spec, arguments);
      job.run(console);
      return DONE;
    } catch (UsageException e) {
      return wrongUsage(spec, arguments, e.getMessage());
    } catch (InvalidOptionException e) {
      return wrongUsage(spec, arguments, "--" + e.getMessage());
    } catch (Exception | OutOfMemoryError | LinkageError e) {
      boolean verbose = console != null && console.isVerbose();
      report(e, verbose, console);
      return FAILED;
    }
  }

  /** Fails before the work if what it writes, a file or a folder, has nowhere to go. */
  private static void requireWritable(CommandSpec spec, Arguments arguments)
      throws UsageException, IOException {
    for (OptionSpec option : spec.options()) {
      if (option.name().equals(CommonOptions.OUT.name())) {
        Optional<Path> out = arguments.path(option).map(Path::toAbsolutePath);
        boolean folder = CommonOptions.OUT.value().equals(option.value());
        out = folder ? out : out.map(Path::getParent);
        if (out.isPresent()) {
          AtomicFile.requireWritable(out.get());
        }
      }
    }
  }

  private int wrongUsage(CommandSpec spec, Arguments arguments, String problem) {
    String sentence = OptionSpec.typed(problem);
    err.println("ttame: " + Printable.of(sentence + origin(spec, arguments, sentence)));
    err.printf(Locale.ROOT, "'ttame %s --help' shows the options%n", spec.name());
    return USAGE;
  }

  /** Which of the options that a sentence names stand in the configuration file. */
  private static String origin(CommandSpec spec, Arguments arguments, String sentence) {
    List<String> named =
        OPTION.matcher(sentence).results().map(found -> found.group(1)).distinct().toList();
    String options =
        spec.options().stream()
            .filter(option -> option.names().stream().anyMatch(named::contains))
            .filter(arguments::isConfigured)
            .map(OptionSpec::name)
            .collect(Collectors.joining(", "));
    return options.isEmpty()
        ? ""
        : Text.format(" (%s in '%s')", options, arguments.text(CommonOptions.CONFIG).orElseThrow());
  }

  private void report(Throwable failure, boolean verbose, Console console) {
    String sentence = Failures.sentence(failure);
    if (console != null) {
      console.warn(sentence);
    } else {
      err.println("ttame: " + Printable.of(sentence));
    }
    if (verbose) {
      StringWriter trace = new StringWriter();
      failure.printStackTrace(new PrintWriter(trace));
      trace.toString().replace("\t", "  ").lines().map(Printable::of).forEach(err::println);
    } else if (!Failures.expected(failure)) {
      err.println("This is unexpected; --verbose shows the stack trace.");
    }
  }
}
