package org.ttame.core.engine;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOpsHolder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.ttame.core.Text;

/**
 * Runs a graph by plans, one a request; a graph that cannot be planned goes to SameDiff's session.
 */
final class PlanRunner implements GraphRunner {
  private static final Logger LOG = LoggerFactory.getLogger(PlanRunner.class);

  /** Full batch and last batch, forward and two objectives, some output sets. */
  private static final int MOST_PLANS = 12;

  private final SameDiff graph;
  private final boolean poison;
  private final PlanMemory memory = new PlanMemory();
  private final NarrowConstants constants;
  private final RotatedWeights turned;
  private final PackedWeights packed;
  private final DnnKernels kernels;
  private final Map<PlanRequest, Plan> plans = new LinkedHashMap<>(16, 0.75f, true);
  private final Map<PlanRequest, Map<String, String>> gradientNames = new HashMap<>();
  private final PrecisionPass.Casts casts;
  private SameDiffRunner fallback;
  private String fallbackReason;
  private final ThreadGuard guard = new ThreadGuard();
  private Object pending;
  private EngineProfile profile;
  private int threads;

  PlanRunner(SameDiff graph, Precision precision) {
    this(
        graph,
        EngineChoice.current() == EngineChoice.AUTO ? OneDnn.instance() : Optional.empty(),
        OneDnn::hasNarrowVectors,
        precision == Precision.BFLOAT16 ? DnnKernels::casts : null,
        false);
  }

  /**
   * For tests.
   *
   * @param direct whether oneDNN is called directly where that is faster
   * @param poison whether to overwrite the memory before each run, so that a step which reads what
   *     nobody wrote shows
   */
  PlanRunner(SameDiff graph, boolean direct, boolean poison) {
    this(
        graph,
        direct ? OneDnn.instance() : Optional.empty(),
        OneDnn::hasNarrowVectors,
        null,
        poison);
  }

  /**
   * With the choice of kernels given.
   *
   * @param dnn oneDNN, if it is to compute
   * @param narrow whether to choose as without AVX-512, see {@link DnnKernels}; asked if it is
   *     there
   * @param casts to and from bfloat16; null for float32 throughout
   */
  PlanRunner(
      SameDiff graph,
      Optional<OneDnn> dnn,
      BooleanSupplier narrow,
      Function<DnnKernels, PrecisionPass.Casts> casts,
      boolean poison) {
    this.graph = Objects.requireNonNull(graph, "graph");
    Precision precision = casts == null ? Precision.FLOAT32 : Precision.BFLOAT16;
    this.constants = NarrowConstants.of(graph);
    this.turned = new RotatedWeights(constants);
    this.packed = new PackedWeights(constants);
    this.kernels =
        dnn.map(library -> new DnnKernels(library, packed, narrow.getAsBoolean(), precision))
            .orElse(null);
    this.casts = casts == null ? null : casts.apply(kernels);
    if (casts != null && this.casts.type() == DataType.BFLOAT16) {
      constants.narrow(graph);
    }
    this.poison = poison;
  }

  @Override
  public GraphResult run(Map<String, INDArray> inputs, Collection<String> outputs) {
    return guard.call(
        () -> {
          Plan plan = runForward(inputs, outputs);
          return plan == null
              ? fallback.run(inputs, outputs)
              : new GraphResult(copies(plan, outputs), Map.of());
        });
  }

  @Override
  public GraphResult borrow(Map<String, INDArray> inputs, Collection<String> outputs) {
    return guard.call(
        () -> {
          Plan plan = runForward(inputs, outputs);
          if (plan == null) {
            return fallback.run(inputs, outputs);
          }
          Map<String, INDArray> values = new LinkedHashMap<>();
          outputs.forEach(name -> values.put(name, plan.array(name)));
          return GraphResult.borrowed(values, Map.of(), guard.lend());
        });
  }

  /** The plan that has run, or null where the graph needs a session. */
  private Plan runForward(Map<String, INDArray> inputs, Collection<String> outputs) {
    PlanRequest request = PlanRequest.of(inputs, Set.of(), null, outputs, List.of());
    Plan plan = plan(request, inputs);
    if (plan != null) {
      prepare(plan);
      plan.runEarly(memory, inputs, profile);
      plan.runLate(Map.of(), profile);
    }
    return plan;
  }

  @Override
  public GraphResult gradients(
      Map<String, INDArray> inputs,
      String objective,
      Collection<String> outputs,
      Collection<String> wrt) {
    PlanRequest request = PlanRequest.of(inputs, Set.of(), objective, outputs, wrt);
    return guard.call(
        () -> {
          Plan plan = plan(request, inputs);
          if (plan == null) {
            return fallback.gradients(inputs, objective, outputs, wrt);
          }
          prepare(plan);
          plan.runEarly(memory, inputs, profile);
          plan.runLate(Map.of(), profile);
          Map<String, INDArray> values = copies(plan, outputs);
          values.computeIfAbsent(objective, plan::copy);
          return new GraphResult(values, gradientsOf(request, plan::copy));
        });
  }

  @Override
  public PendingGradients begin(
      Map<String, INDArray> inputs,
      Set<String> late,
      String objective,
      Collection<String> outputs,
      Collection<String> wrt) {
    PlanRequest request = PlanRequest.of(inputs, late, objective, outputs, wrt);
    return guard.call(
        () -> {
          Plan plan = plan(request, inputs);
          if (plan == null) {
            return fallback.begin(inputs, late, objective, outputs, wrt);
          }
          prepare(plan);
          plan.runEarly(memory, inputs, profile);
          return wayBack(request, plan, new GraphResult(copies(plan, outputs), Map.of()));
        });
  }

  private PendingGradients wayBack(PlanRequest request, Plan plan, GraphResult forward) {
    String objective = request.objective();
    ThreadGuard.Loan loan = guard.lend();
    Object token = new Object();
    pending = token;
    return new PendingGradients() {
      @Override
      public INDArray output(String name) {
        return forward.output(name);
      }

      @Override
      public GraphResult finish(Map<String, INDArray> lateInputs) {
        return guard.call(
            () -> {
              goBack(lateInputs);
              return new GraphResult(
                  Map.of(objective, plan.copy(objective)), gradientsOf(request, plan::copy));
            });
      }

      @Override
      public GraphResult finishBorrowing(Map<String, INDArray> lateInputs) {
        return guard.call(
            () -> {
              goBack(lateInputs);
              return GraphResult.borrowed(
                  Map.of(objective, plan.array(objective)),
                  gradientsOf(request, plan::array),
                  guard.lend());
            });
      }

      private void goBack(Map<String, INDArray> lateInputs) {
        if (pending != token) {
          throw new IllegalStateException(
              "The runner has run something else since this run began, or it was finished already");
        }
        pending = null;
        if (!lateInputs.keySet().equals(request.late())) {
          throw new IllegalArgumentException(
              Text.format("Expected late inputs %s, got %s", request.late(), lateInputs.keySet()));
        }
        plan.runLate(lateInputs, profile);
      }

      @Override
      public void close() {
        forward.close();
        loan.end();
      }
    };
  }

  @Override
  public long plannedBytes(
      Map<String, INDArray> inputs,
      Set<String> late,
      String objective,
      Collection<String> outputs,
      Collection<String> wrt) {
    return guard.call(
        () -> {
          Plan plan = plan(PlanRequest.of(inputs, late, objective, outputs, wrt), inputs);
          return plan == null ? 0 : plan.bytes().values().stream().mapToLong(Long::longValue).sum();
        });
  }

  @Override
  public void profile(EngineProfile value) {
    guard.run(
        () -> {
          profile = value;
        });
  }

  @Override
  public String describe() {
    return fallback != null
        ? "SameDiff session (" + fallbackReason + ")"
        : Text.format(
            "compiled plan, %s%s",
            kernels != null ? "oneDNN" : "ND4J's kernels", casts == null ? "" : " in bfloat16");
  }

  @Override
  public void close() {
    guard.close(this::free);
  }

  @Override
  public void closeWithGraph() {
    guard.close(
        () -> {
          constants.close(); // else the runner would give back the weights that it alone has
          free();
          GraphResult.releaseConstants(graph);
        });
  }

  private void free() {
    plans.values().forEach(Plan::close);
    plans.clear();
    turned.close();
    packed.close();
    memory.close();
  }

  /** The kinds of operations that a gradient run executes, in order; for tests. */
  List<String> operations(Map<String, INDArray> inputs, String objective, Collection<String> wrt) {
    return steps(inputs, objective, wrt).stream().map(PlanStep::kind).toList();
  }

  /** The steps of a gradient run; for tests. */
  List<PlanStep> steps(Map<String, INDArray> inputs, String objective, Collection<String> wrt) {
    return plan(PlanRequest.of(inputs, Set.of(), objective, List.of(), wrt), inputs).steps();
  }

  /** The kinds of operations that a forward run executes, in order; for tests. */
  List<String> forwardOperations(Map<String, INDArray> inputs, Collection<String> outputs) {
    Plan plan = plan(PlanRequest.of(inputs, Set.of(), null, outputs, List.of()), inputs);
    return plan.steps().stream().map(PlanStep::kind).toList();
  }

  /** Of how many weights there are packed copies; for tests. */
  int packedWeights() {
    return packed.size();
  }

  private void prepare(Plan plan) {
    pending = null;
    if (poison) {
      memory.require(plan.bytes());
      memory.poison();
    }
  }

  private static Map<String, INDArray> copies(Plan plan, Collection<String> names) {
    Map<String, INDArray> result = new LinkedHashMap<>();
    names.forEach(name -> result.computeIfAbsent(name, plan::copy));
    return result;
  }

  private Map<String, INDArray> gradientsOf(
      PlanRequest request, Function<String, INDArray> output) {
    Map<String, INDArray> result = new LinkedHashMap<>();
    gradientNames
        .get(request)
        .forEach((variable, gradient) -> result.put(variable, output.apply(gradient)));
    return result;
  }

  /** The plan for a request, or null where the graph needs a session. */
  private Plan plan(PlanRequest request, Map<String, INDArray> inputs) {
    if (fallback != null) {
      return null;
    }
    planForThisThread();
    Plan known = plans.get(request);
    if (known != null) {
      return known;
    }
    try {
      Plan plan = compile(request, inputs);
      plans.put(request, plan);
      if (plans.size() > MOST_PLANS) {
        discard(plans.keySet().iterator().next());
      }
      return plan;
    } catch (UnplannableGraphException e) {
      LOG.info("Running the graph through SameDiff's session: {}", e.getMessage());
      constants.widen();
      fallback = new SameDiffRunner(graph);
      fallbackReason = e.getMessage();
      return null;
    }
  }

  /**
   * Kernels are planned for as many threads as the planning thread computes with, scratch memory
   * included; in a thread with more they would write past it.
   */
  private void planForThisThread() {
    int now = NativeOpsHolder.getInstance().getDeviceNativeOps().ompGetMaxThreads();
    if (now != threads) {
      List.copyOf(plans.keySet()).forEach(this::discard);
      threads = now;
    }
  }

  private void discard(PlanRequest request) {
    Plan plan = plans.remove(request);
    plan.close();
    for (INDArray gone : plan.fixedArrays()) {
      turned.forget(gone, packed::forget);
      packed.forget(gone);
    }
    gradientNames.remove(request);
  }

  private Plan compile(PlanRequest request, Map<String, INDArray> inputs) {
    SameDiff source = graph;
    Map<String, String> gradients = new LinkedHashMap<>();
    if (request.hasGradients()) {
      source =
          constants.asTheyAre(
              () -> GradientGraph.prepare(graph, request.objective(), request.wrt()));
      for (String name : request.wrt()) {
        gradients.put(name, GradientGraph.gradientName(graph, name));
      }
    }
    Map<String, INDArray> lateShapes = new HashMap<>();
    try (PlanBuilder builder = new PlanBuilder(graph, source, constants, request)) {
      for (String name : request.late()) {
        lateShapes.put(name, lateStandIn(name, inputs));
      }
      List<String> wanted = new ArrayList<>(request.outputs());
      if (request.hasGradients()) {
        wanted.add(request.objective());
        wanted.addAll(gradients.values());
      }
      List<PlanStep> written = builder.build(inputs, lateShapes, wanted);
      List<PlanValue> kept = wanted.stream().map(builder::value).toList();
      List<PlanStep> steps =
          PlanPasses.apply(written, kept, builder.fixedArrays(), turned, kernels, casts);
      int early =
          request.late().isEmpty()
              ? steps.size()
              : (int) steps.stream().filter(step -> !step.late).count();
      Map<String, PlanValue> inputValues = new HashMap<>();
      request.inputs().keySet().forEach(name -> inputValues.put(name, builder.value(name)));
      request.late().forEach(name -> inputValues.put(name, builder.value(name)));
      Map<String, PlanValue> earlyOutputs = new HashMap<>();
      request.outputs().forEach(name -> earlyOutputs.put(name, builder.value(name)));
      Map<String, PlanValue> lateOutputs = new HashMap<>();
      wanted.stream()
          .filter(name -> !earlyOutputs.containsKey(name) || request.late().isEmpty())
          .forEach(name -> lateOutputs.put(name, builder.value(name)));
      Plan plan =
          new Plan(
              graph,
              constants,
              steps,
              early,
              inputValues,
              request.late(),
              earlyOutputs,
              lateOutputs,
              builder.fixedArrays());
      gradientNames.put(request, gradients);
      return plan;
    } finally {
      lateShapes.values().forEach(GraphResult::release);
    }
  }

  /** Late inputs have their placeholders' shapes, with the batch size of the others. */
  private INDArray lateStandIn(String name, Map<String, INDArray> inputs) {
    SDVariable variable = graph.getVariable(name);
    if (variable == null || !variable.isPlaceHolder()) {
      throw new IllegalArgumentException("The graph has no placeholder \"" + name + "\"");
    }
    long[] shape = variable.placeholderShape().clone();
    for (int i = 0; i < shape.length; i++) {
      if (shape[i] < 0) {
        if (i > 0) {
          throw new IllegalArgumentException(
              Text.format(
                  "The late placeholder \"%s\" leaves more than its batch size open", name));
        }
        shape[i] = batch(name, inputs);
      }
    }
    return Nd4j.createUninitialized(variable.dataType(), shape);
  }

  /** The batch size: what the inputs have where their placeholders leave it open. */
  private long batch(String late, Map<String, INDArray> inputs) {
    Set<Long> sizes = new TreeSet<>();
    inputs.forEach(
        (name, array) -> {
          SDVariable variable = graph.getVariable(name);
          long[] shape = variable.isPlaceHolder() ? variable.placeholderShape() : null;
          if (array.rank() > 0 && (shape == null || shape[0] < 0)) {
            sizes.add(array.size(0));
          }
        });
    if (sizes.size() != 1) {
      throw new IllegalArgumentException(
          Text.format(
              "The late placeholder \"%s\" leaves its batch size open, and the inputs do not say"
                  + " it: %s",
              late, sizes));
    }
    return sizes.iterator().next();
  }
}
