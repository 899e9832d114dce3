package org.ttame.training;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.graph.WeightSource;
import org.ttame.testing.FormulaArrays;

/**
 * The weights of make_fullsize_golden.py in the layout of the graphs: PyTorch's names, layouts and
 * rules on one side, transposed and folded on the other.
 */
final class FormulaWeights implements WeightSource {
  private static final int HEAD_WIDTH = 64;

  @Override
  public INDArray load(String name, long... shape) {
    float[] values = new float[Math.toIntExact(product(shape))];
    if (name.equals("encoder.pos_embedding")) {
      positions(values, (int) shape[2]);
    } else if (name.contains(".ln") || (name.endsWith("bias") && !name.contains("attention."))) {
      plain(values, name, name.contains(".mlp.0.") ? Math.sqrt(0.5) : 1);
    } else if (name.matches(".*\\.(query|key|value)\\.(weight|bias)")) {
      projection(values, name, shape);
    } else if (name.endsWith("bias")) {
      plain(values, name, 1);
    } else if (shape.length == 4) {
      convolution(values, name, shape);
    } else if (name.equals("conv_proj.weight")) {
      patches(values, name, (int) shape[1]);
    } else if (name.equals("classifier.0.weight")) {
      afterMap(values, name, shape, 512, 7);
    } else {
      double scale = name.matches(".*mlp\\.[03]\\.weight") ? Math.sqrt(0.5) : 1;
      linear(values, name, shape, scale * bound(name, shape[0]));
    }
    return Nd4j.create(values, shape, 'c');
  }

  /** The bound of a weight's uniform values, by its PyTorch name. */
  private static double bound(String name, long fanIn) {
    double gain = 6;
    if (name.startsWith("fc")) {
      gain = 0.6;
    } else if (name.matches("(encoder|conv_proj|heads).*")) {
      gain = 3;
    }
    if (name.matches(".*(conv3|out_proj|mlp\\.3)\\.weight")) {
      gain *= 0.1;
    }
    return Math.sqrt(gain / fanIn);
  }

  /** Biases and layer normalisation. */
  private static void plain(float[] values, String graphName, double scale) {
    String name = torchName(graphName);
    FormulaArrays u = new FormulaArrays(name);
    boolean norm = !name.endsWith("bias");
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (scale * (norm ? u.at(i) * 0.2f + 1 : u.at(i) * 0.05f));
    }
  }

  /** The bias of a ResNet's convolution is that of the batch normalisation folded into it. */
  private static String torchName(String name) {
    if (name.startsWith("layer") || name.startsWith("conv1.")) {
      return name.replace("conv", "bn").replace("downsample.0", "downsample.1");
    }
    return name;
  }

  /** [out, in, kh, kw] to [kh, kw, in, out]. */
  private static void convolution(float[] values, String name, long[] shape) {
    FormulaArrays u = new FormulaArrays(name);
    int k = (int) shape[0];
    int in = (int) shape[2];
    int out = (int) shape[3];
    float bound = (float) bound(name, (long) in * k * k);
    for (int at = 0, y = 0; y < k; y++) {
      for (int x = 0; x < k; x++) {
        for (int i = 0; i < in; i++) {
          for (int o = 0; o < out; o++) {
            values[at++] = u.at((((long) o * in + i) * k + y) * k + x) * bound;
          }
        }
      }
    }
  }

  /** [out, in] to [in, out]. */
  private static void linear(float[] values, String name, long[] shape, double bound) {
    FormulaArrays u = new FormulaArrays(name);
    for (int at = 0, i = 0; i < shape[0]; i++) {
      for (int o = 0; o < shape[1]; o++) {
        values[at++] = (float) (u.at(o * shape[0] + i) * bound);
      }
    }
  }

  /** [out, channels·side·side] to [side·side·channels, out]. */
  private static void afterMap(float[] values, String name, long[] shape, int channels, int side) {
    FormulaArrays u = new FormulaArrays(name);
    float bound = (float) bound(name, shape[0]);
    int pixels = side * side;
    for (int at = 0, pixel = 0; pixel < pixels; pixel++) {
      for (int c = 0; c < channels; c++) {
        for (int o = 0; o < shape[1]; o++) {
          values[at++] = u.at(o * shape[0] + (long) c * pixels + pixel) * bound;
        }
      }
    }
  }

  /** [width, 3, patch, patch] to [patch·patch·3, width]. */
  private static void patches(float[] values, String name, int width) {
    FormulaArrays u = new FormulaArrays(name);
    int pixels = values.length / width / 3;
    float bound = (float) bound(name, 3L * pixels);
    for (int at = 0, pixel = 0; pixel < pixels; pixel++) {
      for (int c = 0; c < 3; c++) {
        for (int o = 0; o < width; o++) {
          values[at++] = u.at(((long) o * 3 + c) * pixels + pixel) * bound;
        }
      }
    }
  }

  /** A third of in_proj, the query's divided by the root of the head's width. */
  private static void projection(float[] values, String name, long[] shape) {
    boolean weight = name.endsWith("weight");
    String layer = name.substring(0, name.lastIndexOf('.', name.lastIndexOf('.') - 1));
    int third = name.contains(".query.") ? 0 : name.contains(".key.") ? 1 : 2;
    double scale = third == 0 ? 1 / Math.sqrt(HEAD_WIDTH) : 1;
    String torch = layer + (weight ? ".in_proj_weight" : ".in_proj_bias");
    FormulaArrays u = new FormulaArrays(torch);
    long width = shape[0];
    if (!weight) {
      for (int o = 0; o < width; o++) {
        values[o] = (float) (u.at(third * width + o) * 0.05f * scale);
      }
      return;
    }
    double bound = bound(torch, width) * scale;
    for (int at = 0, i = 0; i < width; i++) {
      for (int o = 0; o < width; o++) {
        values[at++] = (float) (u.at((third * width + o) * width + i) * bound);
      }
    }
  }

  /** Positions, with the class token added to the first. */
  private static void positions(float[] values, int width) {
    FormulaArrays u = new FormulaArrays("encoder.pos_embedding");
    FormulaArrays token = new FormulaArrays("class_token");
    for (int i = 0; i < values.length; i++) {
      values[i] = u.at(i) * 0.5f + (i < width ? token.at(i) * 0.5f : 0);
    }
  }

  private static long product(long[] shape) {
    long product = 1;
    for (long length : shape) {
      product *= length;
    }
    return product;
  }
}
