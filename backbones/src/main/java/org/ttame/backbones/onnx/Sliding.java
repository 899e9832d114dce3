package org.ttame.backbones.onnx;

import org.ttame.core.Text;

/**
 * How a convolution or pooling moves along one axis: padding is resolved, so that {@code auto_pad}
 * and {@code ceil_mode} are numbers.
 *
 * @param size values along the axis
 * @param kernel values a window covers, gaps not counted
 * @param stride step
 * @param dilation distance between what a window reads
 * @param before padding in front
 * @param after padding behind, which counts as padding
 * @param over what the last window covers beyond that, and which counts as nothing
 * @param count how many windows there are
 */
record Sliding(
    long size,
    long kernel,
    long stride,
    long dilation,
    long before,
    long after,
    long over,
    long count) {
  private static final long[] ONES = {1, 1, 1};

  /** Padding on one side that is more than no classifier has. */
  private static final long MOST_PADDING = 1 << 14;

  Sliding {
    if (Math.max(Math.max(before, after), over) > MOST_PADDING) {
      throw new UnsupportedGraphException(
          Text.format(
              "a window of %d has more padding than is supported: %d values padded by %d",
              kernel, size, Math.max(before, after)));
    }
  }

  /**
   * Reads a node's attributes for one of its axes.
   *
   * @param axes how many axes of its input are windowed: all but the first two
   * @param axis which of them
   * @param size values along it
   */
  static Sliding of(OnnxNode node, int axes, int axis, long size, long kernel) {
    long stride = entry(node, "strides", axes, axis);
    long dilation = entry(node, "dilations", axes, axis);
    long reach = Math.addExact(Math.multiplyExact(kernel - 1, dilation), 1);
    if (stride < 1 || dilation < 1 || kernel < 1) {
      throw new UnsupportedGraphException(
          Text.format(
              "%s node \"%s\" has a kernel, stride or dilation below 1",
              node.type(), node.displayName()));
    }
    String automatic = node.text("auto_pad", "NOTSET");
    switch (automatic) {
      case "", "NOTSET" -> {
        long[] pads = node.integers("pads");
        if (pads != null && pads.length != 2 * axes) {
          throw new UnsupportedGraphException(
              Text.format(
                  "%s node \"%s\" has %d pads for %d axes",
                  node.type(), node.displayName(), pads.length, axes));
        }
        long before = pads == null ? 0 : pads[axis];
        long after = pads == null ? 0 : pads[axes + axis];
        if (before < 0 || after < 0) {
          throw new UnsupportedGraphException(
              Text.format("%s node \"%s\" has negative pads", node.type(), node.displayName()));
        }
        return counted(node, size, kernel, stride, dilation, before, after, reach);
      }
      case "VALID" -> {
        return counted(node, size, kernel, stride, dilation, 0, 0, reach);
      }
      case "SAME_UPPER", "SAME_LOWER" -> {
        if (reach > kernel && !node.type().equals("Conv")) {
          throw new UnsupportedGraphException(
              Text.format(
                  "%s node \"%s\" is dilated and pads by %s, where runtimes disagree",
                  node.type(), node.displayName(), automatic));
        }
        long count = (size + stride - 1) / stride;
        long total = Math.max(0, (count - 1) * stride + reach - size);
        long less = total / 2;
        boolean upper = automatic.equals("SAME_UPPER");
        return new Sliding(
            size,
            kernel,
            stride,
            dilation,
            upper ? less : total - less,
            upper ? total - less : less,
            0,
            count);
      }
      default ->
          throw new UnsupportedGraphException(
              Text.format(
                  "%s node \"%s\" pads by \"%s\"", node.type(), node.displayName(), automatic));
    }
  }

  private static Sliding counted(
      OnnxNode node,
      long size,
      long kernel,
      long stride,
      long dilation,
      long before,
      long after,
      long reach) {
    long free = size + before + after - reach;
    if (free < 0 && -free < stride && dilation == 1 && node.integer("ceil_mode", 0) == 1) {
      // Rounded up, there is one window, on all values: Hugging Face's EfficientNet ends so.
      return new Sliding(size, reach + free, stride, 1, before, after, 0, 1);
    }
    if (free < 0) {
      throw new UnsupportedGraphException(
          Text.format(
              "%s node \"%s\" has a window of %d, larger than its input of %d",
              node.type(), node.displayName(), reach, size + before + after));
    }
    long count = free / stride + 1;
    if (node.integer("ceil_mode", 0) == 1 && free % stride != 0) {
      if (count * stride >= size + before) {
        throw new UnsupportedGraphException(
            Text.format(
                "%s node \"%s\" has a last window that is all padding, where runtimes disagree",
                node.type(), node.displayName()));
      }
      count++;
    }
    long over = Math.max(0, (count - 1) * stride + reach - (size + before + after));
    return new Sliding(size, kernel, stride, dilation, before, after, over, count);
  }

  private static long entry(OnnxNode node, String attribute, int axes, int axis) {
    long[] given = node.integers(attribute);
    if (given == null) {
      return ONES[axis];
    }
    if (given.length != axes) {
      throw new UnsupportedGraphException(
          Text.format(
              "%s node \"%s\" has %d %s for %d axes",
              node.type(), node.displayName(), given.length, attribute, axes));
    }
    return given[axis];
  }

  /** Whether the same padding on both sides gives the same windows. */
  boolean even() {
    return over == 0 && (before == after || evenlyPadded());
  }

  /** Padding behind that no window reaches makes no difference. */
  private boolean evenlyPadded() {
    long reach = (kernel - 1) * dilation + 1;
    long free = size + 2 * before - reach;
    return free >= 0 && free / stride + 1 == count;
  }

  /** How many values of the image, or of it and its padding, a window covers. */
  long covered(long window, boolean padding) {
    long first = window * stride - before;
    long low = padding ? -before : 0;
    long high = padding ? size + after : size;
    long from = Math.max(0, -Math.floorDiv(first - low, dilation));
    long to = Math.min(kernel, -Math.floorDiv(first - high, dilation));
    return Math.max(0, to - from);
  }
}
