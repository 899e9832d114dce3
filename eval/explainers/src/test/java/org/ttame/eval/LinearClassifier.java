package org.ttame.eval;

import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.classifier.ClassifierBuilder;
import org.ttame.core.classifier.FeatureKind;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.image.InputSpec;

/** The smallest classifier: logits = pixels · weights + bias; its pixels are its feature map. */
public final class LinearClassifier {
  public static final InputSpec PLAIN = plain(8);

  private LinearClassifier() {}

  public static InputSpec plain(int side) {
    return new InputSpec(side, List.of(0.0, 0.0, 0.0), List.of(1.0, 1.0, 1.0));
  }

  /** weights: [S·S·3, K] row by row. */
  public static FrozenClassifier of(InputSpec spec, float[] weights, float[] bias) {
    return builder(spec, weights, bias).build();
  }

  public static ClassifierBuilder builder(InputSpec spec, float[] weights, float[] bias) {
    int classes = bias.length;
    long pixels = weights.length / classes;
    SameDiff graph = SameDiff.create();
    SDVariable images = graph.placeHolder("image", DataType.FLOAT, spec.shape(-1));
    SDVariable feature = images.mul("feature", graph.constant("two", Nd4j.scalar(2f)));
    SDVariable flat = graph.reshape(images, -1, pixels);
    SDVariable matrix =
        graph.constant("w", Nd4j.create(weights, new long[] {pixels, classes}, 'c'));
    SDVariable row = graph.constant("b", Nd4j.create(bias, new long[] {1, classes}, 'c'));
    graph.mmul(flat, matrix).add(row).rename("logits");
    return FrozenClassifier.builder(graph)
        .name("linear")
        .input("image")
        .logits("logits")
        .classes(classes)
        .inputSpec(spec)
        .layers(
            List.of(
                new FeatureLayer(
                    "pixels",
                    feature.name(),
                    FeatureKind.MAP,
                    spec.channels(),
                    spec.height(),
                    spec.width())));
  }
}
