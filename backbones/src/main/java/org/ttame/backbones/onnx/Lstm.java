package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.ttame.core.Text;

/**
 * The LSTM operator, written out for each step of the sequence. Of the gates i, o, f and g, which
 * lie so in {@code x·Wᵀ + h·Rᵀ + b}, the next states are {@code c′ = σ(f)·c + σ(i)·tanh(g)} and
 * {@code h′ = σ(o)·tanh(c′)}. What x gives to the gates is one product for all steps.
 */
final class Lstm {
  /** Every step is written out: a longer sequence would make a graph too large to run. */
  private static final long LONGEST = 64;

  private static final String[] NAMES = {
    "X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"
  };

  private final OnnxNode node;
  private final Operand[] inputs;
  private final Body body;
  private final String direction;
  private final int ways;
  private final boolean batchFirst;
  private final int length;
  private final long units;

  private Lstm(OnnxNode node, List<Operand> given, long opset) throws IOException {
    this.node = node;
    inputs = Arrays.copyOf(given.toArray(new Operand[0]), NAMES.length);
    body = new Body(node, opset);
    direction = node.text("direction", "forward");
    ways = direction.equals("bidirectional") ? 2 : 1;
    batchFirst = node.integer("layout", 0) != 0;
    if (inputs[1] == null || inputs[2] == null || inputs[7] != null) {
      throw Composites.refused(node, inputs[7] == null ? "lacks weights" : "has peepholes");
    }
    long[] x = inputs[0].shape();
    long[] recurrent = inputs[2].shape();
    if (x.length != 3 || recurrent.length != 3) {
      throw Composites.refused(node, "has an X or R that is not of three dimensions");
    }
    units = recurrent[2];
    long batch = x[batchFirst ? 0 : 1];
    long[] state = batchFirst ? new long[] {batch, ways, units} : new long[] {ways, batch, units};
    needs(1, ways, 4 * units, x[2]);
    needs(2, ways, 4 * units, units);
    needs(3, ways, 8 * units);
    needs(5, state);
    needs(6, state);
    long steps = x[batchFirst ? 1 : 0];
    if (steps > LONGEST) {
      throw Composites.refused(node, "has a sequence of " + steps + " steps, more than " + LONGEST);
    }
    length = (int) steps;
    if (node.integer("hidden_size", units) != units
        || !List.of("forward", "reverse", "bidirectional").contains(direction)) {
      throw Composites.refused(node, "has an unsupported hidden_size or direction");
    }
    if (inputs[4] != null
        && !(inputs[4] instanceof Constant lengths
            && Arrays.stream(lengths.integers()).allMatch(own -> own == steps))) {
      throw Composites.refused(node, "has sequences of different lengths");
    }
  }

  /**
   * Writes it out.
   *
   * @param inputs its operands, null for one left out
   * @param opset version of the operator set
   */
  static OnnxModel.Function steps(OnnxNode node, List<Operand> inputs, long opset)
      throws IOException {
    return new Lstm(node, inputs, opset).write();
  }

  private void needs(int input, long... shape) {
    if (inputs[input] != null && !Arrays.equals(inputs[input].shape(), shape)) {
      String found = Arrays.toString(inputs[input].shape());
      String why = "has %s of shape %s where %s is needed";
      throw Composites.refused(node, Text.format(why, NAMES[input], found, Arrays.toString(shape)));
    }
  }

  private OnnxModel.Function write() throws IOException {
    String x = turned(body.input(0), 1, 0, 2);
    List<List<String>> results = List.of(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    for (int way = 0; way < ways; way++) {
      List<String> own = oneWay(x, way, way == 1 || direction.equals("reverse"));
      for (int i = 0; i < 3; i++) {
        results.get(i).add(along(own.get(i), i == 0 ? 1 : 0));
      }
    }
    return body.of(
        turned(body.step("Concat", results.get(0), "axis", 1), 2, 0, 1, 3),
        turned(body.step("Concat", results.get(1), "axis", 0), 1, 0, 2),
        turned(body.step("Concat", results.get(2), "axis", 0), 1, 0, 2));
  }

  /** Of one direction all h, {@code [S, B, H]}, the last h and the last c. */
  private List<String> oneWay(String x, int way, boolean backwards) throws IOException {
    String gates = body.step("MatMul", List.of(x, transposed(1, way)));
    if (inputs[3] != null) {
      String biases = pick(body.input(3), way);
      gates = body.step("Add", List.of(gates, slice(biases, 0, 0, 4)));
      gates = body.step("Add", List.of(gates, slice(biases, 0, 4, 8)));
    }
    String recurrent = transposed(2, way);
    String h = initial(5, way);
    String c = initial(6, way);
    String[] all = new String[length];
    for (int i = 0; i < length; i++) {
      int at = backwards ? length - 1 - i : i;
      String own = pick(gates, at);
      if (h != null) {
        own = body.step("Add", List.of(own, body.step("MatMul", List.of(h, recurrent))));
      }
      String open = body.step("Sigmoid", List.of(slice(own, 1, 0, 3)));
      String fresh = body.step("Tanh", List.of(slice(own, 1, 3, 4)));
      String next = body.step("Mul", List.of(slice(open, 1, 0, 1), fresh));
      if (c != null) {
        String kept = body.step("Mul", List.of(slice(open, 1, 2, 3), c));
        next = body.step("Add", List.of(kept, next));
      }
      c = next;
      h = body.step("Mul", List.of(slice(open, 1, 1, 2), body.step("Tanh", List.of(c))));
      all[at] = along(h, 0);
    }
    return List.of(body.step("Concat", List.of(all), "axis", 0), h, c);
  }

  /** The state before the first step; null for zeros, which add nothing. */
  private String initial(int input, int way) throws IOException {
    boolean zero =
        inputs[input] == null
            || (inputs[input] instanceof Constant constant
                && Arrays.stream(constant.values()).allMatch(value -> value == 0));
    return zero ? null : pick(turned(body.input(input), 1, 0, 2), way);
  }

  private String transposed(int input, int way) {
    String matrix = pick(body.input(input), way);
    return body.step("Transpose", List.of(matrix), "perm", new long[] {1, 0});
  }

  /** In the order of axes that batches in front ask for. */
  private String turned(String x, long... order) {
    return batchFirst ? body.step("Transpose", List.of(x), "perm", order) : x;
  }

  private String along(String x, long axis) {
    return body.step("Unsqueeze", List.of(x), "axes", new long[] {axis});
  }

  private String pick(String x, int index) {
    Constant at = Constant.ofIntegers(new long[] {index});
    return body.step("Gather", List.of(x, body.constant(at)), "axis", 0);
  }

  /** From one multiple of the number of units to another. */
  private String slice(String x, long axis, long from, long end) {
    String first = body.integers(from * units);
    return body.step("Slice", List.of(x, first, body.integers(end * units), body.integers(axis)));
  }
}
