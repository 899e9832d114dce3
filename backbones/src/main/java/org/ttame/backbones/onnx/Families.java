package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.ttame.backbones.BackboneException;
import org.ttame.backbones.BackboneOptions;
import org.ttame.core.Text;

/** Decides which family a graph belongs to, and says what was found where it is none. */
final class Families {
  private static final String SUPPORTED =
      "supported are VGG, ResNet (v1.5 and v1, without groups) and ViT classifiers as torchvision builds them";

  private Families() {}

  /**
   * What a graph was recognised as.
   *
   * @param found architecture and weights
   * @param flow how the graph was read
   */
  record Recognised(OnnxBackbone.Found found, Dataflow flow) {}

  static Recognised find(OnnxModel model, BackboneOptions options) throws IOException {
    String suspected = null;
    try {
      Dataflow flow = Dataflow.of(model, options);
      Fusion.apply(flow);
      List<Operation> operations = flow.operations();
      if (operations.stream().anyMatch(o -> o.is("Softmax", "Attention", Fusion.NORM))) {
        suspected = "ViT";
        return new Recognised(new VitReader(flow).read(), flow);
      }
      boolean residual = operations.stream().anyMatch(o -> o.is("Add") && o.values().size() == 2);
      if (operations.stream().noneMatch(o -> o.is(Fusion.CONV))) {
        throw new UnsupportedGraphException("nothing convolves the image");
      }
      suspected = residual ? "ResNet" : "VGG";
      return new Recognised(
          residual ? new ResNetReader(flow).read() : new VggReader(flow).read(), flow);
    } catch (UnsupportedGraphException | IllegalArgumentException e) {
      throw new BackboneException(
          Text.format(
              "%s holds %s, which is no supported classifier%s: %s; %s",
              model.file(),
              census(model),
              suspected == null ? "" : " (it looks like a " + suspected + ")",
              clause(e.getMessage()),
              SUPPORTED),
          e);
    } catch (ArithmeticException | IndexOutOfBoundsException | NullPointerException e) {
      throw new BackboneException(
          Text.format(
              "%s holds %s, but its shapes or attributes contradict each other; the file is damaged, export it again",
              model.file(), census(model)),
          e);
    }
  }

  private static String clause(String message) {
    return message.length() > 1 && Character.isLowerCase(message.charAt(1))
        ? message.substring(0, 1).toLowerCase(Locale.ROOT) + message.substring(1)
        : message;
  }

  /** The most frequent operators: {@code 52 Conv, 35 Clip, 10 Add}. */
  private static String census(OnnxModel model) {
    Map<String, Long> counts =
        model.nodes().stream()
            .filter(node -> !node.type().equals("Constant"))
            .collect(Collectors.groupingBy(OnnxNode::type, TreeMap::new, Collectors.counting()));
    return counts.entrySet().stream()
        .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
        .limit(6)
        .map(entry -> entry.getValue() + " " + entry.getKey())
        .collect(Collectors.joining(", "));
  }
}
