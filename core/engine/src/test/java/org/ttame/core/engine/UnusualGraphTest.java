package org.ttame.core.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.ttame.core.engine.PlanRunnerTest.wave;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.ops.transforms.Transforms;

/** What a classifier's graph does not have, but a user's may. */
class UnusualGraphTest {
  private static final String LOSS = "loss";

  /**
   * An operation may compute a value that is given, since somebody needs another of its results.
   */
  @Test
  void keepsWhatIsGivenOfAnOperationThatRuns() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 4);
    SDVariable[] halves = graph.split(x, 2, 1);
    halves[0].mul(2).add("y", halves[1]);
    INDArray given = wave(3, 2).addi(5);
    INDArray input = wave(3, 4);
    try (GraphRunner plan = new PlanRunner(graph, false, true);
        GraphResult result = plan.run(Map.of("x", input, halves[0].name(), given), "y")) {
      INDArray second = input.get(NDArrayIndex.all(), NDArrayIndex.interval(2, 4));
      assertThat(result.output("y")).isEqualTo(given.mul(2).add(second));
    }
  }

  /** A reshape of an array in Fortran order is a copy. */
  @Test
  void seesAReshapedVariableChangedInPlace() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 24);
    INDArray weights = wave(4, 6).dup('f');
    x.mul("y", graph.reshape(graph.var("w", weights), 1, 24));
    Map<String, INDArray> inputs = Map.of("x", wave(2, 24));
    try (GraphRunner plan = new PlanRunner(graph, false, true);
        GraphRunner session = new SameDiffRunner(graph)) {
      for (int run = 0; run < 3; run++) {
        try (GraphResult actual = plan.run(inputs, "y");
            GraphResult expected = session.run(inputs, "y")) {
          assertThat(actual.output("y")).isEqualTo(expected.output("y"));
        }
        graph.getVariable("w").getArr().muli(0.5);
      }
    }
  }

  @Test
  void theLateBatchIsThatOfTheInputsWhoseBatchIsOpen() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 4);
    SDVariable s = graph.placeHolder("a", DataType.FLOAT, 1, 4);
    SDVariable y = x.mul(s).rename("y");
    y.mul(graph.placeHolder("g", DataType.FLOAT, -1, 4)).sum(1).sum(0).rename(LOSS);
    Map<String, INDArray> inputs = new LinkedHashMap<>();
    inputs.put("a", wave(1, 4));
    inputs.put("x", wave(3, 4));
    INDArray late = wave(3, 4).addi(0.25);
    try (GraphRunner plan = new PlanRunner(graph, false, true);
        PendingGradients pending =
            plan.begin(inputs, Set.of("g"), LOSS, List.of("y"), List.of("x"));
        GraphResult result = pending.finish(Map.of("g", late))) {
      assertThat(result.gradient("x")).isEqualTo(late.mulRowVector(inputs.get("a")));
    }
  }

  /** What a plan cannot know beforehand. */
  @Test
  void leavesShapesThatDependOnValuesToTheSession() {
    SameDiff segments = SameDiff.create();
    SDVariable x = segments.placeHolder("x", DataType.FLOAT, 4, 2);
    SDVariable ids = segments.placeHolder("ids", DataType.INT32, 4);
    segments.segmentSum("y", x, ids);
    try (GraphRunner runner = new PlanRunner(segments, false, true)) {
      for (int last = 1; last < 4; last++) {
        INDArray given = Nd4j.createFromArray(0, 0, 1, last);
        try (GraphResult y = runner.run(Map.of("x", Nd4j.ones(4, 2), "ids", given), "y")) {
          assertThat(y.output("y").shape()).containsExactly(last + 1, 2);
          assertThat(y.output("y").getDouble(0, 0)).isEqualTo(2);
        }
      }
      assertThat(runner.describe()).startsWith("SameDiff session").contains("depends on values");
    }
    SameDiff shaped = SameDiff.create();
    SDVariable flat = shaped.placeHolder("x", DataType.FLOAT, 12);
    shaped.reshape("y", flat, shaped.placeHolder("shape", DataType.INT32, 2));
    try (GraphRunner runner = new PlanRunner(shaped, false, true)) {
      for (int rows : new int[] {3, 4}) {
        INDArray shape = Nd4j.createFromArray(rows, 12 / rows);
        try (GraphResult y = runner.run(Map.of("x", wave(12), "shape", shape), "y")) {
          assertThat(y.output("y").shape()).containsExactly(rows, 12 / rows);
        }
      }
      assertThat(runner.describe()).startsWith("SameDiff session").contains("depends on values");
    }
    // Whole numbers that are only read leave the plan as it is.
    SameDiff gathered = SameDiff.create();
    SDVariable rows = gathered.placeHolder("x", DataType.FLOAT, 4, 2);
    gathered.gather("y", rows, gathered.placeHolder("ids", DataType.INT32, 3), 0);
    try (GraphRunner runner = new PlanRunner(gathered, false, true);
        GraphResult y =
            runner.run(Map.of("x", wave(4, 2), "ids", Nd4j.createFromArray(3, 0, 3)), "y")) {
      assertThat(y.output("y").getRow(0)).isEqualTo(wave(4, 2).getRow(3));
      assertThat(runner.describe()).startsWith("compiled plan");
    }
  }

  /** ND4J has a short cut for these that writes nowhere; its session fails. */
  @Test
  void reducesVectorsOverAnAxisOfLengthOne() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 8);
    x.prod("product", 0);
    x.norm1("one", 0);
    x.norm2("two", 0);
    x.normmax("largest", 0);
    INDArray row = wave(1, 8);
    List<String> norms = List.of("one", "two", "largest");
    try (GraphRunner runner = new PlanRunner(graph, false, true)) {
      for (int run = 0; run < 2; run++) {
        try (GraphResult y =
            runner.run(Map.of("x", row), List.of("product", "one", "two", "largest"))) {
          assertThat(y.output("product").reshape(1, 8)).isEqualTo(row);
          for (String norm : norms) {
            assertThat(y.output(norm).reshape(1, 8)).as(norm).isEqualTo(Transforms.abs(row));
          }
        }
      }
      try (GraphResult y = runner.run(Map.of("x", wave(3, 8)), "two")) {
        assertThat(y.output("two").getDouble(0))
            .isCloseTo(wave(3, 8).getColumn(0).norm2Number().doubleValue(), within(1e-6));
      }
      assertThat(runner.describe()).startsWith("compiled plan");
    }
  }
}
