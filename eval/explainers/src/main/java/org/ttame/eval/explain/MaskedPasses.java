package org.ttame.eval.explain;

import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.image.InputSpec;

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
    /** Writes the H·W values of a mask into {@code out}. */
    void fill(int number, float[] out, int from);
  }

  /** Takes what came of a batch of masks. */
  interface Sink {
    /**
     * So many masks from {@code first} on, H·W values each, are done; the output of their images is
     * closed afterwards.
     */
    void take(int first, int count, float[] masks, ClassifierOutput output);
  }

  /** Runs so many masks over a standardised image, {@code [H, W, C]}, which they multiply. */
  void run(float[] image, int total, Source source, Sink sink, PassListener listener) {
    InputSpec spec = classifier.inputSpec();
    int pixels = spec.pixels();
    int channels = spec.channels();
    float[] masks = new float[Math.min(batch, total) * pixels];
    float[] values = new float[masks.length * channels];
    for (int first = 0; first < total; first += batch) {
      int count = Math.min(batch, total - first);
      for (int m = 0; m < count; m++) {
        source.fill(first + m, masks, m * pixels);
        multiply(image, masks, m * pixels, channels, values);
      }
      float[] exact =
          count * spec.values() == values.length
              ? values
              : java.util.Arrays.copyOf(values, count * spec.values());
      try (INDArray input = LayerMaps.array(exact, classifier.dataType(), spec.shape(count));
          ClassifierOutput output = classifier.forwardBorrowed(input, List.of())) {
        sink.take(first, count, masks, output);
      }
      listener.passed(first + (long) count, total);
    }
  }

  private static void multiply(
      float[] image, float[] masks, int from, int channels, float[] values) {
    for (int i = 0, p = from, at = channels * from; i < image.length; p++) {
      float mask = masks[p];
      for (int c = 0; c < channels; c++, i++, at++) {
        values[at] = mask * image[i];
      }
    }
  }
}
