package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.ttame.backbones.source.BackboneException;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.Text;
import org.ttame.core.image.InputSpec;

/** Decides what a graph is taken for, and says what was found where it cannot be. */
final class Families {
  /** Operators on values in 8 bits that depend on the image, as quantising programs write them. */
  private static final Pattern IN_INTEGERS =
      Pattern.compile("QuantizeLinear node|(Conv|MatMul)Integer|QLinear|QGemm");

  private static final String REMEDY =
      "export the model in evaluation mode, with standard operators and static shapes but for the batch";

  private Families() {}

  /**
   * What a graph was recognised as.
   *
   * @param found architecture and weights
   * @param flow how the graph was read
   * @param input what it expects of an image, where it says so
   */
  record Recognised(OnnxBackbone.Found found, Dataflow flow, Optional<InputSpec> input) {
    /** Of a graph that does not say what it expects. */
    Recognised(OnnxBackbone.Found found, Dataflow flow) {
      this(found, flow, Optional.empty());
    }
  }

  /**
   * Finds what a graph is: one of a family, or else the graph itself.
   *
   * @param model the file, or a network in its form
   * @param options what is known of it
   * @throws BackboneException naming everything that is not supported
   */
  static Recognised find(OnnxModel model, BackboneOptions options) throws IOException {
    try {
      return family(model, options);
    } catch (UnsupportedGraphException | IllegalArgumentException e) {
      if (model.opset() == 0) {
        throw refusal(model, e);
      }
    } catch (ArithmeticException | IndexOutOfBoundsException | NullPointerException e) {
      throw contradiction(model, e);
    }
    try {
      return Importer.read(model, options);
    } catch (UnsupportedGraphException | IllegalArgumentException e) {
      throw refusal(model, e);
    } catch (ArithmeticException | IndexOutOfBoundsException | NullPointerException e) {
      throw contradiction(model, e);
    }
  }

  private static Recognised family(OnnxModel model, BackboneOptions options) throws IOException {
    Dataflow flow = Dataflow.of(model, options);
    flow.side(); // refuses images that no family takes
    flow.requireUnderstood();
    Fusion.apply(flow);
    List<Operation> operations = flow.operations();
    if (operations.stream().anyMatch(o -> o.is("Softmax", "Attention", Fusion.NORM))) {
      return new Recognised(new VitReader(flow).read(), flow);
    }
    boolean residual = operations.stream().anyMatch(o -> o.is("Add") && o.values().size() == 2);
    if (operations.stream().noneMatch(o -> o.is(Fusion.CONV))) {
      throw new UnsupportedGraphException("no convolution reads the image");
    }
    return new Recognised(
        residual ? new ResNetReader(flow).read() : new VggReader(flow).read(), flow);
  }

  private static BackboneException refusal(OnnxModel model, RuntimeException e) {
    return new BackboneException(
        Text.format(
            "%s holds %s, which is not a supported classifier: %s; %s",
            model.file(), census(model), clause(e.getMessage()), remedy(e.getMessage())),
        e,
        e instanceof UnsupportedGraphException unsupported ? unsupported.reasons() : List.of());
  }

  /** What to do about it. */
  private static String remedy(String why) {
    return IN_INTEGERS.matcher(why).find()
        ? "it computes in 8-bit integers: give the float32 file it was made from, or one with 8-bit weights only"
        : REMEDY;
  }

  private static BackboneException contradiction(OnnxModel model, RuntimeException e) {
    return new BackboneException(
        Text.format(
            "%s holds %s, but its shapes or attributes contradict each other; the file is damaged, export it again",
            model.file(), census(model)),
        e);
  }

  /** In the middle of a sentence; an operator's name stays as it is. */
  private static String clause(String message) {
    return message.length() > 1
            && Character.isLowerCase(message.charAt(1))
            && !message.matches("(?s)\\w+ node \".*")
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
