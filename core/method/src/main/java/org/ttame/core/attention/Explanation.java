package org.ttame.core.attention;

import java.util.Arrays;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.ttame.core.classifier.OutputKind;

/** The explanation of a batch. Owns its arrays. */
public final class Explanation implements AutoCloseable {
  private final OutputKind kind;
  private final INDArray logits;
  private final int[][] classes;
  private final INDArray rawMaps;
  private final INDArray maps;

  Explanation(OutputKind kind, INDArray logits, int[][] classes, INDArray rawMaps, INDArray maps) {
    this.kind = kind;
    this.logits = logits;
    this.classes = classes;
    this.rawMaps = rawMaps;
    this.maps = maps;
  }

  /** What the classifier said of the images, {@code [B, K]}. */
  public INDArray logits() {
    return logits;
  }

  /**
   * ψ of each class, by the output's kind.
   *
   * @return B rows of K probabilities
   */
  public double[][] probabilities() {
    return kind.probabilities(logits);
  }

  /** The classes explained, B rows of M. */
  public int[][] classes() {
    return Arrays.stream(classes).map(int[]::clone).toArray(int[][]::new);
  }

  /** Maps before the sigmoid, {@code [B, M, h, w]}. */
  public INDArray rawMaps() {
    return rawMaps;
  }

  /** Maps scaled to [0,1] one by one, {@code [B, M, h, w]}; constant ones are zero. */
  public INDArray maps() {
    return maps;
  }

  /**
   * One map.
   *
   * @param image row in the batch
   * @param index column in {@link #classes()}
   * @return a copy, {@code [h, w]}, in [0,1]; the caller closes it
   */
  public INDArray map(int image, int index) {
    return maps.get(
            NDArrayIndex.point(image),
            NDArrayIndex.point(index),
            NDArrayIndex.all(),
            NDArrayIndex.all())
        .dup('c');
  }

  /**
   * All maps at another size, as they are laid over the image.
   *
   * @param height H
   * @param width W
   * @return {@code [B, M, H, W]}, in [0,1]; the caller closes it
   */
  public INDArray upsampled(int height, int width) {
    return Upsampling.upsample(maps, height, width);
  }

  @Override
  public void close() {
    for (INDArray array : new INDArray[] {logits, rawMaps, maps}) {
      if (!array.wasClosed()) {
        array.close();
      }
    }
  }
}
