package org.ttame.eval.explain;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.Text;
import org.ttame.core.classifier.FeatureKind;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.LayerGradients;
import org.ttame.core.engine.GraphResult;
import org.ttame.core.image.InputSpec;

/**
 * Iterated Integrated Attributions (Barkan et al. 2023) of a convolutional network: the inputs x_i
 * = (i/10)·x, i = 0…10, are integrated over, and within each of them a layer's activations A; see
 * {@link Form}. A transformer has {@link TransformerIiaExplainer}.
 */
public final class IiaExplainer extends CountingExplainer {
  private static final int STEPS = 10;

  /** What is integrated; y is the class's logit. */
  public enum Form {
    /**
     * As published: Σ_i Σ_k Σ_c relu(A_c(x_i) − A_c(x_0))·∂y/∂A_c at A(x_0) + (k/10)·(A(x_i) −
     * A(x_0)), k = 1…10, upsampled by a bicubic spline and scaled to [0,1]. The baseline is what
     * the layer gives for x_0 = 0, the mean colour. 11 passes forwards, and 100 from the layer on,
     * forwards and back to it.
     */
    PAPER(ExplanationMethod.IIA.optionName()),

    /**
     * What its program reduces to: Σ_i Σ_c relu(A_c(x_i))·∂y/∂A_c(x_i), finished as maps of the CAM
     * family. 11 passes forwards and backwards.
     */
    RELEASED(ExplanationMethod.IIA_RELEASED.optionName());

    private final String methodName;

    Form(String methodName) {
      this.methodName = methodName;
    }

    /** The name in tables and files. */
    public String methodName() {
      return methodName;
    }
  }

  private final FrozenClassifier classifier;
  private final FeatureLayer layer;
  private final Form form;
  private final PassListener listener;

  /**
   * IIA for a convolutional network.
   *
   * @param classifier stays the caller's
   * @param layer whose activations are integrated over; see {@link FrozenClassifier#camLayer}
   * @param form which form
   * @param listener is notified of each pass that gives a gradient
   * @throws IllegalArgumentException if the layer gives tokens
   */
  public IiaExplainer(
      FrozenClassifier classifier, FeatureLayer layer, Form form, PassListener listener) {
    super(form.methodName());
    if (layer.kind() == FeatureKind.TOKENS) {
      throw new IllegalArgumentException(
          Text.format(
              "This form of IIA integrates over maps of convolutional networks, and layer %s of %s"
                  + " gives tokens; transformers have a form of their own",
              layer.node(), classifier.name()));
    }
    this.classifier = classifier;
    this.layer = layer;
    this.form = form;
    this.listener = listener;
  }

  /**
   * IIA as it is defined for a classifier's kind.
   *
   * @param classifier stays the caller's
   * @param layer what is integrated over; of a transformer, the attention of the block it is of
   * @param form which form
   * @param listener is notified of each pass that gives a gradient
   * @return {@link IiaExplainer} or {@link TransformerIiaExplainer}
   */
  public static Explainer of(
      FrozenClassifier classifier, FeatureLayer layer, Form form, PassListener listener) {
    return classifier.transformer().isPresent()
        ? new TransformerIiaExplainer(classifier, layer, form, listener)
        : new IiaExplainer(classifier, layer, form, listener);
  }

  @Override
  public Map<String, String> settings() {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("layer", layer.node());
    settings.put("target", "logit");
    settings.put("form", form == Form.PAPER ? "paper" : "released");
    settings.put("inputs", String.valueOf(STEPS + 1));
    if (form == Form.PAPER) {
      settings.put("activation_steps", String.valueOf(STEPS));
      settings.put("baseline", "activations of the mean colour");
    }
    return settings;
  }

  @Override
  public SaliencyMaps explain(INDArray images, int[] classes, List<String> names) {
    double[] sums = form == Form.PAPER ? paper(images, classes) : released(images, classes);
    int height = layer.height();
    int width = layer.width();
    int pixels = height * width;
    InputSpec image = classifier.inputSpec();
    float[][] maps = new float[classes.length][];
    for (int b = 0; b < maps.length; b++) {
      double[] map = java.util.Arrays.copyOfRange(sums, b * pixels, (b + 1) * pixels);
      for (int p = 0; p < pixels; p++) {
        map[p] = warnings.finite(map[p]);
      }
      maps[b] =
          form == Form.PAPER
              ? Bicubic.upsample(map, height, width, image.height(), image.width())
              : rounded(map);
    }
    return form == Form.PAPER
        ? warnings.minMax(image.height(), image.width(), maps)
        : LayerMaps.atImageSize(layer, image, maps, warnings);
  }

  private double[] released(INDArray images, int[] classes) {
    double[] sums = new double[classes.length * layer.height() * layer.width()];
    for (int i = 0; i <= STEPS; i++) {
      try (INDArray part = images.mul(i / (double) STEPS);
          LayerGradients pass = classifier.logitGradients(part, classes, List.of(layer))) {
        add(pass.features().get(0), pass.gradients().get(0), sums);
      }
      listener.passed(i + 1L, STEPS + 1L);
    }
    return sums;
  }

  /** The first input is the baseline itself: its activations differ from it by nothing. */
  private double[] paper(INDArray images, int[] classes) {
    double[] sums = new double[classes.length * layer.height() * layer.width()];
    String variable = layer.variable();
    try (INDArray none = images.mul(0);
        GraphResult start = classifier.inside(none, List.of(variable))) {
      INDArray baseline = start.output(variable);
      for (int i = 1; i <= STEPS; i++) {
        try (INDArray part = images.mul(i / (double) STEPS);
            GraphResult end = classifier.inside(part, List.of(variable));
            INDArray difference = end.output(variable).sub(baseline)) {
          for (int k = 1; k <= STEPS; k++) {
            addAt(part, baseline, difference, k / (double) STEPS, classes, sums);
            listener.passed(STEPS * (i - 1L) + k, (long) STEPS * STEPS);
          }
        }
      }
    }
    return sums;
  }

  private void addAt(
      INDArray images,
      INDArray baseline,
      INDArray difference,
      double scale,
      int[] classes,
      double[] sums) {
    String variable = layer.variable();
    try (INDArray activations = difference.mul(scale);
        GraphResult tail =
            classifier.logitGradients(
                Map.of(classifier.inputName(), images, variable, activations.addi(baseline)),
                classes,
                List.of(),
                List.of(variable))) {
      add(difference, tail.gradient(variable), sums);
    }
  }

  /** Σ_c relu(a_c)·g_c: channels come last, each run of C values is one pixel of one image. */
  private void add(INDArray activations, INDArray gradients, double[] sums) {
    float[] a = LayerMaps.values(activations);
    float[] g = LayerMaps.values(gradients);
    int channels = layer.channels();
    for (int p = 0, at = 0; p < sums.length; p++) {
      for (int c = 0; c < channels; c++, at++) {
        sums[p] += Math.max(a[at], 0) * (double) g[at];
      }
    }
  }

  private static float[] rounded(double[] values) {
    float[] result = new float[values.length];
    for (int i = 0; i < result.length; i++) {
      result[i] = (float) values[i];
    }
    return result;
  }

  /**
   * Bicubic upsampling with half-pixel centres: PyTorch's {@code interpolate(mode="bicubic",
   * align_corners=False)}, Keys' kernel with a = −0.75, edge pixels repeated.
   */
  private static final class Bicubic {
    private static final double A = -0.75;

    private Bicubic() {}

    /**
     * Upsamples a map of h·w values, row by row, to H·W; they may lie a little beyond its smallest
     * and largest.
     */
    static float[] upsample(double[] map, int height, int width, int rows, int columns) {
      double[] lines = new double[height * columns];
      for (int x = 0; x < columns; x++) {
        double[] taps = taps(width, columns, x);
        int from = (int) taps[4];
        for (int y = 0; y < height; y++) {
          double sum = 0;
          for (int t = 0; t < 4; t++) {
            sum += taps[t] * map[y * width + clamp(from + t, width)];
          }
          lines[y * columns + x] = sum;
        }
      }
      float[] large = new float[rows * columns];
      for (int y = 0; y < rows; y++) {
        double[] taps = taps(height, rows, y);
        int from = (int) taps[4];
        for (int x = 0; x < columns; x++) {
          double sum = 0;
          for (int t = 0; t < 4; t++) {
            sum += taps[t] * lines[clamp(from + t, height) * columns + x];
          }
          large[y * columns + x] = (float) sum;
        }
      }
      return large;
    }

    /** Four weights, then where the first of them lies. */
    private static double[] taps(int from, int to, int place) {
      double centre = (place + 0.5) * from / to - 0.5;
      double floor = Math.floor(centre);
      double t = centre - floor;
      return new double[] {far(1 + t), near(t), near(1 - t), far(2 - t), floor - 1};
    }

    /** The kernel at distances up to one. */
    private static double near(double d) {
      return ((A + 2) * d - (A + 3)) * d * d + 1;
    }

    /** And from one to two. */
    private static double far(double d) {
      return ((A * d - 5 * A) * d + 8 * A) * d - 4 * A;
    }

    private static int clamp(int place, int size) {
      return Math.min(Math.max(place, 0), size - 1);
    }
  }
}
