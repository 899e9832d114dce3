package org.ttame.core.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.scalar.ScalarMultiplication;
import org.nd4j.linalg.api.shape.LongShapeDescriptor;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;

/**
 * Turns a SameDiff graph and a request into a list of steps with known shapes.
 *
 * <p>Operations that nobody asked for are left out. What depends on shapes and constants alone is
 * computed here and now. Reshapes become other names for the same memory.
 */
final class PlanBuilder implements AutoCloseable {
  /** Operations whose result depends on the shapes of their inputs, not on the values. */
  private static final Set<String> SHAPE_ONLY =
      Set.of(
          "shape_of",
          "size_at",
          "size",
          "rank",
          "shapes_of",
          "zeros_as",
          "ones_as",
          "zeroslike",
          "oneslike",
          "broadcast_gradient_args");

  /** Operations that copy their first input in order under a new shape. */
  private static final Set<String> RESHAPES =
      Set.of("reshape", "expand_dims", "squeeze", "identity");

  /** Operations that give ones. */
  private static final Set<String> ONES = Set.of("ones_as", "oneslike");

  /** Values below which an array is not worth the trouble. */
  private static final long LARGE = 1024;

  private final SameDiff source;
  private final SameDiff leaves;
  private final NarrowConstants constants;
  private final PlanRequest request;
  private final Map<String, PlanValue> values = new HashMap<>();

  /** What the arrays hold that are kept as one number. */
  private final Map<String, Double> uniform = new HashMap<>();

  private final List<PlanStep> steps = new ArrayList<>();
  private final List<INDArray> fixedArrays = new ArrayList<>();
  private final OperationCall calls = new OperationCall();

  /** What stands in for arrays; never written to, so it takes none of the machine's memory. */
  private final Map<DataType, RawMemory> phantoms = new HashMap<>();

  private final List<RawMemory> outgrown = new ArrayList<>();

  /**
   * Prepares to plan.
   *
   * @param graph the user's graph, whose leaves are current
   * @param source the graph to plan: {@code graph} or its gradient function
   */
  PlanBuilder(SameDiff graph, SameDiff source, NarrowConstants constants, PlanRequest request) {
    this.leaves = graph;
    this.source = source;
    this.constants = constants;
    this.request = request;
  }

  /**
   * Plans.
   *
   * @param inputs arrays of the shapes asked for; their values are not read
   * @param lateShapes a value of the late placeholders' shapes, by name
   * @param wanted the names of all variables that must be computed, forward outputs first
   * @return the steps in order
   */
  List<PlanStep> build(
      Map<String, INDArray> inputs, Map<String, INDArray> lateShapes, List<String> wanted) {
    inputs.forEach((name, array) -> values.put(name, input(name, array)));
    lateShapes.forEach((name, array) -> values.put(name, input(name, array)));
    Set<String> given = new HashSet<>(request.inputs().keySet());
    given.addAll(request.late());
    GraphOrder order = new GraphOrder(source, given);
    Set<String> early = order.ancestors(request.outputs());
    for (String late : request.late()) {
      if (request.outputs().stream().anyMatch(output -> order.dependsOn(output, late))) {
        throw new IllegalArgumentException("An output depends on the late input \"" + late + "\"");
      }
    }
    Set<String> all = order.ancestors(wanted);
    for (String op : order.inOrder(early)) {
      add(op);
    }
    int boundary = steps.size();
    Set<String> rest = new LinkedHashSet<>(all);
    rest.removeAll(early);
    for (String op : order.inOrder(rest)) {
      add(op);
    }
    steps.subList(boundary, steps.size()).forEach(step -> step.late = true);
    return steps;
  }

  /** The value of a variable after {@link #build}. */
  PlanValue value(String name) {
    if (uniform.containsKey(name)) {
      return filled(name);
    }
    PlanValue known = values.get(name);
    if (known != null) {
      return known;
    }
    SDVariable variable = source.getVariable(name);
    if (variable == null) {
      throw new IllegalArgumentException("The graph has no variable \"" + name + "\"");
    }
    if (variable.isPlaceHolder()) {
      throw new IllegalArgumentException(
          Text.format(
              "The placeholder \"%s\" needs a value; given were %s",
              name, request.inputs().keySet()));
    }
    if (variable.getVariableType() == VariableType.ARRAY) {
      throw new UnplannableGraphException("\"" + name + "\" is used before it is computed");
    }
    // The gradient function adds leaves of its own; those never change.
    boolean own = !leaves.hasVariable(name);
    SDVariable leaf = own ? variable : leaves.getVariable(name);
    INDArray array = constants.asTheyAre(leaf::getArr);
    if (array == null) {
      throw new IllegalArgumentException("The variable \"" + name + "\" has no array");
    }
    boolean constant = own || variable.isConstant();
    PlanValue value =
        new PlanValue(
            name,
            constant ? PlanValue.Kind.FIXED : PlanValue.Kind.LEAF,
            array.dataType(),
            array.shape(),
            array);
    values.put(name, value);
    return value;
  }

  /** Arrays computed while planning; whoever runs the plan closes them. */
  List<INDArray> fixedArrays() {
    return fixedArrays;
  }

  @Override
  public void close() {
    phantoms.values().forEach(RawMemory::close);
    outgrown.forEach(RawMemory::close);
    phantoms.clear();
    outgrown.clear();
  }

  /** Has the variable's type: an array of another one is converted on its way in. */
  private PlanValue input(String name, INDArray array) {
    SDVariable variable = source.getVariable(name);
    boolean known = variable != null && variable.dataType() != null;
    DataType type = known ? variable.dataType() : array.dataType();
    return new PlanValue(name, PlanValue.Kind.INPUT, type, array.shape(), null);
  }

  private void add(String opName) {
    SameDiffOp node = source.getOps().get(opName);
    DifferentialFunction op = node.getOp();
    calls.checkPlannable(op);
    List<String> names = node.getOutputsOfOp();
    if (addUniform(op, opName, GraphOrder.inputsOf(node), names)) {
      return;
    }
    List<PlanValue> inputs = GraphOrder.inputsOf(node).stream().map(this::filled).toList();
    boolean fixed =
        !inputs.isEmpty() && inputs.stream().allMatch(v -> v.kind == PlanValue.Kind.FIXED);
    if (fixed || inputs.isEmpty() || SHAPE_ONLY.contains(op.opName())) {
      compute(op, inputs, names);
      return;
    }
    calls.checkShaped(op, inputs.size());
    List<INDArray> stand = inputs.stream().map(this::standIn).toList();
    List<LongShapeDescriptor> shapes = shapes(op, inputs, stand);
    calls.checkReduction(op, stand, shapes);
    if (shapes.size() != names.size()) {
      throw new UnplannableGraphException(
          Text.format(
              "operation \"%s\" (%s) has %d outputs and %d shapes",
              opName, op.opName(), names.size(), shapes.size()));
    }
    List<PlanValue> outputs = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      // Shape functions do not always know the type; the variable does.
      DataType type = source.getVariable(names.get(i)).dataType();
      long[] shape = shapes.get(i).getShape();
      if (Arrays.stream(shape).anyMatch(n -> n == 0)) {
        throw new UnplannableGraphException("\"" + names.get(i) + "\" is empty");
      }
      PlanValue output = PlanValue.computed(names.get(i), type, shape);
      outputs.add(output);
      if (!isGiven(names.get(i))) {
        values.put(names.get(i), output);
      }
    }
    PlanStep step = new PlanStep(opName, op, inputs, outputs);
    if (isReshape(step)) {
      outputs.get(0).base = inputs.get(0);
    } else {
      steps.add(step);
    }
  }

  /** Whether a value comes from outside, even if an operation that others need computes it, too. */
  private boolean isGiven(String name) {
    PlanValue known = values.get(name);
    return known != null && known.kind == PlanValue.Kind.INPUT;
  }

  /**
   * The shapes of an operation's outputs.
   *
   * @throws UnplannableGraphException if they depend on values: whole numbers that are nobody's may
   *     even be refused, as a shape to take
   */
  private List<LongShapeDescriptor> shapes(
      DifferentialFunction op, List<PlanValue> inputs, List<INDArray> stand) {
    if (inputs.stream().noneMatch(PlanBuilder::isWholeUnknown)) {
      return calls.outputShapes(op, stand);
    }
    try {
      List<LongShapeDescriptor> shapes = calls.outputShapes(op, stand);
      requireShapeOfShapes(op, inputs, shapes);
      return shapes;
    } catch (UnplannableGraphException e) {
      throw e;
    } catch (RuntimeException e) {
      throw UnplannableGraphException.shapeOf(op);
    }
  }

  private static boolean isWholeUnknown(PlanValue value) {
    return value.fixed == null && !value.type.isFPType();
  }

  /**
   * Makes sure that an operation's shapes follow from shapes, not from values that are known only
   * when it runs: numbers of segments, lengths, a shape to take. Such values are whole numbers; the
   * shapes are asked for with several of them.
   *
   * @param shapes what was found with values of nobody's making
   * @throws UnplannableGraphException if they depend on values
   */
  private void requireShapeOfShapes(
      DifferentialFunction op, List<PlanValue> inputs, List<LongShapeDescriptor> shapes) {
    for (int pattern = 0; pattern < 3; pattern++) {
      List<INDArray> own = new ArrayList<>();
      List<INDArray> stand = new ArrayList<>();
      for (PlanValue value : inputs) {
        boolean whole = isWholeUnknown(value);
        INDArray array = whole ? whole(value, pattern) : standIn(value);
        stand.add(array);
        if (whole) {
          own.add(array);
        }
      }
      try {
        if (!same(shapes, calls.outputShapes(op, stand))) {
          throw UnplannableGraphException.shapeOf(op);
        }
      } finally {
        own.forEach(GraphResult::release);
      }
    }
  }

  /** Zeros, ones, or both in turn. */
  private static INDArray whole(PlanValue value, int pattern) {
    INDArray array = Nd4j.zeros(value.type, value.shape);
    for (long i = pattern == 0 ? array.length() : 0; i < array.length(); i += pattern) {
      array.putScalar(i, 1);
    }
    return array;
  }

  private static boolean same(List<LongShapeDescriptor> some, List<LongShapeDescriptor> others) {
    boolean same = some.size() == others.size();
    for (int i = 0; same && i < some.size(); i++) {
      same = Arrays.equals(some.get(i).getShape(), others.get(i).getShape());
    }
    return same;
  }

  /**
   * Arrays of one value throughout, which gradients are full of (ones times a constant), are kept
   * as that value alone: a product with one is a product with a number. Written out they would take
   * as much memory as the activations.
   *
   * @return whether the operation has been dealt with
   */
  private boolean addUniform(
      DifferentialFunction op, String opName, List<String> inputs, List<String> outputs) {
    if (outputs.size() != 1) {
      return false;
    }
    String output = outputs.get(0);
    if (ONES.contains(op.opName()) && inputs.size() == 1) {
      PlanValue known = values.get(inputs.get(0));
      PlanValue like = known != null ? known : value(inputs.get(0));
      if (!source.getVariable(output).dataType().equals(like.type) || like.length() < LARGE) {
        return false;
      }
      uniform.put(output, 1.0);
      values.put(
          output, new PlanValue(output, PlanValue.Kind.FIXED, like.type, like.shape.clone(), null));
      return true;
    }
    boolean scaled = op instanceof ScalarMultiplication && inputs.size() == 1;
    if (scaled && uniform.containsKey(inputs.get(0))) {
      PlanValue from = values.get(inputs.get(0));
      double factor = ((ScalarMultiplication) op).scalar().getDouble(0);
      uniform.put(output, uniform.get(inputs.get(0)) * factor);
      values.put(
          output, new PlanValue(output, PlanValue.Kind.FIXED, from.type, from.shape.clone(), null));
      return true;
    }
    if (!op.opName().equals("multiply") || inputs.size() != 2) {
      return false;
    }
    for (int i = 0; i < 2; i++) {
      Double factor = uniform.get(inputs.get(i));
      PlanValue other = factor == null ? null : value(inputs.get(1 - i));
      if (other == null || !other.sameShape(values.get(inputs.get(i)))) {
        continue;
      }
      PlanValue product = PlanValue.computed(output, other.type, other.shape.clone());
      values.put(output, product);
      ScalarMultiplication scale = new ScalarMultiplication();
      scale.setScalar(Nd4j.scalar(other.type, factor));
      steps.add(new PlanStep(opName, scale, List.of(other), List.of(product)));
      return true;
    }
    return false;
  }

  /** A variable's value, written out if it was kept as one number. */
  private PlanValue filled(String name) {
    Double number = uniform.remove(name);
    if (number == null) {
      return value(name);
    }
    PlanValue known = values.get(name);
    INDArray array = Nd4j.valueArrayOf(known.shape, number, known.type);
    fixedArrays.add(array);
    PlanValue value = new PlanValue(name, PlanValue.Kind.FIXED, known.type, known.shape, array);
    values.put(name, value);
    return value;
  }

  private static boolean isReshape(PlanStep step) {
    if (!RESHAPES.contains(step.kind()) || step.outputs.size() != 1) {
      return false;
    }
    PlanValue from = step.inputs.get(0);
    PlanValue to = step.outputs.get(0);
    // -102 asks for Fortran order, which moves values.
    boolean fortran = Arrays.stream(step.integerArguments()).anyMatch(a -> a == -102);
    return from.type == to.type && from.length() == to.length() && !fortran;
  }

  private void compute(DifferentialFunction op, List<PlanValue> inputs, List<String> names) {
    inputs.forEach(input -> constants.wide(input.fixed));
    List<INDArray> arguments = inputs.stream().map(this::standIn).toList();
    List<LongShapeDescriptor> shapes = calls.outputShapes(op, arguments);
    List<INDArray> outputs = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      DataType type = source.getVariable(names.get(i)).dataType();
      outputs.add(Nd4j.create(type, shapes.get(i).getShape(), 'c'));
    }
    calls.bind(op, arguments, outputs, false).run();
    for (int i = 0; i < names.size(); i++) {
      INDArray array = outputs.get(i);
      fixedArrays.add(array);
      if (!isGiven(names.get(i))) {
        PlanValue value =
            new PlanValue(
                names.get(i), PlanValue.Kind.FIXED, array.dataType(), array.shape(), array);
        value.part = part(op, inputs, value, i, names.size());
        values.put(names.get(i), value);
      }
    }
  }

  private static PlanValue.Part part(
      DifferentialFunction op, List<PlanValue> inputs, PlanValue value, int place, int count) {
    if (!op.opName().equals("split") || count < 2) {
      return null;
    }
    PlanValue whole = inputs.get(inputs.size() - 1);
    int last = value.shape.length - 1;
    boolean alongLast =
        whole.shape.length == value.shape.length && whole.shape[last] == count * value.shape[last];
    return alongLast ? new PlanValue.Part(whole, place, count) : null;
  }

  /** An array of the value's shape for shape functions; only fixed values have true contents. */
  private INDArray standIn(PlanValue value) {
    if (value.fixed != null && !constants.isNarrow(value.fixed)) {
      return value.fixed;
    }
    RawMemory memory = phantoms.get(value.type);
    if (memory == null || memory.bytes() < value.bytes()) {
      if (memory != null) {
        // Another stand-in of the same operation may still use it.
        outgrown.add(memory);
      }
      memory = new RawMemory(value.type, Math.max(LARGE, value.bytes()));
      phantoms.put(value.type, memory);
    }
    return memory.array(value.type, 0, value.shape);
  }
}
