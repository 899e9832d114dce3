package org.ttame.eval.metric;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;
import org.ttame.core.image.InputSpec;
import org.ttame.core.masking.ImageMasker;
import org.ttame.core.masking.Masking;

/**
 * Makes a classifier's input of images and maps: masked as Eq. 13 or 14 and standardised. A map of
 * ones gives the clean input bit by bit, so that it can neither raise nor lower a probability.
 */
public final class MaskedInput {
  private final ImageMasker masker;
  private final float[] scale = new float[3];
  private final float[] shift = new float[3];

  /**
   * Masking for a classifier.
   *
   * @param spec how the classifier standardises
   * @param masking which of the two equations
   */
  public MaskedInput(InputSpec spec, Masking masking) {
    masker = new ImageMasker(masking, spec.mean(), spec.std());
    for (int c = 0; c < 3; c++) {
      scale[c] = (float) (1 / spec.std().get(c));
      shift[c] = (float) (-spec.mean().get(c) / spec.std().get(c));
    }
  }

  /** Which of the two equations. */
  public Masking masking() {
    return masker.masking();
  }

  /**
   * The classifier's input for clean images.
   *
   * @param images the batch
   * @return standardised images, [B, S, S, 3]; the caller closes it
   */
  public INDArray clean(ImageBatch images) {
    // The masker's own arithmetic, less the product with one: the same bits in one pass.
    float[] values = images.unit().clone();
    for (int i = 0; i < values.length; i += 3) {
      for (int c = 0; c < 3; c++) {
        values[i + c] = values[i + c] * scale[c] + shift[c];
      }
    }
    return Nd4j.create(values, new long[] {images.size(), images.side(), images.side(), 3}, 'c');
  }

  /**
   * The classifier's input for masked images.
   *
   * @param images the batch
   * @param maps for each image S·S values, row by row
   * @return standardised images, [B, S, S, 3]; the caller closes it
   * @throws IllegalArgumentException if the maps are not as many and as large as the images
   */
  public INDArray masked(ImageBatch images, float[][] maps) {
    int side = images.side();
    if (maps.length != images.size()) {
      throw new IllegalArgumentException(
          Text.format("Expected a map for each of %d images, got %d", images.size(), maps.length));
    }
    float[] all = new float[maps.length * side * side];
    for (int b = 0; b < maps.length; b++) {
      if (maps[b].length != side * side) {
        throw new IllegalArgumentException(
            Text.format(
                "A map over %d×%d pixels has %d values, got %d",
                side, side, side * side, maps[b].length));
      }
      System.arraycopy(maps[b], 0, all, b * side * side, side * side);
    }
    try (INDArray unit = Nd4j.create(images.unit(), new long[] {maps.length, side, side, 3}, 'c');
        INDArray weights = Nd4j.create(all, new long[] {maps.length, side, side}, 'c')) {
      return masker.mask(weights, unit);
    }
  }
}
