package org.ttame.core.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Keeps what convolutions and products compute in bfloat16, and gives them bfloat16 to read. They
 * add up in float32, as do all kernels: a value is rounded when it is written to memory, once.
 *
 * <p>Which values are narrow follows from two rules, which are those of PyTorch's autocast. What a
 * convolution or product computes is narrow, unless something wide is added to it; functions and
 * arithmetic give something narrow if all they read is (frozen arrays do not count). And nothing is
 * narrow that nobody reads as such: what is returned, softmax's scores, and what statistics are
 * computed from are written in float32.
 *
 * <p>Steps that cannot read or write bfloat16, those of ND4J among them, get copies in float32 of
 * what they read.
 */
final class PrecisionPass {
  /**
   * A wide copy is made anew for a reader so many steps behind the one it was made for: from the
   * forward pass to the gradient it would take the memory that the narrow one saves.
   */
  private static final int FAR = 8;

  /** A reader so many steps behind belongs to the way back. */
  private static final int BACK = 16;

  /**
   * Read what a product has read on the way forth, in bfloat16 as that did: in float32 it would be
   * kept from there for this alone. Attention's probabilities are the largest arrays of a
   * transformer; of a ReLU's result the sign is all that counts.
   */
  private static final Set<String> HELD = Set.of("softmax gradient", DnnElementwise.RELU_GRADIENT);

  private final Casts casts;
  private final DnnKernels kernels;
  private final Set<PlanValue> kept = new HashSet<>();

  /** The steps that read a value, in order, by the value's root. */
  private final Map<PlanValue, List<PlanStep>> readers = new HashMap<>();

  /** Roots of what the rules say is narrow. */
  private final Set<PlanValue> narrow = new HashSet<>();

  private final List<PlanStep> result = new ArrayList<>();

  /** What was written narrow: the root of the wide value, and the narrow one. */
  private final Map<PlanValue, PlanValue> written = new HashMap<>();

  /** Narrow copies of wide values. */
  private final Map<PlanValue, PlanValue> narrowed = new HashMap<>();

  /** Where steps are in the plan. */
  private final Map<PlanStep, Integer> places = new HashMap<>();

  /**
   * Roots of what normalisations divide by the deviation, and where they are computed, in float32:
   * the way back reads them in bfloat16.
   */
  private final Map<PlanValue, Integer> centred = new HashMap<>();

  /** Wide copies of narrow values, and where they were made. */
  private final Map<PlanValue, Wide> widened = new HashMap<>();

  /**
   * Wide values that take the place of others: set at the end, as roots are what all is found by.
   */
  private final Map<PlanValue, PlanValue> bases = new HashMap<>();

  private record Wide(PlanValue value, int place) {}

  /** How values become narrow and wide. */
  interface Casts {
    /** The type of narrow values. */
    DataType type();

    /** Rounds float32. */
    Kernel narrow(long length);

    /** Gives narrow values as float32. */
    Kernel widen(long length);

    /** Whether kernels cannot write narrow values themselves, and their results are rounded. */
    default boolean emulated() {
      return false;
    }
  }

  private PrecisionPass(
      List<PlanStep> steps, Collection<PlanValue> kept, DnnKernels kernels, Casts casts) {
    this.casts = casts;
    this.kernels = kernels;
    kept.forEach(value -> this.kept.add(value.root()));
    for (PlanStep step : steps) {
      places.put(step, places.size());
      giveMaker(step);
      step.inputs.forEach(
          input -> readers.computeIfAbsent(input.root(), root -> new ArrayList<>()).add(step));
    }
    decide(steps);
    steps.forEach(this::findCentred);
  }

  /** A difference that is squared, for the variance, and read beside it, and on the way back. */
  private void findCentred(PlanStep step) {
    if (!step.kind().equals("subtract") || step.outputs.size() != 1) {
      return;
    }
    PlanValue root = step.outputs.get(0).root();
    int place = places.get(step);
    Set<PlanStep> all = new HashSet<>(readers.getOrDefault(root, List.of()));
    List<PlanStep> near = all.stream().filter(reader -> !isBack(reader, place)).toList();
    boolean squared =
        near.stream()
            .anyMatch(
                reader ->
                    reader.kind().equals("multiply")
                        && reader.inputs.stream().allMatch(input -> input.root() == root));
    if (squared && near.size() > 1 && near.size() < all.size() && !kept.contains(root)) {
      centred.put(root, place);
    }
  }

  private boolean isBack(PlanStep reader, int place) {
    return places.get(reader) - place > BACK;
  }

  /**
   * Rewrites.
   *
   * @param steps in order
   * @param kept values that must exist in float32 at the end
   * @param kernels makes kernels
   * @param casts makes those between the types
   */
  static List<PlanStep> apply(
      List<PlanStep> steps, Collection<PlanValue> kept, DnnKernels kernels, Casts casts) {
    PrecisionPass pass = new PrecisionPass(steps, kept, kernels, casts);
    steps.forEach(pass::add);
    pass.bases.forEach((value, base) -> value.base = base);
    return pass.result;
  }

  /** Pools are ND4J's as a rule; oneDNN has them in bfloat16. */
  private void giveMaker(PlanStep step) {
    boolean back = step.kind().equals("maxpool2d_bp");
    if (step.kernel != null || !(back || step.kind().equals("maxpool2d"))) {
      return;
    }
    PlanValue source = step.inputs.get(0);
    PlanValue target = back ? step.inputs.get(1) : step.outputs.get(0);
    Window window = Window.ofPool(step, source.shape, target.shape);
    if (window != null && step.inputs.stream().allMatch(OneDnnPass::dense)) {
      step.maker =
          types -> {
            DnnPools pools = kernels.pools(types.uniform());
            return back ? pools.maxPoolGradient(window) : pools.maxPool(window);
          };
    }
  }

  // What is narrow.

  /** From all that could be narrow, takes out what the rules do not allow until nothing changes. */
  private void decide(List<PlanStep> steps) {
    for (PlanStep step : steps) {
      if (step.maker != null && step.outputs.size() == 1) {
        narrow.add(step.outputs.get(0).root());
      }
    }
    boolean changed = true;
    while (changed) {
      changed = false;
      for (PlanStep step : steps) {
        PlanValue root = step.outputs.isEmpty() ? null : step.outputs.get(0).root();
        if (narrow.contains(root) && !(agrees(step) && isWanted(root))) {
          narrow.remove(root);
          changed = true;
        }
      }
    }
  }

  /** Whether all is narrow that a step's result is as wide as. */
  private boolean agrees(PlanStep step) {
    boolean any = multiplies(step);
    for (int i = factors(step); i < step.inputs.size(); i++) {
      PlanValue root = step.inputs.get(i).root();
      if (root.inPlanMemory()) {
        if (!narrow.contains(root)) {
          return false;
        }
        any = true;
      }
    }
    return any;
  }

  private boolean isWanted(PlanValue root) {
    for (PlanStep reader : readers.getOrDefault(root, List.of())) {
      if (reader.maker == null) {
        continue;
      }
      boolean factor =
          reader.inputs.subList(0, factors(reader)).stream().anyMatch(v -> v.root() == root);
      if (factor || narrow.contains(reader.outputs.get(0).root())) {
        return true;
      }
    }
    return false;
  }

  private static boolean multiplies(PlanStep step) {
    return step.kernel != null && step.kernel.operations() > 0;
  }

  /** How many of its first inputs a step multiplies, by frozen weights or by one another. */
  private static int factors(PlanStep step) {
    return !multiplies(step) ? 0 : step.kind().equals("products") ? 2 : 1;
  }

  // What is written.

  private void add(PlanStep step) {
    rewrite(step);
    for (PlanValue output : step.outputs) {
      if (centred.containsKey(output.root()) && !written.containsKey(output.root())) {
        narrow(output, step);
      }
    }
  }

  private void rewrite(PlanStep step) {
    if (step.maker == null) {
      addWide(step);
      return;
    }
    boolean toNarrow =
        narrow.contains(step.outputs.get(0).root())
            && step.inputs.stream()
                .skip(factors(step))
                .allMatch(v -> !v.inPlanMemory() || written.containsKey(v.root()));
    if (!(toNarrow && add(step, true)) && !add(step, false)) {
      addWide(step);
    }
  }

  /** The step with arrays as they are, but for factors, which are narrow; false if it cannot be. */
  private boolean add(PlanStep step, boolean toNarrow) {
    boolean anyNarrow = factors(step) > 0;
    List<DataType> types = new ArrayList<>();
    for (int i = 0; i < step.inputs.size(); i++) {
      boolean is = i < factors(step) || isNarrowFor(step, step.inputs.get(i));
      anyNarrow |= is;
      types.add(is ? casts.type() : step.inputs.get(i).type);
    }
    if (!anyNarrow) {
      return false;
    }
    PlanValue output = step.outputs.get(0);
    DataType type = toNarrow ? casts.type() : output.type;
    Kernel kernel = mayWriteOver(step, types, type) ? make(step, types, type, true) : null;
    boolean over = kernel != null;
    kernel = over ? kernel : make(step, types, type, false);
    if (kernel == null) {
      return false;
    }
    List<PlanValue> inputs = new ArrayList<>();
    for (int i = 0; i < step.inputs.size(); i++) {
      PlanValue input = step.inputs.get(i);
      inputs.add(i < factors(step) || isNarrowFor(step, input) ? narrow(input, step) : input);
    }
    if (step.kernel != null) {
      step.kernel.close();
    }
    if (!toNarrow) {
      if (over) {
        bases.put(output, inputs.get(1));
      }
      emit(step.name, kernel, inputs, output, step.late);
      return true;
    }
    PlanValue target = twin(output, casts.type(), "bfloat16");
    target.base = over ? inputs.get(1) : null;
    if (casts.emulated()) {
      PlanValue exact = twin(output, output.type, "exact");
      emit(step.name, kernel, inputs, exact, step.late);
      emit(step.name, casts.narrow(output.length()), List.of(exact), target, step.late);
    } else {
      emit(step.name, kernel, inputs, target, step.late);
    }
    written.put(output.root(), target);
    if (kept.contains(output.root())) {
      widen(output.root(), step);
    }
    return true;
  }

  private static Kernel make(PlanStep step, List<DataType> types, DataType type, boolean over) {
    try {
      return step.maker.make(new ArrayTypes(types, type, over));
    } catch (OneDnn.UnsupportedException e) {
      return null;
    }
  }

  /**
   * Whether the result may take the place of what is added to it first: that is read here for the
   * last time. Kernels that add to what is there are faster than those that read another array.
   */
  private boolean mayWriteOver(PlanStep step, List<DataType> types, DataType type) {
    if (casts.emulated() || factors(step) != 1 || step.inputs.size() < 2) {
      return false;
    }
    PlanValue output = step.outputs.get(0);
    PlanValue added = step.inputs.get(1);
    PlanValue root = added.root();
    boolean keptWide = !written.containsKey(root) && (kept.contains(root) || kept.contains(output));
    return types.get(1) == type
        && Arrays.equals(added.shape, output.shape)
        && root.kind == PlanValue.Kind.COMPUTED
        && isLastReader(step, root)
        && step.inputs.stream().filter(input -> input.root() == root).count() == 1
        && output.base == null
        && !keptWide;
  }

  private boolean isLastReader(PlanStep step, PlanValue root) {
    List<PlanStep> all = readers.get(root);
    return all.get(all.size() - 1) == step;
  }

  private void addWide(PlanStep step) {
    step.inputs.replaceAll(input -> wide(input, step));
    result.add(step);
  }

  private void emit(
      String name, Kernel kernel, List<PlanValue> inputs, PlanValue output, boolean late) {
    PlanStep step = new PlanStep(name, kernel, inputs, output);
    step.late = late;
    result.add(step);
  }

  private static PlanValue twin(PlanValue value, DataType type, String suffix) {
    return PlanValue.computed(value.name + ":" + suffix, type, value.shape);
  }

  /** A value under the shape that another one has. */
  private static PlanValue shaped(PlanValue value, PlanValue like) {
    if (Arrays.equals(value.shape, like.shape)) {
      return value;
    }
    PlanValue view = PlanValue.computed(like.name + ":view", value.type, like.shape);
    view.base = value;
    return view;
  }

  private PlanValue narrow(PlanValue value, PlanStep reader) {
    PlanValue root = value.root();
    PlanValue known = written.getOrDefault(root, narrowed.get(root));
    if (known == null) {
      known = twin(root, casts.type(), "bfloat16");
      emit(reader.name, casts.narrow(root.length()), List.of(root), known, reader.late);
      narrowed.put(root, known);
    }
    return shaped(known, value);
  }

  /** Whether a step reads a value in bfloat16: there is no other, or it is there to be held. */
  private boolean isNarrowFor(PlanStep reader, PlanValue value) {
    PlanValue root = value.root();
    if (written.containsKey(root)) {
      return true;
    }
    Integer place = centred.get(root);
    return narrowed.containsKey(root)
        && (HELD.contains(reader.kind()) || (place != null && isBack(reader, place)));
  }

  private PlanValue wide(PlanValue value, PlanStep reader) {
    if (!isNarrowFor(reader, value)) {
      return value;
    }
    PlanValue root = value.root();
    Wide known = widened.get(root);
    boolean near = known != null && (kept.contains(root) || result.size() - known.place() < FAR);
    PlanValue wide = near ? known.value() : widen(root, reader);
    return wide == root ? value : shaped(wide, value);
  }

  private PlanValue widen(PlanValue root, PlanStep beside) {
    PlanValue narrow = written.getOrDefault(root, narrowed.get(root));
    boolean exists = !written.containsKey(root) || widened.containsKey(root);
    PlanValue wide = exists ? twin(root, root.type, "float32") : root;
    emit(beside.name, casts.widen(root.length()), List.of(narrow), wide, beside.late);
    widened.put(root, new Wide(wide, result.size()));
    return wide;
  }
}
