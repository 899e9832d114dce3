package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;

/** The Attention operator in steps, as ONNX defines it. */
final class Attentions {
  private static final double HIDDEN = Double.NEGATIVE_INFINITY;

  private final OnnxNode node;
  private final List<Operand> inputs;
  private final Body body;
  private final boolean packed;
  private final long[] query;
  private final long queryHeads;
  private final long heads;

  private Attentions(OnnxNode node, List<Operand> inputs, long opset) {
    this.node = node;
    this.inputs = inputs;
    body = new Body(node, opset);
    long[] q = inputs.get(0).shape();
    packed = q.length == 3;
    if (q.length != inputs.get(1).shape().length
        || q.length != inputs.get(2).shape().length
        || q.length < 3
        || q.length > 4) {
      throw Composites.refused(node, "has operands of different ranks");
    }
    queryHeads = packed ? node.integer("q_num_heads", 0) : q[1];
    heads = packed ? node.integer("kv_num_heads", 0) : inputs.get(1).shape()[1];
    if (queryHeads < 1 || heads < 1 || queryHeads % heads != 0) {
      throw Composites.refused(
          node, "has a number of query heads that is not a multiple of its key heads");
    }
    query = split(q, queryHeads);
  }

  /**
   * Writes it out.
   *
   * @param inputs its operands, null for one left out
   * @param opset version of the operator set
   */
  static OnnxModel.Function steps(OnnxNode node, List<Operand> inputs, long opset)
      throws IOException {
    return new Attentions(node, inputs, opset).write();
  }

  /**
   * Pairs of channels turned by angles that depend on the position: RotaryEmbedding in steps.
   *
   * @param inputs its operands: data, cosines, sines, and positions or null
   * @param opset version of the operator set
   */
  static OnnxModel.Function rotated(OnnxNode node, List<Operand> inputs, long opset) {
    long[] shape = inputs.get(0).shape();
    long heads = shape.length == 4 ? shape[1] : node.integer("num_heads", 0);
    if (shape.length < 3 || shape.length > 4 || heads < 1 || shape[shape.length - 1] < 1) {
      throw Composites.refused(node, "has no valid num_heads");
    }
    boolean packed = shape.length == 3;
    long length = packed ? shape[1] : shape[2];
    long width = packed ? shape[2] / heads : shape[3];
    long turned = node.integer("rotary_embedding_dim", 0);
    turned = turned == 0 ? width : turned;
    if (turned % 2 != 0 || turned > width || (packed && shape[2] % heads != 0)) {
      throw Composites.refused(node, "rotates an odd number of channels, or more than a head has");
    }
    Body body = new Body(node, opset);
    // As [B, S, heads, D].
    String x =
        packed
            ? body.step(
                "Reshape", List.of(body.input(0), body.integers(shape[0], length, heads, width)))
            : body.step("Transpose", List.of(body.input(0)), "perm", new long[] {0, 2, 1, 3});
    boolean placed = inputs.size() > 3 && inputs.get(3) != null;
    String[] angles = new String[2];
    for (int i = 0; i < 2; i++) {
      String table = body.input(1 + i);
      String own = placed ? body.step("Gather", List.of(table, body.input(3)), "axis", 0) : table;
      angles[i] = body.step("Unsqueeze", List.of(own, body.integers(2)));
    }
    boolean interleaved = node.integer("interleaved", 0) != 0;
    long half = turned / 2;
    String first = channels(body, x, 0, interleaved ? turned : half, interleaved ? 2 : 1);
    String second = channels(body, x, interleaved ? 1 : half, turned, interleaved ? 2 : 1);
    String real =
        body.step(
            "Sub", List.of(product(body, first, angles[0]), product(body, second, angles[1])));
    String imaginary =
        body.step(
            "Add", List.of(product(body, first, angles[1]), product(body, second, angles[0])));
    String y;
    if (interleaved) {
      String one = body.step("Unsqueeze", List.of(real, body.integers(4)));
      String other = body.step("Unsqueeze", List.of(imaginary, body.integers(4)));
      String pairs = body.step("Concat", List.of(one, other), "axis", 4);
      y = body.step("Reshape", List.of(pairs, body.integers(shape[0], length, heads, turned)));
    } else {
      y = body.step("Concat", List.of(real, imaginary), "axis", 3);
    }
    if (turned < width) {
      y = body.step("Concat", List.of(y, channels(body, x, turned, width, 1)), "axis", 3);
    }
    return body.of(
        packed
            ? body.step("Reshape", List.of(y, body.integers(shape)))
            : body.step("Transpose", List.of(y), "perm", new long[] {0, 2, 1, 3}));
  }

  private static String channels(Body body, String x, long from, long end, long step) {
    return body.step(
        "Slice",
        List.of(x, body.integers(from), body.integers(end), body.integers(3), body.integers(step)));
  }

  private static String product(Body body, String a, String b) {
    return body.step("Mul", List.of(a, b));
  }

  private boolean has(int input) {
    return input < inputs.size() && inputs.get(input) != null;
  }

  /** {@code [B, S, heads·D]} as {@code [B, heads, S, D]}. */
  private long[] split(long[] shape, long count) {
    if (!packed) {
      return shape;
    }
    if (shape[2] % count != 0) {
      throw Composites.refused(node, "has numbers of heads that do not divide its inputs");
    }
    return new long[] {shape[0], count, shape[1], shape[2] / count};
  }

  private String split(int input, long count) {
    if (!packed) {
      return body.input(input);
    }
    long[] s = split(inputs.get(input).shape(), count);
    String apart =
        body.step("Reshape", List.of(body.input(input), body.integers(s[0], s[2], count, s[3])));
    return body.step("Transpose", List.of(apart), "perm", new long[] {0, 2, 1, 3});
  }

  /** Keys or values with what was there before in front. */
  private String present(int input, int past) {
    String now = split(input, heads);
    return has(past) ? body.step("Concat", List.of(body.input(past), now), "axis", 2) : now;
  }

  /** Each head for as many heads of queries. */
  private String spread(String input) {
    if (queryHeads == heads) {
      return input;
    }
    long[] places = LongStream.range(0, queryHeads).map(i -> i / (queryHeads / heads)).toArray();
    return body.step("Gather", List.of(input, body.integers(places)), "axis", 1);
  }

  private OnnxModel.Function write() throws IOException {
    if (has(4) != has(5) || (has(4) && has(6))) {
      throw Composites.refused(
          node, "has past_key without past_value, or both beside nonpad_kv_seqlen");
    }
    double scale = node.real("scale", 1 / Math.sqrt((double) query[3]));
    double cap = node.real("softcap", 0);
    long wanted = node.integer("qk_matmul_output_mode", 0);
    boolean agreed = wanted == 3 || (wanted == 0 && cap == 0);
    if (Composites.isRead(node, 3) && !agreed) {
      throw Composites.refused(node, "returns intermediate products that runtimes disagree about");
    }
    String key = present(1, 4);
    String value = present(2, 5);
    String queries = body.step("Mul", List.of(split(0, queryHeads), body.number(scale)));
    String turned = body.step("Transpose", List.of(spread(key)), "perm", new long[] {0, 1, 3, 2});
    String scores = body.step("MatMul", List.of(queries, turned));
    String products = scores;
    if (cap > 0) {
      String small = body.step("Div", List.of(scores, body.number(cap)));
      scores = body.step("Mul", List.of(body.step("Tanh", List.of(small)), body.number(cap)));
    }
    String bias = bias();
    if (bias != null) {
      scores = body.step("Add", List.of(scores, bias));
    }
    String weights = body.step("Softmax", List.of(scores), "axis", -1);
    if (has(3) && inputs.get(3) instanceof Value) {
      // Who may attend to nothing gets zeros.
      String most = body.step("ReduceMax", List.of(bias), "axes", new long[] {-1});
      String none = body.step("Equal", List.of(most, body.number(HIDDEN)));
      weights = body.step("Where", List.of(none, body.number(0), weights));
    }
    String y = body.step("MatMul", List.of(weights, spread(value)));
    if (packed) {
      String together = body.step("Transpose", List.of(y), "perm", new long[] {0, 2, 1, 3});
      y = body.step("Reshape", List.of(together, body.integers(query[0], query[2], -1)));
    }
    return body.of(y, key, value, wanted == 3 ? weights : products);
  }

  /** What is added to the scores: 0, or −∞ where something is hidden; null for nothing. */
  private String bias() throws IOException {
    long past = has(4) ? inputs.get(4).shape()[2] : 0;
    long keys = past + split(inputs.get(1).shape(), heads)[2];
    List<String> parts = new ArrayList<>();
    if (has(3)) {
      parts.add(mask(keys));
    }
    Constant hidden = hidden(past, keys);
    requireSomethingSeen(hidden, keys);
    if (hidden != null) {
      parts.add(body.constant(hidden));
    }
    return parts.stream().reduce((a, b) -> body.step("Add", List.of(a, b))).orElse(null);
  }

  /** A mask that is shorter than the keys hides those behind. */
  private String mask(long keys) throws IOException {
    Operand given = inputs.get(3);
    String mask = body.input(3);
    long[] shape = given.shape();
    boolean holds = Choices.isMask(given);
    if (given instanceof Constant constant && constant.integer() && !holds) {
      throw Composites.refused(node, "has an integer mask");
    }
    if (holds) {
      mask = body.step("Where", List.of(mask, body.number(0), body.number(HIDDEN)));
    }
    if (shape.length > 0 && shape[shape.length - 1] < keys) {
      long[] pads = new long[2 * shape.length];
      pads[pads.length - 1] = keys - shape[shape.length - 1];
      mask = body.step("Pad", List.of(mask, body.integers(pads), body.number(HIDDEN)));
    }
    return mask;
  }

  /**
   * A query from which everything is hidden gets zeros by ONNX, the mean of all values from some
   * runtimes. A mask that depends on the image cannot be told, and is taken as ONNX has it.
   */
  private void requireSomethingSeen(Constant hidden, long keys) throws IOException {
    Constant seen = hidden == null ? Constant.ofValues(new double[1], false, 1) : hidden;
    if (has(3) && inputs.get(3) instanceof Constant mask) {
      boolean holds = Choices.isMask(mask);
      long[] shape = mask.shape();
      int last = seen.shape().length - 1;
      if (hidden != null && shape.length > 0 && shape[shape.length - 1] < keys) {
        // Those behind a short mask are hidden anyway.
        seen = seen.slice(last, 0, shape[shape.length - 1], 1);
      }
      seen =
          ConstantMath.binary(
              seen, mask, ElementType.FLOAT, (a, b) -> holds ? (b == 0 ? HIDDEN : a) : a + b);
    }
    long[] shape = seen.shape();
    double[] values = seen.values();
    int columns = Math.toIntExact(shape[shape.length - 1]);
    for (int row = 0; row < values.length; row += columns) {
      if (Arrays.stream(values, row, row + columns).allMatch(v -> v <= -Float.MAX_VALUE)) {
        throw Composites.refused(node, "masks all keys of a query, where runtimes disagree");
      }
    }
  }

  /** What order, windows and lengths hide; null for nothing. */
  private Constant hidden(long past, long keys) throws IOException {
    long order = node.integer("is_causal", 0);
    if (order != 0 && order != 1) {
      throw Composites.refused(node, "has is_causal = " + order);
    }
    boolean causal = order == 1;
    if (causal && query[2] == 1 && keys > 1 && !has(4) && !has(6)) {
      // The first key alone by ONNX; all of them in ONNX Runtime up to 1.26.
      throw Composites.refused(
          node, "is causal with one query and several keys, where runtimes disagree");
    }
    long left = node.integer("left_window_size", -1);
    long right = node.integer("right_window_size", -1);
    if (!causal && left < 0 && right < 0 && !has(6)) {
      return null;
    }
    long[] lengths = {keys};
    if (has(6)) {
      if (!(inputs.get(6) instanceof Constant given)) {
        throw Composites.refused(node, "has sequence lengths that depend on the image");
      }
      lengths = given.integers();
    }
    int rows = Math.toIntExact(query[2]);
    int columns = Math.toIntExact(keys);
    double[] values = Constant.room(lengths.length, rows, columns);
    for (int at = 0; at < values.length; at++) {
      long length = lengths[at / (rows * columns)];
      long row = at / columns % rows + (has(6) ? length - rows : past);
      long column = at % columns;
      boolean seen =
          (!causal || column <= row)
              && (left < 0 || row - column <= left)
              && (right < 0 || column - row <= right)
              && (!has(6) || column < length);
      values[at] = seen ? 0 : HIDDEN;
    }
    return Constant.ofValues(values, false, lengths.length, 1, rows, columns);
  }
}
