package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Which tokens of a value the logits depend on. Where a class token is the answer, the places
 * behind the last attention are read by nothing: a map of them would be empty.
 */
final class Influence {
  /** What gives each token of a sequence from that token alone, whatever else it reads. */
  private static final Set<String> TOKEN_BY_TOKEN =
      Set.of(
          Fusion.LINEAR,
          Fusion.NORM,
          Fusion.GELU,
          "LayerNormalization",
          "RMSNormalization",
          "Add",
          "Sub",
          "Mul",
          "Div",
          "Sum",
          "Relu",
          "Clip",
          "Gelu",
          "HardSwish",
          "HardSigmoid",
          "Sigmoid",
          "Tanh",
          "Erf",
          "Cast",
          "Identity",
          "Reshape",
          "Transpose");

  /** Values that the logits depend on; false where on tokens in front of the grid only. */
  private final IdentityHashMap<Value, Boolean> places = new IdentityHashMap<>();

  private final Geometry geometry;

  private Influence(Geometry geometry) {
    this.geometry = geometry;
  }

  /**
   * Follows the logits backwards.
   *
   * @param operations from image to logits, which the last one gives
   * @param geometry where their values are
   */
  static Influence of(List<Operation> operations, Geometry geometry) {
    Influence influence = new Influence(geometry);
    if (!operations.isEmpty()) {
      operations.get(operations.size() - 1).outputs().forEach(o -> influence.places.put(o, true));
    }
    for (int i = operations.size() - 1; i >= 0; i--) {
      influence.follow(operations.get(i));
    }
    return influence;
  }

  /** Whether the logits depend on any place of a value. */
  boolean ofPlaces(Value value) {
    return places.getOrDefault(value, false);
  }

  private void follow(Operation operation) {
    boolean read = operation.outputs().stream().anyMatch(places::containsKey);
    boolean any = operation.outputs().stream().anyMatch(this::ofPlaces);
    if (!read) {
      return;
    }
    List<Value> inFront = any ? List.of() : inFront(operation);
    for (Value input : inFront.isEmpty() ? operation.values() : inFront) {
      boolean reads = picks(operation, input).orElseGet(() -> any || !tokenByToken(operation));
      places.merge(input, reads, Boolean::logicalOr);
    }
  }

  private boolean tokenByToken(Operation operation) {
    return TOKEN_BY_TOKEN.contains(operation.type())
        && operation.values().stream().allMatch(value -> sameTokens(value, operation.output()));
  }

  private boolean sameTokens(Value value, Value output) {
    Optional<Geometry.Places> from = tokens(value);
    Optional<Geometry.Places> to = tokens(output);
    return from.isPresent()
        && to.isPresent()
        && from.get().prefix() == to.get().prefix()
        && value.shape()[from.get().row()] == output.shape()[to.get().row()];
  }

  private Optional<Geometry.Places> tokens(Value value) {
    return geometry.places(value).filter(Geometry.Places::tokens);
  }

  /** The parts of a sequence that are in front of its grid; none of what joins no tokens. */
  private List<Value> inFront(Operation concat) {
    List<Value> parts = new ArrayList<>();
    if (concat.is("Concat") && tokens(concat.output()).isPresent()) {
      Geometry.Places at = tokens(concat.output()).get();
      int axis = Movement.axis(concat.node().integer("axis", 0), concat.output().rank());
      long start = 0;
      for (Operand part : axis == at.row() ? concat.inputs() : List.<Operand>of()) {
        if (part instanceof Value value && start < at.prefix()) {
          parts.add(value);
        }
        start += part.shape()[axis];
      }
    }
    return parts;
  }

  /**
   * Of an operation that picks tokens whether places are among them that the logits depend on;
   * empty if it picks none.
   */
  private Optional<Boolean> picks(Operation operation, Value input) {
    if (!operation.is("Slice", "Gather", "Split") || tokens(input).isEmpty()) {
      return Optional.empty();
    }
    Geometry.Places at = tokens(input).get();
    try {
      long[] shape = new long[input.rank()];
      Arrays.fill(shape, 1);
      shape[at.row()] = input.shape()[at.row()];
      Constant numbered = Constant.positions(shape).broadcast(input.shape());
      List<Constant> picked = Movement.apply(operation.node(), numbered, operation.inputs());
      for (int i = 0; i < operation.outputs().size(); i++) {
        if (places.containsKey(operation.outputs().get(i))
            && Arrays.stream(picked.get(i).values()).anyMatch(token -> token >= at.prefix())) {
          return Optional.of(true);
        }
      }
      return Optional.of(false);
    } catch (IOException | UnsupportedGraphException e) {
      return Optional.of(true);
    }
  }
}
