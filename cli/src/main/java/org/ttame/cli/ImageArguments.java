package org.ttame.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.ttame.core.Text;
import org.ttame.core.image.ImageLimits;
import org.ttame.eval.render.ColorMap;
import org.ttame.services.SampleInputs;
import org.ttame.training.data.ImageDraw;
import org.ttame.training.data.ImageSettings;
import org.ttame.training.data.Shard;

/** The options that say how to go through images, and how to draw on them. */
final class ImageArguments {
  static final OptionSpec COLORMAP =
      OptionSpec.of("colormap", "NAME", "viridis", "viridis, inferno, or jet as in the paper");

  private ImageArguments() {}

  static ImageSettings parse(Arguments arguments) throws UsageException {
    return new ImageSettings(
        arguments.requiredInteger(CommonOptions.BATCH_SIZE, 1),
        draw(arguments, CommonOptions.LIMIT),
        arguments.has(CommonOptions.STRICT),
        maxPixels(arguments));
  }

  /** The colours of heatmaps. */
  static ColorMap colors(Arguments arguments) throws UsageException {
    try {
      return ColorMap.parse(arguments.text(COLORMAP).orElseThrow());
    } catch (IllegalArgumentException e) {
      throw new UsageException(e.getMessage());
    }
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

  /**
   * The images that an option names, or, where it is not given, the held-out scenes of a run of the
   * bundled sample.
   */
  static Path images(Arguments arguments, OptionSpec option) throws UsageException {
    Optional<Path> run = arguments.path(CommonOptions.RUN);
    if (arguments.has(option) || run.isEmpty()) {
      return arguments.requiredPath(option);
    }
    Optional<Path> scenes = SampleInputs.heldOut(run.get());
    if (scenes.isEmpty() && !Files.isDirectory(run.get())) {
      throw new UsageException(
          Text.format(
              "%s %s is missing, and there is no folder '%s'",
              option.dashed(), option.value(), run.get()));
    }
    return scenes.isPresent() ? scenes.get() : arguments.requiredPath(option);
  }

  /** Which part of the images {@code --shard} asks for. */
  static Optional<Shard> shard(Arguments arguments) throws UsageException {
    try {
      return arguments.text(CommonOptions.SHARD).map(Shard::parse);
    } catch (IllegalArgumentException e) {
      throw new UsageException(CommonOptions.SHARD.dashed() + ": " + e.getMessage());
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
}
