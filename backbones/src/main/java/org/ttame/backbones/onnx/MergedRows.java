package org.ttame.backbones.onnx;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.stream.LongStream;

/**
 * Takes apart what a graph merges only to compute on rows: {@code [S, B, …, D]} as {@code [S·B,
 * D]}, rows times a weight, and {@code [S, B, E]} again, as attention with the sequence first is
 * exported. On the merged axis the images of a batch would lie one inside the other.
 */
final class MergedRows {
  /** What computes each row by itself, whatever the axes in front of the last. */
  private static final Set<String> ROWWISE =
      Set.of(Fusion.LINEAR, Fusion.NORM, Fusion.GELU, "Relu", "Sigmoid", "Tanh", "Gelu");

  private final List<Operation> operations;
  private final IdentityHashMap<Value, List<Operation>> readers = new IdentityHashMap<>();

  /** The shape in front of the last axis that a merged value is given back. */
  private final IdentityHashMap<Value, long[]> lead = new IdentityHashMap<>();

  private MergedRows(List<Operation> operations) {
    this.operations = operations;
    for (Operation operation : operations) {
      for (Value value : operation.values()) {
        readers.computeIfAbsent(value, key -> new ArrayList<>()).add(operation);
      }
    }
  }

  /**
   * Takes rows apart.
   *
   * @param operations from image to logits
   * @return the operations, those that computed on merged rows made anew
   */
  static List<Operation> apart(List<Operation> operations) {
    MergedRows rows = new MergedRows(operations);
    for (Operation operation : operations) {
      if (operation.is("Reshape", "Flatten") && operation.output().rank() == 2) {
        rows.find(operation);
      }
    }
    return rows.lead.isEmpty() ? operations : rows.rewritten();
  }

  private void find(Operation merge) {
    long[] from = merge.value(0).shape();
    long[] to = merge.output().shape();
    int end = from.length;
    long row = 1;
    while (end > 0 && row < to[1]) {
      row *= from[--end];
    }
    long[] front = Arrays.copyOf(from, end);
    if (row != to[1] || end < 2) {
      return;
    }
    List<Value> merged = new ArrayList<>();
    if (comesBack(merge.output(), front, merged)) {
      merged.forEach(value -> lead.put(value, front));
    }
  }

  /** Whether all that is computed of a value are rows that get their axes back. */
  private boolean comesBack(Value value, long[] front, List<Value> merged) {
    merged.add(value);
    for (Operation reader : readers.getOrDefault(value, List.of())) {
      boolean back =
          reader.is("Reshape")
              && reader.output().rank() == front.length + 1
              && Arrays.equals(front, Arrays.copyOf(reader.output().shape(), front.length));
      boolean rowwise =
          ROWWISE.contains(reader.type())
              && reader.values().size() == 1
              && reader.input(0) == value
              && reader.output().rank() == 2;
      if (!back && !(rowwise && comesBack(reader.output(), front, merged))) {
        return false;
      }
    }
    return readers.containsKey(value);
  }

  private List<Operation> rewritten() {
    IdentityHashMap<Value, Value> replaced = new IdentityHashMap<>();
    List<Operation> result = new ArrayList<>();
    for (Operation operation : operations) {
      List<Value> outputs =
          operation.outputs().stream()
              .map(
                  output -> {
                    long[] front = lead.get(output);
                    return front == null
                        ? output
                        : new Value(
                            output.name(),
                            LongStream.concat(
                                    LongStream.of(front), LongStream.of(output.shape()[1]))
                                .toArray());
                  })
              .toList();
      boolean same =
          outputs.equals(operation.outputs())
              && operation.values().stream().noneMatch(replaced::containsKey);
      if (same) {
        result.add(operation);
        continue;
      }
      List<Operand> inputs = new ArrayList<>();
      for (Operand input : operation.inputs()) {
        inputs.add(input instanceof Value value ? replaced.getOrDefault(value, value) : input);
      }
      Operation anew = new Operation(operation.type(), operation.node(), inputs, outputs);
      for (int i = 0; i < outputs.size(); i++) {
        outputs.get(i).producer(anew);
        if (outputs.get(i) != operation.outputs().get(i)) {
          replaced.put(operation.outputs().get(i), outputs.get(i));
        }
      }
      result.add(anew);
    }
    return result;
  }
}
