package org.ttame.eval.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.NonFiniteException;
import org.ttame.core.image.InputSpec;
import org.ttame.core.masking.Masking;
import org.ttame.eval.Lcg;
import org.ttame.eval.LinearClassifier;
import org.ttame.eval.explain.Explainer;
import org.ttame.eval.explain.MapWarning;
import org.ttame.eval.explain.RandomMapsExplainer;
import org.ttame.eval.explain.SaliencyMaps;
import org.ttame.eval.metric.AdIc;
import org.ttame.eval.metric.Box;
import org.ttame.eval.metric.BoxEnergy;
import org.ttame.eval.metric.ImageBatch;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.metric.PixelKeeping;
import org.ttame.eval.metric.PointingGame;
import org.ttame.eval.output.MetricsFiles;
import org.ttame.eval.output.MetricsTable;
import org.ttame.eval.output.PerImageCsv;
import org.ttame.eval.output.Provenance;
import org.ttame.training.data.SkippedCount;

class EvaluationTest {
  private static final int SIDE = 8;
  private static final int IMAGES = 10;

  private final FrozenClassifier classifier = classifier();
  private final RandomMapsExplainer random = new RandomMapsExplainer(3, 3, 5);
  private final Evaluation evaluation =
      new Evaluation(
          classifier,
          List.of(random),
          List.of(
              new AdIc(classifier, Masking.CNN, PixelKeeping.EXACT, List.of(100.0, 33.3)),
              new PointingGame(),
              new BoxEnergy()));

  @AfterEach
  void close() {
    classifier.close();
  }

  @Test
  void measuresEveryImageAndCountsPasses() {
    List<ImageRecord> seen = new ArrayList<>();
    EvaluationResult result = evaluation.run(batches(4), seen::addAll);
    MethodResult method = result.method("random");
    assertThat(seen).isEqualTo(method.records()).hasSize(IMAGES);
    assertThat(result.images()).isEqualTo(IMAGES);
    assertThat(result.cleanPasses()).isEqualTo(IMAGES);
    assertThat(result.metricPasses()).isEqualTo(2 * IMAGES);
    assertThat(method.forwardPasses()).isZero();
    assertThat(classifier.passes().forward()).isEqualTo(3 * IMAGES);
    double mean = seen.stream().mapToDouble(record -> record.values()[2]).average().orElseThrow();
    assertThat(method.summary(MetricKey.at("ad", 33.3)).mean()).isCloseTo(mean, within(1e-12));
    // Half of the images know where their objects are, and not all of these are of the class seen.
    MethodResult.Summary pointing = method.summary(MetricKey.of("pointing"));
    assertThat(pointing.images()).isBetween(1, IMAGES / 2);
    assertThatThrownBy(() -> method.summary(MetricKey.of("road"))).hasMessageContaining("ad_33.3");
  }

  @Test
  void doesNotDependOnTheBatchSize() {
    EvaluationResult one = evaluation.run(batches(1), records -> {});
    EvaluationResult many = evaluation.run(batches(IMAGES), records -> {});
    List<ImageRecord> a = one.method("random").records();
    List<ImageRecord> b = many.method("random").records();
    for (int i = 0; i < IMAGES; i++) {
      assertThat(a.get(i).image()).isEqualTo(b.get(i).image());
      assertThat(a.get(i).values()).containsExactly(b.get(i).values(), within(1e-3));
    }
  }

  @Test
  void showsMapsBeforeItHandsOverTheirRecords() {
    List<String> order = new ArrayList<>();
    evaluation.run(
        batches(4),
        records -> order.add(records.get(0).image()),
        (batch, method, maps) ->
            order.add(method + " " + maps.size() + " of " + batch.names().get(0)));
    assertThat(order)
        .startsWith("random 4 of a, \"b\" 0.png", "a, \"b\" 0.png")
        .endsWith("random 2 of a, \"b\" 8.png", "a, \"b\" 8.png")
        .hasSize(6);
    assertThatThrownBy(
            () ->
                evaluation.run(
                    batches(4),
                    records -> {},
                    (batch, method, maps) -> {
                      throw new IOException("disk full");
                    }))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessage("disk full");
  }

  @Test
  void writesItsFiles(@TempDir Path folder) throws IOException {
    Path out = folder.resolve("new/out");
    EvaluationResult result;
    try (PerImageCsv csv = new PerImageCsv(out, evaluation.keys())) {
      result = evaluation.run(batches(4), csv);
    }
    MetricsFiles.write(
        out,
        result,
        new SkippedCount(),
        Provenance.of(classifier, Map.of("seed", "5", "run", "runs/a")));

    List<String> rows = Files.readAllLines(out.resolve("per-image.csv"));
    assertThat(rows).hasSize(1 + IMAGES);
    assertThat(rows.get(0))
        .isEqualTo(
            "image,method,class,confidence,forward_passes,backward_passes,"
                + "ad_100,ic_100,ad_33.3,ic_33.3,pointing,energy");
    assertThat(rows.get(1)).startsWith("\"a, \"\"b\"\" 0.png\",random,");

    List<String> table = Files.readAllLines(out.resolve("metrics.csv"));
    assertThat(table.get(0))
        .isEqualTo(
            "method,metric,threshold,value,n,forward_passes,backward_passes,seconds,low,high");
    assertThat(table.get(3)).startsWith("random,ad,33.3,");
    assertThat(table.get(5)).startsWith("random,pointing,,");
    assertThat(table).hasSize(7);

    JsonNode json = new ObjectMapper().readTree(out.resolve("metrics.json").toFile());
    assertThat(json.at("/parameters/masking").asText()).isEqualTo("cnn");
    assertThat(json.at("/parameters/pixel_keeping").asText()).isEqualTo("exact");
    assertThat(json.at("/methods/0/settings/seed").asText()).isEqualTo("5");
    assertThat(json.at("/methods/0/metrics/2/threshold").asDouble()).isEqualTo(33.3);
    assertThat(json.at("/methods/0/metrics/2/value").asDouble())
        .isEqualTo(result.method("random").summary(MetricKey.at("ad", 33.3)).mean());
    assertThat(json.at("/provenance/backbone/name").asText()).isEqualTo("linear");
    assertThat(json.at("/provenance/settings/run").asText()).isEqualTo("runs/a");
    assertThat(json.at("/provenance/program/version").asText()).isNotEmpty();
    assertThat(json.at("/clean_passes").asInt()).isEqualTo(IMAGES);
  }

  @Test
  void laysOutATable() {
    String[] lines = MetricsTable.format(evaluation.run(batches(5), r -> {})).split("\n", -1);
    assertThat(lines).hasSize(4);
    assertThat(lines[0])
        .matches("method +AD\\(100%\\) +IC\\(100%\\) +AD\\(33.3%\\) +IC\\(33.3%\\) +pointing.*FP");
    assertThat(lines[1]).matches("random( +\\d+\\.\\d\\d){6} +0").hasSameSizeAs(lines[0]);
    assertThat(lines[2]).matches("images( +\\d+){6} +").hasSameSizeAs(lines[0]);
  }

  /** Also those of a method that does not count them itself. */
  @Test
  void flatMapsAreCountedWhoeverMadeThem() {
    Explainer flat =
        new Explainer() {
          @Override
          public String name() {
            return "flat";
          }

          @Override
          public Map<String, String> settings() {
            return Map.of();
          }

          @Override
          public SaliencyMaps explain(INDArray images, int[] classes, List<String> names) {
            float[][] maps = new float[classes.length][4];
            maps[0][1] = 1;
            return new SaliencyMaps(2, 2, maps);
          }

          @Override
          public void close() {
            // Holds nothing.
          }
        };
    EvaluationResult result =
        new Evaluation(classifier, List.of(flat, random), List.of(new PointingGame()))
            .run(batches(5), records -> {});
    assertThat(result.method("flat").warnings())
        .isEqualTo(Map.of(MapWarning.FLAT_MAP.sentence(), (long) IMAGES - 2));
    assertThat(result.method("random").warnings()).isEmpty();
  }

  @Test
  void anEvaluationWithoutImagesHasNoNumbers() {
    EvaluationResult result = evaluation.run(List.<ImageBatch>of().iterator(), r -> {});
    assertThat(result.method("random").summary(MetricKey.of("pointing")))
        .isEqualTo(new MethodResult.Summary(Double.NaN, 0));
    assertThat(MetricsTable.format(result)).contains("-");
  }

  @Test
  void refusesMethodsOfTheSameName() {
    assertThatThrownBy(() -> new Evaluation(classifier, List.of(random, random), List.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("share a name");
  }

  @Test
  void namesTheImageThatHasNoProbability() {
    float[] unit = new float[SIDE * SIDE * 3];
    Arrays.fill(unit, Float.NaN);
    ImageBatch broken = ImageBatch.of(List.of("broken.png"), SIDE, unit);
    assertThatThrownBy(() -> evaluation.run(List.of(broken).iterator(), r -> {}))
        .isInstanceOf(NonFiniteException.class)
        .hasMessageContaining(classifier.name() + " was given broken.png, whose pixels hold NaN");
  }

  private static Iterator<ImageBatch> batches(int size) {
    float[] unit = new Lcg(21).next(IMAGES * SIDE * SIDE * 3);
    int length = SIDE * SIDE * 3;
    List<ImageBatch> batches = new ArrayList<>();
    for (int start = 0; start < IMAGES; start += size) {
      int end = Math.min(IMAGES, start + size);
      List<String> names = new ArrayList<>();
      List<List<Box>> boxes = new ArrayList<>();
      for (int b = start; b < end; b++) {
        names.add("a, \"b\" " + b + ".png");
        boxes.add(b % 2 == 0 ? List.of() : List.of(new Box(0, 0, 0, 8, 4), new Box(1, 0, 4, 8, 8)));
      }
      float[] part = Arrays.copyOfRange(unit, start * length, end * length);
      batches.add(new ImageBatch(names, SIDE, part, boxes));
    }
    return batches.iterator();
  }

  private static FrozenClassifier classifier() {
    float[] weights = new Lcg(2).next(SIDE * SIDE * 3 * 3);
    for (int i = 0; i < weights.length; i++) {
      weights[i] -= 0.5f;
    }
    return LinearClassifier.of(InputSpec.imageNet(SIDE), weights, new float[3]);
  }
}
