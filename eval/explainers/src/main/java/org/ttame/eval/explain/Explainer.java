package org.ttame.eval.explain;

import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A method that says which parts of an image made a classifier answer a class. One class a method;
 * implement it, or {@link CamExplainer}, to have your own measured beside the others. For maps that
 * another program has written, {@link MapFolderExplainer} is enough.
 *
 * <p>The network passes a method costs are counted by the classifier it runs, never by the method.
 */
public interface Explainer extends AutoCloseable {
  /** The name in tables and files, e.g. {@code ttame}; no spaces. */
  String name();

  /** The settings that change its maps, for records. */
  Map<String, String> settings();

  /**
   * Explains a batch.
   *
   * @param images standardised, {@code [B, H, W, C]}; stays the caller's
   * @param classes the class to explain in each of the B images
   * @param names B names of the images; a method that draws at random seeds itself by them, so that
   *     its maps do not depend on how images are batched
   * @return B maps
   */
  SaliencyMaps explain(INDArray images, int[] classes, List<String> names);

  /**
   * What went wrong so far without stopping the work: a score that was no number, a map in which
   * nothing stands out. Maps are defined all the same.
   *
   * @return how often, by a sentence that lacks only the number before it ({@link
   *     MapWarning#sentence}); only what happened
   */
  default Map<String, Long> warnings() {
    return Map.of();
  }

  /** Frees what the method holds of its own; classifier and mechanism stay their owners'. */
  @Override
  default void close() {}
}
