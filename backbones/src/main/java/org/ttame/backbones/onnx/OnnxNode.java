package org.ttame.backbones.onnx;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A node as the file has it.
 *
 * @param name its name, may be empty
 * @param domain its operator set, empty for ONNX's own
 * @param type operator type
 * @param inputs names, empty for one left out
 * @param outputs names, empty for one left out
 * @param attributes by name
 */
record OnnxNode(
    String name,
    String domain,
    String type,
    List<String> inputs,
    List<String> outputs,
    Map<String, OnnxAttribute> attributes) {

  long integer(String attribute, long otherwise) {
    OnnxAttribute found = attributes.get(attribute);
    return found == null ? otherwise : found.integer();
  }

  double real(String attribute, double otherwise) {
    OnnxAttribute found = attributes.get(attribute);
    return found == null ? otherwise : found.real();
  }

  String text(String attribute, String otherwise) {
    OnnxAttribute found = attributes.get(attribute);
    return found == null ? otherwise : found.text();
  }

  /** Integers of a list attribute; null where the node has none. */
  long[] integers(String attribute) {
    OnnxAttribute found = attributes.get(attribute);
    return found == null ? null : found.integers().clone();
  }

  /** Names that it reads: its inputs, and what the graphs inside it take from around them. */
  List<String> reads() {
    if (attributes.values().stream().allMatch(attribute -> attribute.graph() == null)) {
      return inputs;
    }
    Set<String> names = new LinkedHashSet<>(inputs);
    for (OnnxAttribute attribute : attributes.values()) {
      if (attribute.graph() != null) {
        names.addAll(attribute.graph().free());
      }
    }
    return List.copyOf(names);
  }

  boolean has(String attribute) {
    return attributes.containsKey(attribute);
  }

  /** Its name, or its first output's where it has none. */
  String displayName() {
    return name.isEmpty()
        ? outputs.stream().filter(output -> !output.isEmpty()).findFirst().orElse("")
        : name;
  }
}
