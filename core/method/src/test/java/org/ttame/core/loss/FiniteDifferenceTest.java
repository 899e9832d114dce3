package org.ttame.core.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.core.attention.TinyClassifier;
import org.ttame.core.attention.Variant;
import org.ttame.core.classifier.FeatureKind;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.engine.Precision;
import org.ttame.core.image.InputSpec;
import org.ttame.core.masking.Masking;

/** Every derivative of a tiny mechanism against central differences, in double precision. */
class FiniteDifferenceTest {
  private static final int BATCH = 2;
  private static final int SIDE = 5;
  private static final double STEP = 1e-6;
  private static final List<FeatureLayer> LAYERS =
      List.of(
          new FeatureLayer("a", "a", FeatureKind.MAP, 2, 3, 3),
          new FeatureLayer("b", "b", FeatureKind.TOKENS, 3, 1, 2, 3));

  static Stream<Object[]> forms() {
    List<Object[]> forms = new ArrayList<>();
    for (Variant variant : Variant.values()) {
      for (LossMode mode : LossMode.values()) {
        for (Masking masking : Masking.values()) {
          forms.add(new Object[] {variant, mode, masking});
        }
      }
    }
    return forms.stream();
  }

  @ParameterizedTest
  @MethodSource("forms")
  void everyDerivative(Variant variant, LossMode mode, Masking masking) {
    AttentionSpec spec = AttentionSpec.of(LAYERS, 4, variant);
    List<INDArray> features = features(spec);
    INDArray images = doubles(3, BATCH, SIDE, SIDE, 3).muli(0.5).addi(0.5);
    INDArray cotangent = doubles(5, BATCH, SIDE, SIDE, 3).muli(0.1);
    int[][] psi = {{1, 3, 1}, {3, 0, 2}};
    // Large variation weight: its derivatives must not hide behind the others'.
    LossOptions options = new LossOptions(mode, 1.5, 2, 0.7, 0.3);
    try (AttentionMechanism mechanism = AttentionMechanism.create(spec, 7, DataType.DOUBLE);
        AttentionTrainingGraph graph =
            new AttentionTrainingGraph(
                mechanism, masking, options, InputSpec.imageNet(SIDE), Precision.FLOAT32);
        AttentionTrainingGraph.Forward forward = graph.forward(features, images, psi);
        StepGradients step = forward.backward(cotangent)) {
      int checked = 0;
      double worst = 0;
      for (String name : mechanism.parameters().keySet()) {
        INDArray parameter = mechanism.parameters().get(name);
        INDArray flat = parameter.ravel();
        INDArray gradient = step.gradients().get(name).ravel();
        for (int i = 0; i < flat.length(); i++) {
          double value = flat.getDouble(i);
          double above =
              objective(
                  graph, options, features, images, psi, cotangent, parameter, i, value + STEP);
          double below =
              objective(
                  graph, options, features, images, psi, cotangent, parameter, i, value - STEP);
          set(parameter, i, value);
          double numeric = (above - below) / (2 * STEP);
          assertThat(gradient.getDouble(i))
              .as("%s[%d]", name, i)
              .isCloseTo(numeric, within(1e-7 * Math.max(1, Math.abs(numeric))));
          worst = Math.max(worst, Math.abs(gradient.getDouble(i) - numeric));
          checked++;
        }
      }
      if (Boolean.getBoolean("ttame.figures")) {
        System.out.printf(
            Locale.ROOT, "%s %s %s differences %.1e%n", variant, mode, masking, worst);
      }
      assertThat((long) checked).isEqualTo(mechanism.parameterCount());
    }
  }

  private static double objective(
      AttentionTrainingGraph graph,
      LossOptions options,
      List<INDArray> features,
      INDArray images,
      int[][] psi,
      INDArray cotangent,
      INDArray parameter,
      int index,
      double value) {
    set(parameter, index, value);
    try (AttentionTrainingGraph.Forward forward = graph.forward(features, images, psi);
        INDArray product = forward.maskedImages().mul(cotangent)) {
      return options.total(product.sumNumber().doubleValue(), forward.area(), forward.variation());
    }
  }

  private static void set(INDArray parameter, int index, double value) {
    if (parameter.rank() == 1) {
      parameter.putScalar(index, value);
    } else {
      parameter.putScalar(index / parameter.size(1), index % parameter.size(1), value);
    }
  }

  private static List<INDArray> features(AttentionSpec spec) {
    List<INDArray> features = new ArrayList<>();
    for (FeatureLayer layer : spec.features()) {
      features.add(doubles(1, layer.outputShape(BATCH)));
    }
    return features;
  }

  private static INDArray doubles(double phase, long... shape) {
    return TinyClassifier.wave(phase, shape).castTo(DataType.DOUBLE);
  }
}
