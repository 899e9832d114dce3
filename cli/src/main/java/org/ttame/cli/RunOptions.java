package org.ttame.cli;

import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import org.ttame.core.Text;
import org.ttame.core.storage.FileNames;
import org.ttame.core.storage.TextFile;
import org.ttame.core.storage.WholeFile;
import org.ttame.training.TrainingOptions;
import org.ttame.training.data.ImageDraw;

/**
 * The command line that a run was started with, kept in its folder as a file that {@code --config}
 * reads, so that {@code train --run DIR --resume} needs nothing else.
 */
final class RunOptions {
  private static final String FILE = "command.properties";

  /** Options of the call rather than of the run. */
  private static final Set<String> NOT_KEPT =
      Set.of("run", "out", "resume", "config", "quiet", "verbose", "help");

  /** Options that are paths; kept absolute, so that the run can be resumed from anywhere. */
  private static final Set<String> PATHS = Set.of("weights", "data", "val", "init", "labels");

  private RunOptions() {}

  /**
   * A command line with the number of threads that it came to.
   *
   * @param started how many
   * @param given the command line
   */
  static Map<String, String> with(Engine started, Map<String, String> given) {
    Map<String, String> kept = new LinkedHashMap<>(given);
    kept.put("threads", String.valueOf(started.threads()));
    return kept;
  }

  /**
   * Writes the options of a new run.
   *
   * @param folder the run
   * @param given what was typed, and defaults that should not change with the machine
   */
  static void write(Path folder, Map<String, String> given) throws IOException {
    Properties kept = new Properties();
    if (given.containsKey(CommonOptions.LIMIT.name())) {
      // A run that keeps none took every k-th image.
      kept.setProperty(CommonOptions.LIMIT_SEED.name(), CommonOptions.LIMIT_SEED.standard());
    }
    new TreeMap<>(given)
        .forEach(
            (name, value) -> {
              if (!NOT_KEPT.contains(name)) {
                boolean path = PATHS.contains(name);
                kept.setProperty(
                    name,
                    path
                        ? FileNames.text(
                            FileNames.resolve(Path.of(""), value).toAbsolutePath().normalize())
                        : value);
              }
            });
    StringWriter text = new StringWriter();
    kept.store(text, null);
    // The first line is the date, which says nothing about the run.
    String lines = text.toString().replaceFirst("^#.*\\R", "");
    WholeFile.writeText(folder.resolve(FILE), lines);
  }

  /**
   * Writes the options of a run that a command trains among others.
   *
   * @param folder the run
   * @param given the command's line; what {@code train} does not know of it is left out
   * @param options what this run is trained with
   */
  static void write(Path folder, Map<String, String> given, TrainingOptions options)
      throws IOException {
    Map<String, String> kept = new LinkedHashMap<>(given);
    Properties settings = options.toProperties();
    settings.stringPropertyNames().forEach(name -> kept.put(name, settings.getProperty(name)));
    // On the command line these are switches, and no layer is no option.
    kept.put("no-shuffle", String.valueOf(!options.shuffle()));
    kept.remove("shuffle");
    kept.values().removeAll(List.of("false", ""));
    kept.keySet().retainAll(TrainCommand.optionNames());
    write(folder, kept);
  }

  /**
   * The options to go on with: those of the run, under those typed now.
   *
   * @param folder the run
   * @param now what was typed
   * @throws IOException if the folder was not made by {@code train}
   */
  static Arguments resumed(Path folder, Arguments now) throws IOException {
    Path file = folder.resolve(FILE);
    if (!Files.exists(file)) {
      throw new IOException(
          Text.format("%s holds no training run to resume: there is no %s in it", folder, FILE));
    }
    Properties kept = new Properties();
    try {
      kept.load(new StringReader(TextFile.text(file)));
    } catch (IllegalArgumentException e) {
      throw new IOException(Text.format("%s is damaged: %s", file, e.getMessage()), e);
    }
    Map<String, String> values = new LinkedHashMap<>();
    kept.stringPropertyNames().forEach(name -> values.put(name, kept.getProperty(name)));
    if (values.containsKey(CommonOptions.LIMIT.name())) {
      values.putIfAbsent(CommonOptions.LIMIT_SEED.name(), ImageDraw.SPREAD);
    }
    values.putAll(now.given());
    return new Arguments(values, List.of());
  }
}
