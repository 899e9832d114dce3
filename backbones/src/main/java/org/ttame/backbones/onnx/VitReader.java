package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.ttame.backbones.architecture.VitArchitecture;
import org.ttame.core.Text;

/** Reads a vision transformer: patches, class token, positions, pre-norm blocks, class head. */
final class VitReader {
  private final Dataflow flow;
  private final Map<String, Recipe> recipes = new HashMap<>();
  private final Map<String, OnnxBackbone.LayerValue> layers = new HashMap<>();
  private double normEps;

  VitReader(Dataflow flow) {
    this.flow = flow;
  }

  /** A layer normalisation and the sum that goes around it. */
  private record Fork(Operation norm, Operation sum) {}

  OnnxBackbone.Found read() throws IOException {
    Operation conv = Chain.next(flow.input());
    if (!conv.is(Fusion.CONV)) {
      throw Chain.unexpected(conv, "the convolution that embeds patches");
    }
    int patch = patches(conv);
    Value at = tokens(conv);
    int tokens = Math.toIntExact(at.shape()[1]);
    int width = Math.toIntExact(at.shape()[2]);
    int depth = 0;
    int heads = 0;
    int mlp = 0;
    AttentionReader attention = new AttentionReader(flow.batch(), tokens, width, recipes);
    Fork fork = fork(at);
    while (fork.sum() != null) {
      String node = "encoder.layers.encoder_layer_" + depth;
      norm(node + ".ln_1", fork.norm());
      layers.put(node + ".ln_1", OnnxBackbone.LayerValue.tokens(fork.norm().output()));
      int found =
          attention.read(node + ".self_attention", fork.norm().output(), other(fork.sum(), at));
      if (depth > 0 && found != heads) {
        throw new UnsupportedGraphException(
            Text.format("block %d has %d heads, the others %d", depth, found, heads));
      }
      heads = found;
      at = fork.sum().output();
      fork = fork(at);
      if (fork.sum() == null) {
        throw new UnsupportedGraphException(Text.format("block %d has no MLP", depth));
      }
      norm(node + ".ln_2", fork.norm());
      int hidden = perceptron(node + ".mlp", fork.norm().output(), other(fork.sum(), at));
      if (depth > 0 && hidden != mlp) {
        throw new UnsupportedGraphException(
            Text.format("block %d's MLP has a width of %d, the others' %d", depth, hidden, mlp));
      }
      mlp = hidden;
      at = fork.sum().output();
      layers.put(node, OnnxBackbone.LayerValue.tokens(at));
      fork = fork(at);
      depth++;
    }
    int classes = head(fork.norm(), at);
    return new OnnxBackbone.Found(
        new VitArchitecture(flow.side(), patch, width, depth, heads, mlp, normEps, classes),
        recipes,
        layers);
  }

  private int patches(Operation conv) throws IOException {
    Constant weight = conv.constant(1);
    Window window = Window.of(conv.node(), weight.shape()[2], weight.shape()[3]);
    if (!window.simple() || window.stride() != window.kernel() || window.padding() != 0) {
      throw new UnsupportedGraphException(conv + " does not cut the image into patches");
    }
    Chain.convolution("conv_proj", conv, recipes);
    return window.kernel();
  }

  /** Class token in front of the patches, row by row, and positions added. */
  private Value tokens(Operation conv) throws IOException {
    Value map = conv.output();
    Operation concat = Chain.next(map);
    while (Movement.moves(concat.type())) {
      concat = Chain.next(concat.output());
    }
    boolean front =
        concat.is("Concat")
            && concat.inputs().size() == 2
            && concat.input(0) instanceof Constant
            && concat.output().rank() == 3
            && Shapes.concatAxis(concat.node(), 3) == 1;
    if (!front) {
      throw Chain.unexpected(concat, "a class token in front of the patches");
    }
    long[] shape = map.shape();
    long grid = shape[2] * shape[3];
    Constant expected =
        Constant.positions(shape).reshape(shape[0], shape[1], grid).transpose(0, 2, 1);
    Trace trace = Trace.back(concat.value(1), map);
    if (trace.source() != map || !trace.isUnscaled(expected)) {
      throw new UnsupportedGraphException("its patches are not in rows");
    }
    Operation sum = Chain.next(concat.output());
    Constant positions = sum.is("Add") ? sum.onlyConstant() : null;
    if (positions == null) {
      throw Chain.unexpected(sum, "the sum with the positions");
    }
    positions(concat.constant(0), positions, (int) grid + 1, (int) shape[1]);
    return sum.output();
  }

  /** The class token goes into the first position. */
  private void positions(Constant classToken, Constant positions, int tokens, int width)
      throws IOException {
    double[] token = classToken.select(0, 0).values();
    double[] sum =
        positions
            .broadcast(Shapes.broadcast(positions.shape(), new long[] {1, tokens, width}))
            .values();
    if (token.length != width || sum.length != tokens * width) {
      throw new UnsupportedGraphException("its class token or positions depend on the image");
    }
    for (int i = 0; i < width; i++) {
      sum[i] += token[i];
    }
    recipes.put("encoder.pos_embedding", Recipe.of(sum));
  }

  /** A value of the residual stream goes through a normalisation and around it, or ends. */
  private static Fork fork(Value at) {
    Operation norm = null;
    Operation sum = null;
    for (Operation consumer : at.consumers()) {
      if (consumer.is(Fusion.NORM) && norm == null) {
        norm = consumer;
      } else if (consumer.is("Add") && consumer.values().size() == 2 && sum == null) {
        sum = consumer;
      } else if (!Movement.moves(consumer.type()) || norm != null || sum != null) {
        throw Chain.unexpected(consumer, "a layer normalisation or a residual sum");
      }
    }
    if (norm == null) {
      norm = normAfterSelection(at);
    }
    return new Fork(norm, sum);
  }

  /** Some exporters take the class token before the last normalisation. */
  private static Operation normAfterSelection(Value at) {
    Operation operation = Chain.next(at);
    while (Movement.moves(operation.type())) {
      operation = Chain.next(operation.output());
    }
    if (!operation.is(Fusion.NORM)) {
      throw Chain.unexpected(operation, "a layer normalisation");
    }
    return operation;
  }

  private static Value other(Operation sum, Value one) {
    List<Value> values = sum.values();
    return values.get(0) == one ? values.get(1) : values.get(0);
  }

  private void norm(String layer, Operation norm) throws IOException {
    recipes.put(layer + ".weight", Recipe.of(norm.constant(1)));
    recipes.put(layer + ".bias", Recipe.of(norm.constant(2)));
    double eps = Double.parseDouble(Float.toString((float) norm.constant(3).scalar()));
    if (normEps != 0 && eps != normEps) {
      throw new UnsupportedGraphException(
          Text.format("its normalisations have different eps, %s and %s", normEps, eps));
    }
    normEps = eps;
  }

  /** Linear, GELU, linear; each takes 1/√2 of the GELU, see the graph. */
  private int perceptron(String layer, Value from, Value result) throws IOException {
    Operation second = producer(result, Fusion.LINEAR, null);
    Operation gelu = producer(second.value(0), Fusion.GELU, null);
    Operation first = producer(gelu.value(0), Fusion.LINEAR, null);
    producer(first.value(0), Fusion.NORM, from);
    int hidden = Math.toIntExact(first.constant(1).shape()[1]);
    int width = Math.toIntExact(second.constant(1).shape()[1]);
    double[] bias = Chain.bias(first, hidden);
    for (int i = 0; i < hidden; i++) {
      bias[i] *= Math.sqrt(0.5);
    }
    recipes.put(layer + ".0.weight", new Recipe(first.constant(1), null, Math.sqrt(0.5)));
    recipes.put(layer + ".0.bias", Recipe.of(bias));
    recipes.put(layer + ".3.weight", new Recipe(second.constant(1), null, Math.sqrt(0.5)));
    recipes.put(layer + ".3.bias", Recipe.of(Chain.bias(second, width)));
    return hidden;
  }

  /** What computed a value, which may only have been reshaped since. */
  private static Operation producer(Value value, String type, Value expected) throws IOException {
    Trace trace = Trace.back(value, expected);
    Operation operation = trace.source().producer();
    if (operation == null
        || !operation.is(type)
        || (expected != null && trace.source() != expected)
        || !trace.isUnscaled(Constant.positions(trace.source().shape()))) {
      throw new UnsupportedGraphException(
          Text.format("\"%s\" does not come from a %s", value, type));
    }
    return operation;
  }

  private int head(Operation norm, Value at) throws IOException {
    norm("encoder.ln", norm);
    Trace before = Trace.back(norm.value(0), at);
    Operation linear = Chain.linearAfter(norm.output());
    Trace after = Trace.back(linear.value(0), norm.output());
    Constant all = Constant.positions(at.shape());
    Constant first = all.select(1, 0);
    boolean selectedBefore =
        before.isUnscaled(first) && after.isUnscaled(Constant.positions(norm.output().shape()));
    boolean selectedAfter = before.isUnscaled(all) && after.isUnscaled(first);
    if (before.source() != at || !(selectedBefore || selectedAfter)) {
      throw new UnsupportedGraphException(linear + " does not read the class token");
    }
    int classes = Chain.linear("heads.head", linear, recipes);
    if (linear.output() != flow.logits()) {
      throw new UnsupportedGraphException(linear + " is followed by more layers");
    }
    return classes;
  }
}
