package org.ttame.core.classifier;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.engine.GraphResult;
import org.ttame.core.engine.GraphRunner;

/** Passes of another size than the batch, against one pass of the batch itself. */
class PassRunnerTest {
  private static final int CLASSES = 3;
  private static final List<String> OUTPUTS =
      List.of("logits", "tokens", Objectives.LOGIT_SUM, Objectives.CROSS_ENTROPY);

  private final SameDiff graph = SameDiff.create();

  /** How many images the passes had. */
  private SDVariable seen;

  @BeforeEach
  void build() {
    SDVariable image = graph.placeHolder("image", DataType.DOUBLE, -1, CLASSES);
    SDVariable token = graph.placeHolder("token", DataType.DOUBLE, -1, 2);
    SDVariable logits = image.mul(image).mul(0.5).rename("logits");
    token.mul(3).rename("tokens");
    Objectives.of(graph, logits.name(), OutputSpec.logits(CLASSES));
    seen = image.mul(0).add(1).mean(1).sum(0).rename("seen");
  }

  @AfterEach
  void close() {
    graph.variables().stream()
        .filter(SDVariable::isConstant)
        .map(SDVariable::getArr)
        .filter(INDArray::closeable)
        .forEach(INDArray::close);
  }

  private static Map<String, INDArray> inputs(int images, int tokens) {
    INDArray target = Nd4j.zeros(DataType.DOUBLE, images, CLASSES);
    for (int row = 0; row < images; row++) {
      target.putScalar(row, row % CLASSES, 1);
    }
    return Map.of(
        "image", ramp(images, CLASSES), "token", ramp(tokens, 2), Objectives.TARGET, target);
  }

  private static INDArray ramp(long rows, long columns) {
    INDArray ramp = Nd4j.linspace(DataType.DOUBLE, -1, 0.17, rows * columns);
    return ramp.reshape(rows, columns).dup('c');
  }

  @ParameterizedTest
  @CsvSource({"3, 0, 5", "4, 0, 0", "4, 0, 4", "5, 0, 8", "1, 4, 0", "4, 4, 9", "7, 4, 0"})
  void whatComesOfRealImagesIsThatOfOnePass(int images, int own, int least) {
    Map<String, INDArray> inputs = inputs(images, images);
    try (GraphRunner one = GraphRunner.of(graph);
        PassRunner passes = new PassRunner(GraphRunner.of(graph), own)) {
      passes.least(least);
      for (String objective : List.of(Objectives.LOGIT_SUM, Objectives.CROSS_ENTROPY)) {
        try (GraphResult expected = one.gradients(inputs, objective, OUTPUTS, List.of("image"));
            GraphResult found = passes.gradients(inputs, objective, OUTPUTS, List.of("image"))) {
          assertThat(found.gradient("image").equalsWithEps(expected.gradient("image"), 1e-12))
              .isTrue();
          for (String output : OUTPUTS) {
            assertThat(found.output(output).equalsWithEps(expected.output(output), 1e-12))
                .as(output)
                .isTrue();
          }
        }
      }
      try (GraphResult expected = one.run(inputs, List.of("logits"));
          GraphResult found = passes.run(inputs, List.of("logits"))) {
        assertThat(found.output("logits")).isEqualTo(expected.output("logits"));
      }
      try (GraphResult expected = one.run(inputs, List.of("logits"));
          GraphResult found = passes.borrow(inputs, List.of("logits"))) {
        assertThat(found.output("logits")).isEqualTo(expected.output("logits"));
      }
    }
  }

  @Test
  void thereMayBeSeveralRowsForEachImage() {
    Map<String, INDArray> inputs = inputs(2, 6);
    try (PassRunner passes = new PassRunner(GraphRunner.of(graph))) {
      passes.least(5);
      try (GraphResult found = passes.run(inputs, List.of("logits", "tokens"))) {
        assertThat(found.output("logits").shape()).containsExactly(2, CLASSES);
        assertThat(found.output("tokens")).isEqualTo(inputs.get("token").mul(3));
      }
      assertThatIllegalArgumentException()
          .isThrownBy(() -> passes.run(inputs(2, 5), List.of("tokens")))
          .withMessageContaining("token cannot be run in passes of another size");
    }
  }

  @Test
  void whatIsOfAllImagesIsNotHandedOutWithThatOfCopies() {
    try (PassRunner passes = new PassRunner(GraphRunner.of(graph))) {
      try (GraphResult found = passes.run(inputs(3, 3), List.of(seen.name()))) {
        assertThat(found.output(seen.name()).getDouble(0)).isCloseTo(3, within(1e-12));
      }
      passes.least(4);
      try (GraphResult found = passes.run(inputs(3, 3), List.of(seen.name()))) {
        assertThatIllegalArgumentException().isThrownBy(() -> found.output(seen.name()));
      }
    }
  }

  @Test
  void aGraphOfOneSizeIsFedForTheSameImages() {
    try (PassRunner passes = new PassRunner(GraphRunner.of(graph), 4)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> passes.run(inputs(2, 4), List.of("tokens")))
          .withMessage("All that is fed should be for the same images, got counts [2, 4]");
      assertThatIllegalArgumentException().isThrownBy(() -> passes.least(-1));
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new PassRunner(GraphRunner.of(graph), -1));
  }
}
