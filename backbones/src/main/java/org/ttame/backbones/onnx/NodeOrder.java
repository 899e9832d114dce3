package org.ttame.backbones.onnx;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Brings nodes into an order in which each can be computed. ONNX asks for one, runtimes do not:
 * tools that convert a file to float16, say, put their casts at its end.
 */
final class NodeOrder {
  private NodeOrder() {}

  /**
   * Sorts.
   *
   * @param nodes in the file's order
   * @return the same where that can be computed; else each node behind all that it reads, and
   *     behind the rest those that read what nothing computes
   */
  static List<OnnxNode> sorted(List<OnnxNode> nodes) {
    Set<String> computed = new HashSet<>();
    nodes.forEach(node -> computed.addAll(node.outputs()));
    computed.remove("");
    Map<String, List<OnnxNode>> waiting = new HashMap<>();
    IdentityHashMap<OnnxNode, Integer> missing = new IdentityHashMap<>();
    List<OnnxNode> order = new ArrayList<>();
    Deque<OnnxNode> ready = new ArrayDeque<>();
    for (OnnxNode node : nodes) {
      // What is computed and not yet out of the set is still to come.
      List<String> reads = node.inputs().stream().distinct().filter(computed::contains).toList();
      if (!reads.isEmpty()) {
        missing.put(node, reads.size());
        reads.forEach(name -> waiting.computeIfAbsent(name, key -> new ArrayList<>()).add(node));
        continue;
      }
      ready.add(node);
      while (!ready.isEmpty()) {
        OnnxNode next = ready.poll();
        order.add(next);
        for (String name : next.outputs()) {
          computed.remove(name);
          for (OnnxNode reader : waiting.getOrDefault(name, List.of())) {
            if (missing.merge(reader, -1, Integer::sum) == 0) {
              missing.remove(reader);
              ready.add(reader);
            }
          }
          waiting.remove(name);
        }
      }
    }
    nodes.stream().filter(missing::containsKey).forEach(order::add);
    return order;
  }
}
