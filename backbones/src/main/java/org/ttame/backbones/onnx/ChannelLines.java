package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * A value each of whose elements is a·x + b of a pixel's channel x, with an a and a b for each
 * index along one axis.
 *
 * @param axis of the value along which channels lie; -1 where there is one channel only
 * @param channel of the image, for each index along the axis
 * @param factor a, likewise
 * @param offset b, likewise
 */
@SuppressWarnings("ArrayRecordComponent") // passed on, never compared
record ChannelLines(int axis, int[] channel, double[] factor, double[] offset) {
  /** The image itself. */
  static ChannelLines of(ImageInput image) {
    int channels = image.channels();
    int[] channel = new int[channels];
    double[] factor = new double[channels];
    Arrays.setAll(channel, i -> i);
    Arrays.fill(factor, 1);
    return new ChannelLines(
        channels == 1 ? -1 : image.channelAxis(), channel, factor, new double[channels]);
  }

  /**
   * What an operation makes of such values.
   *
   * @param operation that is understood
   * @param known all values that it reads, perhaps others
   * @return an entry for each output; none if they are no such values
   */
  static List<ChannelLines> after(Operation operation, Map<Value, ChannelLines> known)
      throws IOException {
    if (operation.is("Concat")) {
      return joined(operation, known);
    }
    if (operation.values().size() != 1
        || !(operation.input(0) instanceof Value || isSum(operation))) {
      return List.of();
    }
    ChannelLines lines = known.get(operation.values().get(0));
    if (Movement.moves(operation.type())) {
      return lines.moved(operation);
    }
    return switch (operation.type()) {
      case "Cast" -> List.of(lines);
      case "Add", "Sub", "Mul", "Div" -> lines.computed(operation);
      case "Conv" -> lines.convolved(operation);
      default -> List.of();
    };
  }

  /** Where either operand may be the constant. */
  private static boolean isSum(Operation operation) {
    return operation.is("Add", "Sub", "Mul");
  }

  private static List<ChannelLines> joined(Operation concat, Map<Value, ChannelLines> known) {
    int rank = concat.output().rank();
    int along = Movement.axis(concat.node().integer("axis", 0), rank);
    List<ChannelLines> parts = new ArrayList<>();
    for (Operand operand : concat.inputs()) {
      ChannelLines part = operand instanceof Value value ? known.get(value) : null;
      if (part == null
          || operand.shape()[along] != part.channel.length
          || (part.axis >= 0 && part.axis != along)) {
        return List.of();
      }
      parts.add(part);
    }
    return List.of(
        new ChannelLines(
            along,
            parts.stream().flatMapToInt(part -> Arrays.stream(part.channel)).toArray(),
            parts.stream().flatMapToDouble(part -> Arrays.stream(part.factor)).toArray(),
            parts.stream().flatMapToDouble(part -> Arrays.stream(part.offset)).toArray()));
  }

  /** Where the indices along the axis are after elements have been moved. */
  private List<ChannelLines> moved(Operation operation) throws IOException {
    long[] shape = operation.value(0).shape();
    long[] ones = new long[shape.length];
    Arrays.fill(ones, 1);
    if (axis >= 0) {
      ones[axis] = channel.length;
    }
    Constant indices = Constant.positions(ones).broadcast(shape);
    List<ChannelLines> result = new ArrayList<>();
    for (Constant output : Movement.apply(operation.node(), indices, operation.inputs())) {
      int along = -1;
      Constant distinct = output;
      for (int i = 0; i < output.shape().length; i++) {
        if (output.stride(i) == 0 || output.shape()[i] == 1) {
          distinct = distinct.slice(i, 0, 1, 1);
        } else if (along >= 0) {
          return List.of();
        } else {
          along = i;
        }
      }
      if (output.size() == 0) {
        return List.of();
      }
      int[] from = Arrays.stream(distinct.values()).mapToInt(index -> (int) index).toArray();
      result.add(
          new ChannelLines(
              along,
              Arrays.stream(from).map(i -> channel[i]).toArray(),
              Arrays.stream(from).mapToDouble(i -> factor[i]).toArray(),
              Arrays.stream(from).mapToDouble(i -> offset[i]).toArray()));
    }
    return result;
  }

  private List<ChannelLines> computed(Operation operation) throws IOException {
    Value value = operation.onlyValue();
    Constant constant = operation.onlyConstant();
    int place = axis - value.rank() + constant.shape().length;
    boolean each =
        axis >= 0
            && place >= 0
            && constant.size() == channel.length
            && constant.shape()[place] == channel.length;
    if (!Arrays.equals(value.shape(), operation.output().shape())
        || !(each || constant.size() == 1)) {
      return List.of();
    }
    double[] numbers = constant.values();
    double[] a = factor.clone();
    double[] b = offset.clone();
    for (int i = 0; i < a.length; i++) {
      double c = numbers[each ? i : 0];
      switch (operation.type()) {
        case "Add" -> b[i] += c;
        case "Sub" -> b[i] -= c;
        case "Mul" -> {
          a[i] *= c;
          b[i] *= c;
        }
        default -> {
          a[i] /= c;
          b[i] /= c;
        }
      }
      if (operation.is("Sub") && operation.input(0) == constant) {
        a[i] = -a[i];
        b[i] = -b[i];
      }
    }
    return List.of(new ChannelLines(axis, channel, a, b));
  }

  /** After a convolution of single pixels, if each channel that it gives reads one only. */
  private List<ChannelLines> convolved(Operation conv) throws IOException {
    long[] in = conv.value(0).shape();
    long[] out = conv.output().shape();
    long[] weight = conv.input(1).shape();
    if (weight.length != 4) {
      return List.of();
    }
    int inputs = channel.length;
    long[] strides = conv.node().integers("strides");
    boolean pixels =
        weight[2] * weight[3] == 1
            && (strides == null || Arrays.stream(strides).allMatch(step -> step == 1))
            && out[2] == in[2]
            && out[3] == in[3];
    int outputs = (int) weight[0];
    int group = (int) weight[1];
    boolean known = conv.input(1) instanceof Constant && !(conv.input(2) instanceof Value);
    if (!pixels || !known || in[1] != inputs || (axis >= 0 && axis != 1) || outputs > inputs) {
      return List.of();
    }
    int inGroup = outputs * group / inputs;
    double[] factors = conv.constant(1).values();
    double[] biases = conv.input(2) == null ? new double[outputs] : conv.constant(2).values();
    int[] from = new int[outputs];
    double[] a = new double[outputs];
    double[] b = new double[outputs];
    for (int o = 0; o < outputs; o++) {
      int first = o / inGroup * group;
      int found = -1;
      for (int i = 0; i < group; i++) {
        if (factors[o * group + i] != 0) {
          if (found >= 0) {
            return List.of();
          }
          found = i;
        }
      }
      if (found < 0) {
        return List.of();
      }
      from[o] = channel[first + found];
      a[o] = factors[o * group + found] * factor[first + found];
      b[o] = factors[o * group + found] * offset[first + found] + biases[o];
    }
    return List.of(new ChannelLines(outputs == 1 ? -1 : 1, from, a, b));
  }

  /**
   * Notes each channel's a and b.
   *
   * @param lines for each channel of the image what is known of it, or null
   * @return whether nothing else was noted before
   */
  boolean addTo(double[][] lines) {
    for (int i = 0; i < channel.length; i++) {
      double[] line = {factor[i], offset[i]};
      double[] before = lines[channel[i]];
      if (before != null && !Arrays.equals(before, line)) {
        return false;
      }
      lines[channel[i]] = line;
    }
    return true;
  }
}
