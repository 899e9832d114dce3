package org.ttame.backbones;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.ttame.core.Text;

/**
 * {@code docs/models.md}: what {@link ExportedModelsTest} found, a row a file. Models that are
 * judged again replace their rows; others stay.
 */
final class ModelTable {
  private static final String HEAD =
      """
      # Whole models

      Classifiers of torchvision and timm with random weights, exported by PyTorch's TorchScript exporter ("old") and its
      newer one ("new"), against PyTorch. Distances are relative, in the L2 norm, from PyTorch in double precision: of the
      logits, and of the gradient of the predicted classes' logits. Bounds are 1e-4 and 1e-3, or twice the distance of
      PyTorch's own float32 where that is more. "Kinks" says that a gradient is beyond its bound because values lie a
      rounding away from a kink; [kinks.md](kinks.md) says how that is shown. It also says where PyTorch's float32 is so far
      from its double precision that no bound is meaningful, and what double precision gives there. Layers are those
      read by default. A file that `import` wrote of each gives the same bits.
      The newer exporter of PyTorch 2.15 cannot export beit_base_patch16_224.

      Written by `mvn -pl backbones -am -Pfullsize test -Dtest=ExportedModelsTest -Dsurefire.failIfNoSpecifiedTests=false
      -Dttame.exports=FOLDER -Dttame.table=docs/models.md`.

      | model | exporter | | logits | bound | gradient | bound | kinks | layers |
      |---|---|---|---|---|---|---|---|---|
      """;

  private final Map<String, String> rows = new TreeMap<>();

  /**
   * A row.
   *
   * @param name of the model
   * @param exporter old or new
   * @param cells from the result on
   */
  void put(String name, String exporter, List<String> cells) {
    rows.put(
        name + " " + exporter,
        Text.format("| %s | %s | %s |", name, exporter, String.join(" | ", cells)));
  }

  /** What is printed. */
  @Override
  public String toString() {
    return String.join("\n", rows.values());
  }

  /** Writes the rows into a table, in place of those of the same models. */
  void write(Path file) throws IOException {
    Map<String, String> all = new TreeMap<>();
    if (Files.exists(file)) {
      try (Stream<String> lines = Files.lines(file)) {
        lines
            .filter(line -> line.matches("\\| \\S+ \\| (old|new) \\| .*"))
            .forEach(line -> all.put(key(line), line));
      }
    }
    all.putAll(rows);
    Files.writeString(file, HEAD + String.join("\n", all.values()) + "\n");
  }

  private static String key(String line) {
    String[] cells = line.split(" \\| ", -1);
    return cells[0].substring(2) + " " + cells[1];
  }
}
