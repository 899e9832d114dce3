package org.ttame.backbones.onnx;

import org.ttame.core.Text;

/**
 * How a convolution or pooling moves over an image.
 *
 * @param kernelRows kernel height
 * @param kernelColumns kernel width
 * @param strideRows vertical step
 * @param strideColumns horizontal step
 * @param top padding above
 * @param left padding at the left
 * @param bottom padding below
 * @param right padding at the right
 * @param dilated whether the kernel has gaps
 * @param ceil whether a window that reaches over the edge counts
 */
record Window(
    long kernelRows,
    long kernelColumns,
    long strideRows,
    long strideColumns,
    long top,
    long left,
    long bottom,
    long right,
    boolean dilated,
    boolean ceil) {

  static Window of(OnnxNode node, long kernelRows, long kernelColumns) {
    String automatic = node.text("auto_pad", "NOTSET");
    if (!automatic.isEmpty() && !automatic.equals("NOTSET") && !automatic.equals("VALID")) {
      throw new UnsupportedGraphException(
          Text.format(
              "%s node \"%s\" pads by %s; only explicit padding is supported",
              node.type(), node.displayName(), automatic));
    }
    long[] strides = orElse(node.integers("strides"), 1, 1);
    long[] none = new long[4];
    long[] pads = automatic.equals("VALID") ? none : orElse(node.integers("pads"), none);
    long[] dilations = orElse(node.integers("dilations"), 1, 1);
    return new Window(
        kernelRows,
        kernelColumns,
        strides[0],
        strides[1],
        pads[0],
        pads[1],
        pads[2],
        pads[3],
        dilations[0] != 1 || dilations[1] != 1,
        node.integer("ceil_mode", 0) != 0);
  }

  private static long[] orElse(long[] given, long... otherwise) {
    return given == null ? otherwise : given;
  }

  /** Square, evenly padded, without gaps, and rounding down. */
  boolean simple() {
    return kernelRows == kernelColumns
        && strideRows == strideColumns
        && top == left
        && top == bottom
        && top == right
        && !dilated
        && !ceil;
  }

  int kernel() {
    return Math.toIntExact(kernelRows);
  }

  int stride() {
    return Math.toIntExact(strideRows);
  }

  int padding() {
    return Math.toIntExact(top);
  }

  long rows(long height) {
    return positions(height + top + bottom, kernelRows, strideRows);
  }

  long columns(long width) {
    return positions(width + left + right, kernelColumns, strideColumns);
  }

  private long positions(long size, long kernel, long stride) {
    if (size < kernel || stride < 1) {
      throw new UnsupportedGraphException(
          Text.format("a window of %d is larger than its input of %d", kernel, size));
    }
    long free = size - kernel;
    return (ceil ? (free + stride - 1) / stride : free / stride) + 1;
  }
}
