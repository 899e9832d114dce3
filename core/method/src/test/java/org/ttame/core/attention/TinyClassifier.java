package org.ttame.core.attention;

import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.classifier.FeatureKind;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.image.InputSpec;

/** A made-up classifier of 8×8 images with a 4×4 map, a 2×2 map and a token sequence. */
public final class TinyClassifier {
  public static final int SIDE = 8;
  public static final int CLASSES = 5;

  private TinyClassifier() {}

  public static FrozenClassifier create() {
    SameDiff graph = SameDiff.create();
    SDVariable image = graph.placeHolder("image", DataType.FLOAT, -1, SIDE, SIDE, 3);
    // Patches of 2×2 pixels as rows.
    SDVariable patches = image.reshape(-1, 4, 2, 4, 6).permute(0, 1, 3, 2, 4).reshape(-1, 12);
    SDVariable early = graph.nn().relu(graph.mmul(patches, weight(graph, "w1", 12, 4)), 0);
    early.reshape(-1, 4, 4, 4).rename("early");
    SDVariable late =
        graph
            .nn()
            .relu(
                graph.mmul(
                    graph
                        .getVariable("early")
                        .reshape(-1, 2, 2, 2, 8)
                        .permute(0, 1, 3, 2, 4)
                        .reshape(-1, 16),
                    weight(graph, "w2", 16, 6)),
                0);
    late.reshape(-1, 2, 2, 6).rename("late");
    SDVariable tokens = graph.getVariable("late").reshape(-1, 4, 6);
    graph.concat(1, tokens.mean(true, 1), tokens).rename("tokens");
    graph
        .mmul(graph.getVariable("tokens").mean(1), weight(graph, "w3", 6, CLASSES))
        .rename("logits");
    return FrozenClassifier.builder(graph)
        .name("tiny")
        .input("image")
        .logits("logits")
        .classes(CLASSES)
        .inputSpec(InputSpec.imageNet(SIDE))
        .layers(
            List.of(
                new FeatureLayer("early", "early", FeatureKind.MAP, 4, 4, 4),
                new FeatureLayer("late", "late", FeatureKind.MAP, 6, 2, 2),
                new FeatureLayer("tokens", "tokens", FeatureKind.TOKENS, 6, 2, 2)))
        .build();
  }

  /** Values that differ from element to element, in [−1, 1]. */
  public static INDArray wave(double phase, long... shape) {
    long length = 1;
    for (long n : shape) {
      length *= n;
    }
    float[] values = new float[Math.toIntExact(length)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) Math.sin(phase + 12.9898 * i + 0.37 * i * i % 7);
    }
    return Nd4j.create(values, shape, 'c');
  }

  private static SDVariable weight(SameDiff graph, String name, int in, int out) {
    return graph.constant(name, wave(name.charAt(1), in, out).muli(0.6));
  }
}
