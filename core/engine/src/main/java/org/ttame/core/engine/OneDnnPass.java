package org.ttame.core.engine;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.ScalarOp;

/**
 * Gives steps with frozen weights oneDNN's kernels, and lets those do what follows: a bias, a
 * residual that is added, an activation. Where oneDNN has nothing fast the steps stay as they are.
 */
final class OneDnnPass {
  /** Rows below which a product with frozen weights is bound by reading those once. */
  private static final long LEAST_ROWS = 32;

  /** Multiplications a matrix below which it is left to ND4J. */
  private static final long LEAST_MULTIPLICATIONS = 10_000;

  /** Bytes of weights that a core's cache keeps from one run to the next. */
  private static final long CACHED_WEIGHTS = 1 << 20;

  private final DnnKernels kernels;
  private final Set<PlanValue> kept = new HashSet<>();
  private final Map<PlanValue, Integer> reads = new HashMap<>();

  /** What stands at each step's place: the chain that ends there, or null where it went on. */
  private final List<Chain> places = new ArrayList<>();

  /** The chain that computes a value, by the value's root. */
  private final Map<PlanValue, Chain> chains = new HashMap<>();

  private OneDnnPass(List<PlanStep> steps, Collection<PlanValue> kept, DnnKernels kernels) {
    this.kernels = kernels;
    kept.forEach(value -> this.kept.add(value.root()));
    for (PlanStep step : steps) {
      step.inputs.forEach(input -> reads.merge(input.root(), 1, Integer::sum));
    }
  }

  /**
   * Rewrites. Permutations that only products have read are left, without a reader.
   *
   * @param steps in order
   * @param kept values that must exist at the end
   * @param kernels makes kernels
   * @return the steps that remain, in order
   */
  static List<PlanStep> apply(
      List<PlanStep> steps, Collection<PlanValue> kept, DnnKernels kernels) {
    OneDnnPass pass = new OneDnnPass(steps, kept, kernels);
    steps.forEach(pass::place);
    return pass.places.stream()
        .filter(Objects::nonNull)
        .flatMap(chain -> chain.steps().stream())
        .toList();
  }

  /** Makes a kernel once it is known what follows. */
  private interface Maker {
    Kernel make(Chain chain);
  }

  /** Steps that one kernel does, or a single step that none does. */
  private static final class Chain {
    final List<PlanStep> members = new ArrayList<>();
    final List<PlanValue> inputs = new ArrayList<>();
    final List<PostOperation> after = new ArrayList<>();
    final Maker maker;
    int place;
    INDArray bias;

    /**
     * Whether what follows must have the result's very shape: blocks of channels are made of it.
     */
    boolean shapeKept;

    /** Where the result lies, of a stack of products; null for chains that take what follows. */
    StackLayout target;

    Chain(PlanStep step, int place, Maker maker) {
      members.add(step);
      this.place = place;
      this.maker = maker;
    }

    PlanStep last() {
      return members.get(members.size() - 1);
    }

    PlanValue result() {
      return last().outputs.get(0);
    }

    List<PlanStep> steps() {
      if (maker == null) {
        return members;
      }
      try {
        PlanStep step = new PlanStep(last().name, maker.make(this), inputs, result());
        step.late = last().late;
        return List.of(step);
      } catch (OneDnn.UnsupportedException e) {
        return members;
      }
    }
  }

  private void place(PlanStep step) {
    int place = places.size();
    Chain chain = begin(step, place);
    if (chain == null && !follows(step, place)) {
      chain = new Chain(step, place, null);
    }
    if (chain != null) {
      places.add(chain);
      if (step.outputs.size() == 1) {
        chains.put(step.outputs.get(0).root(), chain);
      }
    }
  }

  // What begins a chain.

  private Chain begin(PlanStep step, int place) {
    boolean single = step.outputs.size() == 1 && step.kernel == null;
    if (!single || step.outputs.get(0).type != DataType.FLOAT) {
      return null;
    }
    return switch (step.kind()) {
      case "conv2d" -> convolution(step, place);
      case "matmul" -> {
        Chain frozen = product(step, place);
        yield frozen != null ? frozen : products(step, place);
      }
      default -> null;
    };
  }

  private Chain convolution(PlanStep step, int place) {
    PlanValue weights = step.inputs.get(1);
    PlanValue bias = step.inputs.size() > 2 ? step.inputs.get(2) : null;
    Window window = Window.ofConvolution(step, step.inputs.get(0).shape, step.outputs.get(0).shape);
    if (window == null
        || !dense(step.inputs.get(0))
        || !frozen(weights)
        || (bias != null && !frozen(bias))) {
      return null;
    }
    Chain chain =
        new Chain(
            step, place, own -> kernels.convolution(window, weights.fixed, own.bias, own.after));
    chain.shapeKept = true;
    chain.inputs.add(step.inputs.get(0));
    chain.bias = bias == null ? null : bias.fixed;
    return chain;
  }

  private Chain product(PlanStep step, int place) {
    PlanValue x = step.inputs.get(0);
    PlanValue weights = step.inputs.get(1);
    PlanValue result = step.outputs.get(0);
    long[] flags = step.integerArguments();
    boolean plain = (flags.length == 0 || flags[0] == 0) && isPlainProduct(step);
    if (!plain
        || x.shape.length != 2
        || result.shape.length != 2
        || !dense(x)
        || !frozen(weights)) {
      return null;
    }
    long rows = result.shape[0];
    long columns = result.shape[1];
    if (rows < LEAST_ROWS || columns < LEAST_ROWS) {
      return null;
    }
    boolean transposed = flags.length > 1 && flags[1] != 0;
    Chain chain =
        new Chain(
            step,
            place,
            own ->
                kernels.product(
                    rows, x.shape[1], columns, weights.fixed, transposed, own.bias, own.after));
    chain.inputs.add(x);
    return chain;
  }

  /** Other products: of what changes, or of few rows. */
  private Chain products(PlanStep step, int place) {
    PlanValue z = step.outputs.get(0);
    PlanValue weights = step.inputs.get(1);
    // A row times many frozen weights takes as long as it takes to read those, and ND4J reads them
    // in half of oneDNN's time.
    boolean row = z.shape.length == 2 && z.shape[0] == 1;
    if ((row && frozen(weights) && weights.bytes() > CACHED_WEIGHTS)
        || step.inputs.size() != 2
        || !isPlainProduct(step)
        || !step.inputs.stream().allMatch(OneDnnPass::dense)) {
      return null;
    }
    long[] flags = step.integerArguments();
    List<PlanValue> sources = step.inputs.stream().map(this::unpermuted).toList();
    StackLayout x = layout(step.inputs.get(0), sources.get(0), flags.length > 0 && flags[0] != 0);
    StackLayout y = layout(step.inputs.get(1), sources.get(1), flags.length > 1 && flags[1] != 0);
    StackLayout target = StackLayout.dense(z.shape);
    boolean fits =
        z.shape.length > 1
            && x.sameStack(target)
            && y.sameStack(target)
            && x.rows() == target.rows()
            && x.columns() == y.rows()
            && y.columns() == target.columns();
    if (!fits || x.rows() * x.columns() * y.columns() < LEAST_MULTIPLICATIONS) {
      return null;
    }
    Chain chain = new Chain(step, place, own -> kernels.products(x, y, own.target));
    chain.inputs.addAll(sources);
    chain.target = target;
    return chain;
  }

  /** What a value is before its axes are turned; the value itself if they are not. */
  private PlanValue unpermuted(PlanValue value) {
    Chain chain = chains.get(value);
    if (!isPlain(chain, "permute") || order(chain.last()) == null) {
      return value;
    }
    PlanValue source = chain.last().inputs.get(0);
    return dense(source) ? source : value;
  }

  private StackLayout layout(PlanValue value, PlanValue source, boolean transposed) {
    StackLayout layout = StackLayout.dense(source.shape);
    if (source != value) {
      layout = layout.permuted(order(chains.get(value).last()));
    }
    return transposed && value.shape.length > 1 ? layout.transposed() : layout;
  }

  /** Which axes a permutation's result has, or null if that is not plain to see. */
  private static long[] order(PlanStep permute) {
    long[] order = permute.integerArguments();
    boolean plain =
        permute.inputs.size() == 1 && order.length == permute.inputs.get(0).shape.length;
    return plain ? order : null;
  }

  /** Whether a value lies in memory as its shape says, so that a kernel may read it. */
  static boolean dense(PlanValue value) {
    PlanValue root = value.root();
    return value.type == DataType.FLOAT
        && (root.kind == PlanValue.Kind.COMPUTED
            || root.kind == PlanValue.Kind.INPUT
            || (root.kind == PlanValue.Kind.FIXED
                && root.fixed.ordering() == 'c'
                && root.fixed.elementWiseStride() == 1));
  }

  /** One times the product, and the result not transposed. */
  private static boolean isPlainProduct(PlanStep step) {
    long[] flags = step.integerArguments();
    double[] scale = ((DynamicCustomOp) step.op).tArgs();
    return (flags.length < 3 || flags[2] == 0)
        && (scale.length == 0 || scale[0] == 1)
        && (scale.length < 2 || scale[1] == 0);
  }

  static boolean frozen(PlanValue value) {
    return value.kind == PlanValue.Kind.FIXED
        && value.base == null
        && value.type == DataType.FLOAT
        && (value.shape.length < 2 || value.fixed.ordering() == 'c')
        && value.fixed.elementWiseStride() == 1;
  }

  // What a chain goes on with.

  private boolean follows(PlanStep step, int place) {
    if (step.outputs.size() != 1 || step.kernel != null) {
      return false;
    }
    return switch (step.kind()) {
      case "relu" -> relu(step, place);
      case "add" -> bias(step, place) || gate(step, place) || residual(step, place);
      case "permute" -> permute(step, place);
      default -> false;
    };
  }

  private boolean relu(PlanStep step, int place) {
    boolean plain =
        step.op instanceof ScalarOp relu
            && relu.scalar() != null
            && relu.scalar().getDouble(0) == 0;
    Chain chain = open(step.inputs.get(0), step, 1);
    if (!plain || chain == null) {
      return false;
    }
    extend(chain, step, place, PostOperation.RELU, List.of());
    return true;
  }

  /** Products are written where turning their axes would put them. */
  private boolean permute(PlanStep step, int place) {
    PlanValue products = step.inputs.get(0);
    Chain chain = chains.get(products);
    long[] order = order(step);
    if (chain == null
        || chain.target == null
        || order == null
        || chain.members.size() > 1
        || chain.last().late != step.late
        || !readOnce(products)) {
      return false;
    }
    chain.target = StackLayout.dense(step.outputs.get(0).shape).before(order);
    extend(chain, step, place, null, List.of());
    return true;
  }

  private boolean bias(PlanStep step, int place) {
    PlanValue row = step.inputs.get(1);
    PlanValue result = step.outputs.get(0);
    long columns = lastOf(result);
    Chain chain = open(step.inputs.get(0), step, 1);
    if (chain == null
        || chain.bias != null
        || !chain.after.isEmpty()
        || !frozen(row)
        || row.length() != columns
        || lastOf(row) != columns
        || lastOf(chain.result()) != columns) {
      return false;
    }
    chain.bias = row.fixed;
    extend(chain, step, place, null, List.of());
    return true;
  }

  /** u + u·erf(u). */
  private boolean gate(PlanStep step, int place) {
    PlanValue u = step.inputs.get(0);
    Chain product = chains.get(step.inputs.get(1).root());
    Chain chain = open(u, step, 3);
    if (chain == null || !isPlain(product, "multiply") || !readOnce(product.result())) {
      return false;
    }
    Chain erf = chains.get(product.last().inputs.get(1).root());
    if (product.last().inputs.get(0).root() != u.root()
        || !isPlain(erf, "erf")
        || !readOnce(erf.result())
        || erf.last().inputs.get(0).root() != u.root()) {
      return false;
    }
    extend(chain, step, place, PostOperation.ERF_GATE, List.of(erf, product));
    return true;
  }

  private static boolean isPlain(Chain chain, String kind) {
    return chain != null && chain.maker == null && chain.last().kind().equals(kind);
  }

  private boolean residual(PlanStep step, int place) {
    for (int i = 0; i < 2; i++) {
      PlanValue other = step.inputs.get(1 - i);
      Chain chain = open(step.inputs.get(i), step, 1);
      if (chain != null
          && !chain.after.contains(PostOperation.ADD)
          && other.root() != step.inputs.get(i).root()
          && dense(other)
          && other.sameShape(step.outputs.get(0))) {
        chain.inputs.add(other);
        extend(chain, step, place, PostOperation.ADD, List.of());
        return true;
      }
    }
    return false;
  }

  /**
   * The chain that computes a value, if the step may go on with it: nobody else reads the value.
   *
   * @param times how often the step and what goes with it read the value
   */
  private Chain open(PlanValue value, PlanStep step, int times) {
    Chain chain = chains.get(value.root());
    boolean own =
        chain != null
            && chain.maker != null
            && chain.target == null
            && chain.last().late == step.late
            && reads.getOrDefault(value.root(), 0) == times
            && !kept.contains(value.root())
            && value.length() == step.outputs.get(0).length()
            && (!chain.shapeKept || chain.result().sameShape(step.outputs.get(0)));
    return own ? chain : null;
  }

  private boolean readOnce(PlanValue value) {
    return reads.getOrDefault(value.root(), 0) == 1 && !kept.contains(value.root());
  }

  private void extend(
      Chain chain, PlanStep step, int place, PostOperation next, List<Chain> between) {
    places.set(chain.place, null);
    for (Chain swallowed : between) {
      places.set(swallowed.place, null);
      chain.members.addAll(swallowed.members);
    }
    chain.members.add(step);
    if (next != null) {
      chain.after.add(next);
    }
    chain.place = place;
    places.add(chain);
    chains.put(step.outputs.get(0).root(), chain);
  }

  private static long lastOf(PlanValue value) {
    return value.shape.length == 0 ? 1 : value.shape[value.shape.length - 1];
  }
}
