package org.ttame.eval.metric;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.image.Standardizer;

/**
 * Insertion and deletion (Petsiuk et al. 2018, RISE): how the probability of the model truth falls
 * as pixels go, the most relevant first, and rises as they come back to a blurred image.
 *
 * <p>A row's number of pixels a step, so S steps of S pixels of an S×S image. Deleted pixels become
 * zero on the standardised image, the mean colour. Insertion begins with the image under an 11×11
 * Gaussian of σ 5 with zeros outside. A number is 100 times the area under the curve, by the
 * trapezoid rule over the share of pixels. Pixels of equal relevance go by place. Costs two passes
 * a row of the image: the clean image's probability is known.
 */
public final class InsertionDeletion implements Metric {
  private static final int WINDOW = 11;
  private static final double SIGMA = 5;

  /** How far the reference's Gaussian reaches, in σ. */
  private static final int REACH = 4;

  private static final float[] KERNEL = kernel();

  private final FrozenClassifier classifier;

  /**
   * Both for a classifier.
   *
   * @param classifier what is explained; stays the caller's
   */
  public InsertionDeletion(FrozenClassifier classifier) {
    this.classifier = Objects.requireNonNull(classifier, "classifier");
  }

  @Override
  public List<MetricKey> keys() {
    return List.of(MetricKey.of("insertion"), MetricKey.of("deletion"));
  }

  @Override
  public double[][] score(ScoringBatch batch) {
    ImageBatch images = batch.images();
    int size = images.size();
    int channels = images.channels();
    float[] clean = new Standardizer(classifier.inputSpec()).apply(images.unit());
    int[][] orders = new int[size][];
    for (int b = 0; b < size; b++) {
      orders[b] = RemovalOrder.MORF.order(batch.maps()[b]);
    }
    double[] insertion = new double[size];
    double[] deletion = new double[size];
    float[] rising = blurred(clean, images);
    float[] falling = clean.clone();
    add(insertion, probabilities(batch, rising), 0.5);
    add(deletion, batch.confidences(), 0.5);
    int steps = images.height();
    for (int step = 1; step <= steps; step++) {
      for (int b = 0; b < size; b++) {
        int image = b * images.pixels();
        for (int i = (step - 1) * images.width(); i < step * images.width(); i++) {
          int at = channels * (image + orders[b][i]);
          System.arraycopy(clean, at, rising, at, channels);
          Arrays.fill(falling, at, at + channels, 0);
        }
      }
      boolean last = step == steps;
      add(insertion, last ? batch.confidences() : probabilities(batch, rising), last ? 0.5 : 1);
      add(deletion, probabilities(batch, falling), last ? 0.5 : 1);
    }
    double[][] values = new double[size][];
    for (int b = 0; b < size; b++) {
      values[b] = new double[] {100 * insertion[b] / steps, 100 * deletion[b] / steps};
    }
    return values;
  }

  @Override
  public Map<String, String> parameters() {
    Map<String, String> parameters = new LinkedHashMap<>();
    parameters.put("insertion_from", "blurred image, 11×11, sigma 5");
    parameters.put("deletion_to", "mean colour");
    parameters.put("insertion_deletion_pixels_a_step", "the image's side");
    return parameters;
  }

  private static void add(double[] sums, double[] values, double weight) {
    for (int b = 0; b < sums.length; b++) {
      sums[b] += weight * values[b];
    }
  }

  private double[] probabilities(ScoringBatch batch, float[] images) {
    try (INDArray input = Nd4j.create(images, batch.images().shape(), 'c');
        ClassifierOutput output = classifier.forward(input, List.of())) {
      return output.probabilities(batch.classes());
    }
  }

  /** Rows, then columns: the window is a product. */
  private static float[] blurred(float[] values, ImageBatch images) {
    int height = images.height();
    int row = images.width() * images.channels();
    float[] rows = new float[values.length];
    float[] both = new float[values.length];
    convolve(values, rows, images.size() * height, images.width(), images.channels());
    for (int b = 0; b < images.size(); b++) {
      // Columns of all of a row's values at once.
      int from = b * height * row;
      float[] image = Arrays.copyOfRange(rows, from, from + height * row);
      float[] result = new float[image.length];
      convolve(image, result, 1, height, row);
      System.arraycopy(result, 0, both, from, result.length);
    }
    return both;
  }

  /**
   * Convolves along the middle axis of {@code [count, length, inner]}, zeros outside; {@code to} is
   * zero before.
   */
  private static void convolve(float[] from, float[] to, int count, int length, int inner) {
    int half = WINDOW / 2;
    for (int n = 0; n < count; n++) {
      for (int i = 0; i < length; i++) {
        int target = (n * length + i) * inner;
        for (int k = Math.max(0, i - half); k <= Math.min(length - 1, i + half); k++) {
          float weight = KERNEL[k - i + half];
          int source = (n * length + k) * inner;
          for (int c = 0; c < inner; c++) {
            to[target + c] += weight * from[source + c];
          }
        }
      }
    }
  }

  /**
   * The reference's window: a point blurred by a Gaussian of σ 5 that is reflected at the window's
   * borders, so that its sum is 1.
   */
  private static float[] kernel() {
    double[] window = new double[WINDOW];
    int reach = (int) (REACH * SIGMA);
    double sum = 0;
    for (int d = -reach; d <= reach; d++) {
      double weight = Math.exp(-d * d / (2 * SIGMA * SIGMA));
      int at = Math.floorMod(WINDOW / 2 + d, 2 * WINDOW);
      window[at < WINDOW ? at : 2 * WINDOW - 1 - at] += weight;
      sum += weight;
    }
    float[] kernel = new float[WINDOW];
    for (int i = 0; i < WINDOW; i++) {
      kernel[i] = (float) (window[i] / sum);
    }
    return kernel;
  }
}
