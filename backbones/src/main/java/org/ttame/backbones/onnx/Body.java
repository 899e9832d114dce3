package org.ttame.backbones.onnx;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** An operator written out in simpler ones, step by step, as a function of ONNX is. */
final class Body {
  private final OnnxNode node;
  private final long opset;
  private final List<OnnxNode> steps = new ArrayList<>();

  /**
   * Starts.
   *
   * @param node what is written out
   * @param opset version of the operator set that the steps are of
   */
  Body(OnnxNode node, long opset) {
    this.node = node;
    this.opset = opset;
  }

  /** The node's input of that number. */
  String input(int index) {
    return "input " + index;
  }

  /**
   * Adds a step.
   *
   * @param type operator
   * @param inputs names of inputs and of earlier steps
   * @param attributes name, value, name, value …: longs, lists of them, doubles, constants
   */
  String step(String type, List<String> inputs, Object... attributes) {
    Map<String, OnnxAttribute> all = new LinkedHashMap<>();
    for (int i = 0; i < attributes.length; i += 2) {
      all.put((String) attributes[i], OnnxAttribute.of(attributes[i + 1]));
    }
    String name = type + (steps.size() + 1);
    String output = node.outputs().get(0) + "/" + name;
    steps.add(new OnnxNode(name, "", type, inputs, List.of(output), all));
    return output;
  }

  String constant(Constant value) {
    return step("Constant", List.of(), "value", value);
  }

  String integers(long... values) {
    return constant(Constant.ofIntegers(values, values.length));
  }

  String number(double value) {
    return constant(Constant.ofValues(new double[] {value}, false));
  }

  /**
   * The function.
   *
   * @param results for each output the step that gives it
   */
  OnnxModel.Function of(String... results) {
    List<OnnxNode> nodes = new ArrayList<>(steps);
    List<String> outputs = new ArrayList<>();
    for (int i = 0; i < results.length; i++) {
      String output = i < node.outputs().size() ? node.outputs().get(i) : "";
      outputs.add(output.isEmpty() ? "unread " + i : output);
      nodes.add(
          new OnnxNode("", "", "Identity", List.of(results[i]), List.of(outputs.get(i)), Map.of()));
    }
    List<String> inputs = IntStream.range(0, node.inputs().size()).mapToObj(this::input).toList();
    return new OnnxModel.Function(inputs, outputs, nodes, opset, Map.of());
  }
}
