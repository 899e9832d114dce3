package org.ttame.backbones.onnx;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

/** What of a graph is behind its results: the rest computes nothing that is wanted. */
final class Reach {
  private Reach() {}

  /** Notes who reads what, among the operations that the results depend on. */
  static void connect(List<Value> results) {
    Set<Operation> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    Set<Value> cleared = new HashSet<>();
    Deque<Operation> open = producers(results);
    results.forEach(result -> result.consumers().clear());
    while (!open.isEmpty()) {
      Operation operation = open.poll();
      if (!seen.add(operation)) {
        continue;
      }
      for (Operand input : operation.inputs()) {
        if (input instanceof Value value) {
          if (cleared.add(value)) {
            value.consumers().clear();
          }
          List<Operation> consumers = value.consumers();
          // An operation's inputs come one after the other: a second mention is the last entry.
          if (consumers.isEmpty() || consumers.get(consumers.size() - 1) != operation) {
            consumers.add(operation);
          }
          if (value.producer() != null) {
            open.add(value.producer());
          }
        }
      }
    }
  }

  /** The operations that the results depend on, each behind those that it reads. */
  static List<Operation> operations(List<Value> results) {
    List<Operation> order = new ArrayList<>();
    Set<Operation> done = Collections.newSetFromMap(new IdentityHashMap<>());
    Deque<Operation> stack = producers(results);
    while (!stack.isEmpty()) {
      Operation operation = stack.peek();
      boolean ready = true;
      for (Operand input : operation.inputs()) {
        if (input instanceof Value value
            && value.producer() != null
            && !done.contains(value.producer())) {
          stack.push(value.producer());
          ready = false;
        }
      }
      if (ready) {
        stack.pop();
        if (done.add(operation)) {
          order.add(operation);
        }
      }
    }
    return order;
  }

  private static Deque<Operation> producers(List<Value> results) {
    Deque<Operation> producers = new ArrayDeque<>();
    for (Value result : results) {
      if (result.producer() != null) {
        producers.push(result.producer());
      }
    }
    return producers;
  }
}
