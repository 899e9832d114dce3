package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.Arrays;
import java.util.Collections;
import java.util.Optional;
import org.ttame.core.image.ImageSize;
import org.ttame.core.image.InputSpec;
import org.ttame.core.image.ResizeRule;

/**
 * A standardisation that a graph does itself, right behind its input: sums, differences, products
 * and quotients with a constant for each channel, in between perhaps a cast, an exchange of
 * channels or of axes. Together they are y = a·x + b, and the constants say whether x is a pixel in
 * [0, 1] or in [0, 255]: a mean, −b/a, above 2 is one of [0, 255], and so is a factor a below 0.1.
 * Means below 0 are those of neither, so nothing is told. Images of bytes are in [0, 255] whatever
 * follows.
 */
final class InnerStandardisation {
  private static final double LARGEST_UNIT_MEAN = 2;
  private static final double LARGEST_BYTE_FACTOR = 0.1;
  private static final double SMALLEST_UNIT_FACTOR = 0.5;

  private final ImageInput image;
  private final double[] factor;
  private final double[] offset;

  /** Where the channels are after the axes have been exchanged. */
  private int channelAxis;

  private InnerStandardisation(ImageInput image) {
    this.image = image;
    factor = new double[image.channels()];
    Arrays.fill(factor, 1);
    offset = new double[image.channels()];
    channelAxis = image.channelAxis();
  }

  /**
   * What is left for whoever feeds the graph.
   *
   * @param flow the graph, before anything is fused
   * @return mean 0 and the std that gives [0, 1] or [0, 255]; empty if the graph does not
   *     standardise, or its constants do not tell
   */
  static Optional<InputSpec> of(Dataflow flow) throws IOException {
    InnerStandardisation inner = new InnerStandardisation(flow.image());
    if (flow.image().stored().type() == InputSpec.Type.UINT8) {
      return Optional.of(inner.spec(1 / 255.0));
    }
    Value at = flow.input();
    boolean any = false;
    while (at.consumers().size() == 1) {
      Operation next = at.consumers().get(0);
      if (inner.absorb(next)) {
        any = true;
      } else if (!inner.passes(next)) {
        break;
      }
      at = next.output();
    }
    return any ? inner.range().map(inner::spec) : Optional.empty();
  }

  private InputSpec spec(double std) {
    ImageSize size = image.size();
    return new InputSpec(
        size.height(),
        size.width(),
        Collections.nCopies(factor.length, 0.0),
        Collections.nCopies(factor.length, std),
        ResizeRule.CROP,
        image.stored());
  }

  /** 1 for [0, 1], 1/255 for [0, 255]. */
  private Optional<Double> range() {
    boolean bytes = true;
    boolean unit = true;
    boolean below = true;
    double mean = 0;
    for (int c = 0; c < factor.length; c++) {
      bytes &= Math.abs(factor[c]) <= LARGEST_BYTE_FACTOR;
      unit &= Math.abs(factor[c]) >= SMALLEST_UNIT_FACTOR;
      mean = Math.max(mean, Math.abs(offset[c] / factor[c]));
      below &= offset[c] / factor[c] > 0;
    }
    if (below) {
      // A mean below 0 in every channel is that of images that are themselves in [-1, 1].
      return Optional.empty();
    }
    if (bytes || mean > LARGEST_UNIT_MEAN) {
      return Optional.of(1 / 255.0);
    }
    return unit ? Optional.of(1.0) : Optional.empty();
  }

  /**
   * An exchange of channels or axes: which constant belongs to which colour does not matter here.
   */
  private boolean passes(Operation operation) {
    if (operation.is("Cast", "Identity")) {
      return true;
    }
    if (operation.is("Transpose")) {
      int[] permutation = Movement.permutation(operation.node(), operation.value(0).rank());
      channelAxis = Tensor.place(permutation, channelAxis);
      return true;
    }
    return operation.is("Gather", "Slice")
        && operation.values().size() == 1
        && Arrays.equals(operation.value(0).shape(), operation.output().shape());
  }

  private boolean absorb(Operation operation) throws IOException {
    if (!operation.is("Add", "Sub", "Mul", "Div") || operation.onlyConstant() == null) {
      return false;
    }
    boolean first = operation.input(0) instanceof Constant;
    double[] c = perChannel(operation.onlyConstant());
    if (c == null || (first && operation.is("Sub", "Div"))) {
      return false;
    }
    for (int i = 0; i < factor.length; i++) {
      switch (operation.type()) {
        case "Add" -> offset[i] += c[i];
        case "Sub" -> offset[i] -= c[i];
        case "Mul" -> {
          factor[i] *= c[i];
          offset[i] *= c[i];
        }
        default -> {
          factor[i] /= c[i];
          offset[i] /= c[i];
        }
      }
    }
    return Arrays.stream(factor).allMatch(f -> f != 0 && Double.isFinite(f));
  }

  /** A value for each channel; null if the constant is another. */
  private double[] perChannel(Constant constant) throws IOException {
    long[] shape = constant.shape();
    if (constant.size() == 1) {
      double[] same = new double[factor.length];
      Arrays.fill(same, constant.scalar());
      return same;
    }
    int axis = channelAxis - 4 + shape.length;
    boolean channels =
        constant.size() == factor.length && axis >= 0 && shape[axis] == factor.length;
    return channels ? constant.values() : null;
  }
}
