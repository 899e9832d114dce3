package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.Optional;

/**
 * Which axis of a value has the tokens of a grid one after another, where the channels are split
 * into heads: attention gives its queries' tokens new values, in their order.
 */
final class TokenRows {
  private final IdentityHashMap<Value, Row> known = new IdentityHashMap<>();
  private final long images;

  /** The axis, and the grid that is counted along it. */
  private record Row(int axis, Geometry.Places of) {
    Row at(int other) {
      return new Row(other, of);
    }
  }

  /**
   * Starts.
   *
   * @param images how many images the shapes are for
   */
  TokenRows(long images) {
    this.images = images;
  }

  /** Notes a value whose places are known. */
  void put(Value value, Geometry.Places places) {
    if (places.tokens()) {
      known.put(value, new Row(places.row(), places));
    }
  }

  /**
   * Follows an operation to one of its outputs.
   *
   * @return the output's places, if its heads are together again
   */
  Optional<Geometry.Places> follow(Operation operation, Value output) {
    Optional<Row> row = Optional.empty();
    if (!operation.values().isEmpty()) {
      try {
        row = row(operation, output);
      } catch (UnsupportedGraphException | IOException e) {
        return Optional.empty();
      }
    }
    if (row.isEmpty()) {
      return Optional.empty();
    }
    known.put(output, row.get());
    boolean together =
        operation.is("Reshape", "Transpose", Fusion.LINEAR, "MatMul")
            && operation.values().size() == 1
            && output.rank() == 3
            && row.get().axis == 1
            && output.shape()[0] == images;
    Geometry.Places of = row.get().of;
    return together
        ? Optional.of(new Geometry.Places(2, 1, -1, of.height(), of.width(), of.prefix()))
        : Optional.empty();
  }

  private Optional<Row> row(Operation operation, Value output) throws IOException {
    Value first = operation.values().get(0);
    Row row = known.get(first);
    int last = output.rank() - 1;
    switch (operation.type()) {
      case "MatMul":
        if (operation.values().size() == 2) {
          Row right = known.get(operation.values().get(1));
          if (row != null && first.rank() == output.rank() && row.axis == last - 1) {
            return Optional.of(row);
          }
          return Optional.ofNullable(right)
              .filter(of -> operation.value(1).rank() == output.rank() && of.axis == last);
        }
        return Optional.ofNullable(row)
            .filter(of -> operation.input(0) == first && of.axis < first.rank() - 1);
      case Fusion.LINEAR:
        return Optional.ofNullable(row).filter(of -> of.axis < first.rank() - 1);
      case "Transpose":
        int[] permutation = Movement.permutation(operation.node(), first.rank());
        return Optional.ofNullable(row).map(of -> of.at(Tensor.place(permutation, of.axis)));
      case "Reshape", "Squeeze", "Unsqueeze":
        return row == null ? Optional.empty() : regrouped(operation, row, first, output);
      case "Gather":
        return row == null ? Optional.empty() : gathered(operation, row, first, output);
      case "Split", "Slice":
        return Optional.ofNullable(row)
            .filter(of -> first.shape()[of.axis] == output.shape()[of.axis]);
      case "Concat", "Conv", "Gemm", "Einsum", "Flatten":
        return Optional.empty();
      default:
        return operation.values().stream()
            .filter(value -> Arrays.equals(value.shape(), output.shape()))
            .map(known::get)
            .filter(java.util.Objects::nonNull)
            .findFirst();
    }
  }

  private static Optional<Row> regrouped(Operation reshape, Row row, Value from, Value output) {
    long[] target = output.shape();
    Regrouping groups = Regrouping.of(from.shape(), target, Tensor.NONE, 1, reshape);
    for (Regrouping.Group group : groups.groups()) {
      if (row.axis >= group.start() && row.axis < group.end()) {
        int[] own = Geometry.large(from.shape(), group.start(), group.end());
        int[] theirs = Geometry.large(target, group.first(), group.last());
        boolean alone = own.length == 1 && own[0] == row.axis && theirs.length == 1;
        return alone ? Optional.of(row.at(theirs[0])) : Optional.empty();
      }
    }
    return Optional.empty();
  }

  /** One of several along another axis, as queries, keys and values are told apart. */
  private static Optional<Row> gathered(Operation gather, Row row, Value from, Value output) {
    int axis = Movement.axis(gather.node().integer("axis", 0), from.rank());
    if (axis == row.axis) {
      return Optional.empty();
    }
    return Optional.of(row.at(axis < row.axis ? row.axis + output.rank() - from.rank() : row.axis));
  }
}
