package org.ttame.training.data;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.ttame.core.ProgressListener;
import org.ttame.core.Text;
import org.ttame.core.image.ImageLimits;
import org.ttame.core.image.InputSpec;

/**
 * How images are gone through that nothing is trained on.
 *
 * @param batchSize images a network pass
 * @param limit which images; empty for all
 * @param strict whether an unreadable image is an error
 * @param maxPixels images of more pixels count as unreadable
 */
public record ImageSettings(
    int batchSize, Optional<ImageDraw> limit, boolean strict, long maxPixels) {
  /** Images a network pass unless told otherwise. */
  public static final int BATCH_SIZE = 8;

  public ImageSettings {
    Objects.requireNonNull(limit, "limit");
    if (batchSize < 1) {
      throw new IllegalArgumentException("A batch holds one image at least, got " + batchSize);
    }
    ImageLimits.DEFAULT.withMaxPixels(maxPixels);
  }

  /** All images; unreadable ones are left out. */
  public static ImageSettings defaults() {
    return new ImageSettings(BATCH_SIZE, Optional.empty(), false, ImageLimits.DEFAULT.maxPixels());
  }

  /** The same with another number of images a pass. */
  public ImageSettings withBatchSize(int size) {
    return new ImageSettings(size, limit, strict, maxPixels);
  }

  /** The same for some of the images. */
  public ImageSettings withLimit(ImageDraw draw) {
    return new ImageSettings(batchSize, Optional.of(draw), strict, maxPixels);
  }

  /** What an image may ask for. */
  public ImageLimits limits() {
    return ImageLimits.DEFAULT.withMaxPixels(maxPixels);
  }

  /** The settings that decide which images a result is about, for its provenance. */
  public Map<String, String> provenance() {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("max-pixels", String.valueOf(maxPixels));
    limit.ifPresent(
        draw -> {
          settings.put("limit", String.valueOf(draw.most()));
          settings.put("limit-seed", draw.seedText());
        });
    return settings;
  }

  /**
   * All images of a path; says how many of its files are none.
   *
   * @throws IOException if there is no image
   */
  public static ImageList find(Path path, ProgressListener listener) throws IOException {
    ImageList list = ImageList.of(path);
    if (list.others() > 0) {
      listener.note(
          Text.format(
              "ignoring %s in '%s', no images", Text.count(list.others(), "other file"), path));
    }
    return list;
  }

  /**
   * The images of a path, no more than the limit.
   *
   * @throws IOException if there is no image
   */
  public ImageList list(Path path, ProgressListener listener) throws IOException {
    ImageList list = find(path, listener);
    return limit.isPresent() ? limit.get().from(list) : list;
  }

  /**
   * Starts reading test crops, once and in order; the limit is the list's affair.
   *
   * @param spec what the classifier expects of them
   */
  public BatchSource open(ImageList list, InputSpec spec) {
    return new BatchSource(
        list,
        spec,
        new BatchOptions(batchSize, false, 0, BatchOptions.defaultThreads(), 2, strict),
        new ImageFileLoader(spec, Augment.NONE, limits()),
        0,
        BatchSource.stepsPerEpoch(list.size(), batchSize));
  }
}
