package org.ttame.core.engine;

import java.util.Arrays;
import org.ttame.core.Text;

/**
 * The size of a convolution or a pool: images whose channels are the last axis, and what moves over
 * them.
 */
final class Window {
  /** Channels a block; see {@link BlockedLayoutPass}. */
  private static final long BLOCK = 8;

  private final long[] input;
  private final long[] output;
  private final long[] kernel;
  private final long[] stride;
  private final long[] padding;
  private final long groups;

  private Window(
      long[] input, long[] output, long[] kernel, long[] stride, long[] padding, long groups) {
    this.input = input;
    this.output = output;
    this.kernel = kernel;
    this.stride = stride;
    this.padding = padding;
    this.groups = groups;
  }

  /**
   * The size of a convolution, or null if it is none of those that oneDNN does.
   *
   * @param step conv2d, depthwise_conv2d or the gradient of one
   * @param input the convolution's, {@code [B, H, W, I]}
   * @param output the convolution's, {@code [B, h, w, O]}
   */
  static Window ofConvolution(PlanStep step, long[] input, long[] output) {
    // kernel, stride, padding, dilation (each height, width), same mode, NHWC, layout of weights
    long[] a = step.integerArguments();
    boolean plain = a.length > 9 && isDense(a) && a[9] == 1 && (a.length < 11 || a[10] == 0);
    if (!plain) {
      return null;
    }
    return step.kind().startsWith("depthwise")
        ? of(a, input, output, input[3])
        : of(a, input, output, 1).unrolled();
  }

  /**
   * A convolution whose channels are in groups, each of which sees its own part of the input.
   *
   * @param one a group's convolution
   */
  static Window ofGroups(Window one, long[] input, long[] output, long groups) {
    return new Window(input, output, one.kernel, one.stride, one.padding, groups);
  }

  /** Whether another window moves in the same way over images of the same size. */
  boolean isLike(Window other) {
    return other != null
        && Arrays.equals(input, other.input)
        && Arrays.equals(output, other.output)
        && Arrays.equals(kernel, other.kernel)
        && Arrays.equals(stride, other.stride)
        && Arrays.equals(padding, other.padding)
        && groups == other.groups;
  }

  /** Of a large 1×1 convolution a single row of pixels, see {@link PointwiseRows}. */
  private Window unrolled() {
    boolean pointwise = kernel[0] * kernel[1] * stride[0] * stride[1] == 1 && padded() == 0;
    long channels = Math.max(input[3], output[3]);
    return pointwise && PointwiseRows.overflow(output[1], output[2], channels)
        ? new Window(
            PointwiseRows.row(input), PointwiseRows.row(output), kernel, stride, padding, groups)
        : this;
  }

  private long padded() {
    return padding[0] + padding[1];
  }

  /**
   * The size of a pool, or null if it is none of those that oneDNN does.
   *
   * @param step maxpool2d or maxpool2d_bp
   * @param input the pool's, {@code [B, H, W, C]}
   * @param output the pool's, {@code [B, h, w, C]}
   */
  static Window ofPool(PlanStep step, long[] input, long[] output) {
    // kernel, stride, padding, dilation (each height, width), same mode, extra, NHWC
    long[] a = step.integerArguments();
    boolean plain = a.length > 10 && isDense(a) && a[10] == 1;
    Window window = plain ? of(a, input, output, 1) : null;
    return window != null && window.covers(0) && window.covers(1) ? window : null;
  }

  /**
   * A product {@code [M, K]·[K, N]} as a convolution of 1×1 over M pixels.
   *
   * @param rows M
   * @param inner K
   * @param columns N
   * @param height of the image; what M is not divided by becomes a column of M pixels
   */
  static Window ofProduct(long rows, long inner, long columns, long height) {
    long[] one = {1, 1};
    long h = rows % height == 0 ? height : rows;
    long[] output = {1, h, rows / h, columns};
    return new Window(new long[] {1, h, rows / h, inner}, output, one, one, new long[2], 1)
        .unrolled();
  }

  private static boolean isDense(long[] a) {
    return a[6] == 1 && a[7] == 1 && a[8] == 0;
  }

  private static Window of(long[] a, long[] input, long[] output, long groups) {
    return new Window(
        input,
        output,
        new long[] {a[0], a[1]},
        new long[] {a[2], a[3]},
        new long[] {a[4], a[5]},
        groups);
  }

  /** Whether the output is as large as padding of the same size on both sides makes it. */
  private boolean covers(int axis) {
    long moves = input[axis + 1] + 2 * padding[axis] - kernel[axis];
    return moves >= 0 && moves / stride[axis] + 1 == output[axis + 1];
  }

  /**
   * The convolution with turned weights that is this one's gradient; null where there is none, or
   * nothing is gained: oneDNN's kernels for gradients of 3×3 take a third longer than the forward
   * ones, those of 1×1 the same.
   */
  Window turned() {
    boolean unit = stride[0] == 1 && stride[1] == 1;
    boolean small = kernel[0] * kernel[1] == 1;
    if (!unit || small || groups > 1 || padding[0] >= kernel[0] || padding[1] >= kernel[1]) {
      return null;
    }
    long[] rest = {kernel[0] - 1 - padding[0], kernel[1] - 1 - padding[1]};
    return new Window(/* input= */ output, /* output= */ input, kernel, stride, rest, 1);
  }

  /** {@code [B, H, W, I]}. */
  long[] input() {
    return input.clone();
  }

  /** {@code [B, h, w, O]}. */
  long[] output() {
    return output.clone();
  }

  /** Height and width. */
  long[] kernel() {
    return kernel.clone();
  }

  /** Height and width. */
  long[] stride() {
    return stride.clone();
  }

  /** Height and width, the same on both sides. */
  long[] padding() {
    return padding.clone();
  }

  /** Groups of channels; as many as there are input channels where each stands alone. */
  long groups() {
    return groups;
  }

  /** A convolution's multiplications and additions. */
  long operations() {
    long inner = input[3] / groups * kernel[0] * kernel[1];
    return 2 * output[0] * output[1] * output[2] * output[3] * inner;
  }

  String name() {
    String size = Text.format("%d×%d/%d", kernel[0], kernel[1], stride[0]);
    return groups == 1 ? size : Text.format("%s of %d groups", size, groups);
  }

  /**
   * Whether there is something to gain from blocks: what is read is whole blocks, what is written,
   * too, or less than one. 1×1 is a product either way.
   */
  boolean fitsBlocks() {
    return isWide() && groups == 1 && isWhole(input) && (isWhole(output) || output[3] < BLOCK);
  }

  /** The same of the gradient, which reads what is like the output and writes the input's. */
  boolean gradientFitsBlocks() {
    return isWide() && groups == 1 && isWhole(output) && (isWhole(input) || input[3] < BLOCK);
  }

  /** A shape with channels for whole blocks, as their memory needs it. */
  static long[] padded(long[] shape) {
    long[] whole = shape.clone();
    whole[3] = (shape[3] + BLOCK - 1) / BLOCK * BLOCK;
    return whole;
  }

  private boolean isWide() {
    return kernel[0] * kernel[1] > 1;
  }

  private static boolean isWhole(long[] shape) {
    return shape[3] % BLOCK == 0;
  }

  /** Whether the channels of input and output are whole blocks. */
  boolean hasWholeBlocks() {
    return isWhole(input) && isWhole(output);
  }
}
