package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.backbones.graph.BackboneGraph;
import org.ttame.backbones.source.BackboneException;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.backbones.source.BackboneSource;
import org.ttame.core.Text;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.engine.GraphResult;
import org.ttame.core.engine.Precision;
import org.ttame.core.image.InputSpec;
import org.ttame.core.npz.Npz;

/**
 * Exports of whole models, NAME.onnx and NAME.new.onnx, against PyTorch's logits and gradients in
 * NAME.npz, and against themselves after an import, bit by bit: {@code -Dttame.exports=FOLDER},
 * {@code -Dttame.only=NAME,NAME} for some of them. Prints a table, and writes it to {@code
 * -Dttame.table=FILE}.
 *
 * <p>Where activations have kinks (ReLU, max pool) a gradient in float32 depends on which side of
 * one a value falls that is a rounding away from it. A gradient beyond its bound must therefore be
 * right in double precision, and in float32 as soon as the branches of double precision are held
 * ({@link HeldBranches}); the table says how many values are on another side. Exporters fold
 * normalisations into weights in float32, which moves a few kinks, too: where NAME.kinks.npz holds
 * the gradient of the file's own graph, computed by PyTorch in double precision ({@code
 * src/test/python/kinks.py}), that is what double precision must give.
 */
@Tag("fullsize")
class ExportedModelsTest {
  private static final double LOGITS = 1e-4;
  private static final double GRADIENTS = 1e-3;

  /** Of the same graph in double precision: sums in another order. */
  private static final double EXACT = 1e-6;

  /** Of all values that decide on a branch those that may be a rounding away from a kink. */
  private static final double ROUNDED = 1e-5;

  /** A bound that no longer tells right from wrong: double precision has to. */
  private static final double TELLS_NOTHING = 1e-2;

  /** The table's cell on kinks. */
  private static final int KINKS = 5;

  private static final ModelTable TABLE = new ModelTable();

  @TempDir static Path folder;

  @TestFactory
  Stream<DynamicTest> everyExport() throws IOException {
    String exports = System.getProperty("ttame.exports");
    assumeTrue(exports != null, "-Dttame.exports=FOLDER names no folder of exports");
    String only = System.getProperty("ttame.only", "");
    List<String> wanted = Arrays.asList(only.split(",", -1));
    try (Stream<Path> files = Files.list(Path.of(exports))) {
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
        List<String> cells =
            Stream.of(logits, logitsBound, gradients, gradientsBound)
                .map(value -> Text.format("%.1e", value))
                .collect(Collectors.toCollection(ArrayList::new));
        cells.add("");
        cells.add(
            classifier.defaultLayers().stream()
                .map(layer -> Text.format("`%s` %s", layer.node(), layer.shape()))
                .collect(Collectors.joining(", ")));
        cells.add(0, "wrong");
        put(file, cells);
        isTheSameImported(file, images, classes, result);
        assertThat(logits).as("logits").isLessThanOrEqualTo(logitsBound);
        if (logitsBound > TELLS_NOTHING) {
          cells.set(KINKS, isRightInDouble(file, golden, classes));
        } else if (gradients > gradientsBound) {
          cells.set(KINKS, areKinks(file, golden, classes, gradientsBound));
        }
        cells.set(0, "right");
        put(file, cells);
      }
    } catch (BackboneException e) {
      put(file, List.of("refused: " + e.getMessage().replace(file.toString(), "it")));
      throw e;
    } finally {
      golden.values().forEach(INDArray::close);
    }
  }

  /** A file that {@code import} wrote gives the same bits. */
  private static void isTheSameImported(
      Path file, INDArray images, int[] classes, GraphResult expected) throws IOException {
    Path imported = folder.resolve(name(file) + ".ttame");
    Backbones.importTo(file, imported, BackboneOptions.defaults());
    try (FrozenClassifier classifier = Backbones.load(imported, BackboneOptions.defaults());
        GraphResult actual =
            classifier.logitGradients(
                Map.of(classifier.inputName(), images),
                classes,
                List.of(classifier.logitsName()),
                List.of(classifier.inputName()))) {
      assertThat(Members.floats(actual.output(classifier.logitsName())))
          .as("logits after an import")
          .isEqualTo(Members.floats(expected.output(classifier.logitsName())));
      assertThat(Members.floats(actual.gradient(classifier.inputName())))
          .as("gradient after an import")
          .isEqualTo(Members.floats(expected.gradient(classifier.inputName())));
    } finally {
      Files.delete(imported);
    }
  }

  /**
   * Where PyTorch's own float32 is nowhere near its double precision, and the exporter's folding in
   * float32 moves as much: only the file's own graph in double precision tells. A gradient in
   * float32 may then be any number of times too long.
   */
  private static String isRightInDouble(Path file, Map<String, INDArray> golden, int[] classes)
      throws IOException {
    Path own = file.resolveSibling(name(file) + ".kinks.npz");
    assertThat(own).as("the file's own graph, of src/test/python/kinks.py").exists();
    Map<String, INDArray> values = Npz.read(own);
    BackboneOptions options = BackboneOptions.defaults().inDoublePrecision();
    try (FrozenClassifier classifier = Backbones.load(file, options);
        INDArray single = Members.images(golden.get("x"));
        INDArray images = single.castTo(DataType.DOUBLE);
        ClassifierOutput output = classifier.forward(images, List.of());
        INDArray gradient = gradient(classifier, images, classes)) {
      double logits = distance(output.logits(), values.get("logits64"));
      double gradients = distance(gradient, values.get("grad64"));
      assertThat(logits).as("logits in double precision").isLessThan(EXACT);
      assertThat(gradients).as("gradient in double precision").isLessThan(EXACT);
      return Text.format(
          "float32 tells nothing; the file's own graph in double: logits %.1e, gradient %.1e",
          logits, gradients);
    } finally {
      values.values().forEach(INDArray::close);
    }
  }

  /** The gradient is right in double precision, and in float32 with the branches of double. */
  private static String areKinks(
      Path file, Map<String, INDArray> golden, int[] classes, double bound) throws IOException {
    BackboneOptions options = BackboneOptions.defaults();
    Map<String, INDArray> exact = new HashMap<>();
    try (FrozenClassifier classifier = Backbones.load(file, options.inDoublePrecision());
        INDArray single = Members.images(golden.get("x"));
        INDArray images = single.castTo(DataType.DOUBLE);
        INDArray gradient = gradient(classifier, images, classes)) {
      Path own = file.resolveSibling(name(file) + ".kinks.npz");
      double folded = distance(gradient, golden.get("grad64"));
      if (Files.exists(own)) {
        Map<String, INDArray> values = Npz.read(own);
        assertThat(distance(gradient, values.get("grad64"))).as("in double").isLessThan(EXACT);
        values.values().forEach(INDArray::close);
      } else {
        assertThat(folded).as("gradient in double precision").isLessThan(GRADIENTS);
      }
      Collection<String> deciding = HeldBranches.deciding(classifier.graph());
      long count = 0;
      try (GraphResult inside = classifier.inside(images, deciding)) {
        for (String name : deciding) {
          exact.put(name, inside.output(name).dup('c'));
          count += inside.output(name).length();
        }
      }
      long differing;
      try (FrozenClassifier plain = Backbones.load(file, options);
          GraphResult inside = plain.inside(single, deciding)) {
        Map<String, INDArray> rounded = new HashMap<>();
        deciding.forEach(name -> rounded.put(name, inside.output(name)));
        differing = HeldBranches.differing(plain.graph(), rounded, exact);
      }
      double held = heldDistance(file, exact, single, classes, gradient);
      assertThat((double) differing / count).as("values at kinks").isLessThan(ROUNDED);
      assertThat(held).as("gradient with branches held").isLessThanOrEqualTo(bound);
      return Text.format(
          "%d of %,d values on another side; %.1e with branches held; in double %.1e",
          differing, count, held, folded);
    } finally {
      exact.values().forEach(INDArray::close);
    }
  }

  private static double heldDistance(
      Path file, Map<String, INDArray> exact, INDArray images, int[] classes, INDArray expected)
      throws IOException {
    BackboneGraph graph;
    try (BackboneSource source = Backbones.open(file, BackboneOptions.defaults())) {
      graph = BackboneGraph.of(source.architecture(), source, DataType.FLOAT, Precision.FLOAT32);
      HeldBranches.hold(graph, exact);
      try (FrozenClassifier held =
              FrozenClassifier.builder(graph.graph())
                  .name("held")
                  .input(BackboneGraph.INPUT)
                  .logits(graph.logits())
                  .classes(source.architecture().classes())
                  .inputSpec(InputSpec.imageNet(source.architecture().size().height()))
                  .layers(graph.layers())
                  .build();
          INDArray gradient = gradient(held, images, classes)) {
        return distance(gradient, expected);
      }
    }
  }

  private static INDArray gradient(FrozenClassifier classifier, INDArray images, int[] classes) {
    String input = classifier.inputName();
    try (GraphResult result =
        classifier.logitGradients(
            Map.of(input, images), classes, List.of(classifier.logitsName()), List.of(input))) {
      return result.gradient(input).permute(0, 3, 1, 2).dup('c');
    }
  }

  /** Of the difference, in the L2 norm, relative to what is expected. */
  private static double distance(INDArray actual, INDArray expected) {
    try (INDArray difference = actual.sub(expected)) {
      return difference.norm2Number().doubleValue() / expected.norm2Number().doubleValue();
    }
  }

  private static void put(Path file, List<String> cells) {
    boolean newer = name(file).endsWith(".new");
    TABLE.put(name(file).replace(".new", ""), newer ? "new" : "old", cells);
  }

  @AfterAll
  static void print() throws IOException {
    System.out.println(TABLE);
    String table = System.getProperty("ttame.table");
    if (table != null) {
      TABLE.write(Path.of(table));
    }
  }
}
