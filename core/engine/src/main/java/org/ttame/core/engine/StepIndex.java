package org.ttame.core.engine;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Which steps of a plan make and read a value. Values are known by their root. */
final class StepIndex {
  private final Set<PlanValue> kept = new HashSet<>();
  private final Map<PlanValue, List<PlanStep>> readers = new HashMap<>();
  private final Map<PlanValue, PlanStep> makers = new HashMap<>();

  /** Reads the steps; {@code kept} are values that must exist at the end. */
  StepIndex(List<PlanStep> steps, Collection<PlanValue> kept) {
    kept.forEach(value -> this.kept.add(value.root()));
    for (PlanStep step : steps) {
      step.inputs.forEach(
          input -> readers.computeIfAbsent(input.root(), root -> new ArrayList<>()).add(step));
      step.outputs.forEach(output -> makers.put(output.root(), step));
    }
  }

  /** The step that makes a value, or null if none does. */
  PlanStep maker(PlanValue value) {
    return makers.get(value.root());
  }

  /** The steps that read a value, in order; one that reads it twice is there twice. */
  List<PlanStep> readers(PlanValue value) {
    return readers.getOrDefault(value.root(), List.of());
  }

  boolean isKept(PlanValue value) {
    return kept.contains(value.root());
  }

  /** Whether steps read a value so many times, and nobody else does. */
  boolean isReadOnly(PlanValue value, int times) {
    return readers(value).size() == times && !isKept(value);
  }

  boolean isReadOnce(PlanValue value) {
    return isReadOnly(value, 1);
  }
}
