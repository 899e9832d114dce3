package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntToLongFunction;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.backbones.SmallNetwork.Body;
import org.ttame.backbones.onnx.ImportedGraph;
import org.ttame.backbones.source.BackboneException;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.backbones.source.BackboneSource;

/**
 * Values taken from and put at places that constants name, and sums, triangles and products of many
 * operands, compared as in {@link SmallNetwork}.
 */
class IndexedOperatorsTest {
  @TempDir static Path folder;

  @TestFactory
  Stream<DynamicTest> everyForm() {
    Map<String, Body> bodies = new LinkedHashMap<>();
    gathered(bodies);
    scattered(bodies);
    steps(bodies);
    return bodies.entrySet().stream()
        .map(
            body ->
                DynamicTest.dynamicTest(
                    body.getKey(), () -> SmallNetwork.isRight(folder, body.getValue())));
  }

  /** A table of the windows of a transformer is longer than a file's header may be. */
  @Test
  void longTablesOfIndicesArePacked() throws Exception {
    Path file =
        SmallNetwork.network(
            folder, "long", (onnx, image) -> picked(onnx, image, 5000, i -> i % 9));
    String written;
    try (BackboneSource source = Backbones.open(file, BackboneOptions.defaults())) {
      written = ((ImportedGraph) source.architecture()).json().toString();
    }
    assertThat(written).hasSizeLessThan(5000);
    assertThat(read(written).json()).hasToString(written);
    for (String other : List.of("[5001]", "[]", "[-1]")) {
      assertThatThrownBy(() -> read(written.replace("[5000]", other)))
          .as(other)
          .hasMessageContaining("its graph cannot be built");
    }
    assertThatThrownBy(() -> read(written.replace("[5000]", "[1000000000]")))
        .hasMessageContaining("its constants are too large");
  }

  private static ImportedGraph read(String json) throws IOException {
    return ImportedGraph.read(new ObjectMapper().readTree(json));
  }

  /** Nine tokens of four values. */
  private static String tokens(OnnxWriter onnx, String image) {
    String small = SmallNetwork.conv(4, 3, 3, 1, "strides", new long[] {4, 4}).write(onnx, image);
    String rows = onnx.node("Reshape", List.of(small, onnx.integers(0, 4, -1)));
    return onnx.node("Transpose", List.of(rows), "perm", new long[] {0, 2, 1});
  }

  private static String picked(OnnxWriter onnx, String image, int count, IntToLongFunction token) {
    String which = indices(onnx, new long[] {count}, IntStream.range(0, count).mapToLong(token));
    return onnx.node("Gather", List.of(tokens(onnx, image), which), "axis", 1);
  }

  private static String indices(OnnxWriter onnx, long[] shape, LongStream values) {
    return onnx.node("Reshape", List.of(onnx.integers(values.toArray()), onnx.integers(shape)));
  }

  private static void gathered(Map<String, Body> bodies) {
    bodies.put(
        "gather elements",
        (onnx, image) ->
            onnx.node(
                "GatherElements",
                List.of(
                    tokens(onnx, image),
                    indices(
                        onnx,
                        new long[] {2, 5, 4},
                        IntStream.range(0, 40)
                            .mapToLong(i -> i % 20 * 7 % 9 - (i % 20 == 3 ? 9 : 0)))),
                "axis",
                1));
    bodies.put(
        "gather by places of several axes",
        (onnx, image) ->
            onnx.node(
                "GatherND",
                List.of(
                    tokens(onnx, image),
                    indices(
                        onnx,
                        new long[] {2, 3, 2},
                        LongStream.of(0, 1, 8, 3, 4, 0, 0, 1, 8, 3, 4, 0))),
                "batch_dims",
                1));
    bodies.put(
        "gather by places that name the image",
        (onnx, image) -> {
          String picked =
              onnx.node(
                  "GatherND",
                  List.of(
                      tokens(onnx, image),
                      indices(
                          onnx,
                          new long[] {3, 2, 2},
                          LongStream.of(0, 1, 1, 1, 0, 8, 1, 8, 0, 2, 1, 2))));
          return onnx.node("Transpose", List.of(picked), "perm", new long[] {1, 0, 2});
        });
  }

  private static void scattered(Map<String, Body> bodies) {
    // x[:, 2:5] = y, as exporters write it.
    bodies.put(
        "tokens replaced",
        (onnx, image) -> {
          String x = tokens(onnx, image);
          String part =
              onnx.node(
                  "Slice",
                  List.of(
                      onnx.node("Exp", List.of(x)),
                      onnx.integers(1),
                      onnx.integers(4),
                      onnx.integers(1)));
          return onnx.node(
              "ScatterND",
              List.of(
                  x,
                  indices(
                      onnx,
                      new long[] {2, 3, 2},
                      LongStream.of(0, 2, 0, 3, 0, 4, 1, 2, 1, 3, 1, 4)),
                  part));
        });
    // x[:, :, 1:, 1:] = y of rows and columns: more values than a matrix could pick.
    bodies.put(
        "a block replaced",
        (onnx, image) -> {
          String map = SmallNetwork.conv(4, 3, 3, 1).write(onnx, image);
          String x = onnx.node("Tile", List.of(map, onnx.integers(1, 1, 6, 4)));
          String y = onnx.node("Tanh", List.of(x));
          String part =
              onnx.node(
                  "Slice",
                  List.of(y, onnx.integers(1, 1), onnx.integers(54, 35), onnx.integers(2, 3)));
          long rows = 53;
          long columns = 34;
          LongStream places =
              LongStream.range(0, 8 * rows * columns)
                  .flatMap(
                      i ->
                          LongStream.of(
                              i / (4 * rows * columns),
                              i / (rows * columns) % 4,
                              1 + i / columns % rows,
                              1 + i % columns));
          String which = indices(onnx, new long[] {2, 4, rows, columns, 4}, places);
          return onnx.node("ScatterND", List.of(x, which, part));
        });
    bodies.put(
        "constants put among values",
        (onnx, image) -> {
          String row = onnx.weight(0, 1, 1, 3, 4);
          return onnx.node(
              "ScatterND",
              List.of(
                  tokens(onnx, image),
                  indices(
                      onnx,
                      new long[] {2, 3, 2},
                      LongStream.of(0, 0, 0, 7, 0, 4, 1, 0, 1, 7, 1, 4)),
                  onnx.node("Concat", List.of(row, row), "axis", 0)));
        });
    bodies.put(
        "values put among constants, one twice",
        (onnx, image) -> {
          String row = onnx.weight(0, 1, 1, 12, 4);
          return onnx.node(
              "ScatterElements",
              List.of(
                  onnx.node("Concat", List.of(row, row), "axis", 0),
                  indices(
                      onnx,
                      new long[] {2, 9, 4},
                      IntStream.range(0, 72).mapToLong(i -> (i % 36 + i % 36 / 4) % 11)),
                  tokens(onnx, image)),
              "axis",
              1,
              "reduction",
              "add");
        });
    // More indices than an imported file lists.
    bodies.put(
        "tokens picked many times", (onnx, image) -> picked(onnx, image, 1100, i -> i * i % 9));
    bodies.put(
        "elements replaced",
        (onnx, image) -> {
          String x = tokens(onnx, image);
          return onnx.node(
              "ScatterElements",
              List.of(
                  x,
                  indices(
                      onnx, new long[] {2, 9, 2}, IntStream.range(0, 36).mapToLong(i -> 3 - i % 2)),
                  onnx.node(
                      "Slice",
                      List.of(
                          onnx.node("Sigmoid", List.of(x)),
                          onnx.integers(0),
                          onnx.integers(2),
                          onnx.integers(2)))),
              "axis",
              2);
        });
  }

  private static void steps(Map<String, Body> bodies) {
    bodies.put(
        "remainder",
        (onnx, image) ->
            onnx.node(
                "Mod", List.of(tokens(onnx, image), onnx.numbers(0.3f, -0.4f, 5, 7)), "fmod", 1));
    for (int upper = 0; upper <= 1; upper++) {
      int which = upper;
      bodies.put(
          "triangle " + which,
          (onnx, image) ->
              onnx.node("Trilu", List.of(tokens(onnx, image), onnx.index(-1)), "upper", which));
      bodies.put(
          "running sum " + which,
          (onnx, image) -> {
            String sum =
                onnx.node(
                    "CumSum",
                    List.of(tokens(onnx, image), onnx.index(1)),
                    "exclusive",
                    which,
                    "reverse",
                    1 - which);
            return onnx.node("CumSum", List.of(sum, onnx.index(-1)), "reverse", which);
          });
    }
    bodies.put(
        "product of three",
        (onnx, image) ->
            onnx.node(
                "Einsum",
                List.of(tokens(onnx, image), onnx.weight(0, 0.5, 4, 5), onnx.weight(0, 0.5, 9, 3)),
                "equation",
                "bsd,de,sk->bke"));
    bodies.put(
        "product of three values",
        (onnx, image) -> {
          String x = tokens(onnx, image);
          return onnx.node(
              "Einsum",
              List.of(x, onnx.node("Tanh", List.of(x)), onnx.node("Sigmoid", List.of(x))),
              "equation",
              "bqd,bkd,bke->bqe");
        });
    bodies.put("turned in pairs", rotated(0, 0));
    bodies.put("turned in neighbouring pairs, in part", rotated(1, 2));
  }

  private static Body rotated(int interleaved, int turned) {
    return (onnx, image) -> {
      onnx.opset(23);
      int pairs = turned == 0 ? 2 : turned / 2;
      String small = SmallNetwork.conv(8, 3, 3, 1, "strides", new long[] {4, 4}).write(onnx, image);
      String rows = onnx.node("Reshape", List.of(small, onnx.integers(0, 8, -1)));
      String x = onnx.node("Transpose", List.of(rows), "perm", new long[] {0, 2, 1});
      String places =
          indices(onnx, new long[] {2, 9}, IntStream.range(0, 18).mapToLong(i -> i % 9));
      return onnx.node(
          "RotaryEmbedding",
          List.of(x, onnx.weight(0, 0.5, 12, pairs), onnx.weight(0, 0.5, 12, pairs), places),
          "interleaved",
          interleaved,
          "rotary_embedding_dim",
          turned,
          "num_heads",
          2);
    };
  }

  @Test
  void imagesThatChangePlacesAreRefused() throws Exception {
    Path file =
        SmallNetwork.network(
            folder,
            "places",
            (onnx, image) -> {
              String scores =
                  onnx.node("ReduceMean", List.of(tokens(onnx, image)), "axes", new long[] {1});
              return onnx.node(
                  "GatherElements",
                  List.of(
                      scores,
                      indices(onnx, new long[] {2, 1, 4}, LongStream.of(1, 1, 1, 1, 0, 0, 0, 0))),
                  "axis",
                  0);
            });
    assertThatThrownBy(() -> Backbones.load(file, BackboneOptions.defaults()))
        .isInstanceOf(BackboneException.class)
        .hasMessageContaining("depends on the others or on its place");
  }
}
