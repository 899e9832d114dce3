package org.ttame.eval.experiment;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.core.attention.Variant;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.image.ImageReader;
import org.ttame.core.image.RgbImage;
import org.ttame.core.masking.Masking;
import org.ttame.eval.Lcg;
import org.ttame.eval.LinearClassifier;
import org.ttame.eval.metric.AdIc;
import org.ttame.eval.metric.Box;
import org.ttame.eval.metric.ImageBatch;
import org.ttame.eval.metric.PixelKeeping;
import org.ttame.eval.render.HeatmapOverlay;
import org.ttame.training.data.SkippedCount;

class StudyTest {
  private static final int SIDE = 8;
  private static final int IMAGES = 12;

  @TempDir Path folder;

  @Test
  void comparesTrainedUntrainedAndRandomAndDrawsThem() throws IOException {
    float[] weights = new Lcg(2).next(SIDE * SIDE * 3 * 3);
    Path out = folder.resolve("study");
    try (FrozenClassifier classifier =
            LinearClassifier.of(LinearClassifier.plain(SIDE), weights, new float[3]);
        AttentionMechanism trained = mechanism(classifier, 1);
        AttentionMechanism untrained = mechanism(classifier, 2)) {
      Study.Options options =
          new Study.Options(
              out,
              Masking.CNN,
              PixelKeeping.EXACT,
              AdIc.PAPER_THRESHOLDS,
              true,
              4,
              List.of("bag", "coat"),
              9,
              HeatmapOverlay.defaults());
      Study.Outcome outcome =
          new Study(classifier, options)
              .run(
                  trained,
                  untrained,
                  batches().iterator(),
                  IMAGES,
                  new SkippedCount(),
                  Map.of("run", folder.toString()));
      assertThat(outcome.files())
          .containsExactly(
              out.resolve("metrics.json"),
              out.resolve("metrics.csv"),
              out.resolve("per-image.csv"),
              out.resolve("heatmaps.png"))
          .allMatch(Files::isRegularFile);
      assertThat(outcome.table().split("\n", -1)).hasSize(6);
      assertThat(outcome.table()).contains("\nT-TAME ", "\nuntrained ", "\nrandom ", "\nimages ");
      // Three methods at three thresholds over clean images, and the sheet's four images again.
      assertThat(outcome.result().metricPasses()).isEqualTo(9 * IMAGES);
      assertThat(classifier.passes().forward()).isEqualTo((1 + 2 + 9) * IMAGES + 2 * 4);
    }
    RgbImage sheet = new ImageReader().read(out.resolve("heatmaps.png"));
    // Four columns and four rows of pictures of 118 points, three pixels each.
    assertThat(sheet.width()).isBetween(4 * 354, 5 * 354);
    assertThat(sheet.height()).isBetween(4 * 354, 6 * 354);
    JsonNode json = new ObjectMapper().readTree(out.resolve("metrics.json").toFile());
    assertThat(json.at("/provenance/settings/seed").asText()).isEqualTo("9");
    assertThat(json.at("/methods/0/settings/layers").asText()).isEqualTo("pixels");
    assertThat(Files.readAllLines(out.resolve("per-image.csv"))).hasSize(1 + 3 * IMAGES);
  }

  @Test
  void spreadsTheSheetOverTheImages() {
    Study.ChosenImages chosen = new Study.ChosenImages(batches().iterator(), 3, IMAGES);
    while (chosen.hasNext()) {
      chosen.next();
    }
    assertThat(chosen.batch().names()).containsExactly("scene-0", "scene-4", "scene-8");
    Study.ChosenImages fewer =
        new Study.ChosenImages(batches().subList(0, 1).iterator(), 3, IMAGES);
    while (fewer.hasNext()) {
      fewer.next();
    }
    assertThat(fewer.batch().names()).containsExactly("scene-0", "scene-4");
  }

  private static AttentionMechanism mechanism(FrozenClassifier classifier, long seed) {
    return AttentionMechanism.create(
        AttentionSpec.of(classifier.defaultLayers(), 3, Variant.PROPOSED), seed);
  }

  private static List<ImageBatch> batches() {
    int length = SIDE * SIDE * 3;
    float[] unit = new Lcg(5).next(IMAGES * length);
    List<ImageBatch> batches = new ArrayList<>();
    for (int start = 0; start < IMAGES; start += 5) {
      int end = Math.min(IMAGES, start + 5);
      List<String> names = new ArrayList<>();
      List<List<Box>> boxes = new ArrayList<>();
      for (int b = start; b < end; b++) {
        names.add("scene-" + b);
        boxes.add(List.of(new Box(b % 3, 1, 1, 5, 6)));
      }
      float[] part = Arrays.copyOfRange(unit, start * length, end * length);
      batches.add(new ImageBatch(names, SIDE, part, boxes));
    }
    return batches;
  }
}
