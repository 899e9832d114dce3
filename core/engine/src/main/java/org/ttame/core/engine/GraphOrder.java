package org.ttame.core.engine;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;

/** The operations of a graph: which a variable needs, and in which order they can run. */
final class GraphOrder {
  private final SameDiff source;
  private final Set<String> given;

  /** What is {@code given} need not be computed, nor what it is computed from. */
  GraphOrder(SameDiff source, Set<String> given) {
    this.source = source;
    this.given = Set.copyOf(given);
  }

  /** The operations that variables are computed by, from what is given. */
  Set<String> ancestors(Iterable<String> variables) {
    Set<String> ops = new HashSet<>();
    Deque<String> open = new ArrayDeque<>();
    variables.forEach(open::push);
    Set<String> seen = new HashSet<>();
    while (!open.isEmpty()) {
      String name = open.pop();
      if (given.contains(name) || !seen.add(name)) {
        continue;
      }
      var variable = source.getVariables().get(name);
      if (variable == null) {
        throw new IllegalArgumentException("The graph has no variable \"" + name + "\"");
      }
      String op = variable.getOutputOfOp();
      if (op != null && ops.add(op)) {
        inputsOf(source.getOps().get(op)).forEach(open::push);
      }
    }
    return ops;
  }

  boolean dependsOn(String output, String placeholder) {
    return ancestors(List.of(output)).stream()
        .anyMatch(op -> inputsOf(source.getOps().get(op)).contains(placeholder));
  }

  /** Topological order that otherwise keeps the order in which the graph was written. */
  List<String> inOrder(Set<String> ops) {
    List<String> result = new ArrayList<>();
    Set<String> done = new HashSet<>();
    for (String op : source.getOps().keySet()) {
      if (ops.contains(op)) {
        visit(op, ops, done, result);
      }
    }
    return result;
  }

  private void visit(String first, Set<String> ops, Set<String> done, List<String> result) {
    Deque<String> stack = new ArrayDeque<>(List.of(first));
    Set<String> open = new HashSet<>();
    while (!stack.isEmpty()) {
      String op = stack.peek();
      if (done.contains(op)) {
        stack.pop();
        continue;
      }
      List<String> missing = new ArrayList<>();
      for (String input : inputsOf(source.getOps().get(op))) {
        String producer = source.getVariables().get(input).getOutputOfOp();
        if (producer != null && ops.contains(producer) && !done.contains(producer)) {
          missing.add(producer);
        }
      }
      if (missing.isEmpty()) {
        stack.pop();
        done.add(op);
        result.add(op);
      } else if (!open.add(op)) {
        throw new UnplannableGraphException("operation \"" + op + "\" is part of a loop");
      } else {
        missing.forEach(stack::push);
      }
    }
  }

  static List<String> inputsOf(SameDiffOp op) {
    return op.getInputsToOp() == null ? List.of() : op.getInputsToOp();
  }
}
