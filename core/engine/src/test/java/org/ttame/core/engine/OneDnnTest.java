package org.ttame.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;

/**
 * oneDNN called directly against SameDiff's session, in memory that holds not-a-number before each
 * run. Its kernels add in another order: results agree within 1e-5 of the largest.
 */
class OneDnnTest extends SessionComparison {
  /** Kernel, stride, padding, input and output channels, side; odd sizes and wide strides. */
  @ParameterizedTest
  @CsvSource({
    "1, 1, 0, 3, 5, 9",
    "1, 2, 0, 16, 32, 9",
    "3, 1, 1, 3, 8, 12",
    "3, 1, 0, 8, 3, 7",
    "3, 1, 1, 16, 12, 8",
    "3, 2, 1, 16, 16, 13",
    "3, 2, 1, 16, 16, 14",
    "5, 3, 2, 4, 6, 17",
    "7, 2, 3, 3, 16, 30"
  })
  void convolutionWithBiasAndReluAndItsGradient(
      int kernel, int stride, int padding, int in, int out, int side) {
    for (boolean bias : new boolean[] {true, false}) {
      SameDiff graph = SameDiff.create();
      SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, side, side, in);
      SDVariable y = convolution(graph, x, kernel, stride, padding, in, out, bias);
      graph.nn.relu(y, 0).rename("y");
      objective(graph, "y");
      List<String> done = agree(graph, Map.of("x", wave(2, side, side, in)), "y", "x");
      assertThat(done)
          .contains(Text.format("convolution %d×%d/%d + relu", kernel, kernel, stride))
          .contains(
              Text.format(
                  "convolution%s %d×%d/%d",
                  stride == 1 && kernel > 1 ? "" : " gradient", kernel, kernel, stride))
          .contains("relu gradient");
    }
  }

  /**
   * Convolutions of blocks of channels: what one writes and the next reads, forwards and through
   * ReLUs backwards, is not rearranged; what others read as well is.
   */
  @Test
  void blocksOfChannels() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 9, 9, 8);
    SDVariable a = graph.nn.relu(convolution(graph, x, 3, 1, 1, 8, 16, true), 0);
    SDVariable b = graph.nn.relu(convolution(graph, a, 3, 1, 1, 16, 24, true), 0);
    SDVariable c = convolution(graph, b, 3, 2, 1, 24, 24, true).add(graph.constant(wave(24)));
    SDVariable pooled = b.mean(true, 1, 2);
    c.mul("y", pooled);
    objective(graph, "y");
    Map<String, INDArray> inputs = Map.of("x", wave(2, 9, 9, 8));
    List<String> done = agree(graph, inputs, "y", "x", true);
    // Forwards x goes in, b and c come out; backwards c's and the mean's gradients, and x's, too.
    assertThat(done).contains("into blocks", "from blocks");
    assertThat(agree(graph, inputs, "y", "x", false)).doesNotContain("into blocks", "from blocks");
    try (PlanRunner runner = new PlanRunner(graph, OneDnn.instance(), () -> true, null, true)) {
      assertThat(runner.forwardOperations(inputs, List.of("y")))
          .filteredOn(kind -> kind.endsWith("blocks"))
          .containsExactly("into blocks", "from blocks", "from blocks");
    }
  }

  /** Blocks are made of a result's own shape: what follows under another one is no part of them. */
  @ParameterizedTest
  @CsvSource({"81, 16, 1", "9, 18, 8"})
  void aConvolutionUnderAnotherShape(int second, int third, int fourth) {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 9, 9, 8);
    SDVariable c = convolution(graph, x, 3, 1, 1, 8, 16, true);
    SDVariable shaped = graph.reshape(c, -1, second, third, fourth);
    graph.nn.relu(shaped, 0).rename("y");
    objective(graph, "y");
    agree(graph, Map.of("x", wave(2, 9, 9, 8)), "y", "x");
  }

  /** oneDNN would read them in the other order. */
  @Test
  void arraysInFortranOrder() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, 64, 64);
    INDArray residual = wave(64, 64).dup('f');
    SDVariable sum = linear(graph, x, 64, 64).add(graph.var("residual", residual));
    SDVariable gated = graph.nn.relu(graph.var("gate", wave(64, 64).dup('f')), 0);
    sum.add(gated).rename("y");
    objective(graph, "y");
    for (String by : List.of("x", "residual", "gate")) {
      agree(graph, Map.of("x", wave(64, 64)), "y", by);
    }
  }

  @Test
  void inputsOfAnotherTypeAreConverted() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 9, 9, 3);
    convolution(graph, x, 3, 1, 1, 3, 16, true).rename("y");
    INDArray bytes = Nd4j.createUninitialized(DataType.UINT8, 2, 9, 9, 3);
    for (int i = 0; i < bytes.length(); i++) {
      bytes.putScalar(i, i * 37 % 256);
    }
    for (INDArray given : List.of(bytes, bytes.castTo(DataType.DOUBLE))) {
      try (GraphRunner runner = new PlanRunner(graph, true, true);
          GraphResult expected = runner.run(Map.of("x", bytes.castTo(DataType.FLOAT)), "y")) {
        // Twice, for an array that comes again is read where it is, if that is possible.
        for (int run = 0; run < 2; run++) {
          try (GraphResult actual = runner.run(Map.of("x", given), "y")) {
            assertThat(actual.output("y")).isEqualTo(expected.output("y"));
          }
        }
      }
    }
  }

  /** Weights that are computed of constants belong to a plan; so do their packed copies. */
  @Test
  void weightsOfPlansThatAreGoneAreForgotten() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 64);
    SDVariable w = graph.constant("w", wave(64, 64)).mul(0.5);
    graph.mmul(x, w).rename("y");
    try (PlanRunner runner = new PlanRunner(graph, true, true);
        GraphRunner session = new SameDiffRunner(graph)) {
      for (int round = 0; round < 2; round++) {
        for (int rows = 32; rows < 32 + 15; rows++) {
          Map<String, INDArray> inputs = Map.of("x", wave(rows, 64));
          try (GraphResult actual = runner.run(inputs, "y");
              GraphResult expected = session.run(inputs, "y")) {
            assertClose("y", actual.output("y"), expected.output("y"));
          }
        }
      }
      assertThat(runner.packedWeights()).isBetween(1, 12);
    }
  }

  /** VGG's pools and ResNet's, between convolutions and after the last one. */
  @ParameterizedTest
  @CsvSource({"2, 2, 0, 12", "3, 2, 1, 12", "3, 2, 1, 11", "2, 2, 0, 13"})
  void poolsOfBlocks(int kernel, int stride, int padding, int side) {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, side, side, 8);
    Pooling2DConfig pool =
        Pooling2DConfig.builder()
            .kH(kernel)
            .kW(kernel)
            .sH(stride)
            .sW(stride)
            .pH(padding)
            .pW(padding)
            .paddingMode(PaddingMode.VALID)
            .isNHWC(true)
            .build();
    SDVariable a = graph.nn.relu(convolution(graph, x, 3, 1, 1, 8, 16, true), 0);
    SDVariable b = graph.cnn().maxPooling2d(a, pool);
    SDVariable c = graph.nn.relu(convolution(graph, b, 3, 1, 1, 16, 8, true), 0);
    graph.cnn().maxPooling2d("y", c, pool);
    objective(graph, "y");
    Map<String, INDArray> inputs = Map.of("x", wave(2, side, side, 8));
    assertThat(agree(graph, inputs, "y", "x", true))
        .contains("max pool", "max pool gradient")
        .doesNotContain("maxpool2d", "maxpool2d_bp");
    assertThat(agree(graph, inputs, "y", "x", false)).contains("maxpool2d", "maxpool2d_bp");
  }

  /** The two shapes of a bottleneck's end: the residual is the input, or a convolution itself. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void residualAndRelu(boolean projected) {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 8, 8, 16);
    SDVariable first = graph.nn.relu(convolution(graph, x, 3, 1, 1, 16, 16, true), 0);
    SDVariable rest = projected ? convolution(graph, first, 1, 1, 0, 16, 16, true) : first;
    SDVariable end = convolution(graph, first, 1, 1, 0, 16, 16, true);
    graph.nn.relu(end.add(rest), 0).rename("y");
    objective(graph, "y");
    assertThat(agree(graph, Map.of("x", wave(3, 8, 8, 16)), "y", "x"))
        .contains("convolution 1×1/1 + add + relu");
  }

  /** A value that is asked for, or read twice, must exist: nothing may be hidden in a kernel. */
  @Test
  void whatSomebodyReadsStays() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 8, 8, 16);
    SDVariable before = convolution(graph, x, 3, 1, 1, 16, 16, true).rename("before");
    SDVariable after = graph.nn.relu(before, 0).rename("after");
    SDVariable twice = convolution(graph, after, 1, 1, 0, 16, 16, true);
    graph.nn.relu(twice, 0).add(twice).rename("y");
    objective(graph, "y");
    Map<String, INDArray> inputs = Map.of("x", wave(2, 8, 8, 16));
    try (PlanRunner direct = new PlanRunner(graph, true, true);
        GraphRunner session = new SameDiffRunner(graph);
        GraphResult actual = direct.run(inputs, List.of("before", "after", "y"));
        GraphResult expected = session.run(inputs, List.of("before", "after", "y"))) {
      for (String name : List.of("before", "after", "y")) {
        assertClose(name, actual.output(name), expected.output(name));
      }
    }
    agree(graph, inputs, "y", "x");
  }

  /** More than one kernel takes behind it: sums of many values, and their gradients. */
  @Test
  void sumsOfMany() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 5, 5, 8);
    SDVariable sum = x;
    for (int i = 0; i < 70; i++) {
      SDVariable other = graph.constant(wave(2, 5, 5, 8).addi(i));
      sum = i % 3 == 0 ? sum.mul(other.div(40)) : sum.add(other);
    }
    sum.rename("y");
    objective(graph, "y");
    agree(graph, Map.of("x", wave(2, 5, 5, 8)), "y", "x");
  }

  /** Linear layers with a bias, a gate u + u·erf(u), and a residual under another shape. */
  @Test
  void perceptron() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 20, 32);
    SDVariable rows = x.reshape(-1, 32);
    SDVariable u = linear(graph, rows, 32, 1024);
    SDVariable gate = u.add(u.mul(graph.math.erf(u)));
    SDVariable out = linear(graph, gate, 1024, 32).reshape(-1, 20, 32);
    x.add(out).rename("y");
    objective(graph, "y");
    Map<String, INDArray> inputs = Map.of("x", wave(2, 20, 32));
    assertThat(forward(graph, inputs, "y"))
        .contains("product + erf gate", "product + add")
        .doesNotContain("erf");
    assertThat(agree(graph, inputs, "y", "x"))
        .contains("erf gate", "gelu gradient")
        .doesNotContain("erf", "exp");
  }

  /** The gate's gradient as u goes from −9 to 9, beside (1 + erf u) + u·(2/√π)·exp(−u²). */
  @Test
  void theGatesGradientIsExactEverywhere() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 64);
    SDVariable u = graph.mmul(x, graph.constant(Nd4j.eye(64).castTo(DataType.FLOAT)));
    u.add(u.mul(graph.math.erf(u))).sum().rename(LOSS);
    INDArray values = Nd4j.linspace(DataType.FLOAT, -9, 18.0 / 4159, 4160).reshape('c', 65, 64);
    Map<String, INDArray> inputs = Map.of("x", values);
    try (PlanRunner direct = new PlanRunner(graph, true, true);
        GraphResult result = direct.gradients(inputs, LOSS, List.of(), List.of("x"))) {
      assertThat(direct.operations(inputs, LOSS, List.of("x"))).contains("gelu gradient");
      float[] actual = result.gradient("x").dup('c').data().asFloat();
      float[] from = values.dup('c').data().asFloat();
      for (int i = 0; i < actual.length; i++) {
        double v = from[i];
        double bell = 2 / Math.sqrt(Math.PI) * Math.exp(-v * v);
        double exact = 1 + org.apache.commons.math3.special.Erf.erf(v) + v * bell;
        assertThat((double) actual[i]).isCloseTo(exact, org.assertj.core.data.Offset.offset(2e-6));
      }
    }
  }

  /** Who asks for erf(u) gets it. */
  @Test
  void aGateWhoseErfIsReadStaysAsItIs() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 64);
    SDVariable erf = graph.math.erf(x).rename("kept");
    x.add(x.mul(erf)).rename("y");
    objective(graph, "y");
    Map<String, INDArray> inputs = Map.of("x", wave(5, 64));
    try (PlanRunner direct = new PlanRunner(graph, true, true);
        GraphRunner session = new SameDiffRunner(graph);
        GraphResult actual = direct.gradients(inputs, LOSS, List.of("kept"), List.of("x"));
        GraphResult expected = session.gradients(inputs, LOSS, List.of("kept"), List.of("x"))) {
      assertClose("erf", actual.output("kept"), expected.output("kept"));
      assertClose("gradient", actual.gradient("x"), expected.gradient("x"));
    }
  }

  /** erf far out, and where it is nearly linear. */
  @Test
  void theGateIsExactEverywhere() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 64);
    SDVariable u = graph.mmul(x, graph.constant(Nd4j.eye(64).castTo(DataType.FLOAT)));
    u.add(u.mul(graph.math.erf(u))).rename("y");
    INDArray values = Nd4j.linspace(DataType.FLOAT, -9, 18.0 / 4095, 4096).reshape('c', 64, 64);
    try (PlanRunner direct = new PlanRunner(graph, true, true);
        GraphResult result = direct.run(Map.of("x", values), "y")) {
      float[] actual = result.output("y").dup('c').data().asFloat();
      float[] from = values.dup('c').data().asFloat();
      for (int i = 0; i < actual.length; i++) {
        double exact = from[i] * (1 + org.apache.commons.math3.special.Erf.erf(from[i]));
        assertThat((double) actual[i]).isCloseTo(exact, org.assertj.core.data.Offset.offset(2e-6));
      }
    }
  }

  @Test
  void transposedWeights() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 40);
    graph.mmul(x, graph.constant(wave(48, 40)), false, true, false).rename("y");
    objective(graph, "y");
    agree(graph, Map.of("x", wave(50, 40)), "y", "x");
  }

  /** A single row waits for weights from memory, which ND4J reads faster; the rest is oneDNN's. */
  @ParameterizedTest
  @CsvSource({"1, 1100, matmul, products", "1, 256, products, matmul", "2, 1100, products, matmul"})
  void aSingleRowOfManyWeightsIsNd4js(int rows, int columns, String kind, String other) {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 320);
    graph.mmul(x, graph.constant(wave(320, columns))).rename("y");
    objective(graph, "y");
    assertThat(agree(graph, Map.of("x", wave(rows, 320)), "y", "x"))
        .contains(kind)
        .doesNotContain(other);
  }

  /** With and without whole blocks of columns. */
  @ParameterizedTest
  @ValueSource(ints = {48, 44})
  void aScalarIsNoBias(int columns) {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 40);
    SDVariable product = graph.mmul(x, graph.constant(wave(40, columns)));
    product.add(graph.constant(Nd4j.scalar(0.5f))).rename("y");
    objective(graph, "y");
    agree(graph, Map.of("x", wave(50, 40)), "y", "x");
  }

  /** Weights that may change are not the pass's business. */
  @Test
  void variablesStayWithNd4j() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 40);
    graph.mmul(x, graph.var("w", wave(40, 48))).rename("y");
    objective(graph, "y");
    assertThat(agree(graph, Map.of("x", wave(50, 40)), "y", "x")).doesNotContain("product");
  }

  /** Attention: stacks of products whose both sides change, each way round, and their gradients. */
  @ParameterizedTest
  @CsvSource({"false, false", "false, true", "true, false", "true, true"})
  void stacksOfProducts(boolean transposedX, boolean transposedY) {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 3, 37, 29);
    SDVariable a = transposedX ? graph.permute(x, 0, 1, 3, 2) : x;
    SDVariable square = graph.mmul(x, x, false, true, false); // [B, 3, 37, 37]
    SDVariable b = graph.mmul(square, x); // [B, 3, 37, 29]
    SDVariable c = transposedY ? graph.permute(b, 0, 1, 3, 2) : b;
    // [37, 29]·[29, 37], by whichever of the two is marked as transposed
    graph.mmul(a, c, transposedX, !transposedY, false).rename("y");
    objective(graph, "y");
    assertThat(agree(graph, Map.of("x", wave(2, 3, 37, 29)), "y", "x"))
        .contains("products")
        .doesNotContain("matmul");
  }

  /** Heads are read and written where they lie, forwards and backwards: no copy turns them. */
  @ParameterizedTest
  @CsvSource({"0 2 3 1", "0 2 1 3"})
  void turnedHeads(String keyOrder) {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 40);
    int[] order = Arrays.stream(keyOrder.split(" ")).mapToInt(Integer::parseInt).toArray();
    SDVariable q =
        graph.permute(graph.reshape(linear(graph, x, 40, 66), -1, 23, 3, 22), 0, 2, 1, 3);
    SDVariable k = graph.permute(graph.reshape(linear(graph, x, 40, 66), -1, 23, 3, 22), order);
    SDVariable v =
        graph.permute(graph.reshape(linear(graph, x, 40, 66), -1, 23, 3, 22), 0, 2, 1, 3);
    SDVariable scores = graph.mmul(q, k, false, order[2] == 1, false); // [B, 3, 23, 23]
    SDVariable context = graph.mmul(graph.nn().softmax(scores, -1), v);
    SDVariable joined = graph.reshape(graph.permute(context, 0, 2, 1, 3), -1, 66);
    linear(graph, joined, 66, 40).rename("y");
    objective(graph, "y");
    assertThat(agree(graph, Map.of("x", wave(46, 40)), "y", "x"))
        .contains("products")
        .doesNotContain("matmul", "permute");
  }

  /** What somebody else reads as well must be there, turned. */
  @Test
  void turnedValuesThatOthersRead() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 23, 3, 22);
    SDVariable q = graph.permute("q", x, 0, 2, 1, 3);
    SDVariable scores = graph.mmul("scores", q, q, false, true, false);
    SDVariable turned = graph.permute(scores, 0, 2, 1, 3); // [B, 23, 3, 23]
    turned
        .sum(true, 2, 3)
        .add(q.sum(true, 1, 3).reshape(-1, 23, 1, 1))
        .add("y", scores.sum(true, 1, 2, 3));
    objective(graph, "y");
    assertThat(agree(graph, Map.of("x", wave(2, 23, 3, 22)), "y", "x"))
        .contains("products", "permute");
  }

  /**
   * oneDNN keeps its working memory by thread; a graph may be planned in one and run in another.
   */
  @Test
  void anotherThread() throws Exception {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 30, 30, 64);
    SDVariable first = graph.nn.relu(convolution(graph, x, 1, 2, 0, 64, 96, true), 0);
    SDVariable rows = convolution(graph, first, 3, 1, 1, 96, 96, true).reshape(-1, 96);
    linear(graph, rows, 96, 1024).rename("y");
    objective(graph, "y");
    Map<String, INDArray> inputs = Map.of("x", wave(2, 30, 30, 64));
    try (PlanRunner direct = new PlanRunner(graph, true, true);
        GraphRunner session = new SameDiffRunner(graph);
        GraphResult expected = session.gradients(inputs, LOSS, List.of("y"), List.of("x"))) {
      for (int run = 0; run < 3; run++) {
        FutureTask<Void> task =
            new FutureTask<>(
                () -> {
                  try (GraphResult actual =
                      direct.gradients(inputs, LOSS, List.of("y"), List.of("x"))) {
                    assertClose("y", actual.output("y"), expected.output("y"));
                    assertClose("gradient", actual.gradient("x"), expected.gradient("x"));
                  }
                  return null;
                });
        new Thread(task, "run " + run).start();
        task.get();
      }
    }
  }
}
