package org.ttame.core.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Against PyTorch's interpolate(mode="bilinear", align_corners=False), and by its properties. */
class UpsamplingTest {
  static Stream<String> sizes() {
    return GoldenCase.withPrefix("resize~").keySet().stream()
        .filter(key -> key.endsWith("~input"))
        .map(key -> key.substring(0, key.indexOf('~')));
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void equalsPyTorch(String size) {
    INDArray input = GoldenCase.withPrefix("resize~").get(size + "~input");
    INDArray expected = GoldenCase.withPrefix("resize~").get(size + "~output");
    int height = (int) expected.size(1);
    int width = (int) expected.size(2);
    try (INDArray actual = Upsampling.upsample(input, height, width)) {
      assertThat(Closeness.relative(actual, expected, 1e-2)).isLessThan(1e-5);
    }
    SameDiff graph = SameDiff.create();
    String result =
        Upsampling.append(
                graph,
                graph.placeHolder("x", DataType.FLOAT, -1, input.size(1), input.size(2)),
                (int) input.size(1),
                (int) input.size(2),
                height,
                width)
            .name();
    INDArray inGraph = graph.output(Map.of("x", input), result).get(result);
    assertThat(Closeness.relative(inGraph, expected, 1e-2)).isLessThan(1e-5);
  }

  @ParameterizedTest
  @CsvSource({"1,1", "1,9", "7,28", "14,224", "3,8", "8,3"})
  void weightsOfEachOutputSumToOneAndAreNotNegative(int from, int to) {
    for (double[] row : Upsampling.weights(from, to)) {
      assertThat(Arrays.stream(row).sum()).isCloseTo(1, within(1e-12));
      assertThat(Arrays.stream(row).min().orElseThrow()).isNotNegative();
    }
  }

  @Test
  void leavesInputAndLeadingDimensionsAlone() {
    try (INDArray maps = Nd4j.linspace(0, 1, 24, DataType.DOUBLE).reshape(2, 3, 2, 2);
        INDArray larger = Upsampling.upsample(maps, 4, 6)) {
      assertThat(maps.shape()).containsExactly(2, 3, 2, 2);
      assertThat(larger.shape()).containsExactly(2, 3, 4, 6);
      assertThat(larger.dataType()).isEqualTo(DataType.DOUBLE);
    }
  }

  @Test
  void refusesWhatIsNoMap() {
    assertThatThrownBy(() -> Upsampling.upsample(Nd4j.ones(3), 2, 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[3]");
    assertThatThrownBy(() -> Upsampling.upsample(Nd4j.ones(3, 3), 0, 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Cannot resample 3 values to 0; both must be positive");
  }
}
