package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.ttame.core.Text;

/**
 * {@code backbones/docs/commands.md}: what {@link AnyClassifierTest} ran on whole models, a row
 * each. Models that are tried again replace their rows; others stay.
 */
final class CommandTable {
  private static final String HEAD =
      """
      # Commands on whole models

      Commands on the exports of [models.md](models.md) and [models-more.md](models-more.md), two images each: two steps of `train` with a batch of two; `explain`
      by five methods (RISE with 16 masks, Score-CAM of one image); `evaluate` of T-TAME, Grad-CAM and RISE; `sanity` of one
      image, which randomises classifier and mechanism. Where channels are given, Score-CAM, to which each is a pass, reads the default layer that has the fewest, else
      the last one. The classifier loses its layers in three stages (`--stages 3`) where that is said, else one after another, each a model to load. Seconds on a busy
      machine, one thread or two: they say that a command works and about what it costs, no more. A dash: not reached, as a command before it failed.

      Written by `mvn -pl cli -am -Pfullsize verify -Dtest=AnyClassifierTest#commandsWorkOnWholeModels
      -Dsurefire.failIfNoSpecifiedTests=false -Dttame.exports=FOLDER -Dttame.table=backbones/docs/commands.md`.

      | model | train | T-TAME | Grad-CAM | Grad-CAM++ | RISE | Score-CAM | evaluate | sanity |
      |---|---|---|---|---|---|---|---|---|
      """;

  private final Map<String, Row> rows = new TreeMap<>();

  /** Something that may fail. */
  interface Work {
    void run() throws IOException;
  }

  /** What became of a model's commands, in the table's order. */
  static final class Row {
    private static final int COMMANDS = 8;
    private final List<String> cells = new ArrayList<>();

    /** Notes how long a command took, or that it failed. */
    void time(Work command) throws IOException {
      int place = cells.size();
      cells.add("failed");
      long began = System.nanoTime();
      command.run();
      cells.set(place, Text.format("%.0f s", Math.ceil((System.nanoTime() - began) / 1e9)));
    }

    /** Says of the last command what its time stands for. */
    void note(String what) {
      int last = cells.size() - 1;
      cells.set(last, Text.format("%s (%s)", cells.get(last), what));
    }

    private String cells() {
      List<String> all = new ArrayList<>(cells);
      while (all.size() < COMMANDS) {
        all.add("–");
      }
      return String.join(" | ", all);
    }
  }

  /** A model's row, which is to be filled. */
  Row row(String model) {
    return rows.computeIfAbsent(model, name -> new Row());
  }

  /** Writes the rows into a table, in place of those of the same models. */
  void write(Path file) throws IOException {
    Map<String, String> all = new TreeMap<>();
    if (Files.exists(file)) {
      try (Stream<String> old = Files.lines(file)) {
        old.filter(line -> line.startsWith("| ") && !line.startsWith("| model |"))
            .forEach(line -> all.put(line.split(" ", -1)[1], line));
      }
    }
    rows.forEach((name, row) -> all.put(name, Text.format("| %s | %s |", name, row.cells())));
    Files.writeString(file, HEAD + String.join("\n", all.values()) + "\n");
  }
}
