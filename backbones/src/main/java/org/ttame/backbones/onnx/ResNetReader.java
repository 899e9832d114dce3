package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.ttame.backbones.architecture.ConvShape;
import org.ttame.backbones.architecture.PoolShape;
import org.ttame.backbones.architecture.ResNetArchitecture;
import org.ttame.backbones.architecture.ResNetArchitecture.Block;
import org.ttame.core.Text;

/**
 * Reads a ResNet: a stem, residual blocks, a global pool, a linear layer. A stage begins where a
 * shortcut has a convolution.
 */
final class ResNetReader {
  private final Dataflow flow;
  private final Map<String, Recipe> recipes = new HashMap<>();
  private final Map<String, OnnxBackbone.LayerValue> layers = new HashMap<>();

  ResNetReader(Dataflow flow) {
    this.flow = flow;
  }

  /** A block as the graph has it. */
  private record Path(List<Operation> convolutions, Operation sum) {}

  OnnxBackbone.Found read() throws IOException {
    Operation conv = Chain.next(flow.input());
    if (!conv.is(Fusion.CONV)) {
      throw Chain.unexpected(conv, "a convolution");
    }
    ConvShape stem = Chain.convolution("conv1", conv, recipes);
    Value at = relu(conv.output());
    Optional<PoolShape> stemPool = Optional.empty();
    if (at.consumers().size() == 1 && Chain.next(at).is("MaxPool")) {
      Operation pool = Chain.next(at);
      stemPool = Optional.of(maxPool(pool));
      at = pool.output();
    }
    List<List<Block>> stages = new ArrayList<>();
    while (at.consumers().size() == 2) {
      List<Path> paths = new ArrayList<>();
      for (Operation consumer : at.consumers()) {
        paths.add(path(consumer));
      }
      Path first = paths.get(0);
      Path second = paths.get(1);
      if (first.sum() != second.sum()) {
        throw new UnsupportedGraphException(
            Text.format("the two paths from \"%s\" do not meet in one sum", at));
      }
      boolean firstIsBody = first.convolutions().size() > second.convolutions().size();
      List<Operation> body = (firstIsBody ? first : second).convolutions();
      List<Operation> shortcut = (firstIsBody ? second : first).convolutions();
      if (shortcut.size() > 1) {
        throw new UnsupportedGraphException(
            Text.format("the shortcut of %s has %d convolutions", first.sum(), shortcut.size()));
      }
      if (stages.isEmpty() || !shortcut.isEmpty()) {
        stages.add(new ArrayList<>());
      }
      List<Block> stage = stages.get(stages.size() - 1);
      String node = Text.format("layer%d.%d", stages.size(), stage.size());
      stage.add(block(node, body, shortcut));
      at = relu(first.sum().output());
      layers.put(node, OnnxBackbone.LayerValue.map(at));
      layers.put("layer" + stages.size(), layers.get(node));
    }
    return finish(stem, stemPool, stages, at);
  }

  private OnnxBackbone.Found finish(
      ConvShape stem, Optional<PoolShape> stemPool, List<List<Block>> stages, Value map)
      throws IOException {
    Operation pool = Chain.next(map);
    Optional<PoolShape> headPool = Optional.empty();
    if (pool.is("MaxPool")) {
      headPool = Optional.of(maxPool(pool));
    } else if (Head.averageGrid(pool) != 1) {
      throw Chain.unexpected(pool, "a pool to one value per channel");
    }
    Operation linear = Chain.linearAfter(pool.output());
    Constant weight = Head.rowsByPosition(linear, pool.output());
    int classes = Chain.linear("fc", linear, weight, recipes);
    if (linear.output() != flow.logits()) {
      throw new UnsupportedGraphException(Text.format("%s is followed by more layers", linear));
    }
    return new OnnxBackbone.Found(
        new ResNetArchitecture(flow.side(), stem, stemPool, stages, headPool, classes),
        recipes,
        layers);
  }

  /** From a block's input along one way to the sum. */
  private static Path path(Operation start) {
    List<Operation> convolutions = new ArrayList<>();
    Operation at = start;
    while (!at.is("Add")) {
      if (at.is(Fusion.CONV)) {
        convolutions.add(at);
        at = Chain.next(at.output());
        if (at.is("Relu")) {
          at = Chain.next(at.output());
          if (!at.is(Fusion.CONV)) {
            throw Chain.unexpected(at, "a convolution");
          }
        } else if (!at.is("Add")) {
          throw Chain.unexpected(at, "a ReLU or a sum");
        }
      } else {
        throw Chain.unexpected(at, "a convolution or a sum");
      }
    }
    if (at.values().size() != 2) {
      throw Chain.unexpected(at, "a sum of two maps");
    }
    return new Path(convolutions, at);
  }

  private Block block(String node, List<Operation> body, List<Operation> shortcut)
      throws IOException {
    List<ConvShape> shapes = new ArrayList<>();
    for (Operation conv : body) {
      shapes.add(
          Chain.convolution(Text.format("%s.conv%d", node, shapes.size() + 1), conv, recipes));
    }
    Optional<ConvShape> around =
        shortcut.isEmpty()
            ? Optional.empty()
            : Optional.of(Chain.convolution(node + ".downsample.0", shortcut.get(0), recipes));
    return new Block(shapes, around);
  }

  private static Value relu(Value value) {
    Operation relu = Chain.next(value);
    if (!relu.is("Relu")) {
      throw Chain.unexpected(relu, "a ReLU");
    }
    return relu.output();
  }

  private static PoolShape maxPool(Operation pool) {
    long[] kernel = pool.node().integers("kernel_shape");
    Window window = Window.of(pool.node(), kernel[0], kernel[1]);
    if (!window.simple()) {
      throw new UnsupportedGraphException(
          pool + " is not square and evenly padded, is dilated, or rounds up");
    }
    return new PoolShape(window.kernel(), window.stride(), window.padding());
  }
}
