package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.ttame.training.data.ImageList;

/**
 * How a command goes through images.
 *
 * @param batchSize images a network pass
 * @param limit the most images; empty for all
 * @param strict whether an unreadable image is an error
 */
record ImageSettings(int batchSize, OptionalInt limit, boolean strict) {
  static ImageSettings parse(Arguments arguments) throws UsageException {
    OptionalInt limit =
        arguments
            .integer(CommonOptions.LIMIT, 1)
            .map(OptionalInt::of)
            .orElseGet(OptionalInt::empty);
    return new ImageSettings(
        arguments.requiredInteger(CommonOptions.BATCH_SIZE, 1),
        limit,
        arguments.has(CommonOptions.STRICT));
  }

  /** The images of a path, no more than the limit, spread evenly over it. */
  ImageList list(Path path) throws IOException {
    ImageList list = ImageList.of(path);
    return limit.isPresent() ? list.limit(limit.getAsInt()) : list;
  }
}
