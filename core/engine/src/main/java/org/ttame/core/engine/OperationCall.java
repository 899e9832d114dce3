package org.ttame.core.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.BaseOp;
import org.nd4j.linalg.api.ops.CustomOp;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.Op;
import org.nd4j.linalg.api.ops.OpContext;
import org.nd4j.linalg.api.ops.RandomOp;
import org.nd4j.linalg.api.ops.ReduceOp;
import org.nd4j.linalg.api.ops.ScalarOp;
import org.nd4j.linalg.api.ops.executioner.OpExecutioner;
import org.nd4j.linalg.api.ops.impl.controlflow.compat.BaseCompatOp;
import org.nd4j.linalg.api.ops.impl.layers.ExternalErrorsFunction;
import org.nd4j.linalg.api.ops.impl.shape.tensorops.BaseTensorOp;
import org.nd4j.linalg.api.ops.impl.transforms.same.Abs;
import org.nd4j.linalg.api.shape.LongShapeDescriptor;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;

/**
 * Calls ND4J operations with given arrays, outside SameDiff's session. Custom operations take their
 * arguments from a context; the older kind (reductions, transforms, scalars) keeps some in the
 * operation object.
 */
final class OperationCall {
  /** Operations whose result depends on more than their inputs, or that write to their inputs. */
  private static final Set<String> STATEFUL =
      Set.of("assign", "create_view", "invoke", "dropout", "dropout_inverted", "print_variable");

  /** Operations that read values of any type to know the shape of their result. */
  private static final Set<String> SHAPED_BY_VALUES =
      Set.of(
          "where_np",
          "unique",
          "unique_with_counts",
          "listdiff",
          "range",
          "lin_space",
          "linspace",
          "boolean_mask",
          "choose",
          "non_max_suppression",
          "non_max_suppression_v3",
          "non_max_suppression_overlaps");

  /** Reductions that leave a vector alone when it has nothing to reduce. */
  private static final Set<String> LINEAR_REDUCTIONS =
      Set.of(
          "reduce_sum",
          "reduce_mean",
          "reduce_max",
          "reduce_min",
          "reduce_prod",
          "sum",
          "mean",
          "max",
          "min",
          "prod");

  /** Reductions that leave sizes when a vector has nothing to reduce. */
  private static final Set<String> NORMS =
      Set.of("reduce_norm1", "reduce_norm2", "reduce_normmax", "norm1", "norm2", "normmax");

  private final OpExecutioner executioner = Nd4j.getExecutioner();

  /** An operation with its arrays, ready to run any number of times. */
  interface Bound {
    void run();
  }

  /**
   * Refuses operations that cannot be replayed.
   *
   * @throws UnplannableGraphException if the operation is one
   */
  void checkPlannable(DifferentialFunction op) {
    boolean random = op instanceof RandomOp || op.opName().startsWith("random");
    if (op instanceof BaseCompatOp
        || op instanceof BaseTensorOp
        || op instanceof ExternalErrorsFunction
        || random
        || STATEFUL.contains(op.opName())
        || !(op instanceof DynamicCustomOp || op instanceof BaseOp)) {
      throw new UnplannableGraphException(
          Text.format("operation \"%s\" (%s) cannot be replayed", op.getOwnName(), op.opName()));
    }
  }

  /**
   * Refuses operations whose results' shapes depend on values of whatever type.
   *
   * @param inputs how many inputs it has
   * @throws UnplannableGraphException if the operation is one
   */
  void checkShaped(DifferentialFunction op, int inputs) {
    // Of three inputs it chooses between two; of one it lists places.
    boolean lists = op.opName().equalsIgnoreCase("where") && inputs == 1;
    if (lists || SHAPED_BY_VALUES.contains(op.opName())) {
      throw UnplannableGraphException.shapeOf(op);
    }
  }

  /**
   * Refuses reductions of vectors that ND4J takes a wrong short cut for, as its session does.
   *
   * @param inputs arrays of the inputs' shapes
   * @param outputs shapes of the outputs
   * @throws UnplannableGraphException if the operation is one
   */
  void checkReduction(
      DifferentialFunction op, List<INDArray> inputs, List<LongShapeDescriptor> outputs) {
    if (op instanceof ReduceOp
        && isNothingToReduce(inputs.get(0), length(outputs.get(0).getShape()))
        && !LINEAR_REDUCTIONS.contains(op.opName())
        && !NORMS.contains(op.opName())) {
      throw new UnplannableGraphException(
          Text.format(
              "operation \"%s\" (%s) reduces a vector over an axis of length one",
              op.getOwnName(), op.opName()));
    }
  }

  /** How many values an array of a shape has. */
  static long length(long[] shape) {
    return Arrays.stream(shape).reduce(1, Math::multiplyExact);
  }

  /** Shapes of an operation's outputs. */
  List<LongShapeDescriptor> outputShapes(DifferentialFunction op, List<INDArray> inputs) {
    OpContext context = executioner.buildContext();
    if (op instanceof DynamicCustomOp custom) {
      setArguments(context, custom, inputs);
      return custom.calculateOutputShape(context);
    }
    setInputs(context, (BaseOp) op, inputs);
    return ((BaseOp) op).calculateOutputShape(context);
  }

  /**
   * Ties an operation to arrays.
   *
   * @param op the operation
   * @param outputs where it writes
   * @param shapeGiven whether to skip the operation's own check of the outputs' shapes
   * @return the call
   */
  Bound bind(
      DifferentialFunction op, List<INDArray> inputs, List<INDArray> outputs, boolean shapeGiven) {
    OpContext context = executioner.buildContext();
    if (shapeGiven) {
      context.shapeFunctionOverride(true);
    }
    if (op instanceof DynamicCustomOp custom) {
      if (BatchedProduct.splits(custom, inputs, outputs)) {
        return BatchedProduct.bind(executioner, custom, inputs, outputs.get(0));
      }
      List<INDArray> from = inputs;
      List<INDArray> to = outputs;
      if (PointwiseRows.concerns(custom, inputs, outputs)) {
        long[] weights = inputs.get(1).shape();
        from = PointwiseRows.rows(custom, inputs, weights);
        to = PointwiseRows.rows(custom, outputs, weights);
      }
      setArguments(context, custom, from);
      for (int i = 0; i < to.size(); i++) {
        context.setOutputArray(i, to.get(i));
      }
      CustomOp call = custom;
      return () -> executioner.exec(call, context);
    }
    INDArray output = outputs.get(0);
    if (op instanceof ReduceOp && isNothingToReduce(inputs.get(0), output.length())) {
      // ND4J takes a short cut here that does not write to the context's output.
      INDArray from = inputs.get(0).reshape(output.shape());
      if (NORMS.contains(op.opName())) {
        return () -> executioner.exec(new Abs(from, output));
      }
      return () -> output.assign(from);
    }
    setInputs(context, (BaseOp) op, inputs);
    context.setOutputArray(0, output);
    Op call = (Op) op;
    return () -> executioner.exec(call, context);
  }

  private static boolean isNothingToReduce(INDArray from, long kept) {
    return from.isVector() && from.length() == kept && kept > 1;
  }

  private static void setArguments(OpContext context, DynamicCustomOp op, List<INDArray> inputs) {
    context.setInputArrays(inputs.toArray(INDArray[]::new));
    context.setIArguments(op.iArgs());
    context.setTArguments(op.tArgs());
    context.setBArguments(op.bArgs());
    context.setDArguments(op.dArgs());
  }

  private static void setInputs(OpContext context, BaseOp op, List<INDArray> inputs) {
    boolean second = inputs.size() > 1;
    if (second && op instanceof ReduceOp reduce && reduce.getOpType() != Op.Type.REDUCE3) {
      // The second input of a reduction names its axes; SameDiff gives it as an array.
      throw new UnplannableGraphException(
          Text.format(
              "operation \"%s\" (%s) takes its axes from an array", op.getOwnName(), op.opName()));
    }
    if (second && op instanceof ScalarOp) {
      throw new UnplannableGraphException(
          Text.format(
              "operation \"%s\" (%s) takes its scalar from an array",
              op.getOwnName(), op.opName()));
    }
    for (int i = 0; i < inputs.size(); i++) {
      context.setInputArray(i, inputs.get(i));
    }
  }

  /**
   * A stack of matrix products as one call a matrix. ND4J hands single matrices to oneDNN and
   * stacks to a loop of its own, which takes twice as long for the matrices of attention.
   */
  static final class BatchedProduct {
    /** Multiplications a matrix below which the calls cost more than they save. */
    private static final long LEAST = 250_000;

    private BatchedProduct() {}

    /** Whether an operation is such a stack, of matrices that are worth it. */
    static boolean splits(DynamicCustomOp op, List<INDArray> inputs, List<INDArray> outputs) {
      if (!op.opName().equals("matmul") || inputs.size() != 2 || outputs.size() != 1) {
        return false;
      }
      INDArray x = inputs.get(0);
      INDArray y = inputs.get(1);
      INDArray z = outputs.get(0);
      int rank = z.rank();
      if (rank < 3 || x.rank() != rank || y.rank() != rank || stack(x) != stack(z)) {
        return false;
      }
      long rows = z.size(rank - 2);
      // What is summed over: a matrix of x has rows times as many elements, transposed or not.
      long inner = x.length() / (stack(z) * rows);
      return stack(y) == stack(z)
          && stack(z) > 1
          && isDense(x)
          && isDense(y)
          && isDense(z)
          && rows * inner * z.size(rank - 1) >= LEAST;
    }

    /** Ties each matrix to a context of its own. */
    static OperationCall.Bound bind(
        OpExecutioner executioner, DynamicCustomOp op, List<INDArray> inputs, INDArray output) {
      List<INDArray> xs = matrices(inputs.get(0));
      List<INDArray> ys = matrices(inputs.get(1));
      List<INDArray> zs = matrices(output);
      List<OpContext> contexts = new ArrayList<>();
      for (int i = 0; i < zs.size(); i++) {
        OpContext context = executioner.buildContext();
        context.setInputArrays(xs.get(i), ys.get(i));
        context.setOutputArray(0, zs.get(i));
        context.setIArguments(op.iArgs());
        context.setTArguments(op.tArgs());
        contexts.add(context);
      }
      return () -> contexts.forEach(context -> executioner.exec(op, context));
    }

    private static long stack(INDArray array) {
      return array.length() / (array.size(-1) * array.size(-2));
    }

    private static boolean isDense(INDArray array) {
      return array.ordering() == 'c' && array.elementWiseStride() == 1;
    }

    private static List<INDArray> matrices(INDArray array) {
      INDArray flat = array.reshape('c', stack(array), array.size(-2), array.size(-1));
      List<INDArray> result = new ArrayList<>();
      for (long i = 0; i < flat.size(0); i++) {
        result.add(flat.slice(i));
      }
      return result;
    }
  }
}
