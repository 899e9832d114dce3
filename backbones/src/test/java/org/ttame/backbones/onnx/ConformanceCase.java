package org.ttame.backbones.onnx;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.ttame.core.Text;

/**
 * One of ONNX's official node tests, as {@code src/test/python/conformance.py} writes it: a graph
 * that holds its inputs' values and what it should give.
 *
 * @param file the .onnx file
 * @param operator the operator that it is a test of
 * @param since the operator set since which that operator is as the test has it
 * @param float32 whether a float32 classifier could hold it: floats go in and come out
 */
record ConformanceCase(Path file, String operator, int since, boolean float32) {
  private static final String GIVEN = "given:";
  private static final String EXPECTED = "expected:";
  private static final String TOLERANCE = "tolerance";

  /** What became of a test. */
  enum Kind {
    PASSED,
    /** At the batch that the file was exported with, but not with images along an axis. */
    PASSED_AT_ITS_OWN_BATCH,
    REFUSED,
    WRONG
  }

  /**
   * What became of a test.
   *
   * @param kind what
   * @param reason why it was refused or what is wrong; empty where it passed
   */
  record Outcome(Kind kind, String reason) {}

  /** Something that runs a test's graph. */
  interface Runner {
    /**
     * Runs a graph.
     *
     * @param model the graph, inputs and parameters
     * @param inputs the values of its inputs by name
     * @return the values of its outputs by name
     */
    Map<String, Constant> run(OnnxModel model, Map<String, Constant> inputs) throws IOException;
  }

  /** The tests that are bundled, unpacked into a folder. */
  static List<ConformanceCase> bundled(Path folder) throws IOException {
    try (InputStream in = ConformanceCase.class.getResourceAsStream("conformance.zip");
        ZipInputStream zip = new ZipInputStream(Objects.requireNonNull(in))) {
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        Files.copy(zip, folder.resolve(entry.getName()));
      }
    }
    return in(folder);
  }

  /** The tests in a folder that the script wrote. */
  static List<ConformanceCase> in(Path folder) throws IOException {
    List<ConformanceCase> cases = new ArrayList<>();
    for (String line : Files.readAllLines(folder.resolve("index.tsv"))) {
      String[] fields = line.split("\t", -1);
      cases.add(
          new ConformanceCase(
              folder.resolve(fields[0] + ".onnx"),
              fields[1],
              Integer.parseInt(fields[2]),
              fields[3].equals("float32")));
    }
    return cases;
  }

  String name() {
    return file.getFileName().toString().replace(".onnx", "");
  }

  @Override
  public String toString() {
    return name();
  }

  /** Runs the test; whatever is thrown but a refusal is wrong. */
  Outcome run(Runner runner) {
    try (OnnxModel whole = OnnxParser.parse(file)) {
      Map<String, Constant> parameters = new HashMap<>();
      Map<String, Constant> given = new HashMap<>();
      Map<String, Constant> expected = new HashMap<>();
      whole
          .initialisers()
          .forEach(
              (name, value) -> {
                if (name.startsWith(GIVEN)) {
                  given.put(name.substring(GIVEN.length()), value);
                } else if (name.startsWith(EXPECTED)) {
                  expected.put(name.substring(EXPECTED.length()), value);
                } else if (!name.equals(TOLERANCE)) {
                  parameters.put(name, value);
                }
              });
      OnnxModel model =
          new OnnxModel(
              file,
              whole.producer(),
              whole.opset(),
              whole.nodes(),
              parameters,
              whole.inputs(),
              whole.outputs(),
              whole.functions(),
              List.of());
      double[] tolerance = whole.initialisers().get(TOLERANCE).values();
      Map<String, Constant> found = runner.run(model, given);
      for (String name : model.outputs()) {
        String difference = difference(found.get(name), expected.get(name), tolerance);
        if (difference != null) {
          return new Outcome(Kind.WRONG, name + " " + difference);
        }
      }
      return new Outcome(Kind.PASSED, "");
    } catch (UnsupportedGraphException | org.ttame.backbones.source.BackboneException e) {
      return new Outcome(Kind.REFUSED, String.valueOf(e.getMessage()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (RuntimeException e) {
      return new Outcome(Kind.WRONG, "fails: " + e);
    }
  }

  private static String difference(Constant found, Constant expected, double[] tolerance)
      throws IOException {
    if (found == null) {
      return "is missing";
    }
    if (!Arrays.equals(found.shape(), expected.shape())) {
      return Text.format(
          "has shape %s instead of %s",
          Arrays.toString(found.shape()), Arrays.toString(expected.shape()));
    }
    double[] actual = found.values();
    double[] wanted = expected.values();
    // A unit in the last place: the reference does not round every step in these types.
    double unit =
        switch (expected.type()) {
          case FLOAT16 -> 0x1p-9;
          case BFLOAT16 -> 0x1p-6;
          default -> 0;
        };
    double relative = Math.max(tolerance[0], unit);
    for (int i = 0; i < wanted.length; i++) {
      boolean same =
          Double.compare(actual[i], wanted[i]) == 0
              || Math.abs(actual[i] - wanted[i]) <= tolerance[1] + relative * Math.abs(wanted[i]);
      if (!same) {
        return Text.format("has %s instead of %s at %d", actual[i], wanted[i], i);
      }
    }
    return null;
  }
}
