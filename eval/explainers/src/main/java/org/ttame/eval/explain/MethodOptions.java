package org.ttame.eval.explain;

import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What {@link MethodCatalog} makes methods with.
 *
 * @param layer the node of the layer that methods of one layer read, by torchvision's name; empty
 *     for that of {@link org.ttame.core.classifier.FrozenClassifier#camLayer}
 * @param riseMasks how many masks RISE takes; empty for its paper's number
 * @param seed of random and untrained maps, and of RISE's masks
 * @param batch how many masked images or ablated channels go through the network at a time
 * @param listener is notified of the passes of methods that take many
 */
public record MethodOptions(
    Optional<String> layer, OptionalInt riseMasks, long seed, int batch, Listener listener) {
  /** Hears how far a method of many passes has come with an image. */
  @FunctionalInterface
  public interface Listener {
    /** Hears nothing. */
    Listener NONE = (method, done, total) -> {};

    /**
     * Some passes are done.
     *
     * @param done network passes over this image so far
     * @param total how many there will be
     */
    void passed(ExplanationMethod method, long done, long total);
  }

  public MethodOptions {
    Objects.requireNonNull(layer, "layer");
    Objects.requireNonNull(riseMasks, "riseMasks");
    Objects.requireNonNull(listener, "listener");
    if (batch < 1) {
      throw new IllegalArgumentException("A pass needs an image or more, got " + batch);
    }
  }

  /**
   * Every method as its paper has it.
   *
   * @param seed of whatever is drawn
   * @param batch images a pass
   */
  public static MethodOptions of(long seed, int batch) {
    return new MethodOptions(Optional.empty(), OptionalInt.empty(), seed, batch, Listener.NONE);
  }
}
