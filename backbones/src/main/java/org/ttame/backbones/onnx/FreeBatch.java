package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * Makes sure that a graph whose batch is free computes the same for each image whatever the size of
 * the batch: that no number in it was made of that size, as by {@code x / x.shape[0]}. The graph is
 * read for one more image, and what its operations read is compared.
 */
final class FreeBatch {
  /** Operators that take sizes: what they give has them, and is checked by its shape. */
  private static final Set<String> SIZED =
      Set.of("Reshape", "Expand", "Tile", "Resize", "Upsample", "Unsqueeze", "Squeeze");

  private FreeBatch() {}

  /** Whether a number that was made of sizes meets one of the image. */
  static boolean isInDoubt(Dataflow flow) {
    return flow.operations().stream()
        .anyMatch(
            operation ->
                !SIZED.contains(operation.type())
                    && operation.inputs().stream().anyMatch(flow::isMadeOfSizes));
  }

  /**
   * Compares a graph with itself for another number of images.
   *
   * @return for each operation that reads something else, what is to be said of it
   */
  static List<String> refusals(Dataflow flow, Dataflow other) throws IOException {
    List<Operation> operations = flow.operations();
    List<Operation> others = other.operations();
    List<String> refusals = new ArrayList<>();
    int common = Math.min(operations.size(), others.size());
    if (operations.size() != others.size()) {
      List<Operation> longer = operations.size() > common ? operations : others;
      refusals.add(longer.get(common) + " is there or not, as there are many images or few");
    }
    for (int i = 0; i < common; i++) {
      if (!readsTheSame(flow, operations.get(i), others.get(i))) {
        refusals.add(
            operations.get(i) + " reads a number that depends on how many images there are");
      }
    }
    return refusals;
  }

  private static boolean readsTheSame(Dataflow flow, Operation operation, Operation same)
      throws IOException {
    boolean alike = operation.is(same.type()) && operation.inputs().size() == same.inputs().size();
    for (int k = 0; alike && k < operation.inputs().size(); k++) {
      alike =
          !(operation.input(k) instanceof Constant constant)
              || SIZED.contains(operation.type())
              || !flow.isMadeOfSizes(constant)
              || (same.input(k) instanceof Constant counterpart && isAlike(constant, counterpart));
    }
    return alike;
  }

  /** The same, or the same for the first image of either. */
  private static boolean isAlike(Constant constant, Constant other) throws IOException {
    long[] shape = constant.shape();
    long[] counterpart = other.shape();
    if (shape.length != counterpart.length) {
      return false;
    }
    Constant first = constant;
    Constant second = other;
    for (int axis = 0; axis < shape.length; axis++) {
      if (shape[axis] != counterpart[axis]) {
        first = first.slice(axis, 0, 1, 1);
        second = second.slice(axis, 0, 1, 1);
      }
    }
    return Arrays.equals(first.values(), second.values());
  }
}
