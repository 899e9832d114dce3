package org.ttame.core.loss;

import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.ttame.core.Text;

/**
 * Chooses Ψ, the classes whose maps enter the loss, for each image of a batch.
 *
 * <p>{@link LossMode#PAPER}: the image's own predicted class and min(B, K) − 1 others, drawn
 * without replacement, for each image anew. {@link LossMode#RELEASED}: the predicted classes of the
 * batch's B images, for every image; repeats happen.
 *
 * @param mode the rule
 * @param classes K
 * @param seed of the draws; unused by {@link LossMode#RELEASED}
 */
public record ClassSampler(LossMode mode, int classes, long seed) {
  public ClassSampler {
    Objects.requireNonNull(mode, "mode");
    if (classes < 1) {
      throw new IllegalArgumentException("Cannot draw from " + classes + " classes");
    }
  }

  /**
   * Ψ of a step. The same seed, step and predictions give the same classes, whatever was drawn
   * before: a resumed run draws what the uninterrupted one would have.
   *
   * @param predicted the predicted class of each of B images
   * @param step the step's number within the run
   * @return B rows, each the image's own class first
   * @throws IllegalArgumentException if a class does not exist
   */
  public int[][] draw(int[] predicted, long step) {
    requireClasses(predicted);
    return mode == LossMode.RELEASED ? batchClasses(predicted) : randomClasses(predicted, step);
  }

  /**
   * Ψ of a share of a step. What is drawn for an image depends on the seed, the epoch and the image
   * alone, not on who else is in the share.
   *
   * @param predicted the predicted class of each of B images
   * @param epoch 0 for the first
   * @param images the images' places in their list
   * @return B rows, each the image's own class first
   * @throws IllegalArgumentException if a class does not exist
   */
  public int[][] draw(int[] predicted, long epoch, List<Integer> images) {
    requireClasses(predicted);
    if (mode == LossMode.RELEASED) {
      return batchClasses(predicted);
    }
    int count = Math.min(predicted.length, classes);
    int[][] rows = new int[predicted.length][];
    long ofEpoch = new SplittableRandom(seed ^ new SplittableRandom(epoch).nextLong()).nextLong();
    for (int b = 0; b < rows.length; b++) {
      long ofImage = ofEpoch ^ new SplittableRandom(images.get(b)).nextLong();
      rows[b] = row(predicted[b], count, new SplittableRandom(ofImage));
    }
    return rows;
  }

  private void requireClasses(int[] predicted) {
    for (int own : predicted) {
      if (own < 0 || own >= classes) {
        throw new IllegalArgumentException(
            Text.format("Class %d does not exist; there are classes 0 to %d", own, classes - 1));
      }
    }
  }

  private static int[][] batchClasses(int[] predicted) {
    int[][] rows = new int[predicted.length][predicted.length];
    for (int image = 0; image < predicted.length; image++) {
      rows[image][0] = predicted[image];
      int at = 1;
      for (int other = 0; other < predicted.length; other++) {
        if (other != image) {
          rows[image][at++] = predicted[other];
        }
      }
    }
    return rows;
  }

  private int[][] randomClasses(int[] predicted, long step) {
    // Steps must not walk along one generator's sequence: mix them by a generator of their own.
    SplittableRandom random = new SplittableRandom(seed ^ new SplittableRandom(step).nextLong());
    int count = Math.min(predicted.length, classes);
    int[][] rows = new int[predicted.length][];
    for (int image = 0; image < predicted.length; image++) {
      rows[image] = row(predicted[image], count, random);
    }
    return rows;
  }

  /** The own class, and others drawn without replacement. */
  private int[] row(int own, int count, SplittableRandom random) {
    int[] row = new int[count];
    int[] others = new int[classes - 1];
    for (int k = 0; k < others.length; k++) {
      others[k] = k < own ? k : k + 1;
    }
    row[0] = own;
    for (int i = 0; i < count - 1; i++) {
      int pick = i + random.nextInt(others.length - i);
      row[i + 1] = others[pick];
      others[pick] = others[i];
    }
    return row;
  }
}
