package org.ttame.core.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Plans against SameDiff's own session, in memory that holds not-a-number before each run. */
class PlanRunnerTest {
  private static final String LOSS = "loss";

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void convolutionalGraphAgreesWithSameDiff(int batch) {
    agree(convolutional(), Map.of("x", wave(batch, 12, 12, 3), "t", wave(batch, 5)), "x");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void attentionGraphAgreesWithSameDiff(int batch) {
    agree(attention(), Map.of("x", wave(batch, 6, 8), "t", wave(batch, 8)), "x");
  }

  @Test
  void plansForSeveralBatchSizesLiveTogether() {
    SameDiff graph = convolutional();
    try (GraphRunner plan = new PlanRunner(graph, false, true);
        GraphRunner session = new SameDiffRunner(graph)) {
      for (int batch : new int[] {2, 5, 1, 2, 5}) {
        compare(plan, session, Map.of("x", wave(batch, 12, 12, 3), "t", wave(batch, 5)), "x");
      }
      assertThat(plan.describe()).startsWith("compiled plan");
    }
  }

  @Test
  void seesVariablesChangedInPlaceAndReplaced() {
    SameDiff graph = convolutional();
    try (GraphRunner plan = new PlanRunner(graph, false, true);
        GraphRunner session = new SameDiffRunner(graph)) {
      Map<String, INDArray> inputs = Map.of("x", wave(2, 12, 12, 3), "t", wave(2, 5));
      compare(plan, session, inputs, "w1");
      graph.getVariable("w1").getArr().muli(0.5);
      compare(plan, session, inputs, "w1");
      graph.getVariable("w1").setArray(wave(3, 3, 3, 4).muli(0.1));
      compare(plan, session, inputs, "w1");
    }
  }

  /** An array that comes again is read where it is: what it holds by then counts. */
  @Test
  void seesInputsChangedInPlaceAndReplaced() {
    SameDiff graph = convolutional();
    INDArray x = wave(2, 12, 12, 3);
    INDArray t = wave(2, 5);
    try (GraphRunner plan = new PlanRunner(graph, false, true);
        GraphRunner session = new SameDiffRunner(graph)) {
      for (int i = 0; i < 4; i++) {
        compare(plan, session, Map.of("x", x, "t", t), "w1");
        x.muli(0.5);
      }
      compare(plan, session, Map.of("x", wave(2, 12, 12, 3), "t", t), "w1");
      // Not dense: a part of something larger.
      INDArray wide = wave(2, 12, 12, 6);
      INDArray part =
          wide.get(
              NDArrayIndex.all(),
              NDArrayIndex.all(),
              NDArrayIndex.all(),
              NDArrayIndex.interval(0, 3));
      for (int i = 0; i < 3; i++) {
        // The session's convolutions misread such an array; a copy shows what is right.
        try (GraphResult actual = plan.run(Map.of("x", part), "logits");
            GraphResult expected = session.run(Map.of("x", part.dup('c')), "logits")) {
          assertThat(actual.output("logits")).isEqualTo(expected.output("logits"));
        }
        wide.muli(0.5);
      }
    }
  }

  /** The gradient of erf is full of arrays of ones; other uses of them need the arrays. */
  @Test
  void arraysOfOneValueBecomeNumbers() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 600);
    SDVariable ones = graph.onesLike(x).mul(0.5);
    SDVariable y = graph.math.erf(x).mul(x).add(ones).rename("logits");
    ones.mul(x).sub(ones.mul(ones)).rename("feature");
    y.mul(graph.getVariable("feature")).mean().rename(LOSS);
    Map<String, INDArray> inputs = Map.of("x", wave(2, 600));
    try (PlanRunner plan = new PlanRunner(graph, false, true);
        GraphRunner session = new SameDiffRunner(graph)) {
      compare(plan, session, inputs, "x");
      compare(plan, session, inputs, "x");
      assertThat(plan.operations(inputs, LOSS, List.of("x"))).contains("mul_scalar", "exp");
    }
  }

  @Test
  void runsFromTheMiddleOn() {
    SameDiff graph = convolutional();
    Map<String, INDArray> inputs = Map.of("x", wave(2, 12, 12, 3));
    try (GraphRunner plan = new PlanRunner(graph, false, true);
        GraphRunner session = new SameDiffRunner(graph);
        GraphResult whole = plan.run(inputs, List.of("feature", "logits"))) {
      Map<String, INDArray> middle = Map.of("feature", whole.output("feature"));
      try (GraphResult rest = plan.run(middle, "logits")) {
        assertThat(rest.output("logits")).isEqualTo(whole.output("logits"));
      }
      assertThatThrownBy(() -> session.run(middle, "logits"))
          .isInstanceOf(UnsupportedOperationException.class)
          .hasMessageContaining("feature");
    }
  }

  /** What is lent is the plan's own memory: right when read at once. */
  @Test
  void lends() {
    SameDiff graph = convolutional();
    Map<String, INDArray> inputs = Map.of("x", wave(2, 12, 12, 3), "t", wave(2, 5));
    try (GraphRunner plan = new PlanRunner(graph, false, true);
        GraphResult owned = plan.run(inputs, LOSS)) {
      try (GraphResult lent = plan.borrow(inputs, List.of(LOSS))) {
        assertThat(lent.output(LOSS)).isEqualTo(owned.output(LOSS));
        assertThatThrownBy(() -> lent.detachOutput(LOSS)).isInstanceOf(IllegalStateException.class);
      }
      try (GraphResult again = plan.run(inputs, LOSS)) {
        assertThat(again.output(LOSS)).isEqualTo(owned.output(LOSS));
      }
    }
  }

  @Test
  void goesBackOnceTheCotangentIsKnown() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 4);
    SDVariable w = graph.var("w", wave(4, 4));
    SDVariable y = graph.math.tanh(graph.mmul(x, w)).rename("y");
    SDVariable cotangent = graph.placeHolder("g", DataType.FLOAT, -1, 4);
    y.mul(cotangent).sum(1).sum(0).rename(LOSS);
    INDArray input = wave(3, 4);
    INDArray same = input.dup();
    INDArray late = wave(3, 4).addi(0.25);
    try (GraphRunner plan = new PlanRunner(graph, false, true);
        GraphRunner session = new SameDiffRunner(graph);
        PendingGradients before =
            plan.begin(Map.of("x", input), Set.of("g"), LOSS, List.of("y"), List.of("w", "x"));
        PendingGradients pending =
            plan.begin(Map.of("x", input), Set.of("g"), LOSS, List.of("y"), List.of("w", "x"));
        PlanRunner lender = new PlanRunner(graph, false, true);
        PendingGradients lent =
            lender.begin(Map.of("x", same), Set.of("g"), LOSS, List.of("y"), List.of("w", "x"));
        GraphResult expected =
            session.gradients(
                Map.of("x", same, "g", late), LOSS, List.of("y"), List.of("w", "x"))) {
      assertThat(before.output("y")).isEqualTo(expected.output("y"));
      assertThat(pending.output("y")).isEqualTo(expected.output("y"));
      // Whoever lent the input may want its memory back.
      input.assign(Double.NaN);
      try (GraphResult actual = pending.finish(Map.of("g", late))) {
        assertThat(actual.gradient("w")).isEqualTo(expected.gradient("w"));
        assertThat(actual.gradient("x")).isEqualTo(expected.gradient("x"));
        assertThat(actual.output(LOSS)).isEqualTo(expected.output(LOSS));
      }
      assertThatThrownBy(() -> pending.finish(Map.of("g", late)))
          .isInstanceOf(IllegalStateException.class);
      try (GraphResult actual = lent.finishBorrowing(Map.of("g", late))) {
        assertThat(actual.gradient("w")).isEqualTo(expected.gradient("w"));
        assertThat(actual.gradient("x")).isEqualTo(expected.gradient("x"));
        assertThatThrownBy(() -> actual.detachGradient("w")).hasMessageContaining("borrowed");
      }
    }
  }

  @Test
  void leavesControlFlowToTheSession() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 2);
    graph.ifCond(sd -> sd.constant(true), sd -> x.mul(2.0), sd -> x.mul(3.0)).rename("y");
    try (GraphRunner runner = GraphRunner.of(graph);
        GraphResult result = runner.run(Map.of("x", Nd4j.ones(1, 2)), "y")) {
      assertThat(result.output("y").toFloatVector()).containsExactly(2, 2);
      assertThat(runner.describe()).startsWith("SameDiff session").contains("cannot be replayed");
    }
  }

  @Test
  void computesNoGradientOfFrozenWeights() {
    SameDiff graph = convolutional();
    graph.convertToConstant(graph.getVariable("w1"));
    try (PlanRunner plan = new PlanRunner(graph, false, false)) {
      assertThat(
              plan.operations(Map.of("x", wave(2, 12, 12, 3), "t", wave(2, 5)), LOSS, List.of("x")))
          .contains("deconv2d_tf", "step")
          .doesNotContain("conv2d_bp", "matmul_bp", "add_bp", "relu_bp", "thresholdedrelu_bp");
    }
  }

  /** Values with one element a row on the right-hand side, as in layer normalisation. */
  @Test
  void columnsAreDifferentiatedByProducts() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 5, 8);
    SDVariable a = graph.placeHolder("a", DataType.FLOAT, -1, 5, 1);
    x.mul(a).sub(a.mul(0.5)).add(a).mul(x).sum(1, 2).sum(0).rename(LOSS);
    Map<String, INDArray> inputs = Map.of("x", wave(2, 5, 8), "a", wave(2, 5, 1).addi(2));
    agreeOnGradients(graph, inputs, List.of("x", "a"), "multiply_bp", "subtract_bp", "add_bp");
  }

  @ParameterizedTest
  @CsvSource({"false,false", "true,false", "false,true", "true,true"})
  void stacksOfLargeMatricesAreMultipliedOneByOne(boolean left, boolean right) {
    SameDiff graph = SameDiff.create();
    INDArray x = left ? wave(2, 3, 40, 70) : wave(2, 3, 70, 40);
    INDArray y = right ? wave(2, 3, 110, 40) : wave(2, 3, 40, 110);
    SDVariable product =
        graph.mmul(
            graph.placeHolder("x", DataType.FLOAT, x.shape()),
            graph.placeHolder("y", DataType.FLOAT, y.shape()),
            left,
            right,
            false);
    product.mul(product).sum(1, 2, 3).sum(0).rename(LOSS);
    assertThat(
            OperationCall.BatchedProduct.splits(
                DynamicCustomOp.builder("matmul").build(),
                List.of(x, y),
                List.of(Nd4j.create(2, 3, 70, 110))))
        .isTrue();
    agreeOnGradients(graph, Map.of("x", x, "y", y), List.of("x", "y"), "matmul_bp");
  }

  private static void agreeOnGradients(
      SameDiff graph, Map<String, INDArray> inputs, List<String> wrt, String... absent) {
    try (PlanRunner plan = new PlanRunner(graph, false, true);
        GraphRunner session = new SameDiffRunner(graph);
        GraphResult actual = plan.gradients(inputs, LOSS, List.of(LOSS), wrt);
        GraphResult expected = session.gradients(inputs, LOSS, List.of(LOSS), wrt)) {
      assertThat(plan.operations(inputs, LOSS, wrt)).doesNotContain(absent);
      double loss = expected.output(LOSS).getDouble(0);
      assertThat(actual.output(LOSS).getDouble(0)).isCloseTo(loss, within(1e-5 * Math.abs(loss)));
      for (String name : wrt) {
        INDArray wanted = expected.gradient(name);
        double scale = wanted.amaxNumber().doubleValue();
        double error = actual.gradient(name).sub(wanted).amaxNumber().doubleValue();
        assertThat(error / scale).as(name).isLessThan(1e-5);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"1,0", "3,0", "3,1", "3,2", "5,2", "5,4", "2,1", "2,0"})
  void frozenConvolutionsOfStrideOneGoBackAsConvolutions(int kernel, int padding) {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 6, 7, 3);
    SDVariable w = graph.constant("w", wave(kernel, kernel, 3, 4));
    SDVariable y = graph.cnn.conv2d(x, w, graph.constant("b", wave(4)), conv(kernel, 1, padding));
    y.mul(y).sum(1, 2, 3).sum(0).rename(LOSS);
    Map<String, INDArray> inputs = Map.of("x", wave(2, 6, 7, 3));
    agreeOnGradients(graph, inputs, List.of("x"), "deconv2d_tf", "conv2d_bp");
  }

  @ParameterizedTest
  @CsvSource({"false,false", "true,false", "false,true", "true,true"})
  void productsOfTransposedMatricesAreDifferentiated(boolean left, boolean right) {
    SameDiff graph = SameDiff.create();
    INDArray x = left ? wave(2, 5, 3) : wave(2, 3, 5);
    INDArray y = right ? wave(2, 4, 5) : wave(2, 5, 4);
    SDVariable product =
        graph.mmul(
            graph.placeHolder("x", DataType.FLOAT, x.shape()),
            graph.var("y", y),
            left,
            right,
            false);
    product.mul(product).sum(1, 2).sum(0).rename(LOSS);
    try (PlanRunner plan = new PlanRunner(graph, false, true);
        GraphRunner session = new SameDiffRunner(graph);
        GraphResult actual =
            plan.gradients(Map.of("x", x), LOSS, List.of(LOSS), List.of("x", "y"));
        GraphResult expected =
            session.gradients(Map.of("x", x), LOSS, List.of(LOSS), List.of("x", "y"))) {
      assertThat(plan.operations(Map.of("x", x), LOSS, List.of("x", "y")))
          .doesNotContain("matmul_bp");
      for (String name : List.of("x", "y")) {
        assertThat(actual.gradient(name).equalsWithEps(expected.gradient(name), 1e-4))
            .as(name)
            .isTrue();
      }
    }
  }

  @Test
  void namesAMissingInput() {
    try (GraphRunner runner = GraphRunner.of(convolutional())) {
      assertThatThrownBy(() -> runner.run(Map.of("t", wave(2, 5)), "logits"))
          .hasMessageContaining("\"x\"")
          .hasMessageContaining("[t]");
    }
  }

  private static void agree(SameDiff graph, Map<String, INDArray> inputs, String wrt) {
    try (GraphRunner plan = new PlanRunner(graph, false, true);
        GraphRunner session = new SameDiffRunner(graph)) {
      compare(plan, session, inputs, wrt);
      compare(plan, session, inputs, wrt);
      assertThat(plan.describe()).startsWith("compiled plan");
    }
  }

  /**
   * Same kernels, same order: a forward run must give the same bits, a way back within rounding.
   */
  private static void compare(
      GraphRunner plan, GraphRunner session, Map<String, INDArray> inputs, String wrt) {
    List<String> outputs = List.of("logits", "feature");
    try (GraphResult actual = plan.run(inputs, outputs);
        GraphResult expected = session.run(inputs, outputs)) {
      for (String name : outputs) {
        assertThat(actual.output(name)).as(name).isEqualTo(expected.output(name));
      }
    }
    try (GraphResult actual = plan.gradients(inputs, LOSS, outputs, List.of(wrt, "feature"));
        GraphResult expected = session.gradients(inputs, LOSS, outputs, List.of(wrt, "feature"))) {
      assertThat(actual.output("logits")).isEqualTo(expected.output("logits"));
      for (String name : List.of(wrt, "feature")) {
        INDArray wanted = expected.gradient(name);
        double scale = wanted.amaxNumber().doubleValue();
        assertThat(scale).as("gradient of %s", name).isGreaterThan(0);
        double error = actual.gradient(name).sub(wanted).amaxNumber().doubleValue();
        assertThat(error / scale).as("gradient of %s", name).isLessThan(1e-5);
      }
    }
  }

  static SameDiff convolutional() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 12, 12, 3);
    SDVariable a =
        graph.nn.relu(
            graph.cnn.conv2d(
                x, graph.var("w1", wave(3, 3, 3, 4)), graph.constant("b1", wave(4)), conv(3, 1, 1)),
            0);
    SDVariable pooled = graph.cnn.maxPooling2d(a, pool(2, 2, 0));
    SDVariable strided =
        graph.cnn.conv2d(
            pooled,
            graph.constant("w2", wave(3, 3, 4, 6)),
            graph.constant("b2", wave(6)),
            conv(3, 2, 1));
    SDVariable shortcut =
        graph.cnn.conv2d(
            pooled,
            graph.constant("w3", wave(1, 1, 4, 6)),
            graph.constant("b3", wave(6)),
            conv(1, 2, 0));
    SDVariable feature = graph.nn.relu(strided.add(shortcut), 0).rename("feature");
    SDVariable mean = feature.mean(1, 2);
    SDVariable logits = graph.mmul(mean, graph.constant("head", wave(6, 5))).rename("logits");
    loss(graph, logits, 5);
    return graph;
  }

  static SameDiff attention() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 6, 8);
    SDVariable feature = x.add(graph.constant("position", wave(1, 6, 8))).rename("feature");
    SDVariable mean = feature.mean(true, 2);
    SDVariable centred = feature.sub(mean);
    SDVariable variance = centred.mul(centred).mean(true, 2);
    SDVariable normal =
        centred.div(graph.math.sqrt(variance.add(1e-6))).mul(graph.constant("g", wave(8)));
    SDVariable flat = graph.reshape(normal, -1, 8);
    SDVariable q = heads(graph, graph.mmul(flat, graph.constant("wq", wave(8, 8))));
    SDVariable k = heads(graph, graph.mmul(flat, graph.constant("wk", wave(8, 8))));
    SDVariable scores = graph.nn.softmax(graph.mmul(q, graph.permute(k, 0, 1, 3, 2)).mul(0.5), -1);
    SDVariable mixed = graph.reshape(graph.permute(graph.mmul(scores, k), 0, 2, 1, 3), -1, 6, 8);
    SDVariable sum = feature.add(mixed);
    SDVariable gelu = sum.mul(graph.math.erf(sum.mul(1 / Math.sqrt(2))).add(1)).mul(0.5);
    SDVariable logits = gelu.mean(1).rename("logits");
    loss(graph, logits, 8);
    return graph;
  }

  private static SDVariable heads(SameDiff graph, SDVariable flat) {
    return graph.permute(graph.reshape(flat, -1, 6, 2, 4), 0, 2, 1, 3);
  }

  private static void loss(SameDiff graph, SDVariable logits, int classes) {
    SDVariable target = graph.placeHolder("t", DataType.FLOAT, -1, classes);
    graph.nn.logSoftmax(logits).mul(target).sum(1).mean(false, 0).neg().rename(LOSS);
  }

  private static Conv2DConfig conv(int kernel, int stride, int padding) {
    return Conv2DConfig.builder()
        .kH(kernel)
        .kW(kernel)
        .sH(stride)
        .sW(stride)
        .pH(padding)
        .pW(padding)
        .dataFormat("NHWC")
        .paddingMode(PaddingMode.VALID)
        .build();
  }

  private static Pooling2DConfig pool(int kernel, int stride, int padding) {
    return Pooling2DConfig.builder()
        .kH(kernel)
        .kW(kernel)
        .sH(stride)
        .sW(stride)
        .pH(padding)
        .pW(padding)
        .isNHWC(true)
        .build();
  }

  static INDArray wave(long... shape) {
    INDArray array = Nd4j.create(DataType.FLOAT, shape);
    for (long i = 0; i < array.length(); i++) {
      array.data().put(i, Math.sin(0.7 + 1.3 * i + shape.length));
    }
    return array;
  }
}
