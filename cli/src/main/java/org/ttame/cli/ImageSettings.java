package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.ttame.core.Text;
import org.ttame.core.image.ImageLimits;
import org.ttame.training.TrainingOptions;
import org.ttame.training.data.ImageDraw;
import org.ttame.training.data.ImageList;

/**
 * How a command goes through images.
 *
 * @param batchSize images a network pass
 * @param limit which images; empty for all
 * @param strict whether an unreadable image is an error
 * @param maxPixels images of more pixels count as unreadable
 */
record ImageSettings(int batchSize, Optional<ImageDraw> limit, boolean strict, long maxPixels) {
  /** All images of a list, as a training reads its own. */
  static ImageSettings of(TrainingOptions options, int batchSize) {
    return new ImageSettings(batchSize, Optional.empty(), options.strict(), options.maxPixels());
  }

  static ImageSettings parse(Arguments arguments) throws UsageException {
    return new ImageSettings(
        arguments.requiredInteger(CommonOptions.BATCH_SIZE, 1),
        draw(arguments, CommonOptions.LIMIT),
        arguments.has(CommonOptions.STRICT),
        maxPixels(arguments));
  }

  /** Which images an option like {@code --limit} asks for. */
  static Optional<ImageDraw> draw(Arguments arguments, OptionSpec limit) throws UsageException {
    Optional<Integer> most = arguments.integer(limit, 1);
    String seed = arguments.text(CommonOptions.LIMIT_SEED).orElseThrow();
    try {
      ImageDraw draw = ImageDraw.of(most.orElse(1), seed);
      return most.map(given -> draw);
    } catch (IllegalArgumentException e) {
      throw new UsageException(CommonOptions.LIMIT_SEED.dashed() + ": " + e.getMessage());
    }
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
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put(CommonOptions.MAX_PIXELS.name(), String.valueOf(maxPixels));
    limit.ifPresent(
        draw -> {
          settings.put(CommonOptions.LIMIT.name(), String.valueOf(draw.most()));
          settings.put(CommonOptions.LIMIT_SEED.name(), draw.seedText());
        });
    return settings;
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

  /** The images of a path, no more than the limit. */
  ImageList list(Path path, Console console) throws IOException {
    ImageList list = find(path, console);
    return limit.isPresent() ? limit.get().from(list) : list;
  }
}
