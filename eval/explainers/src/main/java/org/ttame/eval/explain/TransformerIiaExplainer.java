package org.ttame.eval.explain;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.Text;
import org.ttame.core.classifier.AttentionBlock;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.Transformer;
import org.ttame.core.engine.GraphResult;

/**
 * Iterated Integrated Attributions (Barkan et al. 2023) of a vision transformer: inputs x_i =
 * (i/5)·x, i = 0…5, and for each a block's attention A scaled by j/5, j = 0…5; relu(∇A ⊙ A), A as
 * scaled and ∇A the gradient of the class's logit there, averaged over heads, scales and inputs;
 * that, with the identity added and rows divided by their sums, in its class token's row.
 *
 * <p>A scale of zero adds zero and is not run. Each input goes through the network once, and from
 * that attention on five times more, back to it as well: 36 passes forwards, 30 backwards.
 *
 * <p>Paper and published program are told apart for convolutional networks only ({@link
 * IiaExplainer.Form}); for transformers this is the form of both.
 */
public final class TransformerIiaExplainer extends CountingExplainer {
  private static final int STEPS = 5;

  private final FrozenClassifier classifier;
  private final Transformer transformer;
  private final AttentionBlock block;
  private final PassListener listener;

  /**
   * IIA for a vision transformer.
   *
   * @param classifier stays the caller's
   * @param layer of the block whose attention is read: its output, or one within it
   * @param form whose name to go by
   * @param listener is notified of each pass that gives a gradient
   * @throws IllegalArgumentException if it is none, or the layer is of no block
   */
  public TransformerIiaExplainer(
      FrozenClassifier classifier,
      FeatureLayer layer,
      IiaExplainer.Form form,
      PassListener listener) {
    super(form.methodName());
    this.listener = listener;
    this.classifier = classifier;
    transformer =
        classifier
            .transformer()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        Text.format(
                            "This form of IIA integrates over attention, and %s has none;"
                                + " convolutional networks have a form of their own",
                            classifier.name())));
    block =
        transformer.blocks().stream()
            .filter(own -> (layer.node() + ".").startsWith(own.output() + "."))
            .findFirst()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        Text.format(
                            "IIA reads the attention of a block, and layer %s of %s is of none;"
                                + " take a block's output or its ln_1",
                            layer.node(), classifier.name())));
  }

  @Override
  public Map<String, String> settings() {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("target", "logit");
    settings.put("attention", block.probabilities());
    settings.put("inputs", String.valueOf(STEPS + 1));
    settings.put("attention_scales", String.valueOf(STEPS + 1));
    return settings;
  }

  @Override
  public SaliencyMaps explain(INDArray images, int[] classes, List<String> names) {
    int tokens = transformer.tokens();
    double[][] sums = new double[classes.length][tokens * tokens];
    List<String> kept = List.of(block.input(), block.value().output(), block.probabilities());
    for (int i = 0; i <= STEPS; i++) {
      try (INDArray part = images.mul(i / (double) STEPS);
          GraphResult inside = classifier.inside(part, kept)) {
        for (int j = 1; j <= STEPS; j++) {
          add(inside, j / (double) STEPS, classes, sums);
          listener.passed((long) STEPS * i + j, STEPS * (STEPS + 1L));
        }
      }
    }
    double count = (STEPS + 1.0) * (STEPS + 1) * transformer.heads();
    float[][] maps = new float[classes.length][];
    for (int b = 0; b < maps.length; b++) {
      float[] mean = new float[tokens * tokens];
      for (int p = 0; p < mean.length; p++) {
        mean[p] = (float) (sums[b][p] / count);
      }
      maps[b] = Rollout.classTokenRow(List.of(mean), tokens, true);
    }
    int grid = transformer.grid();
    return LayerMaps.atImageSize(grid, grid, classifier.inputSpec(), maps, warnings);
  }

  /** Runs the network from the scaled attention on. */
  private void add(GraphResult inside, double scale, int[] classes, double[][] sums) {
    String attention = block.probabilities();
    try (INDArray scaled = inside.output(attention).mul(scale);
        GraphResult tail =
            classifier.logitGradients(
                Map.of(
                    block.input(),
                    inside.output(block.input()),
                    block.value().output(),
                    inside.output(block.value().output()),
                    attention,
                    scaled),
                classes,
                List.of(),
                List.of(attention))) {
      float[] values = LayerMaps.values(scaled);
      float[] gradients = LayerMaps.values(tail.gradient(attention));
      int length = sums[0].length;
      for (int at = 0; at < values.length; at++) {
        int image = at / (length * transformer.heads());
        sums[image][at % length] += Math.max(values[at] * (double) gradients[at], 0);
      }
    }
  }
}
