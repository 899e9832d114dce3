package org.ttame.eval.explain;

import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;

/**
 * What a classifier says of one image under many masks, batch by batch: of the masks only a batch
 * is ever there.
 */
final class MaskedPasses {
  private final FrozenClassifier classifier;
  private final int batch;

  MaskedPasses(FrozenClassifier classifier, int batch) {
    if (batch < 1) {
      throw new IllegalArgumentException("A pass needs an image or more, got " + batch);
    }
    this.classifier = classifier;
    this.batch = batch;
  }

  /** Gives masks. */
  interface Source {
    /**
     * Writes a mask.
     *
     * @param number which
     * @param out receives S·S values
     * @param from where in it they begin
     */
    void fill(int number, float[] out, int from);
  }

  /** Takes what came of a batch of masks. */
  interface Sink {
    /**
     * Some masks are done.
     *
     * @param first the first one's number
     * @param count how many
     * @param masks count·S·S values
     * @param logits {@code [count, K]}; closed afterwards
     */
    void take(int first, int count, float[] masks, INDArray logits);
  }

  /**
   * Runs all masks over an image.
   *
   * @param image standardised, {@code [S, S, 3]}; a mask multiplies it
   * @param total how many masks
   */
  void run(float[] image, int total, Source source, Sink sink, PassListener listener) {
    int side = classifier.inputSpec().side();
    int pixels = side * side;
    float[] masks = new float[Math.min(batch, total) * pixels];
    float[] values = new float[masks.length * 3];
    for (int first = 0; first < total; first += batch) {
      int count = Math.min(batch, total - first);
      for (int m = 0; m < count; m++) {
        source.fill(first + m, masks, m * pixels);
        multiply(image, masks, m * pixels, values);
      }
      float[] exact =
          count * pixels * 3 == values.length
              ? values
              : java.util.Arrays.copyOf(values, count * pixels * 3);
      try (INDArray input = LayerMaps.array(exact, classifier.dataType(), count, side, side, 3);
          ClassifierOutput output = classifier.glance(input, List.of())) {
        sink.take(first, count, masks, output.logits());
      }
      listener.passed(first + (long) count, total);
    }
  }

  private static void multiply(float[] image, float[] masks, int from, float[] values) {
    for (int p = 0, at = 3 * from; 3 * p < image.length; p++, at += 3) {
      float mask = masks[from + p];
      values[at] = mask * image[3 * p];
      values[at + 1] = mask * image[3 * p + 1];
      values[at + 2] = mask * image[3 * p + 2];
    }
  }
}
