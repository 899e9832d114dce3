package org.ttame.backbones.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Files whose nodes stand in an order in which they cannot be computed. */
class NodeOrderTest {
  private static OnnxNode node(String inputs, String output) {
    return new OnnxNode(
        output, "", "Add", List.of(inputs.split(" ", -1)), List.of(output), Map.of());
  }

  private static List<String> names(List<OnnxNode> nodes) {
    return nodes.stream().map(OnnxNode::name).toList();
  }

  @Test
  void anOrderThatServesStays() {
    List<OnnxNode> nodes =
        List.of(node("image w", "a"), node("image", "b"), node("a b", "c"), node("c c", "d"));
    assertThat(OnnxParser.NodeOrder.sorted(nodes)).isEqualTo(nodes);
  }

  /** As converters to float16 leave it: casts behind all that reads them. */
  @Test
  void nodesComeBehindWhatTheyRead() {
    List<OnnxNode> nodes =
        List.of(
            node("cast w", "a"),
            node("a v", "b"),
            node("late b", "c"),
            node("image", "cast"),
            node("a", "late"));
    assertThat(names(OnnxParser.NodeOrder.sorted(nodes)))
        .containsExactly("cast", "a", "b", "late", "c");
  }

  @Test
  void anyOrderOfAChainIsBroughtToTheOne() {
    List<OnnxNode> nodes = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      nodes.add(node(i == 0 ? "image" : "n" + (i - 1), "n" + i));
    }
    List<String> expected = names(nodes);
    Collections.shuffle(nodes, new Random(3));
    assertThat(names(OnnxParser.NodeOrder.sorted(nodes))).isEqualTo(expected);
  }

  /** What reads itself, or what nothing computes, is left for those who evaluate to complain of. */
  @Test
  void nothingIsLost() {
    List<OnnxNode> nodes = List.of(node("b", "a"), node("a", "b"), node("nothing", "c"));
    assertThat(names(OnnxParser.NodeOrder.sorted(nodes))).containsExactly("c", "a", "b");
  }
}
