package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.SmallNetwork.Body;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FeatureKind;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.masking.Masking;

/** Operators of attention and token mixing, compared as in {@link SmallNetwork}. */
class ImportedTokensTest {
  @TempDir static Path folder;

  @TestFactory
  Stream<DynamicTest> everyForm() {
    Map<String, Body> bodies = new LinkedHashMap<>();
    products(bodies);
    normalisations(bodies);
    bodies.put("attention of heads", (onnx, image) -> attention(onnx, tokens(onnx, image), 2, 9));
    bodies.put("attention in shifted windows", ImportedTokensTest::shiftedWindows);
    bodies.put("attention by cosine", ImportedTokensTest::cosine);
    bodies.put(
        "gather by a table",
        (onnx, image) -> {
          String table =
              onnx.node("Reshape", List.of(onnx.integers(2, 0, 0, 3), onnx.integers(2, 2)));
          return onnx.node("Gather", List.of(tokens(onnx, image), table), "axis", 2);
        });
    bodies.put(
        "gather of all in turn",
        (onnx, image) -> {
          String means = onnx.node("GlobalAveragePool", List.of(image));
          String flat = onnx.node("Reshape", List.of(means, onnx.integers(-1)));
          String turns =
              onnx.node(
                  "Reshape", List.of(onnx.integers(0, 1, 2, 3, 4, 5), onnx.integers(2, 1, 3)));
          return onnx.node("Gather", List.of(flat, turns), "axis", 0);
        });
    bodies.put(
        "positions projected beforehand",
        (onnx, image) -> {
          String positions =
              onnx.node(
                  "Conv",
                  List.of(
                      onnx.weight(0, 1, 1, 6, 3, 3),
                      onnx.weight(0, 1, 4, 6, 1, 1),
                      onnx.weight(0, 1, 4)));
          String all = onnx.node("Tile", List.of(positions, onnx.integers(2, 1, 1, 1)));
          String map =
              SmallNetwork.conv(4, 3, 3, 1, "strides", new long[] {3, 3}).write(onnx, image);
          return onnx.node("Add", List.of(map, all));
        });
    bodies.put(
        "choice by a mask",
        (onnx, image) -> {
          String x = tokens(onnx, image);
          String mask = onnx.node("Greater", List.of(onnx.weight(0, 1, 9, 4), onnx.number(0)));
          String some = onnx.node("Where", List.of(mask, x, onnx.number(-3)));
          return onnx.node("Where", List.of(mask, onnx.node("Exp", List.of(x)), some));
        });
    for (float exponent : new float[] {2, 0.5f, 3, -1, -1.5f}) {
      bodies.put(
          "to the power of " + exponent,
          (onnx, image) ->
              onnx.node(
                  "Pow", List.of(positive(onnx, tokens(onnx, image)), onnx.number(exponent))));
    }
    bodies.put(
        "reciprocal",
        (onnx, image) -> onnx.node("Reciprocal", List.of(positive(onnx, tokens(onnx, image)))));
    return bodies.entrySet().stream()
        .map(
            body ->
                DynamicTest.dynamicTest(
                    body.getKey(), () -> SmallNetwork.isRight(folder, body.getValue())));
  }

  private static void products(Map<String, Body> bodies) {
    bodies.put(
        "product of stacks that broadcast",
        (onnx, image) -> {
          String x = tokens(onnx, image);
          String one = onnx.node("Reshape", List.of(x, onnx.integers(2, 1, 9, 4)));
          String heads = onnx.node("Reshape", List.of(x, onnx.integers(2, 9, 2, 2)));
          String turned = onnx.node("Transpose", List.of(heads), "perm", new long[] {0, 2, 3, 1});
          return onnx.node(
              "MatMul",
              List.of(onnx.node("MatMul", List.of(turned, one)), onnx.weight(0, 1, 4, 3)));
        });
    bodies.put(
        "stacks of weights",
        (onnx, image) -> {
          String heads =
              onnx.node("Reshape", List.of(tokens(onnx, image), onnx.integers(2, 9, 2, 2)));
          String turned = onnx.node("Transpose", List.of(heads), "perm", new long[] {0, 2, 1, 3});
          return onnx.node("MatMul", List.of(turned, onnx.weight(0, 1, 2, 2, 3)));
        });
    bodies.put(
        "weights on the left",
        (onnx, image) -> {
          String y = onnx.node("MatMul", List.of(onnx.weight(0, 1, 5, 9), tokens(onnx, image)));
          String all =
              onnx.node("Expand", List.of(onnx.weight(0, 1, 1, 6, 5), onnx.integers(2, 6, 5)));
          return onnx.node("MatMul", List.of(all, y));
        });
    // Right behind a transposition ONNX Runtime of this version gets it wrong.
    bodies.put(
        "product with a vector",
        (onnx, image) ->
            onnx.node(
                "MatMul",
                List.of(onnx.node("Exp", List.of(tokens(onnx, image))), onnx.weight(0, 1, 4))));
    for (String equation : List.of("bnc,cd->bnd", "bnc , dc", "...c,dc->...d", "bij,kj->bki")) {
      bodies.put(
          "einsum with a weight, " + equation,
          (onnx, image) ->
              onnx.node(
                  "Einsum",
                  List.of(tokens(onnx, image), onnx.weight(0, 1, 4, 4)),
                  "equation",
                  equation));
    }
    for (String equation :
        List.of("bic,bjc->bij", "bnc,bnd->bcd", "bnc,bnd->bdn", "bnc,bnc->bnc", "bnc,bmc->bm")) {
      bodies.put(
          "einsum of values, " + equation,
          (onnx, image) -> {
            String x = tokens(onnx, image);
            String y = onnx.node("MatMul", List.of(x, onnx.weight(0, 1, 4, 4)));
            return onnx.node("Einsum", List.of(x, y), "equation", equation);
          });
    }
    for (String equation : List.of("bnc->bcn", "bnc->bc", "bnc->b")) {
      bodies.put(
          "einsum of one value, " + equation,
          (onnx, image) -> onnx.node("Einsum", List.of(tokens(onnx, image)), "equation", equation));
    }
  }

  private static void normalisations(Map<String, Body> bodies) {
    for (String type : List.of("Softmax", "LogSoftmax")) {
      for (int axis : new int[] {1, -1}) {
        bodies.put(
            type + " over axis " + axis,
            (onnx, image) -> onnx.node(type, List.of(tokens(onnx, image)), "axis", axis));
      }
      bodies.put(
          type + " before operator set 13",
          (onnx, image) -> {
            onnx.opset(11);
            return onnx.node(type, List.of(tokens(onnx, image)), "axis", 2);
          });
    }
    for (String type :
        List.of("Mean", "Max", "Min", "L1", "L2", "SumSquare", "LogSum", "LogSumExp")) {
      bodies.put(
          "Reduce" + type,
          (onnx, image) -> {
            String x = positive(onnx, tokens(onnx, image));
            String kept =
                onnx.node("Reduce" + type, List.of(x), "axes", new long[] {-1}, "keepdims", 1);
            String share = onnx.node("Div", List.of(x, kept));
            return onnx.node(
                "Reduce" + type, List.of(share), "axes", new long[] {1}, "keepdims", 0);
          });
    }
    bodies.put(
        "sum over axes from an input",
        (onnx, image) ->
            onnx.node(
                "ReduceSum",
                List.of(image, onnx.integers(-1, 1)),
                "keepdims",
                0,
                "noop_with_empty_axes",
                1));
    bodies.put(
        "layer normalisation over two axes",
        (onnx, image) ->
            onnx.node(
                "LayerNormalization",
                List.of(tokens(onnx, image), onnx.weight(1, 0.2, 9, 4), onnx.weight(0, 0.2, 4)),
                "axis",
                1,
                "epsilon",
                1e-3f));
    bodies.put(
        "layer normalisation without a bias",
        (onnx, image) ->
            onnx.node("LayerNormalization", List.of(tokens(onnx, image), onnx.weight(1, 0.2, 4))));
    bodies.put(
        "layer normalisation in steps",
        (onnx, image) -> {
          String x = tokens(onnx, image);
          String centred = onnx.node("Sub", List.of(x, mean(onnx, x)));
          String squares = onnx.node("Pow", List.of(centred, onnx.number(2)));
          String variance = onnx.node("Add", List.of(mean(onnx, squares), onnx.number(1e-2f)));
          String y = onnx.node("Div", List.of(centred, onnx.node("Sqrt", List.of(variance))));
          String scaled = onnx.node("Mul", List.of(y, onnx.weight(1, 0.2, 4)));
          return onnx.node("Add", List.of(scaled, onnx.weight(0, 0.2, 4)));
        });
    bodies.put(
        "normalisation by the root of the mean square",
        (onnx, image) -> {
          onnx.opset(23);
          return onnx.node(
              "RMSNormalization",
              List.of(tokens(onnx, image), onnx.weight(1, 0.2, 4)),
              "epsilon",
              1e-2f);
        });
  }

  private static String mean(OnnxWriter onnx, String x) {
    return onnx.node("ReduceMean", List.of(x), "axes", new long[] {-1}, "keepdims", 1);
  }

  /** Greater than 0.5, so that powers and logarithms have small derivatives. */
  private static String positive(OnnxWriter onnx, String x) {
    return onnx.node("Add", List.of(onnx.node("Sigmoid", List.of(x)), onnx.number(0.5f)));
  }

  /** {@code [2, 9, 4]} of patches of 3×3. */
  private static String tokens(OnnxWriter onnx, String image) {
    String map = SmallNetwork.conv(4, 3, 3, 1, "strides", new long[] {3, 3}).write(onnx, image);
    String rows = onnx.node("Reshape", List.of(map, onnx.integers(0, 4, -1)));
    return onnx.node("Transpose", List.of(rows), "perm", new long[] {0, 2, 1});
  }

  /** Attention of two heads of two values between tokens {@code [batch, count, 4]}. */
  private static String attention(OnnxWriter onnx, String x, long batch, long count) {
    List<String> parts = heads(onnx, x, batch, count);
    String turned = onnx.node("Transpose", List.of(parts.get(1)), "perm", new long[] {0, 1, 3, 2});
    String scores = onnx.node("MatMul", List.of(parts.get(0), turned));
    String scaled = onnx.node("Mul", List.of(scores, onnx.number(0.7f)));
    String biased = onnx.node("Add", List.of(scaled, onnx.weight(0, 1, 1, 2, count, count)));
    return joined(onnx, biased, parts.get(2), batch, count);
  }

  /** Queries, keys and values, {@code [batch, 2, count, 2]} each. */
  private static List<String> heads(OnnxWriter onnx, String x, long batch, long count) {
    String all = onnx.node("MatMul", List.of(x, onnx.weight(0, 0.7, 4, 12)));
    String split = onnx.node("Reshape", List.of(all, onnx.integers(batch, count, 3, 2, 2)));
    String turned = onnx.node("Transpose", List.of(split), "perm", new long[] {2, 0, 3, 1, 4});
    return Stream.of(0, 1, 2)
        .map(i -> onnx.node("Gather", List.of(turned, onnx.index(i)), "axis", 0))
        .toList();
  }

  private static String joined(
      OnnxWriter onnx, String scores, String values, long batch, long count) {
    String weights = onnx.node("Softmax", List.of(scores), "axis", -1);
    String mixed = onnx.node("MatMul", List.of(weights, values));
    String turned = onnx.node("Transpose", List.of(mixed), "perm", new long[] {0, 2, 1, 3});
    return onnx.node("Reshape", List.of(turned, onnx.integers(batch, count, 4)));
  }

  /** A grid of 8×8 with channels last, shifted by one and attended to in windows of 4×4. */
  private static String shiftedWindows(OnnxWriter onnx, String image) {
    String map = SmallNetwork.conv(4, 4, 4, 1).write(onnx, image);
    String grid = onnx.node("Transpose", List.of(map), "perm", new long[] {0, 2, 3, 1});
    String shifted = rolled(onnx, rolled(onnx, grid, 1, 1), 2, 1);
    String cut = onnx.node("Reshape", List.of(shifted, onnx.integers(2, 2, 4, 2, 4, 4)));
    String turned = onnx.node("Transpose", List.of(cut), "perm", new long[] {0, 1, 3, 2, 4, 5});
    String windows = onnx.node("Reshape", List.of(turned, onnx.integers(-1, 16, 4)));
    List<String> parts = heads(onnx, windows, 8, 16);
    String keys = onnx.node("Transpose", List.of(parts.get(1)), "perm", new long[] {0, 1, 3, 2});
    String scores = onnx.node("MatMul", List.of(parts.get(0), keys));
    String apart = onnx.node("Reshape", List.of(scores, onnx.integers(2, 4, 2, 16, 16)));
    String masked = onnx.node("Add", List.of(apart, onnx.weight(0, 1, 1, 4, 1, 16, 16)));
    String together = onnx.node("Reshape", List.of(masked, onnx.integers(8, 2, 16, 16)));
    String mixed = joined(onnx, together, parts.get(2), 8, 16);
    String back = onnx.node("Reshape", List.of(mixed, onnx.integers(2, 2, 2, 4, 4, 4)));
    String unturned = onnx.node("Transpose", List.of(back), "perm", new long[] {0, 1, 3, 2, 4, 5});
    String whole = onnx.node("Reshape", List.of(unturned, onnx.integers(2, 8, 8, 4)));
    return onnx.node("Add", List.of(grid, rolled(onnx, rolled(onnx, whole, 1, 7), 2, 7)));
  }

  /** Shifted along an axis of eight. */
  private static String rolled(OnnxWriter onnx, String x, long axis, long by) {
    String end =
        onnx.node(
            "Slice",
            List.of(x, onnx.integers(by), onnx.integers(Long.MAX_VALUE), onnx.integers(axis)));
    String start =
        onnx.node("Slice", List.of(x, onnx.integers(0), onnx.integers(by), onnx.integers(axis)));
    return onnx.node("Concat", List.of(end, start), "axis", axis);
  }

  /** Queries and keys of length one. */
  private static String cosine(OnnxWriter onnx, String image) {
    List<String> parts = heads(onnx, tokens(onnx, image), 2, 9);
    String keys = unit(onnx, parts.get(1));
    String turned = onnx.node("Transpose", List.of(keys), "perm", new long[] {0, 1, 3, 2});
    String scores = onnx.node("MatMul", List.of(unit(onnx, parts.get(0)), turned));
    String scaled =
        onnx.node("Mul", List.of(scores, onnx.node("Exp", List.of(onnx.weight(1, 0.2, 2, 1, 1)))));
    return joined(onnx, scaled, parts.get(2), 2, 9);
  }

  private static String unit(OnnxWriter onnx, String x) {
    String norm = onnx.node("ReduceL2", List.of(x), "axes", new long[] {-1}, "keepdims", 1);
    String least = onnx.node("Clip", List.of(norm, onnx.number(1e-12f)));
    String all = onnx.node("Expand", List.of(least, onnx.integers(2, 2, 9, 2)));
    return onnx.node("Div", List.of(x, all));
  }

  /** Where the batch is one image its axis looks like any other of one. */
  @Test
  void fileForOneImageTakesTwo() throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", 1, 3, 11, 11);
    String mixed = attention(onnx, tokens(onnx, "image"), 1, 9);
    String first = onnx.node("Gather", List.of(mixed, onnx.index(4)), "axis", 1);
    onnx.output(onnx.node("MatMul", List.of(first, onnx.weight(0, 1, 4, 5))), "logits");
    Path file = folder.resolve("one.onnx");
    onnx.write(file, 3);
    Nd4j.getRandom().setSeed(5);
    try (INDArray images = Nd4j.randn(DataType.FLOAT, 2, 11, 11, 3);
        FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults());
        OnnxOracle oracle = new OnnxOracle(file);
        ClassifierOutput output = classifier.forward(images, List.of())) {
      for (int b = 0; b < 2; b++) {
        INDArray image = images.slice(b).reshape(1, 11, 11, 3).dup('c');
        INDArray row = output.logits().getRow(b, true).dup('c');
        assertThat(Members.difference(row, oracle.run(image).get("logits"))).isLessThan(2e-5);
      }
    }
  }

  /** Two tokens in front of a grid that is not square; the residual sums are read. */
  @Test
  void layersOfTokensAreSumsThatMixersRead() throws Exception {
    Path file =
        SmallNetwork.network(
            folder,
            "transformer",
            (onnx, image) -> {
              String map =
                  SmallNetwork.conv(4, 5, 3, 1, "strides", new long[] {5, 3}).write(onnx, image);
              String rows = onnx.node("Reshape", List.of(map, onnx.integers(0, 4, -1)));
              String patches = onnx.node("Transpose", List.of(rows), "perm", new long[] {0, 2, 1});
              String first =
                  onnx.node("Expand", List.of(onnx.weight(0, 1, 1, 2, 4), onnx.integers(2, 2, 4)));
              String x = onnx.node("Concat", List.of(first, patches), "axis", 1);
              for (int block = 0; block < 3; block++) {
                String mixed = attention(onnx, norm(onnx, x), 2, 8);
                x = onnx.node("Add", List.of(x, mixed));
                String hidden =
                    onnx.node("MatMul", List.of(norm(onnx, x), onnx.weight(0, 1, 4, 4)));
                x = onnx.node("Add", List.of(x, onnx.node("Gelu", List.of(hidden))));
                onnx.opset(20);
              }
              return onnx.node("Gather", List.of(norm(onnx, x), onnx.index(0)), "axis", 1);
            });
    try (FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults())) {
      List<FeatureLayer> layers = classifier.defaultLayers();
      assertThat(layers).extracting(FeatureLayer::kind).containsOnly(FeatureKind.TOKENS);
      assertThat(layers).extracting(FeatureLayer::shape).containsOnly("4×2×3");
      assertThat(layers).extracting(FeatureLayer::prefix).containsOnly(2);
      List<String> sums =
          classifier.layers().keySet().stream().filter(name -> name.startsWith("/Add")).toList();
      int last = sums.size() - 1;
      assertThat(layers)
          .extracting(FeatureLayer::node)
          .containsExactly(sums.get(last - 4), sums.get(last - 2), sums.get(last));
      assertThat(classifier.camLayer().node()).startsWith("/LayerNormalization");
      List<String> all = List.copyOf(classifier.layers().keySet());
      assertThat(all.indexOf(classifier.camLayer().node()))
          .isEqualTo(all.indexOf(sums.get(last - 2)) + 1);
      assertThat(classifier.defaultMasking()).isEqualTo(Masking.VIT);
    }
  }

  /**
   * Behind the blocks only a class token asks the others, as in XCiT: they are read before that.
   */
  @Test
  void layersLieBeforeTheAttentionOfAClassTokenAlone() throws Exception {
    List<String> sums = new ArrayList<>();
    Path file =
        SmallNetwork.network(
            folder,
            "class-attention",
            (onnx, image) -> {
              sums.clear();
              String x = tokens(onnx, image);
              for (int block = 0; block < 3; block++) {
                x = onnx.node("Add", List.of(x, attention(onnx, norm(onnx, x), 2, 9)));
                sums.add(x);
              }
              String first =
                  onnx.node("Expand", List.of(onnx.weight(0, 1, 1, 1, 4), onnx.integers(2, 1, 4)));
              x = onnx.node("Concat", List.of(first, x), "axis", 1);
              for (int block = 0; block < 2; block++) {
                x = onnx.node("Add", List.of(x, classAttention(onnx, norm(onnx, x))));
              }
              return onnx.node("Gather", List.of(norm(onnx, x), onnx.index(0)), "axis", 1);
            });
    try (FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults())) {
      assertThat(classifier.defaultLayers())
          .extracting(FeatureLayer::node)
          .containsExactlyElementsOf(sums);
      assertThat(classifier.defaultLayers()).extracting(FeatureLayer::prefix).containsOnly(0);
      List<String> all = List.copyOf(classifier.layers().keySet());
      assertThat(classifier.camLayer().node()).startsWith("/LayerNormalization");
      assertThat(all.indexOf(classifier.camLayer().node())).isEqualTo(all.indexOf(sums.get(1)) + 1);
    }
  }

  /** What the first of ten tokens asks of all, in front of the others. */
  private static String classAttention(OnnxWriter onnx, String x) {
    String query = part(onnx, x, 0, 1);
    String keys = onnx.node("MatMul", List.of(x, onnx.weight(0, 1, 4, 4)));
    String turned = onnx.node("Transpose", List.of(keys), "perm", new long[] {0, 2, 1});
    String scores = onnx.node("MatMul", List.of(query, turned));
    String weights = onnx.node("Softmax", List.of(scores), "axis", -1);
    String answer = onnx.node("MatMul", List.of(weights, x));
    return onnx.node("Concat", List.of(answer, part(onnx, x, 1, 10)), "axis", 1);
  }

  private static String part(OnnxWriter onnx, String x, long from, long to) {
    return onnx.node("Slice", List.of(x, onnx.integers(from), onnx.integers(to), onnx.integers(1)));
  }

  /** A view of a layer is another name for it. */
  @Test
  void anyNameOfALayerWillDo() throws Exception {
    List<String> names = new ArrayList<>();
    Path file =
        SmallNetwork.network(
            folder,
            "names",
            (onnx, image) -> {
              names.clear();
              String map =
                  SmallNetwork.conv(4, 3, 3, 1, "strides", new long[] {3, 3}).write(onnx, image);
              String rows = onnx.node("Reshape", List.of(map, onnx.integers(0, 4, -1)));
              String turned = onnx.node("Transpose", List.of(rows), "perm", new long[] {0, 2, 1});
              names.addAll(List.of(map, rows, turned));
              return attention(onnx, turned, 2, 9);
            });
    try (FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults())) {
      for (String name : names) {
        assertThat(classifier.layer(name).node()).as(name).isEqualTo(names.get(0));
      }
    }
  }

  private static String norm(OnnxWriter onnx, String x) {
    return onnx.node(
        "LayerNormalization",
        List.of(x, onnx.weight(1, 0.2, 4), onnx.weight(0, 0.2, 4)),
        "epsilon",
        1e-3f);
  }
}
