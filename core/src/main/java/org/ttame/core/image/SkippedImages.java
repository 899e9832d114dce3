package org.ttame.core.image;

import java.util.EnumMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.ttame.core.image.ImageException.Kind;

/**
 * Counts the images of a batch that could not be read, by kind; or, if strict, refuses the first.
 * Safe for use by several threads.
 */
public final class SkippedImages {
  private final boolean strict;
  private final Map<Kind, Integer> counts = new EnumMap<>(Kind.class);

  /**
   * An empty count.
   *
   * @param strict whether the first failure is to end the work
   */
  public SkippedImages(boolean strict) {
    this.strict = strict;
  }

  /**
   * Counts a failure; the caller then skips the image and should show the message.
   *
   * @param failure what happened
   * @throws ImageException the failure itself, if strict
   */
  public synchronized void add(ImageException failure) throws ImageException {
    counts.merge(failure.kind(), 1, Integer::sum);
    if (strict) {
      throw failure;
    }
  }

  /** Images skipped so far. */
  public synchronized int total() {
    return counts.values().stream().mapToInt(Integer::intValue).sum();
  }

  /** Images skipped so far by what was wrong, without zeros. */
  public synchronized Map<Kind, Integer> counts() {
    return Map.copyOf(counts);
  }

  /** A phrase such as "skipped 3 images: 1 missing, 2 corrupt"; "no image skipped" if none. */
  public synchronized String summary() {
    int total = total();
    if (total == 0) {
      return "no image skipped";
    }
    return "skipped %d %s: ".formatted(total, total == 1 ? "image" : "images")
        + counts.entrySet().stream()
            .map(e -> e.getValue() + " " + e.getKey().phrase())
            .collect(Collectors.joining(", "));
  }
}
