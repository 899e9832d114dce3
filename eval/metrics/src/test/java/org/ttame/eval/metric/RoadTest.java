package org.ttame.eval.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.Predictions;
import org.ttame.core.masking.Masking;
import org.ttame.eval.Lcg;
import org.ttame.eval.LinearClassifier;

/**
 * A linear classifier that looks at a bright square of nine pixels, a seventh of a dim image: class
 * 0 is there, class 1 is not.
 */
class RoadTest {
  private static final int SIDE = 8;
  private static final int PIXELS = SIDE * SIDE;
  private static final int COUNT = 12;

  @Test
  void ranksPerfectOverRandomOverAdversarialMaps() {
    try (FrozenClassifier classifier = classifier()) {
      ImageBatch images = images();
      double[] perfect = means(classifier, images, maps(true));
      double[] adversarial = means(classifier, images, maps(false));
      double[] random = means(classifier, images, noise());
      int morf = 0;
      int lerf = 1 + Road.PAPER_PERCENTAGES.size();
      assertThat(perfect[morf]).isLessThan(random[morf] - 5);
      assertThat(random[morf]).isLessThan(adversarial[morf] - 5);
      assertThat(perfect[lerf]).isGreaterThan(random[lerf] + 5);
      assertThat(random[lerf]).isGreaterThan(adversarial[lerf] + 5);
      // Most relevant first under one map is least relevant first under its opposite, but for ties.
      assertThat(perfect[morf]).isCloseTo(adversarial[lerf], within(2.0));
    }
  }

  /** What counts is the order of pixels. */
  @Test
  void rescalingAMapChangesNothing() {
    try (FrozenClassifier classifier = classifier()) {
      float[][] maps = noise();
      float[][] rescaled = new float[maps.length][];
      for (int b = 0; b < maps.length; b++) {
        rescaled[b] = new float[PIXELS];
        for (int i = 0; i < PIXELS; i++) {
          rescaled[b][i] = (float) Math.exp(3 * maps[b][i]) - 7;
        }
      }
      Road road = new Road(classifier, List.of(20.0, 60.0), Protocol.PAPER, 1);
      ImageBatch images = images();
      assertThat(road.score(scoring(classifier, images, rescaled)))
          .isDeepEqualTo(road.score(scoring(classifier, images, maps)));
    }
  }

  @Test
  void doesNotDependOnTheBatch() {
    try (FrozenClassifier classifier = classifier()) {
      ImageBatch images = images();
      float[][] maps = noise();
      Road road = new Road(classifier, Road.PAPER_PERCENTAGES, Protocol.PAPER, 1);
      double[][] together = road.score(scoring(classifier, images, maps));
      for (int b = 0; b < COUNT; b++) {
        ImageBatch one = ImageBatch.of(List.of(images.names().get(b)), SIDE, images.image(b));
        double[] alone = road.score(scoring(classifier, one, new float[][] {maps[b]}))[0];
        assertThat(alone).containsExactly(together[b], within(1e-3));
      }
    }
  }

  @Test
  void countsItsPassesAndNamesItsNumbers() {
    try (FrozenClassifier classifier = classifier()) {
      Road road = new Road(classifier, List.of(10.0, 50.0), Protocol.RELEASED, 1);
      assertThat(road.keys().stream().map(MetricKey::column))
          .containsExactly("morf", "morf_10", "morf_50", "lerf", "lerf_10", "lerf_50");
      ScoringBatch scoring = scoring(classifier, images(), maps(true));
      long before = classifier.passes().forward();
      double[][] values = road.score(scoring);
      assertThat(classifier.passes().forward() - before).isEqualTo(4L * COUNT);
      for (double[] row : values) {
        // The same answer, or another.
        assertThat(row[1]).isIn(0.0, 100.0);
        assertThat(row[0]).isCloseTo((row[1] + row[2]) / 2, within(1e-9));
      }
      // At 50 % the square is gone under most relevant first.
      assertThat(Arrays.stream(values).mapToDouble(row -> row[2])).containsOnly(0.0);
      assertThat(Arrays.stream(values).mapToDouble(row -> row[5])).containsOnly(100.0);
    }
  }

  @Test
  void removesExactlyAsManyPixelsAsAsked() {
    float[] flat = new float[1000];
    for (double percent : new double[] {0, 0.04, 0.05, 10, 33.3, 99.96, 100}) {
      boolean[] removed = RemovalOrder.first(RemovalOrder.MORF.order(flat), percent);
      assertThat(IntStream.range(0, 1000).filter(i -> removed[i]).count())
          .isEqualTo(Math.round(percent * 10));
    }
    float[] map = {0.5f, -1, 0.5f, 2, -0f, 0};
    assertThat(RemovalOrder.MORF.order(map)).containsExactly(3, 0, 2, 4, 5, 1);
    assertThat(RemovalOrder.LERF.order(map)).containsExactly(1, 4, 5, 0, 2, 3);
    map[2] = Float.NaN;
    assertThatThrownBy(() -> RemovalOrder.LERF.order(map)).hasMessageContaining("NaN");
  }

  @Test
  void refusesPercentagesOutsideTheImage() {
    try (FrozenClassifier classifier = classifier()) {
      for (List<Double> wrong :
          List.of(List.<Double>of(), List.of(0.0), List.of(100.0), List.of(10.0, 10.0))) {
        assertThatThrownBy(() -> new Road(classifier, wrong, Protocol.PAPER, 1))
            .isInstanceOf(IllegalArgumentException.class);
      }
    }
  }

  private static boolean isSquare(int pixel) {
    int y = pixel / SIDE;
    int x = pixel % SIDE;
    return y >= 2 && y < 5 && x >= 3 && x < 6;
  }

  private static FrozenClassifier classifier() {
    float[] weights = new float[PIXELS * 3 * 2];
    for (int p = 0; p < PIXELS; p++) {
      for (int c = 0; c < 3; c++) {
        weights[(p * 3 + c) * 2] = isSquare(p) ? 0.25f : 0;
      }
    }
    return LinearClassifier.of(LinearClassifier.PLAIN, weights, new float[] {-3, 0});
  }

  private static ImageBatch images() {
    float[] unit = new Lcg(11).next(COUNT * PIXELS * 3);
    for (int i = 0; i < unit.length; i++) {
      unit[i] = unit[i] * 0.1f + (isSquare(i / 3 % PIXELS) ? 0.85f : 0.1f);
    }
    List<String> names = new ArrayList<>();
    IntStream.range(0, COUNT).forEach(b -> names.add("image-" + b));
    return ImageBatch.of(names, SIDE, unit);
  }

  private static float[][] maps(boolean right) {
    float[] map = new float[PIXELS];
    for (int p = 0; p < PIXELS; p++) {
      map[p] = isSquare(p) == right ? 1 : 0;
    }
    return IntStream.range(0, COUNT).mapToObj(b -> map.clone()).toArray(float[][]::new);
  }

  private static float[][] noise() {
    Lcg lcg = new Lcg(5);
    return IntStream.range(0, COUNT).mapToObj(b -> lcg.next(PIXELS)).toArray(float[][]::new);
  }

  private static double[] means(FrozenClassifier classifier, ImageBatch images, float[][] maps) {
    double[][] values =
        new Road(classifier, Road.PAPER_PERCENTAGES, Protocol.PAPER, 3)
            .score(scoring(classifier, images, maps));
    return IntStream.range(0, values[0].length)
        .mapToDouble(k -> Arrays.stream(values).mapToDouble(row -> row[k]).average().orElseThrow())
        .toArray();
  }

  private static ScoringBatch scoring(
      FrozenClassifier classifier, ImageBatch images, float[][] maps) {
    MaskedInput input = new MaskedInput(classifier.inputSpec(), Masking.CNN);
    try (INDArray clean = input.clean(images);
        ClassifierOutput output = classifier.forward(clean, List.of())) {
      int[] classes = output.predictedClasses();
      double[][] probabilities = Predictions.softmax(output.logits());
      double[] confidences = new double[classes.length];
      for (int b = 0; b < classes.length; b++) {
        confidences[b] = probabilities[b][classes[b]];
      }
      return new ScoringBatch(images, classes, confidences, maps);
    }
  }
}
