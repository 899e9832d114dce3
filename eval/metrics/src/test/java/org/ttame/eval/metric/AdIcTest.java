package org.ttame.eval.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.Predictions;
import org.ttame.core.image.InputSpec;
import org.ttame.core.masking.Masking;
import org.ttame.eval.Lcg;
import org.ttame.eval.LinearClassifier;
import org.ttame.eval.explain.SaliencyMaps;

class AdIcTest {
  private static final int SIDE = 8;

  @Test
  void agreesWithTheEquationsInPyTorch() throws IOException {
    JsonNode golden;
    try (InputStream in = AdIcTest.class.getResourceAsStream("ad-ic.json")) {
      golden = new ObjectMapper().readTree(in);
    }
    Lcg lcg = new Lcg(7);
    float[] weights = lcg.next(SIDE * SIDE * 3 * 4);
    for (int i = 0; i < weights.length; i++) {
      weights[i] = weights[i] * 0.5f - 0.25f;
    }
    float[] bias = lcg.next(4);
    ImageBatch images = batch(lcg.next(6 * SIDE * SIDE * 3));
    float[][] raw = new float[6][];
    float[] flat = lcg.next(6 * 9);
    for (int b = 0; b < 6; b++) {
      raw[b] = Arrays.copyOfRange(flat, 9 * b, 9 * b + 9);
    }
    float[][] maps = SaliencyMaps.minMax(3, 3, raw).upsampled(SIDE, SIDE);
    try (FrozenClassifier classifier =
        LinearClassifier.of(InputSpec.imageNet(SIDE), weights, bias)) {
      ScoringBatch scoring = scoring(classifier, images, maps);
      assertThat(scoring.classes()).containsExactly(ints(golden.get("classes")));
      assertThat(scoring.confidences())
          .containsExactly(doubles(golden.get("confidences")), within(1e-5));
      for (JsonNode expected : golden.get("cases")) {
        double percent = expected.get("percent").asDouble();
        AdIc metric =
            new AdIc(
                classifier,
                Masking.parse(expected.get("masking").asText()),
                PixelKeeping.valueOf(expected.get("keeping").asText().toUpperCase(Locale.ROOT)),
                List.of(percent));
        double[][] values = metric.score(scoring);
        double[] ad = Arrays.stream(values).mapToDouble(v -> v[0]).toArray();
        double[] ic = Arrays.stream(values).mapToDouble(v -> v[1]).toArray();
        // Percentages of single-precision passes.
        assertThat(ad)
            .as("%s", expected)
            .containsExactly(doubles(expected.get("ad")), within(2e-3));
        assertThat(ic).as("%s", expected).containsExactly(doubles(expected.get("ic")), within(0.0));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Masking.class)
  void mapsOfOnesNeitherDropNorIncrease(Masking masking) {
    Lcg lcg = new Lcg(3);
    ImageBatch images = batch(lcg.next(5 * SIDE * SIDE * 3));
    try (FrozenClassifier classifier = random(InputSpec.imageNet(SIDE), lcg)) {
      ScoringBatch scoring = scoring(classifier, images, filled(5, 1));
      AdIc metric = new AdIc(classifier, masking, PixelKeeping.EXACT, List.of(100.0));
      for (double[] values : metric.score(scoring)) {
        assertThat(values).containsExactly(0.0, 0.0);
      }
      assertThat(classifier.passes().forward()).isEqualTo(2 * 5);
    }
  }

  /** Black images have the logits of the bias, here zeros: ψ' = 1/K at every threshold. */
  @Test
  void mapsOfZerosLeaveTheBias() {
    Lcg lcg = new Lcg(4);
    ImageBatch images = batch(lcg.next(4 * SIDE * SIDE * 3));
    try (FrozenClassifier classifier = random(LinearClassifier.PLAIN, lcg)) {
      ScoringBatch scoring = scoring(classifier, images, filled(4, 0));
      AdIc metric = new AdIc(classifier, Masking.CNN, PixelKeeping.EXACT, AdIc.PAPER_THRESHOLDS);
      double[][] values = metric.score(scoring);
      for (int b = 0; b < 4; b++) {
        double drop = 100 * (scoring.confidences()[b] - 1 / 3.0) / scoring.confidences()[b];
        for (int t = 0; t < 3; t++) {
          assertThat(values[b][2 * t]).isCloseTo(drop, within(1e-4));
          assertThat(values[b][2 * t + 1]).isZero();
        }
      }
    }
  }

  /**
   * One class is proportional to the left half, the other to the right half: a map of the left half
   * raises the left class, a map of the right half lowers it, and noise lies between.
   */
  @Test
  void ranksPerfectOverRandomOverAdversarialMaps() {
    float[] weights = new float[SIDE * SIDE * 3 * 2];
    for (int p = 0; p < SIDE * SIDE; p++) {
      boolean left = p % SIDE < SIDE / 2;
      for (int c = 0; c < 3; c++) {
        weights[(p * 3 + c) * 2 + (left ? 0 : 1)] = 0.05f;
      }
    }
    Lcg lcg = new Lcg(9);
    int count = 20;
    float[] unit = lcg.next(count * SIDE * SIDE * 3);
    for (int i = 0; i < unit.length; i++) {
      // The left half is brighter, so that every image is of class 0.
      unit[i] *= i / 3 % SIDE < SIDE / 2 ? 1f : 0.5f;
    }
    ImageBatch images = batch(unit);
    try (FrozenClassifier classifier =
        LinearClassifier.of(LinearClassifier.PLAIN, weights, new float[2])) {
      double perfect = meanAd(classifier, images, half(count, true));
      double adversarial = meanAd(classifier, images, half(count, false));
      float[][] noise = new float[count][];
      for (int b = 0; b < count; b++) {
        noise[b] = lcg.next(SIDE * SIDE);
      }
      double random = meanAd(classifier, images, noise);
      assertThat(perfect).isZero();
      assertThat(random).isGreaterThan(perfect).isLessThan(adversarial);
      // By hand: ψ = σ(z), ψ' = σ(z') with z' = −0.05·Σ right half.
      double expected = 0;
      for (int b = 0; b < count; b++) {
        double leftSum = 0;
        double rightSum = 0;
        for (int i = 0; i < SIDE * SIDE * 3; i++) {
          float value = unit[b * SIDE * SIDE * 3 + i];
          if (i / 3 % SIDE < SIDE / 2) {
            leftSum += 0.05f * value;
          } else {
            rightSum += 0.05f * value;
          }
        }
        double clean = sigmoid(leftSum - rightSum);
        expected += 100 * (clean - sigmoid(-rightSum)) / clean / count;
      }
      assertThat(adversarial).isCloseTo(expected, within(1e-3));
    }
  }

  @Test
  void refusesThresholdsWithoutMeaning() {
    try (FrozenClassifier classifier = random(LinearClassifier.PLAIN, new Lcg(1))) {
      assertThatThrownBy(
              () -> new AdIc(classifier, Masking.CNN, PixelKeeping.EXACT, List.of(50.0, 0.0)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("got 0.0");
      assertThatThrownBy(
              () -> new AdIc(classifier, Masking.CNN, PixelKeeping.EXACT, List.of(50.0, 50.0)))
          .hasMessageContaining("named twice");
    }
  }

  private static double meanAd(FrozenClassifier classifier, ImageBatch images, float[][] maps) {
    AdIc metric = new AdIc(classifier, Masking.CNN, PixelKeeping.EXACT, List.of(50.0));
    ScoringBatch scoring = scoring(classifier, images, maps);
    assertThat(scoring.classes()).containsOnly(0);
    return Arrays.stream(metric.score(scoring)).mapToDouble(v -> v[0]).average().orElseThrow();
  }

  private static double sigmoid(double z) {
    return 1 / (1 + Math.exp(-z));
  }

  private static float[][] half(int count, boolean left) {
    float[][] maps = filled(count, 0);
    for (float[] map : maps) {
      for (int p = 0; p < map.length; p++) {
        map[p] = p % SIDE < SIDE / 2 == left ? 1 : 0;
      }
    }
    return maps;
  }

  private static float[][] filled(int count, float value) {
    float[][] maps = new float[count][SIDE * SIDE];
    for (float[] map : maps) {
      Arrays.fill(map, value);
    }
    return maps;
  }

  private static FrozenClassifier random(InputSpec spec, Lcg lcg) {
    float[] weights = lcg.next(SIDE * SIDE * 3 * 3);
    for (int i = 0; i < weights.length; i++) {
      weights[i] -= 0.5f;
    }
    return LinearClassifier.of(spec, weights, new float[3]);
  }

  private static ImageBatch batch(float[] unit) {
    List<String> names = new ArrayList<>();
    for (int b = 0; b < unit.length / (SIDE * SIDE * 3); b++) {
      names.add("image-" + b);
    }
    return ImageBatch.of(names, SIDE, unit);
  }

  private static ScoringBatch scoring(
      FrozenClassifier classifier, ImageBatch images, float[][] maps) {
    try (INDArray input = new MaskedInput(classifier.inputSpec(), Masking.CNN).clean(images);
        ClassifierOutput output = classifier.forward(input, List.of())) {
      int[] classes = output.predictedClasses();
      double[][] probabilities = Predictions.softmax(output.logits());
      double[] confidences = new double[classes.length];
      for (int b = 0; b < classes.length; b++) {
        confidences[b] = probabilities[b][classes[b]];
      }
      return new ScoringBatch(images, classes, confidences, maps);
    }
  }

  private static double[] doubles(JsonNode node) {
    double[] result = new double[node.size()];
    for (int i = 0; i < result.length; i++) {
      result[i] = node.get(i).asDouble();
    }
    return result;
  }

  private static int[] ints(JsonNode node) {
    return Arrays.stream(doubles(node)).mapToInt(v -> (int) v).toArray();
  }
}
