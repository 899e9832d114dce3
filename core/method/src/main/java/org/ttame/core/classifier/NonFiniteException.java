package org.ttame.core.classifier;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.Text;

/**
 * What a classifier or a mechanism computed of images is NaN or infinite: weights overflow float32
 * or are damaged. Names images by their place in the batch until {@link #of} names them properly.
 */
public final class NonFiniteException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  /** So many images are named, the others counted. */
  private static final int NAMED = 3;

  /** What was computed. */
  public enum What {
    /** The images themselves; a classifier may hide it, as max(x, 0) is 0 of not-a-number. */
    IMAGES("pixels", "no image file gives such values, what prepared them did"),
    /** A classifier's answer. */
    LOGITS(
        "logits",
        "its weights overflow float32 or are damaged, or option 'mean' and option 'std' are not its own"),
    /** A map of a class. */
    MAPS("explanation maps", "the attention weights are damaged, or feature maps overflow float32");

    private final String words;
    private final String cause;

    What(String words, String cause) {
      this.words = words;
      this.cause = cause;
    }
  }

  private final What what;
  private final double value;
  private final int[] rows;

  /**
   * Names images by their places.
   *
   * @param what was computed
   * @param value the first that is not finite
   * @param rows places in the batch of the images it was computed of, counted from 0
   */
  public NonFiniteException(What what, double value, int... rows) {
    this(what, value, rows, "The classifier", places(rows));
  }

  private NonFiniteException(What what, double value, int[] rows, String classifier, String of) {
    super(
        what == What.IMAGES
            ? Text.format(
                "%s was given %s, whose pixels hold %s: %s", classifier, of, value, what.cause)
            : Text.format(
                "%s gives %s of %s that hold %s: %s",
                classifier, what.words, of, value, what.cause));
    this.what = what;
    this.value = value;
    this.rows = rows.clone();
  }

  /**
   * The same with names.
   *
   * @param classifier its name
   * @param images names of all images of the batch
   * @return a new exception, caused by this one
   */
  public NonFiniteException of(String classifier, List<String> images) {
    List<String> found =
        Arrays.stream(rows).filter(row -> row < images.size()).mapToObj(images::get).toList();
    NonFiniteException named =
        new NonFiniteException(
            what, value, rows, classifier, list(found.isEmpty() ? images : found));
    named.initCause(this);
    return named;
  }

  /**
   * Refuses logits that are not finite.
   *
   * @param logits {@code [B, K]}
   * @throws NonFiniteException if there is such a value
   */
  static void check(INDArray logits) {
    float[] values = Predictions.values(logits);
    int classes = (int) logits.size(1);
    int[] bad = IntStream.range(0, values.length).filter(i -> !Float.isFinite(values[i])).toArray();
    if (bad.length > 0) {
      int[] rows = Arrays.stream(bad).map(i -> i / classes).distinct().toArray();
      throw new NonFiniteException(What.LOGITS, values[bad[0]], rows);
    }
  }

  /**
   * Refuses images whose pixels are not finite.
   *
   * @param images {@code [B, H, W, C]}
   * @throws NonFiniteException if there is such a value
   */
  static void checkImages(INDArray images) {
    // A sum is finite only if every value is: pixels are far from 1e38.
    if (Double.isFinite(images.sumNumber().doubleValue())) {
      return;
    }
    for (int image = 0; image < images.size(0); image++) {
      double sum = images.slice(image).sumNumber().doubleValue();
      if (!Double.isFinite(sum)) {
        throw new NonFiniteException(What.IMAGES, sum, image);
      }
    }
  }

  private static String places(int[] rows) {
    return list(Arrays.stream(rows).mapToObj(row -> "image " + (row + 1)).toList())
        + " of the batch";
  }

  private static String list(List<String> names) {
    String some = names.stream().limit(NAMED).collect(Collectors.joining(", "));
    return names.size() <= NAMED ? some : Text.format("%s and %d more", some, names.size() - NAMED);
  }
}
