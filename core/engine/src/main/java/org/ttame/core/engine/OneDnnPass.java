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

/**
 * Gives steps with frozen weights oneDNN's kernels, and lets those do what follows: a bias, a
 * residual that is added, an activation. Where oneDNN has nothing fast the steps stay as they are.
 */
final class OneDnnPass {
  /** Multiplications a matrix below which it is left to ND4J. */
  private static final long LEAST_MULTIPLICATIONS = 10_000;

  /** Bytes of weights that a core's cache keeps from one run to the next. */
  private static final long CACHED_WEIGHTS = 1 << 20;

  private final DnnKernels kernels;
  private final Set<PlanValue> kept = new HashSet<>();
  private final Map<PlanValue, Integer> reads = new HashMap<>();
  private final Map<PlanValue, PlanStep> makers = new HashMap<>();

  /** What stands at each step's place: the chain that ends there, or null where it went on. */
  private final List<Chain> places = new ArrayList<>();

  /** The chain that computes a value, by the value's root. */
  private final Map<PlanValue, Chain> chains = new HashMap<>();

  private OneDnnPass(List<PlanStep> steps, Collection<PlanValue> kept, DnnKernels kernels) {
    this.kernels = kernels;
    kept.forEach(value -> this.kept.add(value.root()));
    for (PlanStep step : steps) {
      step.inputs.forEach(input -> reads.merge(input.root(), 1, Integer::sum));
      step.outputs.forEach(output -> makers.put(output, step));
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
    Kernel make(Chain chain, ArrayTypes types);
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

    /** Whether it treats each value by itself. */
    boolean elementwise;

    /** Whether it is to stay in float32 in any precision: sums over rows, values spread to rows. */
    boolean statistics;

    /** Where the result lies, of a stack of products; null for chains that take what follows. */
    StackLayout target;

    /** What the first step computes, whose shape the kernel is made for. */
    private final PlanValue begun;

    Chain(PlanStep step, int place, Maker maker) {
      members.add(step);
      this.begun = step.outputs.isEmpty() ? null : step.outputs.get(0);
      this.place = place;
      this.maker = maker;
    }

    PlanValue begun() {
      return begun;
    }

    boolean isElementwise() {
      return elementwise;
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
        PlanStep step =
            new PlanStep(last().name, types -> maker.make(this, types), inputs, result());
        if (statistics) {
          step.maker = null;
        }
        step.late = last().late;
        members.stream().filter(m -> m.kernel != null).forEach(m -> m.kernel.close());
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
      chain = beginElementwise(step, place);
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
    if (!single || step.functions != null || step.outputs.get(0).type != DataType.FLOAT) {
      return null;
    }
    return switch (step.kind()) {
      case "conv2d" -> convolution(step, place);
      case "depthwise_conv2d" -> convolution(step, place);
      case "matmul" -> {
        Chain frozen = product(step, place);
        yield frozen != null ? frozen : products(step, place);
      }
      case "concat" -> groups(step, place);
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
            step,
            place,
            (own, types) ->
                kernels.convolution(window, weights.fixed, false, own.bias, own.after, types));
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
    if (!kernels.packsProduct(rows, columns)) {
      return null;
    }
    boolean transposed = flags.length > 1 && flags[1] != 0;
    Chain chain =
        new Chain(
            step,
            place,
            (own, types) ->
                kernels.product(
                    rows,
                    x.shape[1],
                    columns,
                    weights.fixed,
                    transposed,
                    own.bias,
                    own.after,
                    types));
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
    Chain chain = new Chain(step, place, (own, types) -> kernels.products(x, y, own.target, types));
    chain.inputs.addAll(sources);
    chain.target = target;
    chain.statistics = Math.min(Math.min(x.rows(), x.columns()), y.columns()) == 1;
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

  /**
   * A convolution in groups, which SameDiff has as parts of the channels, each with a convolution
   * of its own, put together again.
   */
  private Chain groups(PlanStep concat, int place) {
    PlanValue result = concat.outputs.get(0);
    List<Chain> parts = concat.inputs.stream().map(value -> chains.get(value.root())).toList();
    if (parts.size() < 2 || !parts.stream().allMatch(part -> isSingle(part, "conv2d"))) {
      return null;
    }
    GroupedConvolution whole =
        GroupedConvolution.of(
            parts.stream().map(Chain::last).toList(), concat.inputs, result, makers);
    if (whole == null || !concat.inputs.stream().allMatch(this::readOnce)) {
      return null;
    }
    PlanStep last = parts.get(parts.size() - 1).last();
    if (last.late != concat.late) {
      return null;
    }
    Chain chain =
        new Chain(
            concat,
            place,
            (own, types) ->
                kernels.convolution(
                    whole.window(), whole.weights().fixed, false, own.bias, own.after, types));
    chain.shapeKept = true;
    chain.inputs.add(whole.source());
    chain.members.clear();
    for (Chain part : parts) {
      places.set(part.place, null);
      chain.members.addAll(part.members);
    }
    chain.members.add(concat);
    return chain;
  }

  // What a chain goes on with.

  private boolean follows(PlanStep step, int place) {
    if (step.outputs.size() != 1 || step.outputs.get(0).type != DataType.FLOAT) {
      return false;
    }
    if (step.kernel != null && step.functions == null) {
      return false;
    }
    return switch (step.kind()) {
      case "add" -> bias(step, place) || gate(step, place) || arithmetic(step, place);
      case "multiply" -> selfGated(step, place) || arithmetic(step, place);
      case "subtract", "divide" -> arithmetic(step, place);
      case "permute" -> permute(step, place);
      default -> function(step, place);
    };
  }

  private boolean function(PlanStep step, int place) {
    List<PostOperation> functions = functions(step);
    Chain chain = functions == null ? null : open(step.inputs.get(0), step, 1);
    if (chain == null || !PostOperation.mayFollow(chain.after, functions)) {
      return false;
    }
    extend(chain, step, place, functions, List.of());
    return true;
  }

  private static List<PostOperation> functions(PlanStep step) {
    if (step.functions != null) {
      return step.functions;
    }
    PostOperation function = PostOperation.ofFunction(step);
    return function == null ? null : List.of(function);
  }

  // Elementwise steps that follow nothing begin a chain of their own.

  private Chain beginElementwise(PlanStep step, int place) {
    Chain plain = new Chain(step, place, null);
    PlanValue result = step.outputs.get(0);
    if (step.outputs.size() != 1
        || result.type != DataType.FLOAT
        || (step.kernel != null && step.functions == null)) {
      return plain;
    }
    List<PostOperation> functions = functions(step);
    if (functions != null) {
      PlanValue x = step.inputs.get(0);
      return dense(x) && x.length() == result.length() ? elementwise(plain, x, functions) : plain;
    }
    for (int i = 0; i < step.inputs.size() && step.inputs.size() == 2; i++) {
      PlanValue x = step.inputs.get(i);
      PlanValue other = step.inputs.get(1 - i);
      List<PostOperation> operations = arithmetic(step, i, other);
      if (operations != null && dense(x) && x.sameShape(result) && x.root() != other.root()) {
        Chain chain = elementwise(plain, x, operations);
        chain.inputs.add(other);
        return chain;
      }
    }
    return plain;
  }

  private Chain elementwise(Chain plain, PlanValue x, List<PostOperation> operations) {
    long[] shape = plain.result().shape;
    Chain chain =
        new Chain(
            plain.last(),
            plain.place,
            (own, types) -> kernels.elementwise(types.output()).sequence(shape, own.after, types));
    chain.elementwise = true;
    chain.inputs.add(x);
    chain.after.addAll(operations);
    return chain;
  }

  /**
   * What is done to a step's operand, or null.
   *
   * @param place which of the step's inputs it is
   * @param other the other one
   */
  private static List<PostOperation> arithmetic(PlanStep step, int place, PlanValue other) {
    PlanValue result = step.outputs.get(0);
    PostOperation.Operand operand = operand(other, result);
    if (operand == null || !dense(other)) {
      return null;
    }
    if (place == 0 || step.kind().equals("add") || step.kind().equals("multiply")) {
      PostOperation operation = PostOperation.ofArithmetic(step.kind(), operand);
      return operation == null ? null : List.of(operation);
    }
    return step.kind().equals("subtract")
        ? List.of(PostOperation.linear(-1, 0), PostOperation.ofArithmetic("add", operand))
        : null;
  }

  private static PostOperation.Operand operand(PlanValue value, PlanValue result) {
    if (value.sameShape(result)) {
      return PostOperation.Operand.SAME;
    }
    long channels = lastOf(result);
    if (lastOf(value) != channels || channels == 1) {
      return null;
    }
    if (value.length() == channels) {
      return PostOperation.Operand.CHANNEL;
    }
    boolean image =
        value.shape.length == result.shape.length
            && value.shape.length > 2
            && value.shape[0] == result.shape[0]
            && value.length() == value.shape[0] * channels;
    return image ? PostOperation.Operand.IMAGE : null;
  }

  private boolean arithmetic(PlanStep step, int place) {
    for (int i = 0; i < 2 && step.inputs.size() == 2; i++) {
      PlanValue other = step.inputs.get(1 - i);
      Chain chain = open(step.inputs.get(i), step, 1);
      List<PostOperation> operations =
          chain == null || other.root() == step.inputs.get(i).root()
              ? null
              : arithmetic(step, i, other);
      if (operations != null && fits(chain, step, operations)) {
        chain.inputs.add(other);
        extend(chain, step, place, operations, List.of());
        return true;
      }
    }
    return false;
  }

  /**
   * Whether operations may follow: what is a channel to the step must be one to the kernel that
   * begins the chain, whatever shape the values have been given in between.
   */
  private static boolean fits(Chain chain, PlanStep step, List<PostOperation> operations) {
    PlanValue result = step.outputs.get(0);
    boolean sameChannels =
        switch (operations.get(operations.size() - 1).operand()) {
          case CHANNEL -> lastOf(chain.begun()) == lastOf(result);
          case IMAGE -> chain.isElementwise() && chain.begun().sameShape(result);
          default -> true;
        };
    return sameChannels && PostOperation.mayFollow(chain.after, operations);
  }

  /** x·f(x) of a function f: swish of the sigmoid, hard swish of the hard sigmoid. */
  private boolean selfGated(PlanStep step, int place) {
    for (int i = 0; i < 2 && step.inputs.size() == 2; i++) {
      PlanValue x = step.inputs.get(i);
      Chain gate = chains.get(step.inputs.get(1 - i).root());
      if (gate == null
          || !gate.isElementwise()
          || gate.inputs.size() != 1
          || gate.inputs.get(0).root() != x.root()
          || gate.last().late != step.late
          || !dense(x)
          || !readOnce(step.inputs.get(1 - i))) {
        continue;
      }
      PostOperation whole =
          gate.after.equals(List.of(PostOperation.SIGMOID))
              ? PostOperation.SWISH
              : PostOperation.isHardSigmoid(gate.after) ? PostOperation.HARD_SWISH : null;
      if (whole == null) {
        continue;
      }
      Chain chain = open(x, step, 2);
      if (chain != null && PostOperation.mayFollow(chain.after, List.of(whole))) {
        extend(chain, step, place, List.of(whole), List.of(gate));
        return true;
      }
      Chain own = elementwise(new Chain(step, place, null), x, List.of(whole));
      own.members.addAll(0, gate.members);
      places.set(gate.place, null);
      places.add(own);
      chains.put(step.outputs.get(0).root(), own);
      return true;
    }
    return false;
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
    extend(chain, step, place, List.of(), List.of());
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
    extend(chain, step, place, List.of(), List.of());
    return true;
  }

  /** u + u·erf(u). */
  private boolean gate(PlanStep step, int place) {
    PlanValue u = step.inputs.get(0);
    Chain product = chains.get(step.inputs.get(1).root());
    Chain chain = open(u, step, 3);
    if (chain == null || !isSingle(product, "multiply") || !readOnce(product.result())) {
      return false;
    }
    Chain erf = chains.get(product.last().inputs.get(1).root());
    if (!PostOperation.mayFollow(chain.after, PostOperation.ERF_GATE)
        || product.last().inputs.get(0).root() != u.root()
        || !isPlain(erf, "erf")
        || !readOnce(erf.result())
        || erf.last().inputs.get(0).root() != u.root()) {
      return false;
    }
    extend(chain, step, place, PostOperation.ERF_GATE, List.of(erf, product));
    return true;
  }

  /** Whether a chain is a step of a kind and no more. */
  private static boolean isSingle(Chain chain, String kind) {
    return chain != null
        && chain.members.size() == 1
        && chain.last().kernel == null
        && chain.last().kind().equals(kind);
  }

  private static boolean isPlain(Chain chain, String kind) {
    return chain != null && chain.maker == null && chain.last().kind().equals(kind);
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
      Chain chain, PlanStep step, int place, List<PostOperation> next, List<Chain> between) {
    places.set(chain.place, null);
    for (Chain swallowed : between) {
      places.set(swallowed.place, null);
      chain.members.addAll(swallowed.members);
    }
    chain.members.add(step);
    next.forEach(operation -> PostOperation.append(chain.after, operation));
    chain.place = place;
    places.add(chain);
    chains.put(step.outputs.get(0).root(), chain);
  }

  private static long lastOf(PlanValue value) {
    return value.shape.length == 0 ? 1 : value.shape[value.shape.length - 1];
  }
}
