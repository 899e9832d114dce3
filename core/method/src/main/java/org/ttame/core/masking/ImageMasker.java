package org.ttame.core.masking;

import java.util.Arrays;
import java.util.Objects;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;
import org.ttame.core.image.InputSpec;
import org.ttame.core.image.Standardizer;

/**
 * Lays maps over images, Eq. 13 or 14. Both have the form E ⊙ J + k with a J and a k that do not
 * depend on the map:
 *
 * <ul>
 *   <li>{@link Masking#CNN}: (E ⊙ I − mean)/std, so J = I/std and k = −mean/std;
 *   <li>{@link Masking#VIT}: E ⊙ (I − mean)/std, so J = (I − mean)/std and k = 0.
 * </ul>
 *
 * <p>scale and shift are the {@link Standardizer}'s: a map of ones gives the clean input's bits.
 */
public final class ImageMasker {
  private final Masking masking;
  private final InputSpec input;
  private final Standardizer standardizer;

  /**
   * Masking for a classifier.
   *
   * @param masking which of the two equations
   * @param input what the classifier takes
   */
  public ImageMasker(Masking masking, InputSpec input) {
    this.masking = Objects.requireNonNull(masking, "masking");
    this.input = input;
    this.standardizer = new Standardizer(input);
  }

  /** Which of the two equations. */
  public Masking masking() {
    return masking;
  }

  /**
   * Masks images.
   *
   * @param maps {@code [B, H, W]}, in [0,1]
   * @param unitImages {@code [B, H, W, C]}, in [0,1]
   * @return standardised masked images, {@code [B, H, W, C]}, a new array; the caller closes it
   */
  public INDArray mask(INDArray maps, INDArray unitImages) {
    long[] shape = unitImages.shape();
    int channels = input.channels();
    if (unitImages.rank() != 4
        || shape[3] != channels
        || maps.rank() != 3
        || maps.size(0) != shape[0]
        || maps.size(1) != shape[1]
        || maps.size(2) != shape[2]) {
      throw new IllegalArgumentException(
          Text.format(
              "Expected maps [B, H, W] and images [B, H, W, %d] of the same B, H and W, got %s and %s",
              channels, Arrays.toString(maps.shape()), Arrays.toString(shape)));
    }
    DataType type = unitImages.dataType();
    INDArray result = unitImages.dup('c');
    try (INDArray scale = standardizer.scale(type);
        INDArray shift = standardizer.shift(type);
        INDArray weights = maps.castTo(type).dup('c')) {
      INDArray pixels = result.reshape(-1, channels);
      INDArray column = weights.reshape(-1, 1);
      pixels.muliRowVector(scale);
      if (masking == Masking.VIT) {
        pixels.addiRowVector(shift);
        pixels.muliColumnVector(column);
      } else {
        pixels.muliColumnVector(column);
        pixels.addiRowVector(shift);
      }
    }
    return result;
  }

  /** What a graph needs of the masking: the product, and the images that are shown. */
  public record Masked(SDVariable product, SDVariable images) {}

  /**
   * Appends masking to a graph.
   *
   * <p>The product E ⊙ J and the masked images E ⊙ J + k differ by a constant: differentiate the
   * product, it spares the way back through a broadcast sum.
   *
   * @param maps {@code [B, H, W]}, in [0,1]
   * @param unitImages {@code [B, H, W, C]}, in [0,1]
   * @return product and masked images, both {@code [B, H, W, C]}
   */
  public Masked append(SameDiff graph, SDVariable maps, SDVariable unitImages) {
    DataType type = maps.dataType();
    int channels = input.channels();
    SDVariable scale = graph.constant(standardizer.scale(type));
    SDVariable shift = graph.constant(standardizer.shift(type));
    // A column times a row of ones: ND4J's gradient of a broadcast product is twenty times slower.
    SDVariable ones = graph.constant(Nd4j.ones(type, 1, channels));
    SDVariable weights =
        graph.mmul(maps.reshape(-1, 1), ones).reshape(-1, input.height(), input.width(), channels);
    SDVariable scaled = unitImages.mul(scale);
    if (masking == Masking.VIT) {
      SDVariable product = weights.mul(scaled.add(shift));
      return new Masked(product, product);
    }
    SDVariable product = weights.mul(scaled);
    return new Masked(product, product.add(shift));
  }
}
