package org.ttame.core.attention;

import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.Text;
import org.ttame.core.classifier.Predictions;

/** Which classes' maps are wanted for each image of a batch. */
public sealed interface ClassChoice {
  /**
   * The classes.
   *
   * @param logits what the classifier said, {@code [B, K]}
   * @return B rows of M classes
   * @throws IllegalArgumentException if the choice does not fit the batch or the classifier
   */
  int[][] classes(INDArray logits);

  /** Each image's predicted class. */
  static ClassChoice predicted() {
    return new Top(1);
  }

  /**
   * The same class for every image.
   *
   * @param index the class, in [0, K)
   */
  static ClassChoice fixed(int index) {
    return new Fixed(index);
  }

  /**
   * Each image's most probable classes, best first.
   *
   * @param count M, at most K
   */
  static ClassChoice top(int count) {
    return new Top(count);
  }

  /**
   * Classes named image by image.
   *
   * @param classes B rows of M classes
   */
  static ClassChoice perImage(int[][] classes) {
    return new PerImage(classes);
  }

  /**
   * One class an image: the one that is named for it, or else its predicted one.
   *
   * @param classes B classes, empty for the predicted one
   */
  static ClassChoice namedOrPredicted(List<OptionalInt> classes) {
    return new NamedOrPredicted(classes);
  }

  /**
   * Each image's most probable classes, best first; of equal ones the lower index first.
   *
   * @param count M
   */
  record Top(int count) implements ClassChoice {
    public Top {
      if (count < 1) {
        throw new IllegalArgumentException("Cannot explain the top " + count + " classes");
      }
    }

    @Override
    public int[][] classes(INDArray logits) {
      return Predictions.topClasses(logits, count);
    }
  }

  /**
   * The same class for every image.
   *
   * @param index the class
   */
  record Fixed(int index) implements ClassChoice {
    @Override
    public int[][] classes(INDArray logits) {
      requireClass(index, logits);
      int[][] rows = new int[Math.toIntExact(logits.size(0))][1];
      for (int[] row : rows) {
        row[0] = index;
      }
      return rows;
    }
  }

  /**
   * One class an image.
   *
   * @param named B classes, empty for the predicted one
   */
  record NamedOrPredicted(List<OptionalInt> named) implements ClassChoice {
    public NamedOrPredicted {
      named = List.copyOf(named);
    }

    @Override
    public int[][] classes(INDArray logits) {
      requireImages(named.size(), logits);
      int[] predicted = Predictions.argMax(logits);
      int[][] rows = new int[predicted.length][1];
      for (int b = 0; b < rows.length; b++) {
        rows[b][0] = named.get(b).orElse(predicted[b]);
        requireClass(rows[b][0], logits);
      }
      return rows;
    }
  }

  /** Classes named image by image. */
  final class PerImage implements ClassChoice {
    private final int[][] rows;

    private PerImage(int[][] rows) {
      this.rows = Arrays.stream(rows).map(int[]::clone).toArray(int[][]::new);
    }

    @Override
    public int[][] classes(INDArray logits) {
      requireImages(rows.length, logits);
      for (int[] row : rows) {
        if (row.length == 0 || row.length != rows[0].length) {
          throw new IllegalArgumentException(
              Text.format(
                  "Every image needs the same number of classes, at least one; got %s",
                  Arrays.deepToString(rows)));
        }
        for (int index : row) {
          requireClass(index, logits);
        }
      }
      return Arrays.stream(rows).map(int[]::clone).toArray(int[][]::new);
    }
  }

  private static void requireImages(int named, INDArray logits) {
    if (named != logits.size(0)) {
      throw new IllegalArgumentException(
          Text.format("Classes were named for %d images, the batch has %d", named, logits.size(0)));
    }
  }

  private static void requireClass(int index, INDArray logits) {
    if (index < 0 || index >= logits.size(1)) {
      throw new IllegalArgumentException(
          Text.format(
              "Class %d does not exist; the classifier has classes 0 to %d",
              index, logits.size(1) - 1));
    }
  }
}
