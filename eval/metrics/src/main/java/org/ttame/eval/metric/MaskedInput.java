package org.ttame.eval.metric;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;
import org.ttame.core.image.InputSpec;
import org.ttame.core.image.Standardizer;
import org.ttame.core.masking.ImageMasker;
import org.ttame.core.masking.Masking;

/**
 * Makes a classifier's input of images and maps: masked as Eq. 13 or 14 and standardised. A map of
 * ones gives the clean input bit by bit, so that it can neither raise nor lower a probability.
 */
public final class MaskedInput {
  private final ImageMasker masker;
  private final Standardizer standardizer;

  /**
   * Masking for a classifier.
   *
   * @param spec how the classifier standardises
   * @param masking which of the two equations
   */
  public MaskedInput(InputSpec spec, Masking masking) {
    masker = new ImageMasker(masking, spec);
    standardizer = new Standardizer(spec);
  }

  /** Which of the two equations. */
  public Masking masking() {
    return masker.masking();
  }

  /**
   * The classifier's input for clean images.
   *
   * @return standardised images, [B, H, W, C]; the caller closes it
   */
  public INDArray clean(ImageBatch images) {
    return Nd4j.create(standardizer.apply(images.unit()), images.shape(), 'c');
  }

  /**
   * The classifier's input for masked images.
   *
   * @param maps for each image H·W values, row by row
   * @return standardised images, [B, H, W, C]; the caller closes it
   * @throws IllegalArgumentException if the maps are not as many and as large as the images
   */
  public INDArray masked(ImageBatch images, float[][] maps) {
    int pixels = images.pixels();
    if (maps.length != images.size()) {
      throw new IllegalArgumentException(
          Text.format("Expected a map for each of %d images, got %d", images.size(), maps.length));
    }
    float[] all = new float[maps.length * pixels];
    for (int b = 0; b < maps.length; b++) {
      if (maps[b].length != pixels) {
        throw new IllegalArgumentException(
            Text.format(
                "A map over %d×%d pixels has %d values, got %d",
                images.height(), images.width(), pixels, maps[b].length));
      }
      System.arraycopy(maps[b], 0, all, b * pixels, pixels);
    }
    try (INDArray unit = Nd4j.create(images.unit(), images.shape(), 'c');
        INDArray weights =
            Nd4j.create(all, new long[] {maps.length, images.height(), images.width()}, 'c')) {
      return masker.mask(weights, unit);
    }
  }
}
