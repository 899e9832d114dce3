package org.ttame.training.data;

import java.nio.file.Path;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.Text;
import org.ttame.core.image.ImageException;

/**
 * The images of one step. Owns its array.
 *
 * <p>{@link #images()} is {@code [B, H, W, C]} in [0,1]. B is the asked batch size, less what could
 * not be read, and less at an epoch's end; it may be 0, and there is no array then.
 */
public final class Batch implements AutoCloseable {
  /**
   * An image that could not be read.
   *
   * @param index its place in the list
   * @param file where it is
   * @param kind what was wrong, to count by
   * @param reason a sentence
   */
  public record BadImage(int index, Path file, ImageException.Kind kind, String reason) {}

  private final long step;
  private final long epoch;
  private final List<Integer> indices;
  private final List<BadImage> bad;
  private final INDArray images;

  Batch(long step, long epoch, List<Integer> indices, List<BadImage> bad, INDArray images) {
    this.step = step;
    this.epoch = epoch;
    this.indices = List.copyOf(indices);
    this.bad = List.copyOf(bad);
    this.images = images;
  }

  /** The step it belongs to, counted from 0 over all epochs. */
  public long step() {
    return step;
  }

  /** The epoch it belongs to, counted from 0. */
  public long epoch() {
    return epoch;
  }

  /** B. */
  public int size() {
    return indices.size();
  }

  /** The places of its images in the list, B of them. */
  public List<Integer> indices() {
    return indices;
  }

  /** What of this step's share could not be read. */
  public List<BadImage> bad() {
    return bad;
  }

  /**
   * The images.
   *
   * @return {@code [B, H, W, C]} in [0,1]
   * @throws IllegalStateException if B is 0
   */
  public INDArray images() {
    if (images == null) {
      throw new IllegalStateException(Text.format("No image of step %d could be read", step));
    }
    return images;
  }

  @Override
  public void close() {
    if (images != null) {
      images.close();
    }
  }
}
