package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.LongStream;
import org.ttame.core.Text;

/**
 * Reads multi-head self-attention, however its projections are packed, split and transposed:
 * positions are sent through the graph's own reshapes, and where they arrive tells which columns of
 * which projection each head takes.
 */
record AttentionReader(int batch, int tokens, int width, Map<String, Recipe> recipes) {
  /** The three operands of the product and what the scores are multiplied by. */
  private record Product(
      Value queries,
      Constant queryPositions,
      Value keys,
      Constant keyPositions,
      Value values,
      Constant valuePositions,
      double scale,
      Value context) {}

  /**
   * Reads the attention that ends in a value.
   *
   * @param from its input, normalised tokens {@code [B, T, D]}
   * @param result its output, {@code [B, T, D]}
   * @return the number of heads
   */
  int read(String layer, Value from, Value result) throws IOException {
    Operation out = projection(result);
    Value joined = out.value(0);
    if (out.constant(1).shape()[0] != width || out.constant(1).shape()[1] != width) {
      throw new UnsupportedGraphException(out + " does not keep the tokens' width");
    }
    long[] rows = rowsOf(joined);
    requireRows(result, out.output(), rows, joined);
    Product product = product(Trace.back(joined));

    Heads queries = heads(product.queries(), product.queryPositions(), from);
    Heads keys = heads(product.keys(), product.keyPositions(), from);
    Heads values = heads(product.values(), product.valuePositions(), from);
    if (!queries.sameOrder(keys) || !queries.sameOrder(values)) {
      throw new UnsupportedGraphException(
          Text.format(
              "queries, keys and values of %s are split into heads in different ways", layer));
    }
    requireJoined(joined, rows, product.context(), queries);
    note(layer + ".query", queries, product.scale());
    note(layer + ".key", keys, 1);
    note(layer + ".value", values, 1);
    Chain.linear(layer + ".out_proj", out, recipes);
    return width / queries.headWidth();
  }

  /** The linear layer whose rows, moved about, are the value. */
  private static Operation projection(Value value) throws IOException {
    Value source = Trace.back(value).source();
    if (source.producer() == null || !source.producer().is(Fusion.LINEAR)) {
      throw new UnsupportedGraphException(
          Text.format("\"%s\" does not come from a linear layer", value));
    }
    return source.producer();
  }

  /** Of softmax(QKᵀ)V, or the operator that is all of it. */
  private Product product(Trace context) throws IOException {
    Operation operation = context.source().producer();
    if (operation != null && operation.is("Attention") && context.scale() == 1) {
      return fused(operation);
    }
    if (operation == null || !operation.is("MatMul") || context.scale() != 1) {
      throw new UnsupportedGraphException(
          Text.format("\"%s\" is not the product of attention and values", context.source()));
    }
    Operation softmax = safe(operation.value(0).producer());
    int rank = operation.value(0).rank();
    if (softmax == null
        || !softmax.is("Softmax")
        || Movement.axis(softmax.node().integer("axis", -1), rank) != rank - 1) {
      throw new UnsupportedGraphException(
          Text.format("%s does not multiply a softmax over the keys", operation));
    }
    Trace scores = Trace.back(softmax.value(0));
    Operation product = scores.source().producer();
    if (product == null || !product.is("MatMul") || !scores.isWhole()) {
      throw new UnsupportedGraphException(
          Text.format(
              "%s is not over a plain product of queries and keys; masks are not supported",
              softmax));
    }
    Trace queries = Trace.back(product.value(0));
    Trace keys = Trace.back(product.value(1));
    Trace values = Trace.back(operation.value(1));
    if (values.scale() != 1) {
      throw new UnsupportedGraphException(Text.format("the values of %s are scaled", operation));
    }
    int last = keys.positions().shape().length - 1;
    int[] swap = java.util.stream.IntStream.rangeClosed(0, last).toArray();
    swap[last] = last - 1;
    swap[last - 1] = last;
    return new Product(
        queries.source(),
        queries.positions(),
        keys.source(),
        keys.positions().transpose(swap),
        values.source(),
        values.positions(),
        queries.scale() * keys.scale() * scores.scale(),
        operation.output());
  }

  /** The operator of opset 23, on {@code [B, heads, T, head width]}. */
  private static Product fused(Operation attention) throws IOException {
    OnnxNode node = attention.node();
    boolean masked = attention.input(3) != null && !letsAllThrough(attention.input(3));
    boolean more = attention.inputs().stream().skip(4).anyMatch(java.util.Objects::nonNull);
    if (masked
        || more
        || node.integer("is_causal", 0) != 0
        || node.real("softcap", 0) != 0
        || node.integer("left_window_size", -1) >= 0
        || node.integer("right_window_size", -1) >= 0
        || attention.value(0).rank() != 4) {
      throw new UnsupportedGraphException(
          attention + " masks, caps, caches or packs its operands, which is not supported");
    }
    Trace queries = Trace.back(attention.value(0));
    Trace keys = Trace.back(attention.value(1));
    Trace values = Trace.back(attention.value(2));
    long headWidth = attention.value(0).shape()[3];
    if (values.scale() != 1) {
      throw new UnsupportedGraphException(Text.format("the values of %s are scaled", attention));
    }
    return new Product(
        queries.source(),
        queries.positions(),
        keys.source(),
        keys.positions(),
        values.source(),
        values.positions(),
        queries.scale() * keys.scale() * node.real("scale", 1 / Math.sqrt((double) headWidth)),
        attention.output());
  }

  /** A mask that adds nothing, or that says true everywhere. */
  private static boolean letsAllThrough(Operand mask) throws IOException {
    return mask instanceof Constant constant
        && (constant.integer() ? constant.none(0) : constant.all(0));
  }

  /** Skips where(isnan(p), 0, p), which some exporters put after the softmax. */
  private static Operation safe(Operation operation) throws IOException {
    if (operation != null
        && operation.is("Where")
        && operation.input(2) instanceof Value value
        && operation.input(1) instanceof Constant otherwise
        && otherwise.all(0)
        && operation.input(0) instanceof Value condition
        && condition.producer() != null
        && condition.producer().is("IsNaN")
        && condition.producer().input(0) == value) {
      return value.producer();
    }
    return operation;
  }

  /**
   * How a projection is split into heads.
   *
   * @param linear the projection
   * @param first its first column that is used
   * @param headWidth width of a head
   * @param owner for each group of the product, image · heads + head
   */
  @SuppressWarnings("ArrayRecordComponent")
  private record Heads(Operation linear, int first, int headWidth, int[] owner) {
    boolean sameOrder(Heads other) {
      return headWidth == other.headWidth && Arrays.equals(owner, other.owner);
    }
  }

  /** Reads the split from where a projection's elements went, {@code [groups…, T, head width]}. */
  private Heads heads(Value source, Constant positions, Value from) throws IOException {
    Operation linear = source.producer();
    if (linear == null || !linear.is(Fusion.LINEAR)) {
      throw new UnsupportedGraphException(
          Text.format("\"%s\" is not projected by a linear layer", source));
    }
    Trace input = Trace.back(linear.value(0), from);
    if (input.source() != from || input.scale() != 1) {
      throw new UnsupportedGraphException(linear + " does not project the normalised tokens");
    }
    long[] tokenOfRow = rows(input.positions(), linear);
    long[] shape = positions.shape();
    int headWidth = (int) shape[shape.length - 1];
    int heads = width / headWidth;
    int groups = batch * heads;
    if (positions.size() != (long) groups * tokens * headWidth) {
      throw new UnsupportedGraphException(
          Text.format(
              "%s gives %s where %d heads of %d tokens are expected",
              linear, Arrays.toString(shape), heads, tokens));
    }
    double[] from0 = positions.values();
    int columns = Math.toIntExact(linear.constant(1).shape()[1]);
    int first = columns;
    for (double position : from0) {
      first = Math.min(first, (int) ((long) position % columns));
    }
    int[] owner = new int[groups];
    for (int i = 0; i < from0.length; i++) {
      int group = i / (tokens * headWidth);
      int token = i / headWidth % tokens;
      long row = (long) from0[i] / columns;
      int column = (int) ((long) from0[i] % columns) - first;
      int image = (int) (tokenOfRow[(int) row] / tokens);
      int head = column / headWidth;
      if (i % (tokens * headWidth) == 0) {
        owner[group] = image * heads + head;
      }
      boolean right =
          tokenOfRow[(int) row] == (long) image * tokens + token
              && owner[group] == image * heads + head
              && column == head * headWidth + i % headWidth;
      if (!right) {
        throw new UnsupportedGraphException(
            Text.format("%s is split into heads in an unusual order", linear));
      }
    }
    return new Heads(linear, first, headWidth, owner);
  }

  /** For each row of a linear layer's input, the token it holds, image · T + token. */
  private long[] rows(Constant positions, Operation linear) throws IOException {
    if (positions.isInOrder()) {
      return LongStream.range(0, positions.size() / width).toArray();
    }
    double[] values = positions.values();
    long[] result = new long[values.length / width];
    for (int i = 0; i < values.length; i++) {
      long token = (long) values[i] / width;
      if (i % width == 0) {
        result[i / width] = token;
      }
      if (token != result[i / width] || (long) values[i] % width != i % width) {
        throw new UnsupportedGraphException(linear + " mixes up tokens and channels");
      }
    }
    return result;
  }

  /** The rows of the joined heads in their own order. */
  private long[] rowsOf(Value joined) {
    return LongStream.range(0, Constant.count(joined.shape()) / width).toArray();
  }

  /** Finds for each row of the output projection the token of the result that it becomes. */
  private void requireRows(Value result, Value projected, long[] rows, Value joined)
      throws IOException {
    Trace trace = Trace.back(result, projected);
    if (trace.scale() != 1 || rows.length != batch * tokens) {
      throw new UnsupportedGraphException(
          Text.format("\"%s\" does not have a row for each token", joined));
    }
    double[] positions = trace.positions().values();
    for (int i = 0; i < positions.length; i++) {
      int row = (int) ((long) positions[i] / width);
      if (i % width == 0) {
        rows[row] = i / width;
      }
      if ((long) positions[i] % width != i % width || rows[row] != i / width) {
        throw new UnsupportedGraphException(
            Text.format("\"%s\" mixes up tokens and channels", result));
      }
    }
  }

  /** The joined heads must be side by side, each token in its own row. */
  private void requireJoined(Value joined, long[] tokenOfRow, Value context, Heads heads)
      throws IOException {
    Trace trace = Trace.back(joined, context);
    double[] positions = trace.positions().values();
    int headWidth = heads.headWidth();
    int count = width / headWidth;
    for (int i = 0; i < positions.length; i++) {
      long position = (long) positions[i];
      int group = (int) (position / ((long) tokens * headWidth));
      long token = position / headWidth % tokens;
      int column = i % width;
      int image = heads.owner()[group] / count;
      int head = heads.owner()[group] % count;
      if (tokenOfRow[i / width] != (long) image * tokens + token
          || column - head * headWidth != position % headWidth) {
        throw new UnsupportedGraphException(
            Text.format("the heads of \"%s\" are joined in an unusual order", joined));
      }
    }
  }

  private void note(String layer, Heads heads, double scale) throws IOException {
    Constant weight = heads.linear().constant(1).slice(1, heads.first(), width, 1);
    double[] bias =
        Chain.bias(heads.linear(), Math.toIntExact(heads.linear().constant(1).shape()[1]));
    double[] part = Arrays.copyOfRange(bias, heads.first(), heads.first() + width);
    for (int i = 0; i < width; i++) {
      part[i] *= scale;
    }
    recipes.put(layer + ".weight", new Recipe(weight, null, scale));
    recipes.put(layer + ".bias", Recipe.of(part));
  }
}
