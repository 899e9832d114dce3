package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.OptionalInt;
import org.ttame.core.Text;
import org.ttame.core.image.ImageLimits;
import org.ttame.training.TrainingOptions;
import org.ttame.training.data.ImageList;

/**
 * How a command goes through images.
 *
 * @param batchSize images a network pass
 * @param limit the most images; empty for all
 * @param strict whether an unreadable image is an error
 * @param maxPixels images of more pixels count as unreadable
 */
record ImageSettings(int batchSize, OptionalInt limit, boolean strict, long maxPixels) {
  /** All images of a list, as a training reads its own. */
  static ImageSettings of(TrainingOptions options, int batchSize) {
    return new ImageSettings(batchSize, OptionalInt.empty(), options.strict(), options.maxPixels());
  }

  static ImageSettings parse(Arguments arguments) throws UsageException {
    OptionalInt limit =
        arguments
            .integer(CommonOptions.LIMIT, 1)
            .map(OptionalInt::of)
            .orElseGet(OptionalInt::empty);
    return new ImageSettings(
        arguments.requiredInteger(CommonOptions.BATCH_SIZE, 1),
        limit,
        arguments.has(CommonOptions.STRICT),
        maxPixels(arguments));
  }

  private static long maxPixels(Arguments arguments) throws UsageException {
    int pixels = arguments.requiredInteger(CommonOptions.MAX_PIXELS, 1);
    try {
      return ImageLimits.DEFAULT.withMaxPixels(pixels).maxPixels();
    } catch (IllegalArgumentException e) {
      throw new UsageException(CommonOptions.MAX_PIXELS.dashed() + ": " + e.getMessage());
    }
  }

  /** What an image may ask for. */
  ImageLimits limits() {
    return ImageLimits.DEFAULT.withMaxPixels(maxPixels);
  }

  /** The settings that decide which images a result is about, for its provenance. */
  Map<String, String> provenance() {
    return Map.of(CommonOptions.MAX_PIXELS.name(), String.valueOf(maxPixels));
  }

  /** All images of a path; says how many of its files are none. */
  static ImageList find(Path path, Console console) throws IOException {
    ImageList list = ImageList.of(path);
    if (list.others() > 0) {
      console.note(
          Text.format(
              "%d other file%s in '%s': no images, left out",
              list.others(), list.others() == 1 ? "" : "s", path));
    }
    return list;
  }

  /** The images of a path, no more than the limit, spread evenly over it. */
  ImageList list(Path path, Console console) throws IOException {
    ImageList list = find(path, console);
    return limit.isPresent() ? list.limit(limit.getAsInt()) : list;
  }
}
