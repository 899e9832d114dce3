package org.ttame.eval.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.Predictions;
import org.ttame.core.image.InputSpec;
import org.ttame.core.masking.Masking;
import org.ttame.eval.Lcg;
import org.ttame.eval.LinearClassifier;

class InsertionDeletionTest {
  private static final int SIDE = 16;
  private static final int CLASSES = 4;
  private static final int IMAGES = 3;

  @Test
  void agreesWithRisesDefinition() throws IOException {
    JsonNode golden;
    try (InputStream in = InsertionDeletionTest.class.getResourceAsStream("insertion.json")) {
      golden = new ObjectMapper().readTree(in);
    }
    Lcg lcg = new Lcg(11);
    float[] weights = lcg.next(SIDE * SIDE * 3 * CLASSES);
    for (int i = 0; i < weights.length; i++) {
      weights[i] = weights[i] * 0.0625f - 0.03125f;
    }
    float[] bias = lcg.next(CLASSES);
    ImageBatch images = batch(lcg.next(IMAGES * SIDE * SIDE * 3));
    float[][] maps = maps(lcg.next(IMAGES * SIDE * SIDE));
    try (FrozenClassifier classifier =
        LinearClassifier.of(InputSpec.imageNet(SIDE), weights, bias)) {
      ScoringBatch scoring = scoring(classifier, images, maps);
      double[][] values = new InsertionDeletion(classifier).score(scoring);
      for (int b = 0; b < IMAGES; b++) {
        assertThat(scoring.classes()[b]).isEqualTo(golden.get("classes").get(b).asInt());
        // Percent, of single-precision passes.
        assertThat(values[b][0]).isCloseTo(golden.get("insertion").get(b).asDouble(), within(1e-3));
        assertThat(values[b][1]).isCloseTo(golden.get("deletion").get(b).asDouble(), within(1e-3));
      }
    }
  }

  /**
   * By how much each pixel speaks for the class, in that order: nothing inserts or deletes more.
   */
  @Test
  void perfectMapsLeadRandomOnesAndThoseAdversarialOnes() {
    InputSpec spec = LinearClassifier.plain(SIDE);
    int pixels = SIDE * SIDE;
    Lcg lcg = new Lcg(3);
    float[] unit = lcg.next(pixels * 3);
    float[] weights = new float[pixels * 3 * 2];
    float[] signs = lcg.next(pixels * 3);
    float[] perfect = new float[pixels];
    for (int i = 0; i < pixels * 3; i++) {
      weights[2 * i] = 0.1f * (signs[i] - 0.3f);
      perfect[i / 3] += weights[2 * i] * unit[i];
    }
    float[] adversarial = new float[pixels];
    for (int i = 0; i < pixels; i++) {
      adversarial[i] = -perfect[i];
    }
    float[] random = lcg.next(pixels);
    ImageBatch images = batch(unit);
    try (FrozenClassifier classifier = LinearClassifier.of(spec, weights, new float[2])) {
      List<double[]> found = new ArrayList<>();
      long before = classifier.passes().forward();
      for (float[] map : List.of(perfect, random, adversarial)) {
        ScoringBatch scoring = scoring(classifier, images, new float[][] {map});
        assertThat(scoring.classes()).containsExactly(0);
        found.add(new InsertionDeletion(classifier).score(scoring)[0]);
      }
      assertThat(classifier.passes().forward() - before).isEqualTo(3 * (1 + 2 * SIDE));
      assertThat(found.get(0)[0]).isGreaterThan(found.get(1)[0]);
      assertThat(found.get(1)[0]).isGreaterThan(found.get(2)[0]);
      assertThat(found.get(0)[1]).isLessThan(found.get(1)[1]);
      assertThat(found.get(1)[1]).isLessThan(found.get(2)[1]);
    }
  }

  private static float[][] maps(float[] values) {
    float[][] maps = new float[values.length / (SIDE * SIDE)][];
    for (int b = 0; b < maps.length; b++) {
      maps[b] = java.util.Arrays.copyOfRange(values, b * SIDE * SIDE, (b + 1) * SIDE * SIDE);
    }
    return maps;
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
}
