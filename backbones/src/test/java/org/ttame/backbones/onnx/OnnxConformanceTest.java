package org.ttame.backbones.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.backbones.onnx.ConformanceCase.Outcome;

/** ONNX's official node tests of floats, imported as parts of a classifier. */
class OnnxConformanceTest {
  /** Of those that are bundled; what is not among them is refused. */
  private static final int LEAST = 156;

  /**
   * {@code -Dttame.conformance=FOLDER} takes all tests, written by {@code conformance.py}, instead
   * of the bundled ones.
   */
  @Test
  void nothingIsImportedWrongly(@TempDir Path folder) throws IOException {
    String all = System.getProperty("ttame.conformance");
    List<ConformanceCase> cases =
        all == null ? ConformanceCase.bundled(folder) : ConformanceCase.in(Path.of(all));
    List<String> wrong = new ArrayList<>();
    int passed = 0;
    for (ConformanceCase test : cases) {
      if (test.float32()) {
        Outcome outcome = ImportedNode.outcome(test);
        String line = test + ": " + outcome.reason();
        switch (outcome.kind()) {
          case PASSED, PASSED_AT_ITS_OWN_BATCH -> passed++;
          case WRONG -> wrong.add(line);
          case REFUSED -> {}
        }
      }
    }
    assertEquals(List.of(), wrong);
    int count = passed;
    assertTrue(count >= LEAST, () -> "only " + count + " pass");
  }
}
