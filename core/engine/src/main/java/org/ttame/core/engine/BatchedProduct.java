package org.ttame.core.engine;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.OpContext;
import org.nd4j.linalg.api.ops.executioner.OpExecutioner;

/**
 * A stack of matrix products as one call a matrix. ND4J hands single matrices to oneDNN and stacks
 * to a loop of its own, which takes twice as long for the matrices of attention.
 */
final class BatchedProduct {
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
