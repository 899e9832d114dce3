package org.ttame.core.attention;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.ttame.core.engine.GraphResult;
import org.ttame.core.engine.GraphRunner;

/**
 * Maps at inference against PyTorch, which does it the plain way: upsample all channels, fuse them,
 * make the maps of all classes.
 */
class InferenceGoldenTest {
  static Stream<String> cases() {
    return GoldenCase.names().stream();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void fusingSmallMapsEqualsFusingUpsampledOnes(String name) {
    GoldenCase golden = new GoldenCase(name);
    INDArray expected = golden.get("out.maps");
    int batch = (int) expected.size(0);
    int[][] all = new int[batch][];
    for (int b = 0; b < batch; b++) {
      all[b] = IntStream.range(0, (int) expected.size(1)).toArray();
    }
    try (INDArray maps = maps(golden, all);
        INDArray scaled = MinMax.scale(maps)) {
      double error = Closeness.relative(maps, expected, 1e-2);
      if (Boolean.getBoolean("ttame.figures")) {
        System.out.printf(Locale.ROOT, "%s maps %.1e%n", name, error);
      }
      assertThat(error).isLessThan(1e-4);
      assertThat(Closeness.largest(scaled.sub(golden.get("out.minmax")))).isLessThan(1e-5);
      try (INDArray first = scaled.get(NDArrayIndex.all(), NDArrayIndex.interval(0, 1)).dup('c');
          INDArray large = Upsampling.upsample(first, 13, 13)) {
        assertThat(Closeness.largest(large.sub(golden.get("out.upsampled")))).isLessThan(1e-5);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void anAskedMapEqualsTheOneAmongAll(String name) {
    GoldenCase golden = new GoldenCase(name);
    INDArray expected = golden.get("out.maps");
    int[][] asked = {{3, 0}, {6, 6}, {0, 5}, {2, 1}};
    try (INDArray maps = maps(golden, asked)) {
      for (int b = 0; b < asked.length; b++) {
        for (int m = 0; m < asked[b].length; m++) {
          assertThat(Closeness.relative(slice(maps, b, m), slice(expected, b, asked[b][m]), 1e-2))
              .isLessThan(1e-4);
        }
      }
    }
  }

  private static INDArray slice(INDArray maps, int b, int m) {
    return maps.get(
        NDArrayIndex.point(b), NDArrayIndex.point(m), NDArrayIndex.all(), NDArrayIndex.all());
  }

  private static INDArray maps(GoldenCase golden, int[][] classes) {
    SameDiff graph = SameDiff.create();
    Map<String, INDArray> inputs = new HashMap<>();
    List<SDVariable> features = new ArrayList<>();
    for (INDArray feature : golden.features(DataType.FLOAT)) {
      String name = "f" + features.size();
      long[] shape = feature.shape().clone();
      shape[0] = -1;
      features.add(graph.placeHolder(name, DataType.FLOAT, shape));
      inputs.put(name, feature);
    }
    inputs.put("classes", Nd4j.createFromArray(classes));
    SDVariable selection = graph.placeHolder("classes", DataType.INT32, -1, -1);
    try (AttentionMechanism mechanism = golden.mechanism(DataType.FLOAT)) {
      String maps = mechanism.attach(graph, features, selection).name();
      try (GraphRunner runner = GraphRunner.of(graph);
          GraphResult result = runner.run(inputs, maps)) {
        assertThat(runner.describe()).startsWith("compiled plan");
        return result.detachOutput(maps);
      }
    }
  }
}
