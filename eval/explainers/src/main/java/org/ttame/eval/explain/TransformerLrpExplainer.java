package org.ttame.eval.explain;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.ttame.core.Text;
import org.ttame.core.classifier.AttentionBlock;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.LinearLayer;
import org.ttame.core.classifier.Transformer;
import org.ttame.core.engine.GraphResult;

/**
 * Transformer LRP (Chefer et al. 2021): relevance of the class's logit goes backwards through all
 * blocks ({@link RelevanceRules}); at each attention A its relevance R meets the logit's gradient
 * in mean_h relu(∇A ⊙ R); the product of I + those, from the last block to the first, says in its
 * class token's row what each patch has given. One pass forwards and one backwards an image; the
 * way of the relevance is none of the classifier's.
 *
 * <p>Relevance is divided by sums that may come close to zero, where both signs of it become large
 * and cancel: single precision is then good for the second digit of a map only.
 */
public final class TransformerLrpExplainer extends CountingExplainer {
  /** The name in tables and files. */
  public static final String NAME = ExplanationMethod.TRANSFORMER_LRP.optionName();

  /** Images whose activations are there at a time: those of all blocks take much memory. */
  private static final int MOST_IMAGES = 4;

  private final FrozenClassifier classifier;
  private final Transformer transformer;
  private final DataType type;
  private final BlockRelevance relevance;

  /**
   * Transformer LRP for a vision transformer.
   *
   * @param classifier stays the caller's
   * @throws IllegalArgumentException if it is none
   */
  public TransformerLrpExplainer(FrozenClassifier classifier) {
    super(NAME);
    this.classifier = classifier;
    transformer =
        classifier
            .transformer()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        Text.format(
                            "Transformer LRP follows attention from block to block, and %s has none:"
                                + " it explains vision transformers only; take another method",
                            classifier.name())));
    type = classifier.graph().getVariable(classifier.logitsName()).dataType();
    relevance = new BlockRelevance(transformer, type);
  }

  @Override
  public Map<String, String> settings() {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("target", "logit");
    settings.put("alpha", "1");
    settings.put("rollout", "I + cam, rows as they are");
    return settings;
  }

  @Override
  public SaliencyMaps explain(INDArray images, int[] classes, List<String> names) {
    float[][] maps = new float[classes.length][];
    for (int first = 0; first < classes.length; first += MOST_IMAGES) {
      int end = Math.min(first + MOST_IMAGES, classes.length);
      INDArray some = images.get(NDArrayIndex.interval(first, end));
      float[][] part = explain(some, Arrays.copyOfRange(classes, first, end));
      System.arraycopy(part, 0, maps, first, part.length);
    }
    int grid = transformer.grid();
    return LayerMaps.atImageSize(grid, grid, classifier.inputSpec(), maps, warnings);
  }

  private float[][] explain(INDArray images, int[] classes) {
    List<AttentionBlock> blocks = transformer.blocks();
    List<String> outputs = new ArrayList<>(List.of(transformer.head().input()));
    blocks.forEach(block -> outputs.addAll(BlockRelevance.variables(block)));
    List<String> attentions = blocks.stream().map(AttentionBlock::probabilities).toList();
    int tokens = transformer.tokens();
    List<List<float[]>> cams = new ArrayList<>();
    try (GraphResult pass =
        classifier.logitGradients(
            Map.of(classifier.inputName(), images), classes, outputs, attentions)) {
      INDArray next = atClassToken(pass.output(transformer.head().input()), classes);
      for (int l = blocks.size() - 1; l >= 0; l--) {
        try (INDArray output = next;
            GraphResult through = relevance.run(blocks.get(l), classifier.graph(), pass, output)) {
          next = through.detachOutput(BlockRelevance.INPUT);
          cams.add(0, split(through.output(BlockRelevance.ATTENTION), classes.length));
        }
      }
      next.close();
    }
    float[][] maps = new float[classes.length][];
    for (int b = 0; b < maps.length; b++) {
      int image = b;
      List<float[]> own = cams.stream().map(cam -> cam.get(image)).toList();
      maps[b] = Rollout.classTokenRow(own, tokens, false);
    }
    return maps;
  }

  private static List<float[]> split(INDArray cam, int count) {
    float[] all = LayerMaps.values(cam);
    int length = all.length / count;
    List<float[]> parts = new ArrayList<>();
    for (int b = 0; b < count; b++) {
      parts.add(Arrays.copyOfRange(all, b * length, (b + 1) * length));
    }
    return parts;
  }

  /**
   * A relevance of one at the class's logit, back through the head: the rule of linear layers for
   * one output. Normalisation passes it on, and the other tokens get nothing.
   */
  private INDArray atClassToken(INDArray inputs, int[] classes) {
    LinearLayer head = transformer.head();
    INDArray weight = classifier.graph().getVariable(head.weight()).getArr();
    int width = transformer.width();
    int length = transformer.tokens() * width;
    double[] relevance = new double[classes.length * length];
    for (int b = 0; b < classes.length; b++) {
      // Of a single logit z, class 0's is -z.
      boolean single = weight.size(1) == 1;
      int column = single ? 0 : classes[b];
      double sign = single && classes[b] == 0 ? -1 : 1;
      double[] shares = new double[width];
      double sum = 0;
      for (int i = 0; i < width; i++) {
        shares[i] = Math.max(sign * inputs.getDouble(b, i) * weight.getDouble(i, column), 0);
        sum += shares[i];
      }
      for (int i = 0; i < width; i++) {
        relevance[b * length + i] = shares[i] / (sum + RelevanceRules.GUARD);
      }
    }
    INDArray result = Nd4j.create(type, classes.length, transformer.tokens(), width);
    result.data().setData(relevance);
    return result;
  }

  @Override
  public void close() {
    relevance.close();
  }
}
