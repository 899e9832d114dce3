package org.ttame.backbones.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.backbones.onnx.ConformanceCase.Outcome;

/**
 * ONNX's official node tests with all inputs constant: the evaluator of constants computes them.
 */
class ConstantConformanceTest {
  /** What nobody computes before there is an image: layers, and types that no classifier has. */
  private static final Pattern EXPECTED_REFUSALS =
      Pattern.compile(
          "a (Attention|Conv|ConvTranspose|(Max|Average|Lp|GlobalMax|GlobalAverage|GlobalLp)Pool|LRN|Loop"
              + "|LSTM|Col2Im|GroupNormalization|LpNormalization|MeanVarianceNormalization) node.*"
              + "|.* has element type .*");

  /**
   * {@code -Dttame.conformance=FOLDER} takes all tests, written by {@code conformance.py}, instead
   * of the bundled ones.
   */
  @Test
  void noConstantIsEvaluatedWrongly(@TempDir Path folder) throws IOException {
    String all = System.getProperty("ttame.conformance");
    List<ConformanceCase> cases =
        all == null ? ConformanceCase.bundled(folder) : ConformanceCase.in(Path.of(all));
    List<String> wrong = new ArrayList<>();
    List<String> refused = new ArrayList<>();
    int passed = 0;
    for (ConformanceCase test : cases) {
      Outcome outcome = test.run(ConstantConformanceTest::evaluate);
      String line = test + ": " + outcome.reason();
      switch (outcome.kind()) {
        case PASSED, PASSED_AT_ITS_OWN_BATCH -> passed++;
        case WRONG -> wrong.add(line);
        case REFUSED -> {
          if (!EXPECTED_REFUSALS.matcher(outcome.reason()).matches()) {
            refused.add(line);
          }
        }
      }
    }
    assertEquals(List.of(), wrong);
    assertTrue(
        passed >= 200 && refused.size() <= passed / 20,
        () -> String.join(System.lineSeparator(), refused));
  }

  /** Runs a graph whose inputs are all known. */
  static Map<String, Constant> evaluate(OnnxModel model, Map<String, Constant> inputs)
      throws IOException {
    Map<String, Constant> values = new HashMap<>(model.initialisers());
    values.putAll(inputs);
    for (OnnxNode node : model.nodes()) {
      List<Operand> operands = new ArrayList<>();
      for (String name : node.inputs()) {
        operands.add(name.isEmpty() ? null : values.get(name));
      }
      List<Constant> results =
          node.type().equals("Shape") || node.type().equals("Size")
              ? List.of(Shapes.sizes(node, operands.get(0)))
              : Arithmetic.evaluate(node, operands, model.opset());
      for (int i = 0; i < results.size() && i < node.outputs().size(); i++) {
        values.put(node.outputs().get(i), results.get(i));
      }
    }
    return values;
  }
}
