package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.source.BackboneException;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;

/** Numbers that a graph of a free batch makes of its sizes. */
class FreeBatchTest {
  private static final int SIDE = 8;

  @TempDir Path folder;

  /** Pooled values of a classifier are divided by a size of the image's, or of the batch. */
  private Path divided(long batch, int axis, String how) throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", batch, 3, SIDE, SIDE);
    String map =
        onnx.node("Conv", List.of("image", onnx.weight(0, 0.3, 4, 3, 3, 3), onnx.weight(0, 1, 4)));
    String size =
        onnx.node("Gather", List.of(onnx.node("Shape", List.of(map)), onnx.index(axis)), "axis", 0);
    String sum = onnx.node("ReduceSum", List.of(map, onnx.integers(2, 3)), "keepdims", 0);
    String changed;
    if (how.equals("divided")) {
      String number = onnx.node("Cast", List.of(size), "to", 1);
      changed = onnx.node("Div", List.of(sum, number));
    } else {
      // The last but so many of the channels.
      String back = onnx.node("Neg", List.of(size));
      String one = onnx.node("Unsqueeze", List.of(back, onnx.integers(0)));
      String picked = onnx.node("Gather", List.of(sum, one), "axis", 1);
      changed = onnx.node("Add", List.of(sum, picked));
    }
    onnx.output(
        onnx.node("Gemm", List.of(changed, onnx.weight(0, 0.3, 4, 5), onnx.weight(0, 1, 5))),
        "logits");
    Path file = folder.resolve(how + axis + ".onnx");
    onnx.write(file, 1);
    return file;
  }

  @ParameterizedTest
  @ValueSource(strings = {"divided", "picked"})
  void numbersMadeOfTheBatchAreRefused(String how) throws Exception {
    Path file = divided(-1, 0, how);
    assertThatThrownBy(() -> Backbones.load(file, BackboneOptions.defaults()))
        .isInstanceOf(BackboneException.class)
        .hasMessageContaining("depends on the batch size");
  }

  @Test
  void numbersMadeOfOtherSizesAreNot() throws Exception {
    isRight(divided(-1, 2, "divided"), 3);
  }

  /** The file says one number of images, so that is what it divides by, for each of them. */
  @Test
  void aFixedBatchIsANumberLikeAnother() throws Exception {
    isRight(divided(2, 0, "divided"), 2);
  }

  private static void isRight(Path file, int count) throws Exception {
    try (INDArray images = Nd4j.randn(DataType.FLOAT, count, SIDE, SIDE, 3);
        FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults());
        OnnxOracle oracle = new OnnxOracle(file);
        ClassifierOutput output = classifier.forward(images, List.of())) {
      INDArray expected = oracle.run(images).get("logits");
      assertThat(Members.difference(output.logits(), expected)).isLessThan(2e-5);
    }
  }
}
