package org.ttame.eval.explain;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.image.InputSpec;

/** What methods that make maps at a layer's resolution have in common. */
final class LayerMaps {
  private LayerMaps() {}

  /**
   * Maps as the CAM family's users' programs finish them: scaled to [0,1], upsampled to the image
   * (bilinear, half-pixel centres), and scaled again. Values that are not finite count as nothing,
   * maps that are the same everywhere become zeros; both are counted.
   *
   * @param layer whose resolution the maps have
   * @param image H and W of the image
   * @param maps B maps of h·w values, row by row
   * @param warnings counts
   * @return B maps of H·W values
   */
  static SaliencyMaps atImageSize(
      FeatureLayer layer, InputSpec image, float[][] maps, MapWarnings warnings) {
    return atImageSize(layer.height(), layer.width(), image, maps, warnings);
  }

  /** The same for maps of h·w values that are no layer's. */
  static SaliencyMaps atImageSize(
      int height, int width, InputSpec image, float[][] maps, MapWarnings warnings) {
    SaliencyMaps small = warnings.minMax(height, width, maps);
    return SaliencyMaps.minMax(
        image.height(), image.width(), small.upsampled(image.height(), image.width()));
  }

  /** A copy of an array's values in c order; the array stays the caller's. */
  static float[] values(INDArray array) {
    try (INDArray dense = array.dup('c')) {
      return dense.data().asFloat();
    }
  }

  /** An array of values, in the type that a classifier computes in; the caller closes it. */
  static INDArray array(float[] values, DataType type, long... shape) {
    INDArray floats = Nd4j.create(values, shape, 'c');
    if (type == DataType.FLOAT) {
      return floats;
    }
    try (floats) {
      return floats.castTo(type);
    }
  }

  /** A copy of image b of {@code [B, H, W, C]}. */
  static float[] image(INDArray images, int b) {
    return values(images.slice(b));
  }
}
