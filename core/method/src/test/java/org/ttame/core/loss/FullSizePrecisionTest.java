package org.ttame.core.loss;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.core.attention.Closeness;
import org.ttame.core.attention.Variant;
import org.ttame.core.classifier.FeatureKind;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.engine.Precision;
import org.ttame.core.image.InputSpec;
import org.ttame.core.masking.Masking;

/**
 * What float32 costs at the sizes of the paper: the same step in double precision.
 *
 * <p>With sigmoid branches. Of the 800,000 values that enter a ReLU one or two lie so close to zero
 * that rounding decides on which side; each changes a row of its convolution's gradient by a
 * percent, in any implementation, and would hide what is measured here.
 */
@Tag("fullsize")
class FullSizePrecisionTest {
  private static final int BATCH = 4;
  private static final int SIDE = 224;
  private static final int CLASSES = 1000;

  @ParameterizedTest
  @CsvSource({
    "vgg16,256:512:512,28:14:7,PAPER,CNN",
    "resnet50,512:1024:2048,28:14:7,RELEASED,CNN",
    "vit_b_16,768:768:768,14:14:14,PAPER,VIT"
  })
  void floatAgreesWithDouble(
      String name, String channels, String sides, LossMode mode, Masking masking) {
    AttentionSpec spec = spec(name, channels.split(":"), sides.split(":"));
    Nd4j.getRandom().setSeed(3);
    List<INDArray> features = new ArrayList<>();
    for (FeatureLayer layer : spec.features()) {
      INDArray feature = Nd4j.randn(DataType.FLOAT, layer.outputShape(BATCH));
      if (layer.kind() == FeatureKind.MAP) {
        // As a ReLU leaves it: its mean is far from zero.
        org.nd4j.linalg.ops.transforms.Transforms.relu(feature, false);
      }
      features.add(feature);
    }
    INDArray images = Nd4j.rand(DataType.FLOAT, BATCH, SIDE, SIDE, 3);
    INDArray cotangent = Nd4j.randn(DataType.FLOAT, BATCH, SIDE, SIDE, 3).muli(1e-3);
    int[][] psi = new ClassSampler(mode, CLASSES, 1).draw(new int[] {7, 9, 7, 999}, 0);

    Map<String, INDArray> single =
        step(spec, mode, masking, DataType.FLOAT, features, images, cotangent, psi);
    Map<String, INDArray> exact =
        step(spec, mode, masking, DataType.DOUBLE, features, images, cotangent, psi);
    exact.forEach(
        (key, value) -> {
          if (!key.matches("branch.*conv.bias")) {
            double error = Closeness.relative(single.get(key), value, 1e-2);
            if (Boolean.getBoolean("ttame.figures")) {
              System.out.printf(Locale.ROOT, "%s %s %.1e%n", name, key, error);
            }
            assertThat(error).as(key).isLessThan(1e-4);
          }
        });
  }

  private static AttentionSpec spec(String name, String[] channels, String[] sides) {
    List<FeatureLayer> layers = new ArrayList<>();
    for (int i = 0; i < channels.length; i++) {
      int side = Integer.parseInt(sides[i]);
      FeatureKind kind = name.startsWith("vit") ? FeatureKind.TOKENS : FeatureKind.MAP;
      layers.add(
          new FeatureLayer("l" + i, "l" + i, kind, Integer.parseInt(channels[i]), side, side));
    }
    return AttentionSpec.of(layers, CLASSES, Variant.SIGMOID);
  }

  private static Map<String, INDArray> step(
      AttentionSpec spec,
      LossMode mode,
      Masking masking,
      DataType type,
      List<INDArray> features,
      INDArray images,
      INDArray cotangent,
      int[][] psi) {
    try (AttentionMechanism mechanism = AttentionMechanism.create(spec, 5, type);
        AttentionTrainingGraph graph =
            new AttentionTrainingGraph(
                mechanism,
                masking,
                LossOptions.of(mode),
                InputSpec.imageNet(SIDE),
                Precision.FLOAT32)) {
      Map<String, INDArray> result = new LinkedHashMap<>();
      List<INDArray> typed = features.stream().map(f -> f.castTo(type)).toList();
      try (AttentionTrainingGraph.Forward forward = graph.forward(typed, images.castTo(type), psi);
          StepGradients step = forward.backward(cotangent.castTo(type))) {
        result.put("area", Nd4j.scalar(step.area()));
        result.put("variation", Nd4j.scalar(step.variation()));
        step.gradients().forEach((key, value) -> result.put(key, value.dup()));
        step.batchStatistics().forEach((key, value) -> result.put(key, value.dup()));
      }
      return result;
    }
  }
}
