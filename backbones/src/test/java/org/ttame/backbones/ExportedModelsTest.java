package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.backbones.source.BackboneException;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.engine.GraphResult;
import org.ttame.core.npz.Npz;

/**
 * Exports of whole models, NAME.onnx and NAME.new.onnx, against PyTorch's logits and gradients in
 * NAME.npz: {@code -Dttame.exports=FOLDER}, {@code -Dttame.only=NAME,NAME} for some of them. Prints
 * a table.
 *
 * <p>Where activations have kinks (ReLU, max pool) a gradient in float32 depends on which side of
 * one a value falls that is a rounding away from it. A gradient beyond its bound is therefore
 * compared in double precision, where it must be the same.
 */
@Tag("fullsize")
class ExportedModelsTest {
  private static final double LOGITS = 1e-4;
  private static final double GRADIENTS = 1e-3;

  /** Exporters fold normalisations into weights in float32, which moves a few kinks, too. */
  private static final double EXACT = 1e-3;

  /** No rounding turns a gradient upside down. */
  private static final double KINKS = 0.05;

  private static final StringBuilder TABLE =
      new StringBuilder("| model | logits | bound | gradient | bound | default layers |\n");

  @TestFactory
  Stream<DynamicTest> everyExport() throws IOException {
    String folder = System.getProperty("ttame.exports");
    assumeTrue(folder != null, "-Dttame.exports=FOLDER names no folder of exports");
    String only = System.getProperty("ttame.only", "");
    List<String> wanted = Arrays.asList(only.split(",", -1));
    try (Stream<Path> files = Files.list(Path.of(folder))) {
      return files
          .filter(file -> file.toString().endsWith(".onnx"))
          .filter(file -> only.isEmpty() || wanted.contains(name(file).replace(".new", "")))
          .sorted()
          .toList()
          .stream()
          .map(file -> DynamicTest.dynamicTest(name(file), () -> agreesWithPyTorch(file)));
    }
  }

  private static String name(Path file) {
    return String.valueOf(file.getFileName()).replaceFirst("\\.onnx$", "");
  }

  private static void agreesWithPyTorch(Path file) throws IOException {
    Path values = file.resolveSibling(name(file).replace(".new", "") + ".npz");
    assumeTrue(Files.exists(values), "there is no " + values);
    Map<String, INDArray> golden = Npz.read(values);
    try (FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults());
        INDArray images = Members.images(golden.get("x"))) {
      int[] classes = golden.get("classes").toIntVector();
      String input = classifier.inputName();
      try (GraphResult result =
              classifier.logitGradients(
                  Map.of(input, images),
                  classes,
                  List.of(classifier.logitsName()),
                  List.of(input));
          INDArray gradient = result.gradient(input).permute(0, 3, 1, 2).dup('c')) {
        double logits = distance(result.output(classifier.logitsName()), golden.get("logits64"));
        double logitsBound =
            Math.max(LOGITS, 2 * distance(golden.get("logits"), golden.get("logits64")));
        double gradients = distance(gradient, golden.get("grad64"));
        double gradientsBound =
            Math.max(GRADIENTS, 2 * distance(golden.get("grad"), golden.get("grad64")));
        TABLE.append(
            Text.format(
                "| %s | %.1e | %.1e | %.1e | %.1e | %s |%n",
                name(file),
                logits,
                logitsBound,
                gradients,
                gradientsBound,
                String.join(
                    ", ",
                    classifier.defaultLayers().stream()
                        .map(layer -> layer.node() + " " + layer.shape())
                        .toList())));
        assertThat(logits).as("logits").isLessThanOrEqualTo(logitsBound);
        if (gradients > gradientsBound) {
          double exact = inDoublePrecision(file, golden, classes);
          TABLE.append(Text.format("| %s, double precision | | | %.1e | | |%n", name(file), exact));
          assertThat(exact).as("gradient in double precision").isLessThan(EXACT);
          assertThat(gradients).as("gradient").isLessThan(KINKS);
        }
      }
    } catch (BackboneException e) {
      TABLE.append(Text.format("| %s | refused: %s |%n", name(file), e.getMessage()));
      throw e;
    } finally {
      golden.values().forEach(INDArray::close);
    }
  }

  private static double inDoublePrecision(Path file, Map<String, INDArray> golden, int[] classes)
      throws IOException {
    try (FrozenClassifier classifier =
            Backbones.load(file, BackboneOptions.defaults().inDoublePrecision());
        INDArray single = Members.images(golden.get("x"));
        INDArray images = single.castTo(DataType.DOUBLE);
        GraphResult result =
            classifier.logitGradients(
                Map.of(classifier.inputName(), images),
                classes,
                List.of(classifier.logitsName()),
                List.of(classifier.inputName()));
        INDArray gradient = result.gradient(classifier.inputName()).permute(0, 3, 1, 2).dup('c')) {
      return distance(gradient, golden.get("grad64"));
    }
  }

  /** Of the difference, in the L2 norm, relative to what is expected. */
  private static double distance(INDArray actual, INDArray expected) {
    try (INDArray difference = actual.sub(expected)) {
      return difference.norm2Number().doubleValue() / expected.norm2Number().doubleValue();
    }
  }

  @AfterAll
  static void print() {
    System.out.println(TABLE);
  }
}
