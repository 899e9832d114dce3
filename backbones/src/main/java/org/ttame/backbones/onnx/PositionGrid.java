package org.ttame.backbones.onnx;

import java.util.OptionalInt;

/**
 * The size of images that a transformer's position embeddings are for: there is one for each patch
 * of a square grid, after one for each prefix token, and a patch has the side of the convolution
 * that cuts the image into patches.
 */
final class PositionGrid {
  /** A class token, a distillation token or a few registers. */
  private static final int MOST_PREFIX = 8;

  private PositionGrid() {}

  /**
   * Looks for it.
   *
   * @param model a graph whose image has a free height and width
   * @param image the image's name
   * @return height and width, or empty where there are no position embeddings
   */
  static OptionalInt side(OnnxModel model, String image) {
    for (OnnxNode node : model.nodes()) {
      if (!node.type().equals("Conv") || !node.inputs().get(0).equals(image)) {
        continue;
      }
      Constant weight = model.initialisers().get(node.inputs().get(1));
      long[] strides = node.integers("strides");
      if (weight == null || weight.shape().length != 4 || strides == null || strides.length != 2) {
        return OptionalInt.empty();
      }
      long[] kernel = weight.shape();
      boolean patches =
          kernel[2] == kernel[3] && kernel[2] == strides[0] && kernel[2] == strides[1];
      return patches ? side(model, (int) kernel[2], kernel[0]) : OptionalInt.empty();
    }
    return OptionalInt.empty();
  }

  private static OptionalInt side(OnnxModel model, int patch, long width) {
    for (Constant constant : model.initialisers().values()) {
      long[] shape = constant.shape();
      if (shape.length == 3 && shape[0] == 1 && shape[2] == width) {
        for (int prefix = 0; prefix <= MOST_PREFIX; prefix++) {
          long grid = Math.round(Math.sqrt((double) shape[1] - prefix));
          if (grid > 1 && grid * grid == shape[1] - prefix) {
            return OptionalInt.of(Math.toIntExact(grid * patch));
          }
        }
      }
    }
    return OptionalInt.empty();
  }
}
