package org.ttame.backbones.graph;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.enums.DataFormat;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.architecture.ConvShape;
import org.ttame.backbones.architecture.PoolShape;
import org.ttame.core.engine.GraphResult;
import org.ttame.core.engine.GraphRunner;
import org.ttame.core.engine.Precision;

/** What the graphs rely on in ND4J, operation by operation; it has been wrong in silence before. */
class Nd4jProbeTest {
  private static final double EPS = 1e-5;

  /** Padding of a max pool must lose against every value, also where all are negative. */
  @Test
  void paddedMaxPoolIgnoresItsPadding() {
    INDArray input = Nd4j.linspace(DataType.FLOAT, -50, 0.5, 25).reshape(1, 5, 5, 1);
    LayerWriter writer = new LayerWriter(null, DataType.FLOAT, Precision.FLOAT32);
    SDVariable x = writer.graph().placeHolder("x", DataType.FLOAT, -1, 5, 5, 1);
    writer.maxPool("pool", x, new PoolShape(3, 2, 1));
    INDArray actual = writer.graph().outputSingle(Map.of("x", input), "pool");
    float[] expected = {-47, -46, -45.5f, -42, -41, -40.5f, -39.5f, -38.5f, -38};
    assertThat(actual.shape()).containsExactly(1, 3, 3, 1);
    assertThat(actual.data().asFloat()).containsExactly(expected);
  }

  /** Patches come out in the order row, column, channel, which is that of YXIO weights. */
  @Test
  void spaceToDepthKeepsRowColumnChannel() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 4, 4, 3);
    graph.cnn().spaceToDepth("patches", x, 2, DataFormat.NHWC);
    INDArray image = Nd4j.arange(48).castTo(DataType.FLOAT).reshape(1, 4, 4, 3);
    INDArray patches = graph.outputSingle(Map.of("x", image), "patches");
    assertThat(patches.shape()).containsExactly(1, 2, 2, 12);
    for (int i = 0; i < 12; i++) {
      int row = i / 6;
      int column = i / 3 % 2;
      assertThat(patches.getFloat(0, 1, 0, i)).isEqualTo(image.getFloat(0, 2 + row, column, i % 3));
    }
  }

  /** Convolutions of every stride and padding the families have, against finite differences. */
  @Test
  void convolutionGradientsAreRight() {
    for (ConvShape shape :
        new ConvShape[] {
          new ConvShape(2, 3, 3, 1, 1),
          new ConvShape(2, 3, 3, 2, 1),
          new ConvShape(2, 3, 7, 2, 3),
          new ConvShape(2, 3, 1, 2, 0)
        }) {
      gradientIsRight(
          shape.toString(),
          new long[] {2, 8, 8, 2},
          (writer, x) -> writer.convolution("y", x, shape),
          (name, size) -> Nd4j.randn(DataType.FLOAT, size));
    }
  }

  @Test
  void poolingGradientsAreRight() {
    gradientIsRight(
        "padded max pool",
        new long[] {1, 7, 7, 2},
        (writer, x) -> writer.maxPool("y", x, new PoolShape(3, 2, 1)),
        null);
    gradientIsRight(
        "average pool",
        new long[] {1, 6, 6, 2},
        (writer, x) -> writer.averagePool("y", x, 3),
        null);
  }

  private interface Layer {
    SDVariable write(LayerWriter writer, SDVariable x) throws java.io.IOException;
  }

  private static void gradientIsRight(
      String what, long[] shape, Layer layer, WeightSource weights) {
    Nd4j.getRandom().setSeed(3);
    WeightSource source = weights == null ? (name, size) -> Nd4j.zeros(size) : weights;
    LayerWriter writer = new LayerWriter(source, DataType.DOUBLE, Precision.FLOAT32);
    SameDiff graph = writer.graph();
    SDVariable x = graph.placeHolder("x", DataType.DOUBLE, shape);
    try {
      SDVariable y = layer.write(writer, x);
      y.mul(graph.math().sin(y)).sum().rename("loss");
    } catch (java.io.IOException e) {
      throw new AssertionError(e);
    }
    INDArray point = Nd4j.randn(DataType.DOUBLE, shape);
    try (GraphRunner runner = GraphRunner.of(graph);
        GraphResult result =
            runner.gradients(Map.of("x", point), "loss", List.of(), List.of("x"))) {
      compare(what, graph, point, result.gradient("x"));
    }
  }

  private static void compare(String what, SameDiff graph, INDArray point, INDArray gradient) {
    for (long i = 0; i < point.length(); i += 5) {
      double value = point.getDouble(i);
      point.putScalar(i, value + EPS);
      double above = graph.outputSingle(Map.of("x", point), "loss").getDouble(0);
      point.putScalar(i, value - EPS);
      double below = graph.outputSingle(Map.of("x", point), "loss").getDouble(0);
      point.putScalar(i, value);
      assertThat(gradient.getDouble(i))
          .as("%s at %d", what, i)
          .isCloseTo((above - below) / (2 * EPS), org.assertj.core.data.Offset.offset(1e-5));
    }
  }
}
