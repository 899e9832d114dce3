package org.ttame.backbones.graph;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.architecture.Architecture;
import org.ttame.backbones.architecture.ResNetArchitecture;
import org.ttame.backbones.architecture.VggArchitecture;
import org.ttame.backbones.architecture.VitArchitecture;
import org.ttame.core.engine.GraphResult;
import org.ttame.core.engine.GraphRunner;
import org.ttame.core.engine.Precision;

/** In double precision each family's gradient at the image equals finite differences. */
class GradientTest {
  private static final double EPS = 1e-6;

  static Stream<Architecture> members() {
    return Stream.of(
        new VggArchitecture(8, List.of(List.of(3), List.of(4, 4)), 1, List.of(5), 3, false),
        ResNetArchitecture.bottleneck(16, 2, List.of(1, 2), 2, 3),
        new ResNetArchitecture(
            8,
            ResNetArchitecture.bottleneck(8, 2, List.of(1), 1, 3).stem(),
            Optional.empty(),
            ResNetArchitecture.bottleneck(8, 2, List.of(1), 1, 3).stages(),
            Optional.of(new org.ttame.backbones.architecture.PoolShape(8, 8, 0)),
            3),
        new VitArchitecture(8, 4, 6, 2, 2, 5, 1e-6, 3));
  }

  @ParameterizedTest
  @MethodSource("members")
  void equalsFiniteDifferences(Architecture architecture) throws IOException {
    Nd4j.getRandom().setSeed(11);
    BackboneGraph backbone =
        BackboneGraph.of(
            architecture,
            (name, shape) -> Nd4j.randn(DataType.FLOAT, shape),
            DataType.DOUBLE,
            Precision.FLOAT32);
    SameDiff graph = backbone.graph();
    SDVariable weights = graph.constant("mix", Nd4j.createFromArray(1.0, -2.0, 0.5));
    graph.math().tanh(graph.getVariable(backbone.logits())).mul(weights).sum().rename("loss");
    int side = architecture.size().height();
    INDArray image = Nd4j.randn(DataType.DOUBLE, 1, side, side, 3).muli(0.1);
    try (GraphRunner runner = GraphRunner.of(graph);
        GraphResult result =
            runner.gradients(
                Map.of(BackboneGraph.INPUT, image),
                "loss",
                List.of(),
                List.of(BackboneGraph.INPUT))) {
      compare(graph, image, result.gradient(BackboneGraph.INPUT));
    }
  }

  private static void compare(SameDiff graph, INDArray image, INDArray gradient) {
    double scale = gradient.amaxNumber().doubleValue();
    for (long i = 0; i < image.length(); i += 1 + image.length() / 40) {
      double value = image.getDouble(i);
      image.putScalar(i, value + EPS);
      double above = loss(graph, image);
      image.putScalar(i, value - EPS);
      double below = loss(graph, image);
      image.putScalar(i, value);
      assertThat(gradient.getDouble(i) / scale)
          .isCloseTo((above - below) / (2 * EPS) / scale, Offset.offset(1e-4));
    }
  }

  private static double loss(SameDiff graph, INDArray image) {
    return graph.outputSingle(Map.of(BackboneGraph.INPUT, image), "loss").getDouble(0);
  }
}
