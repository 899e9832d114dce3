package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.Text;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.InputGradient;
import org.ttame.core.engine.Precision;
import org.ttame.core.npz.Npz;

/**
 * bfloat16 at full size against float64: no further off than PyTorch's autocast, on the networks
 * and images that {@code src/test/python/autocast.py} has made.
 */
@Tag("fullsize")
class FullSizeBfloat16Test {
  /**
   * Both round the same operands to eight bits, and a ReLU that one puts on its other side the
   * other does not: of VGG-16's gradient, which is mostly that, the distances agree to four digits.
   */
  private static final double SAME = 1.01;

  @ParameterizedTest
  @ValueSource(strings = {"vgg16", "resnet50", "vit_b_16"})
  void isNoFurtherOffThanAutocast(String network) throws Exception {
    String made = System.getProperty("ttame.autocast");
    assumeTrue(made != null, "-Dttame.autocast=FOLDER names no folder of exports");
    assumeTrue(
        Precision.Hardware.here() != Precision.Hardware.NONE, "the processor has no bfloat16");
    Map<String, INDArray> golden = Npz.read(Path.of(made, network + ".npz"));
    BackboneOptions options = BackboneOptions.defaults().withPrecision(Precision.BFLOAT16);
    try (FrozenClassifier classifier = Backbones.load(Path.of(made, network + ".onnx"), options);
        INDArray images = golden.get("images").castTo(DataType.FLOAT);
        ClassifierOutput output = classifier.forward(images, List.of());
        InputGradient gradient =
            classifier.crossEntropyGradient(images, golden.get("labels").toIntVector())) {
      double[] autocast = golden.get("distances").toDoubleVector();
      double logits = distance(output.logits(), golden.get("logits"));
      double pixels = distance(gradient.gradient(), golden.get("gradient"));
      System.out.println(
          Text.format(
              "%s: logits %.2e of autocast's %.2e, gradient %.2e of autocast's %.2e",
              network, logits, autocast[0], pixels, autocast[1]));
      assertThat(logits).isBetween(1e-5, SAME * autocast[0]);
      assertThat(pixels).isBetween(1e-5, SAME * autocast[1]);
    } finally {
      golden.values().forEach(INDArray::close);
    }
  }

  private static double distance(INDArray actual, INDArray expected) {
    INDArray difference = actual.castTo(DataType.DOUBLE).sub(expected.castTo(DataType.DOUBLE));
    return difference.norm2Number().doubleValue() / expected.norm2Number().doubleValue();
  }
}
