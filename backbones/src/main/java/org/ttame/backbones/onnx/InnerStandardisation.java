package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.ttame.core.image.InputSpec;

/**
 * A standardisation that a graph does itself, right behind its input: sums, differences, products
 * and quotients with a constant for each channel. Together they are y = a·x + b, and the constants
 * say whether x is a pixel in [0, 1] or in [0, 255]: a mean, −b/a, above 2 is one of [0, 255], and
 * so is a factor a below 0.1.
 */
final class InnerStandardisation {
  private static final double LARGEST_UNIT_MEAN = 2;
  private static final double LARGEST_BYTE_FACTOR = 0.1;
  private static final double SMALLEST_UNIT_FACTOR = 0.5;
  private static final int CHANNELS = 3;

  private final double[] factor = {1, 1, 1};
  private final double[] offset = new double[CHANNELS];

  private InnerStandardisation() {}

  /**
   * What is left for whoever feeds the graph.
   *
   * @param flow the graph, before anything is fused
   * @return mean 0 and the std that gives [0, 1] or [0, 255]; empty if the graph does not
   *     standardise, or its constants do not tell
   */
  static Optional<InputSpec> of(Dataflow flow) throws IOException {
    InnerStandardisation inner = new InnerStandardisation();
    Value at = flow.input();
    boolean any = false;
    while (at.consumers().size() == 1) {
      Operation next = at.consumers().get(0);
      if (!inner.absorb(next)) {
        break;
      }
      any = true;
      at = next.output();
    }
    return any ? inner.range().map(std -> spec(flow.side(), std)) : Optional.empty();
  }

  private static InputSpec spec(int side, double std) {
    return new InputSpec(side, List.of(0.0, 0.0, 0.0), Collections.nCopies(CHANNELS, std));
  }

  /** 1 for [0, 1], 1/255 for [0, 255]. */
  private Optional<Double> range() {
    boolean bytes = true;
    boolean unit = true;
    double mean = 0;
    for (int c = 0; c < CHANNELS; c++) {
      bytes &= Math.abs(factor[c]) <= LARGEST_BYTE_FACTOR;
      unit &= Math.abs(factor[c]) >= SMALLEST_UNIT_FACTOR;
      mean = Math.max(mean, Math.abs(offset[c] / factor[c]));
    }
    if (bytes || mean > LARGEST_UNIT_MEAN) {
      return Optional.of(1 / 255.0);
    }
    return unit ? Optional.of(1.0) : Optional.empty();
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
    for (int i = 0; i < CHANNELS; i++) {
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

  /** A value for each channel of [B, 3, S, S]; null if the constant is another. */
  private static double[] perChannel(Constant constant) throws IOException {
    long[] shape = constant.shape();
    int rank = shape.length;
    if (constant.size() == 1) {
      double[] same = new double[CHANNELS];
      Arrays.fill(same, constant.scalar());
      return same;
    }
    boolean channels =
        constant.size() == CHANNELS && rank >= 3 && rank <= 4 && shape[rank - 3] == CHANNELS;
    return channels ? constant.values() : null;
  }
}
