package org.ttame.core.engine;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.shape.Shape;

/**
 * A graph's operations in order, with the shapes of one request, each array in its place of a
 * shared memory, each operation's arguments prepared: a run calls one after the other and allocates
 * nothing.
 */
final class Plan implements AutoCloseable {
  private final SameDiff graph;
  private final NarrowConstants constants;
  private final List<PlanStep> steps;
  private final int earlySteps;
  private final Map<String, PlanValue> inputs;
  private final Map<String, PlanValue> outputs;
  private final List<INDArray> fixedArrays;
  private final Map<DataType, Long> bytes = new EnumMap<>(DataType.class);
  private final OperationCall calls = new OperationCall();

  private final List<OperationCall.Bound> bound = new ArrayList<>();
  private final Map<PlanValue, INDArray> arrays = new HashMap<>();
  private final Map<String, INDArray> boundLeaves = new HashMap<>();
  private final Map<PlanValue, INDArray> given = new HashMap<>();
  private final Map<PlanValue, INDArray> direct = new HashMap<>();

  /** Whether a leaf was copied to be read under another shape: what it holds next is not seen. */
  private boolean copiesLeaves;

  private int boundGeneration = -1;

  /**
   * Finishes a plan.
   *
   * @param graph whose leaves are read at each run
   * @param steps in order
   * @param earlySteps how many of them come before the late inputs
   * @param inputs placeholders by name
   * @param early the outputs to be read before the late inputs come
   * @param late the outputs to be read at the end
   * @param fixedArrays what was computed while planning; closed with the plan
   */
  Plan(
      SameDiff graph,
      NarrowConstants constants,
      List<PlanStep> steps,
      int earlySteps,
      Map<String, PlanValue> inputs,
      Set<String> lateInputs,
      Map<String, PlanValue> early,
      Map<String, PlanValue> late,
      List<INDArray> fixedArrays) {
    this.graph = graph;
    this.constants = constants;
    this.steps = List.copyOf(steps);
    this.earlySteps = earlySteps;
    this.inputs = Map.copyOf(inputs);
    this.outputs = new HashMap<>(early);
    this.outputs.putAll(late);
    this.fixedArrays = List.copyOf(fixedArrays);
    lifetimes(lateInputs, early.values(), late.values());
    place();
  }

  /** Bytes of each kind of memory that a run needs, see {@link RawMemory#kind}. */
  Map<DataType, Long> bytes() {
    return bytes;
  }

  /**
   * Runs the steps up to the late inputs.
   *
   * @param profile hears of each step; may be null
   */
  void runEarly(PlanMemory memory, Map<String, INDArray> given, EngineProfile profile) {
    bind(memory, given);
    give(given);
    run(0, earlySteps, profile);
  }

  /** Runs the rest. */
  void runLate(Map<String, INDArray> given, EngineProfile profile) {
    give(given);
    run(earlySteps, steps.size(), profile);
  }

  /** A copy of an output. */
  INDArray copy(String name) {
    return array(name).dup('c');
  }

  /** An output in the plan's memory. */
  INDArray array(String name) {
    return arrays.get(outputs.get(name));
  }

  @Override
  public void close() {
    bound.clear();
    arrays.clear();
    for (PlanStep step : steps) {
      if (step.kernel != null) {
        step.kernel.close();
      }
    }
    fixedArrays.forEach(GraphResult::release);
  }

  /** What was computed while planning. */
  List<INDArray> fixedArrays() {
    return fixedArrays;
  }

  /** The steps, for tests and profiles. */
  List<PlanStep> steps() {
    return steps;
  }

  private void lifetimes(
      Set<String> lateInputs, Iterable<PlanValue> early, Iterable<PlanValue> late) {
    inputs.forEach(
        (name, value) -> {
          value.defined = lateInputs.contains(name) ? earlySteps : -1;
          value.lastUsed = value.defined;
        });
    for (int i = 0; i < steps.size(); i++) {
      for (PlanValue input : steps.get(i).inputs) {
        input.root().lastUsed = Math.max(input.root().lastUsed, i);
      }
      for (PlanValue output : steps.get(i).outputs) {
        PlanValue root = output.root();
        root.defined = Math.min(root.defined, i);
        root.lastUsed = Math.max(root.lastUsed, i);
      }
    }
    for (PlanValue value : early) {
      value.root().lastUsed = Math.max(value.root().lastUsed, earlySteps);
    }
    for (PlanValue value : late) {
      value.root().lastUsed = steps.size();
    }
  }

  private void place() {
    Map<DataType, Set<PlanValue>> roots = new EnumMap<>(DataType.class);
    inputs.values().forEach(value -> collect(value, roots));
    for (PlanStep step : steps) {
      step.inputs.forEach(value -> collect(value, roots));
      step.outputs.forEach(value -> collect(value, roots));
    }
    roots.forEach((kind, set) -> bytes.put(kind, MemoryPlanner.place(List.copyOf(set))));
  }

  private static void collect(PlanValue value, Map<DataType, Set<PlanValue>> roots) {
    if (value.inPlanMemory()) {
      PlanValue root = value.root();
      roots.computeIfAbsent(RawMemory.kind(root.type), kind -> new LinkedHashSet<>()).add(root);
    }
  }

  /** Makes contexts anew where the memory has moved or a variable has another array. */
  private void bind(PlanMemory memory, Map<String, INDArray> now) {
    memory.require(bytes);
    boolean sameInputs = readDirectly(now);
    if (memory.generation() == boundGeneration && leavesUnchanged() && sameInputs) {
      return;
    }
    bound.clear();
    arrays.clear();
    boundLeaves.clear();
    copiesLeaves = false;
    for (PlanStep step : steps) {
      List<INDArray> from = step.inputs.stream().map(value -> array(value, memory)).toList();
      List<INDArray> to = step.outputs.stream().map(value -> array(value, memory)).toList();
      bound.add(
          step.kernel != null
              ? step.kernel.bind(from, to.get(0))
              : calls.bind(step.op, from, to, step.shapeGiven));
    }
    inputs.values().forEach(value -> array(value, memory));
    outputs.values().forEach(value -> array(value, memory));
    boundGeneration = memory.generation();
  }

  /**
   * Finds inputs that need no copy: who hands in the very array of the run before is likely to do
   * so again, and steps can read it where it is. No step writes to an input. What is read once more
   * after the late inputs have come is copied: what happens to it until then is its owner's
   * business.
   *
   * @return whether these are the ones that the steps are bound to
   */
  private boolean readDirectly(Map<String, INDArray> now) {
    Map<PlanValue, INDArray> same = new HashMap<>();
    now.forEach(
        (name, array) -> {
          PlanValue value = inputs.get(name);
          if (value == null || (earlySteps < steps.size() && value.lastUsed >= earlySteps)) {
            return;
          }
          boolean dense = array.ordering() == 'c' && Shape.hasDefaultStridesForShape(array);
          if (given.put(value, array) == array && dense && array.dataType() == value.type) {
            same.put(value, array);
          }
        });
    if (same.size() == direct.size()
        && same.entrySet().stream().allMatch(e -> direct.get(e.getKey()) == e.getValue())) {
      return true;
    }
    direct.clear();
    direct.putAll(same);
    return false;
  }

  private boolean leavesUnchanged() {
    return !copiesLeaves
        && boundLeaves.entrySet().stream()
            .allMatch(leaf -> graph.getVariable(leaf.getKey()).getArr() == leaf.getValue());
  }

  private INDArray array(PlanValue value, PlanMemory memory) {
    INDArray known = arrays.get(value);
    if (known != null) {
      return known;
    }
    PlanValue root = value.root();
    INDArray array =
        switch (root.kind) {
          case LEAF -> {
            INDArray leaf = graph.getVariable(root.name).getArr();
            boundLeaves.put(root.name, leaf);
            if (value == root) {
              yield leaf;
            }
            // Of an array in another order only a copy has the values in this one.
            copiesLeaves |= leaf.ordering() != 'c' || !Shape.hasDefaultStridesForShape(leaf);
            yield leaf.reshape('c', value.shape);
          }
          case FIXED -> {
            INDArray fixed = constants.wide(root.fixed);
            yield value == root ? fixed : fixed.reshape('c', value.shape);
          }
          case INPUT, COMPUTED -> {
            INDArray own = direct.get(root);
            if (own == null) {
              yield memory.view(value.type, root.offset, value.shape);
            }
            yield value == root ? own : own.reshape('c', value.shape);
          }
        };
    arrays.put(value, array);
    return array;
  }

  private void give(Map<String, INDArray> given) {
    given.forEach(
        (name, array) -> {
          PlanValue value = inputs.get(name);
          if (value != null && !direct.containsKey(value)) {
            arrays.get(value).assign(array);
          }
        });
  }

  private void run(int from, int to, EngineProfile profile) {
    for (int i = from; i < to; i++) {
      if (profile == null) {
        bound.get(i).run();
      } else {
        long began = System.nanoTime();
        bound.get(i).run();
        profile.add(steps.get(i), System.nanoTime() - began);
      }
    }
  }
}
