package org.ttame.core.masking;

import java.util.List;
import java.util.Objects;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;

/**
 * Lays maps over images, Eq. 13 or 14. Both have the form E ⊙ J + k with a J and a k that do not
 * depend on the map:
 *
 * <ul>
 *   <li>{@link Masking#CNN}: (E ⊙ I − mean)/std, so J = I/std and k = −mean/std;
 *   <li>{@link Masking#VIT}: E ⊙ (I − mean)/std, so J = (I − mean)/std and k = 0.
 * </ul>
 *
 * @param masking which of the two
 * @param mean of the three channels, red first
 * @param std of the three channels, red first
 */
public record ImageMasker(Masking masking, List<Double> mean, List<Double> std) {
  public ImageMasker {
    Objects.requireNonNull(masking, "masking");
    mean = List.copyOf(mean);
    std = List.copyOf(std);
    if (mean.size() != 3 || std.size() != 3) {
      throw new IllegalArgumentException(
          Text.format(
              "Mean and std need three values each (red, green, blue), got %s and %s", mean, std));
    }
  }

  /**
   * Masks images.
   *
   * @param maps {@code [B, S, S]}, in [0,1]
   * @param unitImages {@code [B, S, S, 3]}, in [0,1]
   * @return standardised masked images, {@code [B, S, S, 3]}, a new array; the caller closes it
   */
  public INDArray mask(INDArray maps, INDArray unitImages) {
    long[] shape = unitImages.shape();
    if (unitImages.rank() != 4
        || shape[3] != 3
        || maps.rank() != 3
        || maps.size(0) != shape[0]
        || maps.size(1) != shape[1]
        || maps.size(2) != shape[2]) {
      throw new IllegalArgumentException(
          Text.format(
              "Expected maps [B, S, S] and images [B, S, S, 3] of the same B and S, got %s and %s",
              java.util.Arrays.toString(maps.shape()), java.util.Arrays.toString(shape)));
    }
    DataType type = unitImages.dataType();
    INDArray result = unitImages.dup('c');
    try (INDArray scale = row(j -> 1 / std.get(j), type);
        INDArray shift = row(j -> -mean.get(j) / std.get(j), type);
        INDArray weights = maps.castTo(type).dup('c')) {
      INDArray pixels = result.reshape(-1, 3);
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
   * @param graph the graph
   * @param maps {@code [B, S, S]}, in [0,1]
   * @param unitImages {@code [B, S, S, 3]}, in [0,1]
   * @param side S
   * @return product and masked images, both {@code [B, S, S, 3]}
   */
  public Masked append(SameDiff graph, SDVariable maps, SDVariable unitImages, int side) {
    DataType type = maps.dataType();
    SDVariable scale = graph.constant(row(j -> 1 / std.get(j), type));
    SDVariable shift = graph.constant(row(j -> -mean.get(j) / std.get(j), type));
    // A column times a row of ones: ND4J's gradient of a broadcast product is twenty times slower.
    SDVariable ones = graph.constant(Nd4j.ones(type, 1, 3));
    SDVariable weights = graph.mmul(maps.reshape(-1, 1), ones).reshape(-1, side, side, 3);
    SDVariable scaled = unitImages.mul(scale);
    if (masking == Masking.VIT) {
      SDVariable product = weights.mul(scaled.add(shift));
      return new Masked(product, product);
    }
    SDVariable product = weights.mul(scaled);
    return new Masked(product, product.add(shift));
  }

  private INDArray row(java.util.function.IntToDoubleFunction value, DataType type) {
    return Nd4j.createFromArray(
            value.applyAsDouble(0), value.applyAsDouble(1), value.applyAsDouble(2))
        .castTo(type);
  }
}
