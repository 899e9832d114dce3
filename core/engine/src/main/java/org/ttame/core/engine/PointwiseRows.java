package org.ttame.core.engine;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.nd4j.autodiff.listeners.At;
import org.nd4j.autodiff.listeners.BaseListener;
import org.nd4j.autodiff.listeners.Operation;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.OpContext;
import org.nd4j.linalg.exception.ND4JIllegalStateException;
import org.ttame.core.Text;

/**
 * Keeps large 1×1 convolutions away from a fault of oneDNN that ends the process.
 *
 * <p>With AVX-512, oneDNN's planner of 1×1 convolutions of stride one (2.3, which ND4J holds, and
 * 2.5.2) multiplies an image's rows, its pixels and its blocks of 16 channels in 32 bits, and
 * divides by the product: 1024·1024²·4 is 0 there, and the process dies of SIGFPE. To such a
 * convolution rows mean nothing. Where the product does not fit, an image is given as one row; its
 * memory is the same.
 */
final class PointwiseRows {
  /** Channels a block. */
  private static final long BLOCK = 16;

  /** NHWC: where iArgs say so, and what they say. */
  private static final int LAYOUT = 9;

  /** Operations of ND4J that end in a convolution of oneDNN or in its gradients. */
  private static final Set<String> CONVOLUTIONS =
      Set.of("conv2d", "conv2d_bp", "deconv2d", "deconv2d_bp", "deconv2d_tf");

  private PointwiseRows() {}

  /**
   * Whether oneDNN's planner would overflow.
   *
   * @param height H of input and output
   * @param width W of both
   * @param channels the larger of both
   */
  static boolean overflow(long height, long width, long channels) {
    long blocks = (channels + BLOCK - 1) / BLOCK;
    return height > 1 && (double) height * height * width * blocks > Integer.MAX_VALUE;
  }

  /** The shape of images as one row each, {@code [B, 1, H·W, C]}. */
  static long[] row(long[] shape) {
    return new long[] {shape[0], 1, shape[1] * shape[2], shape[3]};
  }

  /** Whether ND4J would let oneDNN's planner overflow. */
  static boolean concerns(DynamicCustomOp op, List<INDArray> inputs, List<INDArray> outputs) {
    if (!CONVOLUTIONS.contains(op.opName()) || !isPointwise(op.iArgs())) {
      return false;
    }
    boolean channelsLast = op.iArgs().length > LAYOUT && op.iArgs()[LAYOUT] == 1;
    int rows = channelsLast ? 1 : 2;
    List<INDArray> images =
        Stream.concat(inputs.stream(), outputs.stream())
            .filter(array -> array.rank() == 4)
            .toList();
    long height = images.stream().mapToLong(array -> array.size(rows)).max().orElse(0);
    long width = images.stream().mapToLong(array -> array.size(rows + 1)).max().orElse(0);
    long channels =
        images.stream().mapToLong(array -> array.size(channelsLast ? 3 : 1)).max().orElse(0);
    return overflow(height, width, channels);
  }

  /**
   * Whether oneDNN's planner would overflow in a convolution or its gradient.
   *
   * @param step whose second input are weights {@code [1, 1, I, O]}
   * @param image {@code [B, H, W, C]}
   */
  static boolean concerns(PlanStep step, long[] image) {
    long[] weights = step.inputs.get(1).shape;
    return isPointwise(step.integerArguments())
        && overflow(image[1], image[2], Math.max(weights[2], weights[3]));
  }

  private static boolean isPointwise(long[] arguments) {
    return arguments.length > 3 && Arrays.stream(arguments, 0, 4).allMatch(n -> n == 1);
  }

  /**
   * Arrays of conv2d or conv2d_bp with images as one row each; others as they are.
   *
   * @param arrays inputs or outputs, of an operation that {@link #concerns} names
   * @param weights the weights' shape, {@code [1, 1, I, O]}: what is no image
   * @throws IllegalArgumentException if the operation or an array's layout does not allow it
   */
  static List<INDArray> rows(DynamicCustomOp op, List<INDArray> arrays, long[] weights) {
    boolean allowed = op.opName().equals("conv2d") || op.opName().equals("conv2d_bp");
    if (!allowed || op.iArgs().length <= LAYOUT || op.iArgs()[LAYOUT] != 1) {
      throw refusal(op);
    }
    return arrays.stream().map(array -> isImage(array, weights) ? row(op, array) : array).toList();
  }

  private static boolean isImage(INDArray array, long[] weights) {
    return array.rank() == 4 && !Arrays.equals(array.shape(), weights);
  }

  private static INDArray row(DynamicCustomOp op, INDArray array) {
    try {
      return array.reshape('c', /* enforceView= */ true, row(array.shape()));
    } catch (ND4JIllegalStateException e) {
      throw refusal(op); // a copy would not follow the array
    }
  }

  private static IllegalArgumentException refusal(DynamicCustomOp op) {
    return new IllegalArgumentException(
        Text.format(
            "The images are too large for the 1×1 convolution \"%s\" (%s) in this engine; use the"
                + " engine auto, or smaller images",
            op.getOwnName(), op.opName()));
  }

  /** Refuses in SameDiff's session, which nobody can give other shapes, what would end it. */
  static final class Guard extends BaseListener {
    @Override
    public boolean isActive(Operation operation) {
      return true;
    }

    @Override
    public void preOpExecution(SameDiff graph, At at, SameDiffOp op, OpContext context) {
      if (context != null // control flow has none
          && op.getOp() instanceof DynamicCustomOp custom
          && concerns(custom, context.getInputArrays(), context.getOutputArrays())) {
        throw refusal(custom);
      }
    }
  }
}
