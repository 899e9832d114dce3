package org.ttame.backbones.graph;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.architecture.Architecture;
import org.ttame.backbones.architecture.ResNetArchitecture;
import org.ttame.backbones.architecture.VggArchitecture;
import org.ttame.backbones.architecture.VitArchitecture;
import org.ttame.backbones.graph.ImportedLayers.Role;
import org.ttame.core.engine.HostMemory;

/**
 * The values that PyTorch's modules begin with, in the layout of the graph:
 *
 * <ul>
 *   <li>convolutions and linear layers: weight and bias uniform in ±1/√fan_in
 *   <li>batch normalisation: the identity, folded into the convolution before it, whose bias is
 *       then 0 where it had none
 *   <li>layer normalisation: 1 and 0
 *   <li>attention: query, key and value uniform in ±√(6/(D + 3D)) with biases 0, the output
 *       projection's bias 0
 *   <li>positions: normal with deviation 0.02, and a class token of zeros, as torchvision has them
 * </ul>
 *
 * <p>A value depends on the seed and the parameter's name alone, so that layers randomised one
 * after another keep theirs. The numbers are those of {@link Random}, which are part of its
 * specification.
 */
public final class InitialValues {
  private static final double BATCH_NORM_EPSILON = 1e-5;
  private static final double POSITION_DEVIATION = 0.02;
  private static final String BIAS = ".bias";

  // Random keeps the lower 48 bits of its state; a double has 26 of one and 27 of the next.
  private static final long MULTIPLIER = 0x5DEECE66DL;
  private static final long ADDEND = 0xBL;
  private static final int STATE_SHIFT = 64 - 48;
  private static final int HIGH_SHIFT = 64 - 26;
  private static final int LOW_BITS = 27;
  private static final int LOW_SHIFT = 64 - LOW_BITS;
  private static final double UNIT = 0x1.0p-53;

  private final Architecture architecture;
  private final long seed;
  private final Map<String, List<Long>> shapes = new HashMap<>();

  /**
   * Values of an architecture's parameters.
   *
   * @param seed of all values
   */
  public InitialValues(Architecture architecture, long seed) {
    this.architecture = architecture;
    this.seed = seed;
    for (Parameter parameter : BackboneGraph.outline(architecture).parameters()) {
      shapes.put(parameter.name(), parameter.shape());
    }
  }

  /**
   * Draws a parameter.
   *
   * @param name its name in the graph
   * @return a new float32 array in c order; the caller owns it
   */
  public INDArray draw(String name, long... shape) {
    long own = seed * 0x9E3779B97F4A7C15L + name.hashCode();
    int length = 1;
    for (long size : shape) {
      length = Math.multiplyExact(length, Math.toIntExact(size));
    }
    float[] values = new float[length];
    if (name.equals("encoder.pos_embedding")) {
      Random random = new Random(own);
      for (int i = 0; i < length; i++) {
        values[i] = (float) (random.nextGaussian() * POSITION_DEVIATION);
      }
    } else if (isNorm(name)) {
      java.util.Arrays.fill(values, isShift(name) ? 0 : 1);
    } else if (bound(name) > 0) {
      drawUniform(own, bound(name), values);
    }
    INDArray array = Nd4j.createUninitialized(DataType.FLOAT, shape, 'c');
    HostMemory.fill(array, memory -> memory.asFloatBuffer().put(values));
    return array;
  }

  /**
   * Uniform values in ± a bound, of {@link Random#nextDouble}. A classifier may have 10⁸ of them,
   * drawn at each stage of a randomisation: Random itself, which updates its state for any number
   * of threads and asks twice for each, took two thirds of that.
   */
  private static void drawUniform(long seed, double bound, float[] values) {
    long state = seed ^ MULTIPLIER;
    for (int i = 0; i < values.length; i++) {
      state = state * MULTIPLIER + ADDEND;
      long high = state << STATE_SHIFT >>> HIGH_SHIFT;
      state = state * MULTIPLIER + ADDEND;
      long low = state << STATE_SHIFT >>> LOW_SHIFT;
      values[i] = (float) ((2 * (((high << LOW_BITS) + low) * UNIT) - 1) * bound);
    }
  }

  private boolean isNorm(String name) {
    if (architecture instanceof ImportedLayers imported) {
      Role role = imported.role(name);
      return role == Role.SCALE || role == Role.SHIFT;
    }
    return name.contains(".ln_") || name.startsWith("encoder.ln.");
  }

  private boolean isShift(String name) {
    return architecture instanceof ImportedLayers imported
        ? imported.role(name) == Role.SHIFT
        : name.endsWith(BIAS);
  }

  /** Values are uniform in ± this; 0 for biases that begin as zeros. */
  private double bound(String name) {
    boolean bias = name.endsWith(BIAS);
    String weight = name.substring(0, name.lastIndexOf('.')) + ".weight";
    List<Long> shape = shapes.get(weight);
    // [kh, kw, in, out] or [in, out]: all but the last.
    long fanIn = shape.subList(0, shape.size() - 1).stream().reduce(1L, Math::multiplyExact);
    double usual = 1 / Math.sqrt((double) fanIn);
    if (architecture instanceof VitArchitecture vit) {
      return transformerBound(name, bias, usual, vit);
    }
    boolean convolution = shape.size() == 4;
    if (architecture instanceof ResNetArchitecture && convolution) {
      return bias ? 0 : usual / Math.sqrt(1 + BATCH_NORM_EPSILON);
    }
    if (architecture instanceof VggArchitecture vgg && vgg.batchNorm() && convolution) {
      return usual / Math.sqrt(1 + BATCH_NORM_EPSILON);
    }
    return usual;
  }

  /** With the scalings that the graph keeps in its weights, see {@link VitGraph}. */
  private static double transformerBound(
      String name, boolean bias, double usual, VitArchitecture vit) {
    if (name.contains(".self_attention.")) {
      if (bias) {
        return 0;
      }
      double packed = Math.sqrt(6.0 / (4.0 * vit.width()));
      return name.contains(".out_proj.")
          ? usual
          : name.contains(".query.") ? packed / Math.sqrt(vit.headWidth()) : packed;
    }
    boolean halved = name.contains(".mlp.0.") || name.endsWith(".mlp.3.weight");
    return halved ? usual / Math.sqrt(2) : usual;
  }
}
