package org.ttame.eval.gallery;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.function.IntFunction;
import org.ttame.eval.evaluation.MapObserver;
import org.ttame.eval.explain.SaliencyMaps;
import org.ttame.eval.metric.ImageBatch;

/**
 * Keeps pictures and maps of some images while an evaluation goes through all: N of them, spread
 * evenly over the list, the same ones whichever batches they come in and however often the
 * evaluation was stopped. Nothing stays in memory. One that cannot be read is missing.
 */
public final class GalleryWriter implements MapObserver {
  /** How many images are kept unless told otherwise. */
  public static final int STANDARD = 24;

  private final GalleryFolder folder;
  private final Map<String, Integer> numbers = new HashMap<>();

  /**
   * A writer.
   *
   * @param output the evaluation's output
   * @param count how many images the list has
   * @param names the name of each; null for one that this evaluation leaves to others
   * @param most how many to keep, 0 for none
   * @throws IllegalArgumentException if {@code most} is negative
   */
  public GalleryWriter(Path output, int count, IntFunction<String> names, int most) {
    if (most < 0) {
      throw new IllegalArgumentException("A gallery cannot have " + most + " images");
    }
    folder = new GalleryFolder(output);
    int kept = Math.min(most, count);
    for (int i = 0; i < kept; i++) {
      int number = (int) ((long) i * count / kept);
      String name = names.apply(number);
      if (name != null) {
        numbers.putIfAbsent(name, number);
      }
    }
  }

  @Override
  public void explained(ImageBatch batch, String method, SaliencyMaps maps) throws IOException {
    for (int b = 0; b < batch.size(); b++) {
      Integer number = numbers.get(batch.names().get(b));
      if (number != null) {
        folder.keep(number, batch, b);
        folder.keep(number, method, maps, b);
      }
    }
  }
}
