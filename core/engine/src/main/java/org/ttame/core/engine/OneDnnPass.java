package org.ttame.core.engine;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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
  private final StepIndex index;

  /** What stands at each step's place: the chain that ends there, or null where it went on. */
  private final List<KernelChain> places = new ArrayList<>();

  /** The chain that computes a value, by the value's root. */
  private final Map<PlanValue, KernelChain> chains = new HashMap<>();

  private OneDnnPass(List<PlanStep> steps, Collection<PlanValue> kept, DnnKernels kernels) {
    this.kernels = kernels;
    this.index = new StepIndex(steps, kept);
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

  private void place(PlanStep step) {
    KernelChain chain = new KernelChain(step, places.size(), null);
    boolean single = step.outputs.size() == 1 && step.outputs.get(0).type == DataType.FLOAT;
    if (single && (step.kernel == null || step.functions != null)) {
      KernelChain plain = chain;
      chain = step.kernel == null ? begin(step) : null;
      if (chain == null && !follows(step)) {
        chain = beginElementwise(plain);
      }
    }
    if (chain != null) {
      places.add(chain);
      if (step.outputs.size() == 1) {
        chains.put(step.outputs.get(0).root(), chain);
      }
    }
  }

  // What begins a chain.

  private KernelChain begin(PlanStep step) {
    return switch (step.kind()) {
      case "conv2d", "depthwise_conv2d" -> convolution(step);
      case "matmul" -> {
        KernelChain frozen = product(step);
        yield frozen != null ? frozen : products(step);
      }
      case "concat" -> groups(step);
      default -> null;
    };
  }

  private KernelChain convolution(PlanStep step) {
    PlanValue weights = step.inputs.get(1);
    PlanValue bias = step.inputs.size() > 2 ? step.inputs.get(2) : null;
    Window window = Window.ofConvolution(step, step.inputs.get(0).shape, step.outputs.get(0).shape);
    if (window == null
        || !dense(step.inputs.get(0))
        || !frozen(weights)
        || (bias != null && !frozen(bias))) {
      return null;
    }
    KernelChain chain = convolution(step, window, weights.fixed, step.inputs.get(0));
    chain.bias = bias == null ? null : bias.fixed;
    return chain;
  }

  private KernelChain convolution(
      PlanStep step, Window window, INDArray weights, PlanValue source) {
    KernelChain chain =
        new KernelChain(
            step,
            places.size(),
            (own, types) ->
                kernels.convolution(window, weights, false, own.bias, own.after, types));
    chain.shapeKept = true;
    chain.inputs.add(source);
    return chain;
  }

  private KernelChain product(PlanStep step) {
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
    KernelChain chain =
        new KernelChain(
            step,
            places.size(),
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
  private KernelChain products(PlanStep step) {
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
    KernelChain chain =
        new KernelChain(
            step, places.size(), (own, types) -> kernels.products(x, y, own.target, types));
    chain.inputs.addAll(sources);
    chain.target = target;
    chain.statistics = Math.min(Math.min(x.rows(), x.columns()), y.columns()) == 1;
    return chain;
  }

  /** What a value is before its axes are turned; the value itself if they are not. */
  private PlanValue unpermuted(PlanValue value) {
    KernelChain chain = chains.get(value);
    if (!KernelChain.isPlain(chain, "permute") || order(chain.last()) == null) {
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
  static boolean isPlainProduct(PlanStep step) {
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
  private KernelChain groups(PlanStep concat) {
    PlanValue result = concat.outputs.get(0);
    List<KernelChain> parts =
        concat.inputs.stream().map(value -> chains.get(value.root())).toList();
    if (parts.size() < 2
        || !parts.stream().allMatch(part -> KernelChain.isSingle(part, "conv2d"))) {
      return null;
    }
    GroupedConvolution whole =
        GroupedConvolution.of(
            parts.stream().map(KernelChain::last).toList(), concat.inputs, result, index);
    if (whole == null || !concat.inputs.stream().allMatch(index::isReadOnce)) {
      return null;
    }
    PlanStep last = parts.get(parts.size() - 1).last();
    if (last.late != concat.late) {
      return null;
    }
    KernelChain chain = convolution(concat, whole.window(), whole.weights().fixed, whole.source());
    chain.members.clear();
    for (KernelChain part : parts) {
      places.set(part.place, null);
      chain.members.addAll(part.members);
    }
    chain.members.add(concat);
    return chain;
  }

  // What a chain goes on with.

  private boolean follows(PlanStep step) {
    return switch (step.kind()) {
      case "add" -> bias(step) || gate(step) || arithmetic(step);
      case "multiply" -> selfGated(step) || arithmetic(step);
      case "subtract", "divide" -> arithmetic(step);
      case "permute" -> permute(step);
      default -> function(step);
    };
  }

  private boolean function(PlanStep step) {
    List<PostOperation> functions = PostOperation.ofFunctions(step);
    KernelChain chain = functions == null ? null : open(step.inputs.get(0), step, 1);
    if (chain == null || !PostOperation.mayFollow(chain.after, functions)) {
      return false;
    }
    extend(chain, step, functions, List.of());
    return true;
  }

  // Elementwise steps that follow nothing begin a chain of their own.

  private KernelChain beginElementwise(KernelChain plain) {
    PlanStep step = plain.last();
    PlanValue result = plain.result();
    List<PostOperation> functions = PostOperation.ofFunctions(step);
    if (functions != null) {
      PlanValue x = step.inputs.get(0);
      return dense(x) && x.length() == result.length() ? elementwise(plain, x, functions) : plain;
    }
    for (int i = 0; i < step.inputs.size() && step.inputs.size() == 2; i++) {
      PlanValue x = step.inputs.get(i);
      PlanValue other = step.inputs.get(1 - i);
      List<PostOperation> operations = PostOperation.ofArithmetic(step, i);
      if (operations != null && dense(x) && x.sameShape(result) && x.root() != other.root()) {
        KernelChain chain = elementwise(plain, x, operations);
        chain.inputs.add(other);
        return chain;
      }
    }
    return plain;
  }

  private KernelChain elementwise(KernelChain plain, PlanValue x, List<PostOperation> operations) {
    long[] shape = plain.result().shape;
    KernelChain chain =
        new KernelChain(
            plain.last(),
            plain.place,
            (own, types) -> kernels.elementwise(types.output()).sequence(shape, own.after, types));
    chain.elementwise = true;
    chain.inputs.add(x);
    chain.after.addAll(operations);
    return chain;
  }

  private boolean arithmetic(PlanStep step) {
    for (int i = 0; i < 2 && step.inputs.size() == 2; i++) {
      PlanValue other = step.inputs.get(1 - i);
      KernelChain chain = open(step.inputs.get(i), step, 1);
      List<PostOperation> operations =
          chain == null || other.root() == step.inputs.get(i).root()
              ? null
              : PostOperation.ofArithmetic(step, i);
      if (operations != null && fits(chain, step, operations)) {
        chain.inputs.add(other);
        extend(chain, step, operations, List.of());
        return true;
      }
    }
    return false;
  }

  /**
   * Whether operations may follow: what is a channel to the step must be one to the kernel that
   * begins the chain, whatever shape the values have been given in between.
   */
  private static boolean fits(KernelChain chain, PlanStep step, List<PostOperation> operations) {
    PlanValue result = step.outputs.get(0);
    boolean sameChannels =
        switch (operations.get(operations.size() - 1).operand()) {
          case CHANNEL -> chain.begun.channels() == result.channels();
          case IMAGE -> chain.elementwise && chain.begun.sameShape(result);
          default -> true;
        };
    return sameChannels && PostOperation.mayFollow(chain.after, operations);
  }

  /** x·f(x) of a function f: swish of the sigmoid, hard swish of the hard sigmoid. */
  private boolean selfGated(PlanStep step) {
    for (int i = 0; i < 2 && step.inputs.size() == 2; i++) {
      PlanValue x = step.inputs.get(i);
      KernelChain gate = chains.get(step.inputs.get(1 - i).root());
      if (gate == null
          || !gate.elementwise
          || gate.inputs.size() != 1
          || gate.inputs.get(0).root() != x.root()
          || gate.last().late != step.late
          || !dense(x)
          || !index.isReadOnce(step.inputs.get(1 - i))) {
        continue;
      }
      PostOperation whole =
          gate.after.equals(List.of(PostOperation.SIGMOID))
              ? PostOperation.SWISH
              : PostOperation.isHardSigmoid(gate.after) ? PostOperation.HARD_SWISH : null;
      if (whole == null) {
        continue;
      }
      KernelChain chain = open(x, step, 2);
      if (chain != null && PostOperation.mayFollow(chain.after, List.of(whole))) {
        extend(chain, step, List.of(whole), List.of(gate));
        return true;
      }
      KernelChain own = elementwise(new KernelChain(step, places.size(), null), x, List.of(whole));
      own.members.addAll(0, gate.members);
      places.set(gate.place, null);
      places.add(own);
      chains.put(step.outputs.get(0).root(), own);
      return true;
    }
    return false;
  }

  /** Products are written where turning their axes would put them. */
  private boolean permute(PlanStep step) {
    PlanValue products = step.inputs.get(0);
    KernelChain chain = chains.get(products);
    long[] order = order(step);
    if (chain == null
        || chain.target == null
        || order == null
        || chain.members.size() > 1
        || chain.last().late != step.late
        || !index.isReadOnce(products)) {
      return false;
    }
    chain.target = StackLayout.dense(step.outputs.get(0).shape).before(order);
    extend(chain, step, List.of(), List.of());
    return true;
  }

  private boolean bias(PlanStep step) {
    PlanValue row = step.inputs.get(1);
    PlanValue result = step.outputs.get(0);
    long columns = result.channels();
    KernelChain chain = open(step.inputs.get(0), step, 1);
    if (chain == null
        || chain.bias != null
        || !chain.after.isEmpty()
        || !frozen(row)
        || row.length() != columns
        || row.channels() != columns
        || chain.result().channels() != columns) {
      return false;
    }
    chain.bias = row.fixed;
    extend(chain, step, List.of(), List.of());
    return true;
  }

  /** u + u·erf(u). */
  private boolean gate(PlanStep step) {
    PlanValue u = step.inputs.get(0);
    KernelChain product = chains.get(step.inputs.get(1).root());
    KernelChain chain = open(u, step, 3);
    if (chain == null
        || !KernelChain.isSingle(product, "multiply")
        || !index.isReadOnce(product.result())) {
      return false;
    }
    KernelChain erf = chains.get(product.last().inputs.get(1).root());
    if (!PostOperation.mayFollow(chain.after, PostOperation.ERF_GATE)
        || product.last().inputs.get(0).root() != u.root()
        || !KernelChain.isPlain(erf, "erf")
        || !index.isReadOnce(erf.result())
        || erf.last().inputs.get(0).root() != u.root()) {
      return false;
    }
    extend(chain, step, PostOperation.ERF_GATE, List.of(erf, product));
    return true;
  }

  /**
   * The chain that computes a value, if the step may go on with it: nobody else reads the value.
   *
   * @param times how often the step and what goes with it read the value
   */
  private KernelChain open(PlanValue value, PlanStep step, int times) {
    KernelChain chain = chains.get(value.root());
    boolean own =
        chain != null
            && chain.hasKernel()
            && chain.target == null
            && chain.last().late == step.late
            && index.isReadOnly(value, times)
            && value.length() == step.outputs.get(0).length()
            && (!chain.shapeKept || chain.result().sameShape(step.outputs.get(0)));
    return own ? chain : null;
  }

  private void extend(
      KernelChain chain, PlanStep step, List<PostOperation> next, List<KernelChain> between) {
    places.set(chain.place, null);
    for (KernelChain swallowed : between) {
      places.set(swallowed.place, null);
      chain.members.addAll(swallowed.members);
    }
    chain.members.add(step);
    next.forEach(operation -> PostOperation.append(chain.after, operation));
    chain.place = places.size();
    places.add(chain);
    chains.put(step.outputs.get(0).root(), chain);
  }
}
