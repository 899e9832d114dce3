package org.ttame.eval.figure;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.provenance.BuildInfo;
import org.ttame.eval.explain.SaliencyMaps;
import org.ttame.eval.metric.ImageBatch;
import org.ttame.eval.output.Provenance;
import org.ttame.eval.render.FigureSheet;
import org.ttame.eval.render.HeatmapOverlay;

class ComparisonTest {
  private static final int SIDE = 4;
  private static final String HOSTILE = "d/<script>x</script>.png";

  @TempDir Path folder;

  private static ImageBatch images() {
    return ImageBatch.of(List.of("boot.jpg", HOSTILE), SIDE, new float[2 * SIDE * SIDE * 3]);
  }

  private static Comparison comparison() {
    double[][] probabilities = {{0.2, 0.797, 0.003}, {0.6, 0.3, 0.1}};
    return new Comparison(
        images(), probabilities, List.of("boot", "bag, handbag"), HeatmapOverlay.defaults());
  }

  private static SaliencyMaps maps() {
    return SaliencyMaps.minMax(2, 2, new float[][] {{0, 1, 2, 3}, {3, 2, 1, 0}});
  }

  @Test
  void methodsAreColumnsAndClassesRows() {
    Comparison comparison = comparison();
    for (String method : List.of("ttame", "gradcam")) {
      comparison.add(method, new int[] {1, 0}, maps());
      comparison.add(method, new int[] {0, 1}, maps());
    }
    List<Figure> figures = comparison.figures();
    assertThat(figures).hasSize(2);
    FigureSheet sheet = figures.get(0).sheet();
    assertThat(sheet.columns()).containsExactly("input", "T-TAME", "Grad-CAM");
    assertThat(sheet.rows()).hasSize(2);
    assertThat(sheet.title()).isEqualTo("boot.jpg: bag 0.80, boot 0.20, class 2 <0.01");
    assertThat(sheet.headings()).containsExactly("bag 0.80", "boot 0.20");
    assertThat(sheet.pictures()).isEqualTo(6);
    assertThat(figures.get(1).title()).isEqualTo(HOSTILE);
    assertThat(figures.get(1).caption())
        .isEqualTo(
            "Maps of T-TAME, Grad-CAM. Most probable classes: boot 0.60, bag 0.30, class 2 0.10.");
  }

  @Test
  void classesOfOneMethodAreRows() {
    Comparison comparison = comparison();
    comparison.add("ttame", new int[] {1, 0}, maps());
    comparison.add("ttame", new int[] {0, 1}, maps());
    FigureSheet sheet = comparison.figures().get(1).sheet();
    assertThat(sheet.columns()).containsExactly("input", "T-TAME");
    assertThat(sheet.headings()).containsExactly("boot 0.60", "bag 0.30");
    assertThat(sheet.rows()).hasSize(2);
  }

  @Test
  void everyImageHasItsPictureAndThePageTheFirst() throws IOException {
    ComparisonReport report = new ComparisonReport(folder, 2);
    Comparison comparison = comparison();
    comparison.add("ttame", new int[] {1, 0}, maps());
    Figure figure = comparison.figures().get(0);
    for (int i = 0; i < 3; i++) {
      report.add("d/" + i + ".jpg", figure);
    }
    assertThat(folder.resolve("d/2.compare.png")).isNotEmptyFile();
    Provenance provenance =
        new Provenance(
            new BuildInfo("1.2.3", "0123", false, "1.0.0-M2.1"),
            Map.of("name", HOSTILE),
            Map.of("seed", "42"));
    String page = Files.readString(report.write(provenance));
    assertThat(page)
        .contains("The first 2 of 3 images.", "d/1.compare.png")
        .doesNotContain("d/2.compare.png")
        .doesNotContain("<script>x");
  }
}
