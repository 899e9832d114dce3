package org.ttame.backbones.onnx;

import java.util.List;
import java.util.stream.Collectors;

/** Einsum of more than two operands: one after another is multiplied in. */
final class Einsums {
  private Einsums() {}

  /**
   * Writes it as products of two.
   *
   * @param node the node
   * @param opset version of the operator set
   */
  static OnnxModel.Function inPairs(OnnxNode node, long opset) {
    String text = node.text("equation", "").replace(" ", "");
    int arrow = text.indexOf("->");
    List<String> terms = List.of((arrow < 0 ? text : text.substring(0, arrow)).split(",", -1));
    if (terms.size() != node.inputs().size() || text.contains(".")) {
      throw Composites.refused(node, "has the equation " + text);
    }
    String all = String.join("", terms);
    String out =
        arrow < 0
            ? letters(all, letter -> all.indexOf(letter) == all.lastIndexOf(letter))
            : text.substring(arrow + 2);
    Body body = new Body(node, opset);
    String product = body.input(0);
    String labels = terms.get(0);
    for (int i = 1; i < terms.size(); i++) {
      String rest = out + String.join("", terms.subList(i + 1, terms.size()));
      // What no later operand and no result has is summed up at once.
      String kept =
          i == terms.size() - 1
              ? out
              : letters(labels + terms.get(i), letter -> rest.indexOf(letter) >= 0);
      product =
          body.step(
              "Einsum",
              List.of(product, body.input(i)),
              "equation",
              labels + "," + terms.get(i) + "->" + kept);
      labels = kept;
    }
    return body.of(product);
  }

  private static String letters(String of, java.util.function.IntPredicate wanted) {
    return of.chars()
        .filter(wanted)
        .distinct()
        .sorted()
        .mapToObj(Character::toString)
        .collect(Collectors.joining());
  }
}
