package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FeatureKind;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;

/**
 * The rows and columns of a layer are those of the image: where a band of the image changes, the
 * same band of the layer changes most. Finds grids that are turned, transposed or in another order,
 * whatever the graph looks like. Tiny classifiers of every kind of block, and whole exports in the
 * profile: {@code -Dttame.exports=FOLDER}, {@code -Dttame.only=NAME,NAME}.
 */
class LayerPlacesTest {
  /** Bands of rows, and of columns: a coarse layer has no more than two. */
  private static final int BANDS = 2;

  /** Noise images that are averaged. */
  private static final int DRAWS = 4;

  /** Small, so that no network is carried away by it. */
  private static final double CHANGE = 0.02;

  /** Of the layer's side; where every place sees the whole image alike, it moves by nothing. */
  private static final double ALIKE = 0.04;

  private static final int SIDE = 64;
  private static final int PATCH = 8;

  @TempDir static Path folder;

  @TestFactory
  Stream<DynamicTest> everyKindOfBlock() {
    return Members.archive("blocks.zip", folder).stream().map(LayerPlacesTest::test);
  }

  @TestFactory
  @Tag("fullsize")
  Stream<DynamicTest> everyExport() throws IOException {
    String exports = System.getProperty("ttame.exports");
    assumeTrue(exports != null, "-Dttame.exports=FOLDER names no folder of exports");
    String only = System.getProperty("ttame.only", "");
    List<String> wanted = Arrays.asList(only.split(",", -1));
    try (Stream<Path> files = Files.list(Path.of(exports))) {
      return files
          .filter(file -> file.toString().endsWith(".onnx"))
          .filter(file -> only.isEmpty() || wanted.contains(name(file)))
          .sorted()
          .toList()
          .stream()
          .map(LayerPlacesTest::test);
    }
  }

  private static String name(Path file) {
    return String.valueOf(file.getFileName()).replaceFirst("\\.onnx$", "");
  }

  private static DynamicTest test(Path file) {
    return DynamicTest.dynamicTest(name(file), () -> layersLieAsTheImageDoes(file));
  }

  private static void layersLieAsTheImageDoes(Path file) throws IOException {
    try (FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults())) {
      for (Shift shift : shifts(classifier, classifier.defaultLayers())) {
        assertThat(shift.isAlike() || shift.isRight()).as("%s", shift).isTrue();
      }
    }
  }

  /**
   * How far the centre of what changes in a layer moves, from the upper half of the image to the
   * lower one and from the left to the right, in parts of the layer's side.
   *
   * @param down rows, by bands of rows; half of the side where nothing else mixes in
   * @param right columns, by bands of columns
   * @param across the larger of columns by bands of rows and rows by bands of columns: none
   */
  record Shift(FeatureLayer layer, double down, double right, double across) {
    boolean isRight() {
      double along = (down + right) / 2;
      return down > 0 && right > 0 && along > ALIKE && across < along;
    }

    boolean isAlike() {
      return Math.abs(down) < ALIKE && Math.abs(right) < ALIKE && across < ALIKE;
    }
  }

  /** Of each layer that has quarters: fewer places, of few channels, tell little. */
  static List<Shift> shifts(FrozenClassifier classifier, List<FeatureLayer> of) {
    List<FeatureLayer> layers =
        of.stream().filter(layer -> layer.height() > 3 && layer.width() > 3).toList();
    double[][][] centres = new double[layers.size()][2 * BANDS][2];
    for (int draw = 0; draw < DRAWS; draw++) {
      try (INDArray images = images(classifier, draw);
          ClassifierOutput output = classifier.forward(images, layers)) {
        for (int i = 0; i < layers.size(); i++) {
          for (int axis = 0; axis < 2; axis++) {
            addCentres(output.features().get(i), layers.get(i), axis, centres[i]);
          }
        }
      }
    }
    List<Shift> shifts = new ArrayList<>();
    for (int i = 0; i < layers.size(); i++) {
      double[][] at = centres[i];
      shifts.add(
          new Shift(
              layers.get(i),
              at[1][0] - at[0][0],
              at[3][1] - at[2][1],
              Math.max(Math.abs(at[1][1] - at[0][1]), Math.abs(at[3][0] - at[2][0]))));
    }
    return shifts;
  }

  /** Noise; the same with a band of rows changed, for each; the same with a band of columns. */
  private static INDArray images(FrozenClassifier classifier, int seed) {
    long[] shape = classifier.graph().getVariable(classifier.inputName()).getShape();
    Random random = new Random(seed);
    INDArray images = Nd4j.create(DataType.FLOAT, 1 + 2 * BANDS, shape[1], shape[2], shape[3]);
    try (INDArray noise = noise(random, shape);
        INDArray change = noise(random, shape).muli(CHANGE)) {
      for (int i = 0; i <= 2 * BANDS; i++) {
        images.slice(i).assign(noise);
      }
      for (int band = 0; band < BANDS; band++) {
        for (int axis = 0; axis < 2; axis++) {
          long side = shape[1 + axis];
          INDArrayIndex part =
              NDArrayIndex.interval(side * band / BANDS, side * (band + 1) / BANDS);
          INDArrayIndex[] of = {NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.all()};
          of[axis] = part;
          images.slice(1 + axis * BANDS + band).get(of).addi(change.get(of));
        }
      }
    }
    return images;
  }

  private static INDArray noise(Random random, long... shape) {
    float[] values = new float[Math.toIntExact(shape[1] * shape[2] * shape[3])];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat();
    }
    return Nd4j.create(values, new long[] {shape[1], shape[2], shape[3]}, 'c');
  }

  /**
   * For each band the row and the column, in [0, 1], around which a layer changes with it more than
   * with the other.
   *
   * @param axis 0 for bands of rows, 1 for those of columns
   * @param centres what to add them to, by band, those of columns behind those of rows
   */
  private static void addCentres(
      INDArray features, FeatureLayer layer, int axis, double[][] centres) {
    int places = layer.height() * layer.width();
    double[][] moved = new double[BANDS][places];
    float[] plain = values(features, layer, 0);
    for (int band = 0; band < BANDS; band++) {
      float[] changed = values(features, layer, 1 + axis * BANDS + band);
      for (int i = 0; i < plain.length; i++) {
        double gap = (double) changed[i] - plain[i];
        moved[band][i / layer.channels()] += gap * gap;
      }
    }
    for (int band = 0; band < BANDS; band++) {
      double total = 0;
      double[] centre = new double[2];
      for (int place = 0; place < places; place++) {
        double sum = moved[0][place] + moved[1][place];
        double share = sum == 0 ? 0.5 : moved[band][place] / sum;
        total += share;
        int row = place / layer.width();
        int column = place % layer.width();
        centre[0] += share * (row + 0.5) / layer.height();
        centre[1] += share * (column + 0.5) / layer.width();
      }
      centres[axis * BANDS + band][0] += centre[0] / total / DRAWS;
      centres[axis * BANDS + band][1] += centre[1] / total / DRAWS;
    }
  }

  private static float[] values(INDArray features, FeatureLayer layer, int image) {
    float[] values = features.slice(image).dup('c').data().asFloat();
    return layer.kind() == FeatureKind.MAP
        ? values
        : Arrays.copyOfRange(values, layer.prefixValues(), values.length);
  }

  /** Rows and columns change places: layers have them as the image has. */
  @Test
  void transposedMapsKeepTheirRows() throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", 2, 3, SIDE, SIDE);
    String map = patches(onnx, 8);
    String turned = onnx.node("Transpose", List.of(map), "perm", new long[] {0, 1, 3, 2});
    String active = onnx.node("Relu", List.of(turned));
    String end = onnx.node("Relu", List.of(pointwise(onnx, active)));
    finish(onnx, end, 8);
    try (FrozenClassifier classifier = load(onnx)) {
      assertThat(classifier.layers()).containsKeys(map, active, end);
      allAreRight(classifier);
    }
  }

  private static String patches(OnnxWriter onnx, int channels) {
    return onnx.node(
        "Conv",
        List.of(
            "image", onnx.weight(0, 0.2, channels, 3, PATCH, PATCH), onnx.weight(0, 0.1, channels)),
        "strides",
        new long[] {PATCH, PATCH});
  }

  private static void finish(OnnxWriter onnx, String map, int channels) {
    String flat = onnx.node("Flatten", List.of(onnx.node("GlobalAveragePool", List.of(map))));
    onnx.output(onnx.node("Gemm", List.of(flat, onnx.weight(0, 0.3, channels, 5))), "logits");
  }

  private static FrozenClassifier load(OnnxWriter onnx) throws IOException {
    Path file = Files.createTempFile(folder, "places", ".onnx");
    onnx.write(file, 1);
    return Backbones.load(file, BackboneOptions.defaults());
  }

  /** All layers that can be named lie as the image does. */
  private static void allAreRight(FrozenClassifier classifier) {
    assertThat(shifts(classifier, List.copyOf(classifier.layers().values())))
        .allSatisfy(shift -> assertThat(shift.isRight()).as("%s", shift).isTrue());
  }

  /** As in Hiera: tokens sorted by their place in a window are no layer. */
  @Test
  void tokensInAnotherOrderAreNoLayer() throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", 2, 3, SIDE, SIDE);
    String rows = onnx.node("Reshape", List.of(patches(onnx, 8), onnx.integers(0, 8, -1)));
    String tokens = onnx.node("Transpose", List.of(rows), "perm", new long[] {0, 2, 1});
    String first = onnx.node("Add", List.of(tokens, onnx.weight(0, 0.1, 1, 64, 8)));
    String split = onnx.node("Reshape", List.of(first, onnx.integers(-1, 4, 2, 4, 2, 8)));
    String sorted = onnx.node("Transpose", List.of(split), "perm", new long[] {0, 2, 4, 1, 3, 5});
    String unrolled = onnx.node("Reshape", List.of(sorted, onnx.integers(-1, 64, 8)));
    String mixed =
        onnx.node(
            "Relu", List.of(onnx.node("MatMul", List.of(unrolled, onnx.weight(0, 0.4, 8, 8)))));
    String sum = onnx.node("Add", List.of(unrolled, mixed));
    String mean = onnx.node("ReduceMean", List.of(sum), "axes", new long[] {1}, "keepdims", 0);
    onnx.output(onnx.node("Gemm", List.of(mean, onnx.weight(0, 0.3, 8, 5))), "logits");
    try (FrozenClassifier classifier = load(onnx)) {
      assertThat(classifier.layers()).containsKey(first).doesNotContainKeys(mixed, sum);
      assertThat(classifier.defaultLayers()).extracting(FeatureLayer::node).containsExactly(first);
      allAreRight(classifier);
    }
  }

  /** As in MobileViT: pixels of a patch beside patches are no map, what is folded again is one. */
  @Test
  void pixelsBesidePatchesAreNoMap() throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", 2, 3, SIDE, SIDE);
    String map = onnx.node("Relu", List.of(patches(onnx, 8)));
    String split = onnx.node("Reshape", List.of(map, onnx.integers(-1, 8, 4, 2, 4, 2)));
    String sorted = onnx.node("Transpose", List.of(split), "perm", new long[] {0, 1, 3, 5, 2, 4});
    String pixels = onnx.node("Reshape", List.of(sorted, onnx.integers(-1, 8, 4, 16)));
    String mixed = onnx.node("Relu", List.of(pointwise(onnx, pixels)));
    String again = onnx.node("Reshape", List.of(mixed, onnx.integers(-1, 8, 2, 2, 4, 4)));
    String back = onnx.node("Transpose", List.of(again), "perm", new long[] {0, 1, 4, 2, 5, 3});
    String folded = onnx.node("Reshape", List.of(back, onnx.integers(-1, 8, 8, 8)));
    String end = onnx.node("Relu", List.of(pointwise(onnx, folded)));
    finish(onnx, end, 8);
    try (FrozenClassifier classifier = load(onnx)) {
      assertThat(classifier.layers()).containsKeys(map, end).doesNotContainKey(mixed);
      assertThat(classifier.defaultLayers()).extracting(FeatureLayer::node).containsExactly(end);
      allAreRight(classifier);
    }
  }

  private static String pointwise(OnnxWriter onnx, String map) {
    return onnx.node("Conv", List.of(map, onnx.weight(0, 0.4, 8, 8, 1, 1), onnx.weight(0, 0.1, 8)));
  }

  /**
   * As TensorFlow's convolutions have it: a map in a frame is no layer, and no stage of its own.
   */
  @Test
  void aMapInAFrameIsNoLayer() throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", 2, 3, SIDE, SIDE);
    String map = onnx.node("Relu", List.of(patches(onnx, 8)));
    String moved = onnx.node("Pad", List.of(map, onnx.integers(0, 0, -1, -1, 0, 0, 1, 1)));
    String framed = onnx.node("Pad", List.of(moved, onnx.integers(0, 0, 0, 0, 0, 0, 1, 1)));
    String coarse =
        onnx.node(
            "Conv",
            List.of(framed, onnx.weight(0, 0.2, 8, 8, 3, 3), onnx.weight(0, 0.1, 8)),
            "strides",
            new long[] {2, 2});
    finish(onnx, coarse, 8);
    try (FrozenClassifier classifier = load(onnx)) {
      assertThat(classifier.layers()).doesNotContainKeys(framed, moved);
      assertThat(classifier.defaultLayers())
          .extracting(FeatureLayer::node)
          .containsExactly(map, coarse);
      allAreRight(classifier);
    }
  }

  /** As in MobileViTv2, which resizes maps that its windows do not fit: one stage, not two. */
  @Test
  void aResolutionThatIsNearlyTheSameIsNoStageOfItsOwn() throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", 2, 3, SIDE, SIDE);
    String map = onnx.node("Relu", List.of(patches(onnx, 8)));
    String smaller = onnx.node("Relu", List.of(convolved(onnx, map, 3, 1)));
    String coarse = convolved(onnx, smaller, 2, 2);
    finish(onnx, coarse, 8);
    try (FrozenClassifier classifier = load(onnx)) {
      assertThat(classifier.layers().get(map).shape()).isEqualTo("8×8×8");
      assertThat(classifier.layers().get(smaller).shape()).isEqualTo("8×6×6");
      assertThat(classifier.defaultLayers())
          .extracting(FeatureLayer::node)
          .containsExactly(smaller, coarse);
    }
  }

  private static String convolved(OnnxWriter onnx, String map, int kernel, int stride) {
    return onnx.node(
        "Conv",
        List.of(map, onnx.weight(0, 0.2, 8, 8, kernel, kernel), onnx.weight(0, 0.1, 8)),
        "strides",
        new long[] {stride, stride});
  }

  /** As in TNT: patches are unfolded, not convolved. */
  @Test
  void unfoldedPatchesAreAGrid() throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", 2, 3, SIDE, SIDE);
    long[] indices = new long[SIDE];
    for (int i = 0; i < SIDE; i++) {
      indices[i] = i / (SIDE / PATCH) + (long) PATCH * (i % (SIDE / PATCH));
    }
    String at =
        onnx.node("Reshape", List.of(onnx.integers(indices), onnx.integers(PATCH, SIDE / PATCH)));
    String rows = onnx.node("Gather", List.of("image", at), "axis", 2);
    String columns = onnx.node("Gather", List.of(rows, at), "axis", 4);
    String sorted = onnx.node("Transpose", List.of(columns), "perm", new long[] {0, 1, 2, 4, 3, 5});
    String unfolded = onnx.node("Reshape", List.of(sorted, onnx.integers(-1, 192, 64)));
    String tokens = onnx.node("Transpose", List.of(unfolded), "perm", new long[] {0, 2, 1});
    String projected = onnx.node("MatMul", List.of(tokens, onnx.weight(0, 0.1, 192, 8)));
    String mixed =
        onnx.node(
            "Relu", List.of(onnx.node("MatMul", List.of(projected, onnx.weight(0, 0.4, 8, 8)))));
    String sum = onnx.node("Add", List.of(projected, mixed));
    String mean = onnx.node("ReduceMean", List.of(sum), "axes", new long[] {1}, "keepdims", 0);
    onnx.output(onnx.node("Gemm", List.of(mean, onnx.weight(0, 0.3, 8, 5))), "logits");
    try (FrozenClassifier classifier = load(onnx)) {
      assertThat(classifier.defaultLayers()).extracting(FeatureLayer::node).containsExactly(sum);
      assertThat(classifier.layer(sum).shape()).isEqualTo("8×8×8");
      allAreRight(classifier);
    }
  }

  /** As in TResNet: space is put into depth by reshapes, in front of convolutions. */
  @Test
  void blocksOfPixelsAsChannelsAreAMap() throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", 2, 3, SIDE, SIDE);
    String deep =
        onnx.node(
            "Reshape",
            List.of(pieces(onnx, 0, 3, 5, 1, 2, 4), onnx.integers(-1, 3 * PATCH * PATCH, 8, 8)));
    String map =
        onnx.node(
            "Relu",
            List.of(
                onnx.node("Conv", List.of(deep, onnx.weight(0, 0.1, 8, 3 * PATCH * PATCH, 1, 1)))));
    String end = onnx.node("Relu", List.of(pointwise(onnx, map)));
    finish(onnx, end, 8);
    try (FrozenClassifier classifier = load(onnx)) {
      assertThat(classifier.layers()).containsKeys(map, end);
      assertThat(classifier.defaultLayers()).extracting(FeatureLayer::node).containsExactly(end);
      allAreRight(classifier);
    }
  }

  /** The image as pieces of patches: batch, channels, rows and rows within, columns likewise. */
  private static String pieces(OnnxWriter onnx, long... order) {
    String cut = onnx.node("Reshape", List.of("image", onnx.integers(-1, 3, 8, PATCH, 8, PATCH)));
    return onnx.node("Transpose", List.of(cut), "perm", order);
  }

  /** As einops writes them: patches are rows of a matrix; also where they are read by columns. */
  @Test
  void patchesThatALinearLayerReadsAreAGrid() throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", 2, 3, SIDE, SIDE);
    String sum = blocksOfTokens(onnx, pieces(onnx, 0, 2, 4, 3, 5, 1));
    try (FrozenClassifier classifier = load(onnx)) {
      assertThat(classifier.defaultLayers()).extracting(FeatureLayer::node).containsExactly(sum);
      assertThat(classifier.layer(sum).shape()).isEqualTo("8×8×8");
      allAreRight(classifier);
    }
    OnnxWriter turned = new OnnxWriter("image", 2, 3, SIDE, SIDE);
    blocksOfTokens(turned, pieces(turned, 0, 4, 2, 3, 5, 1));
    try (FrozenClassifier classifier = load(turned)) {
      assertThat(classifier.layers()).isEmpty();
    }
  }

  private static String blocksOfTokens(OnnxWriter onnx, String pieces) {
    String rows = onnx.node("Reshape", List.of(pieces, onnx.integers(-1, 64, 3 * PATCH * PATCH)));
    String tokens = onnx.node("MatMul", List.of(rows, onnx.weight(0, 0.1, 3 * PATCH * PATCH, 8)));
    String mixed =
        onnx.node("Relu", List.of(onnx.node("MatMul", List.of(tokens, onnx.weight(0, 0.4, 8, 8)))));
    String sum = onnx.node("Add", List.of(tokens, mixed));
    String mean = onnx.node("ReduceMean", List.of(sum), "axes", new long[] {1}, "keepdims", 0);
    onnx.output(onnx.node("Gemm", List.of(mean, onnx.weight(0, 0.3, 8, 5))), "logits");
    return sum;
  }
}
