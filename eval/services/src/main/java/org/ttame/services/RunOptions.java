package org.ttame.services;

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
import org.ttame.core.storage.AtomicFile;
import org.ttame.core.storage.FileNames;
import org.ttame.core.storage.TextFile;
import org.ttame.training.TrainingOptions;
import org.ttame.training.data.ImageDraw;

/**
 * The options that a run was started with, by name, kept in its folder as a file that {@code
 * --config} reads, so that {@code train --run DIR --resume} needs nothing else.
 */
public final class RunOptions {
  /** Where they are, in the run's folder. */
  static final String FILE = "command.properties";

  /** Options of the call rather than of the run. */
  private static final Set<String> NOT_KEPT =
      Set.of("run", "out", "resume", "config", "quiet", "verbose", "help");

  /** Options that are paths; kept absolute, so that the run can be resumed from anywhere. */
  private static final Set<String> PATHS = Set.of("weights", "data", "val", "init", "labels");

  private RunOptions() {}

  /**
   * Writes the options of a new run: what was typed, and defaults that should not change with the
   * machine.
   */
  static void write(Path folder, Map<String, String> given) throws IOException {
    Properties kept = new Properties();
    if (given.containsKey("limit")) {
      // A run that keeps none took every k-th image.
      kept.setProperty("limit-seed", "0");
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
    AtomicFile.writeText(folder.resolve(FILE), lines);
  }

  /** Settings of a training as options of {@code train}. */
  static Map<String, String> named(TrainingOptions options) {
    Map<String, String> named = new LinkedHashMap<>();
    Properties settings = options.toProperties();
    settings.stringPropertyNames().forEach(name -> named.put(name, settings.getProperty(name)));
    // As options these are switches, and no layer is no option.
    named.put("no-shuffle", String.valueOf(!options.images().shuffle()));
    named.keySet().removeAll(List.of("shuffle", "targets"));
    named.values().removeAll(List.of("false", ""));
    return named;
  }

  /**
   * The options of a run, by name.
   *
   * @throws IOException if the folder was not made by {@code train}
   */
  public static Map<String, String> read(Path folder) throws IOException {
    Path file = folder.resolve(FILE);
    if (!Files.exists(file)) {
      throw new IOException(
          Text.format(
              "'%s' holds no training run to resume: %s",
              folder,
              Files.exists(folder)
                  ? Text.format("there is no %s in it", FILE)
                  : "there is no such folder"));
    }
    Properties kept = new Properties();
    try {
      kept.load(new StringReader(TextFile.text(file)));
    } catch (IllegalArgumentException e) {
      throw new IOException(Text.format("%s is damaged: %s", file, e.getMessage()), e);
    }
    Map<String, String> values = new LinkedHashMap<>();
    kept.stringPropertyNames().forEach(name -> values.put(name, kept.getProperty(name)));
    if (values.containsKey("limit")) {
      values.putIfAbsent("limit-seed", ImageDraw.SPREAD);
    }
    return values;
  }
}
