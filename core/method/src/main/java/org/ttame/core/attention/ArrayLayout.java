package org.ttame.core.attention;

import java.util.LinkedHashMap;
import java.util.Map;
import org.ttame.core.classifier.FeatureLayer;

/**
 * The arrays of a mechanism: names, shapes and roles.
 *
 * <p>Inside, a 1×1 convolution's weight is the matrix {@code [out, in]}; in files it has PyTorch's
 * shape {@code [out, in, 1, 1]}. The values lie in the same order.
 */
final class ArrayLayout {
  static final String FUSION_WEIGHT = "fusion.weight";
  static final String FUSION_BIAS = "fusion.bias";

  private ArrayLayout() {}

  /** What an array is for, which decides its initial value. */
  enum Role {
    CONV_WEIGHT,
    CONV_BIAS,
    BN_WEIGHT,
    BN_BIAS,
    RUNNING_MEAN,
    RUNNING_VAR;

    boolean trainable() {
      return this != RUNNING_MEAN && this != RUNNING_VAR;
    }
  }

  /**
   * An array: a matrix {@code [out, in]} or a vector.
   *
   * @param role what it is for
   * @param out rows, or length
   * @param in columns; 0 for a vector
   * @param fanIn inputs of the convolution it belongs to; 0 for batch normalisation
   */
  record Entry(Role role, int out, int in, int fanIn) {
    static Entry matrix(int out, int in) {
      return new Entry(Role.CONV_WEIGHT, out, in, in);
    }

    static Entry vector(Role role, int length, int fanIn) {
      return new Entry(role, length, 0, fanIn);
    }

    long[] shape() {
      return in == 0 ? new long[] {out} : new long[] {out, in};
    }

    long[] fileShape() {
      return in == 0 ? new long[] {out} : new long[] {out, in, 1, 1};
    }
  }

  static String convWeight(int branch) {
    return "branch." + branch + ".conv.weight";
  }

  static String convBias(int branch) {
    return "branch." + branch + ".conv.bias";
  }

  static String bnWeight(int branch) {
    return "branch." + branch + ".bn.weight";
  }

  static String bnBias(int branch) {
    return "branch." + branch + ".bn.bias";
  }

  static String runningMean(int branch) {
    return "branch." + branch + ".bn.running_mean";
  }

  static String runningVar(int branch) {
    return "branch." + branch + ".bn.running_var";
  }

  /** All arrays of a mechanism, in the order of files. */
  static Map<String, Entry> of(AttentionSpec spec) {
    Map<String, Entry> entries = new LinkedHashMap<>();
    for (int i = 0; spec.variant().hasBranches() && i < spec.features().size(); i++) {
      FeatureLayer layer = spec.features().get(i);
      int c = layer.channels();
      entries.put(convWeight(i), Entry.matrix(c, c));
      entries.put(convBias(i), Entry.vector(Role.CONV_BIAS, c, c));
      if (spec.variant().hasBatchNorm()) {
        entries.put(bnWeight(i), Entry.vector(Role.BN_WEIGHT, c, 0));
        entries.put(bnBias(i), Entry.vector(Role.BN_BIAS, c, 0));
        entries.put(runningMean(i), Entry.vector(Role.RUNNING_MEAN, c, 0));
        entries.put(runningVar(i), Entry.vector(Role.RUNNING_VAR, c, 0));
      }
    }
    int channels = spec.fusionChannels();
    entries.put(FUSION_WEIGHT, Entry.matrix(spec.classes(), channels));
    entries.put(FUSION_BIAS, Entry.vector(Role.CONV_BIAS, spec.classes(), channels));
    return entries;
  }
}
