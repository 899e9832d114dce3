package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.ttame.backbones.architecture.ConvShape;
import org.ttame.backbones.architecture.VggArchitecture;
import org.ttame.core.Text;

/** Reads a VGG: one path of convolutions, ReLUs and max pools, then linear layers. */
final class VggReader {
  /** Where torchvision's module names survive, as in {@code /features/features.3/Conv}. */
  private static final Pattern MODULE = Pattern.compile("features[./_](\\d+)\\b");

  private final Dataflow flow;
  private final List<Operation> convolutions = new ArrayList<>();
  private final List<List<Integer>> stages = new ArrayList<>();
  private final List<Integer> widths = new ArrayList<>();

  /** What ReLUs and pools give, in their order. */
  private final List<Value> maps = new ArrayList<>();

  private final Map<String, Recipe> recipes = new HashMap<>();
  private boolean normalised;

  VggReader(Dataflow flow) {
    this.flow = flow;
  }

  OnnxBackbone.Found read() throws IOException {
    Value map = features();
    Operation pool = Chain.next(map);
    int grid = Head.averageGrid(pool);
    if (grid > 0) {
      map = pool.output();
    } else {
      grid = Math.toIntExact(map.shape()[2]);
    }
    classifier(map);
    boolean batchNorm = normalised || numbersSkip();
    VggArchitecture vgg =
        new VggArchitecture(
            flow.side(),
            stages,
            grid,
            widths.subList(0, widths.size() - 1),
            widths.get(widths.size() - 1),
            batchNorm);
    int number = 0;
    Map<String, OnnxBackbone.LayerValue> layers = new HashMap<>();
    for (VggArchitecture.Feature feature : vgg.features()) {
      String node = "features." + feature.index();
      if (feature.kind() == VggArchitecture.Feature.Kind.CONVOLUTION) {
        Chain.convolution(node, convolutions.get(number++), recipes);
      } else {
        layers.put(node, OnnxBackbone.LayerValue.map(maps.get(layers.size())));
      }
    }
    return new OnnxBackbone.Found(vgg, recipes, layers);
  }

  private Value features() throws IOException {
    Value at = flow.input();
    List<Integer> stage = new ArrayList<>();
    while (true) {
      Operation operation = Chain.next(at);
      if (operation.is(Fusion.CONV)) {
        ConvShape shape = Chain.convolution("features", operation, new HashMap<>());
        if (shape.kernel() != 3 || shape.stride() != 1 || shape.padding() != 1) {
          throw new UnsupportedGraphException(
              Text.format(
                  "%s is a %d×%d convolution of stride %d and padding %d, a VGG has 3×3, 1 and 1",
                  operation, shape.kernel(), shape.kernel(), shape.stride(), shape.padding()));
        }
        normalised |= operation.input(3) != null;
        convolutions.add(operation);
        stage.add(shape.out());
        Operation relu = Chain.next(operation.output());
        if (!relu.is("Relu")) {
          throw Chain.unexpected(relu, "a ReLU");
        }
        at = relu.output();
        maps.add(at);
      } else if (operation.is("MaxPool") && !stage.isEmpty()) {
        long[] kernel = operation.node().integers("kernel_shape");
        Window window = Window.of(operation.node(), kernel[0], kernel[1]);
        if (!window.simple()
            || window.kernel() != 2
            || window.stride() != 2
            || window.padding() != 0) {
          throw Chain.unexpected(operation, "a 2×2 max pool of stride 2");
        }
        stages.add(stage);
        stage = new ArrayList<>();
        at = operation.output();
        maps.add(at);
      } else if (stage.isEmpty() && !stages.isEmpty()) {
        return at;
      } else {
        throw Chain.unexpected(operation, "a convolution or a max pool");
      }
    }
  }

  private void classifier(Value map) throws IOException {
    Operation linear = Chain.linearAfter(map);
    Constant weight = Head.rowsByPosition(linear, map);
    while (true) {
      String layer = "classifier." + 3 * widths.size();
      widths.add(Chain.linear(layer, linear, weight, recipes));
      if (linear.output() == flow.logits()) {
        return;
      }
      Operation relu = Chain.next(linear.output());
      if (!relu.is("Relu")) {
        throw Chain.unexpected(relu, "a ReLU");
      }
      linear = Chain.next(relu.output());
      if (!linear.is(Fusion.LINEAR)) {
        throw Chain.unexpected(linear, "a linear layer");
      }
      weight = linear.constant(1);
    }
  }

  /**
   * Whether the modules' own numbers, where the exporter kept them, say that batch normalisation
   * has been folded: then the second convolution of a stage is three modules after the first. This
   * only decides how layers are numbered.
   */
  private boolean numbersSkip() {
    for (List<Integer> stage : stages) {
      if (stage.size() > 1) {
        int first = stages.subList(0, stages.indexOf(stage)).stream().mapToInt(List::size).sum();
        int a = module(convolutions.get(first));
        int b = module(convolutions.get(first + 1));
        return a >= 0 && b - a == 3;
      }
    }
    return convolutions.size() > 1
        && module(convolutions.get(0)) >= 0
        && module(convolutions.get(1)) - module(convolutions.get(0)) == 4;
  }

  private static int module(Operation conv) {
    List<String> names = new ArrayList<>();
    names.add(conv.node().name());
    names.addAll(conv.node().inputs());
    names.addAll(conv.node().outputs());
    for (String name : names) {
      Matcher matcher = MODULE.matcher(name);
      int last = -1;
      while (matcher.find()) {
        last = Integer.parseInt(matcher.group(1));
      }
      if (last >= 0) {
        return last;
      }
    }
    return -1;
  }
}
