package org.ttame.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.IntFunction;
import org.ttame.core.Text;
import org.ttame.core.image.InputSpec;
import org.ttame.eval.metric.Box;
import org.ttame.eval.metric.ImageBatch;
import org.ttame.training.data.Augment;
import org.ttame.training.data.Batch;
import org.ttame.training.data.BatchOptions;
import org.ttame.training.data.BatchSource;
import org.ttame.training.data.ImageFileLoader;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.SkippedCount;

/**
 * Test crops of a list of images, batch by batch in order, with progress on the console; unreadable
 * images are named there, counted and left out.
 *
 * <p>Errors of reading come out of {@link #hasNext} as {@link UncheckedIOException}.
 */
final class ImageFeed implements Iterator<ImageFeed.Images>, AutoCloseable {
  private final ImageList list;
  private final IntFunction<List<Box>> boxes;
  private final BatchSource source;
  private final Console console;
  private final Progress progress;
  private final SkippedCount skipped = new SkippedCount();
  private final List<Integer> unreadable = new ArrayList<>();
  private Images next;
  private long read;
  private long done;
  private final long before;

  /**
   * Some of the images.
   *
   * @param batch their pixels and names
   * @param indices their places in the list
   */
  record Images(ImageBatch batch, List<Integer> indices) {}

  /**
   * Starts reading.
   *
   * @param list the images
   * @param spec what the classifier expects of them
   * @param settings batch size and what to do with unreadable images; the limit is the list's
   *     affair
   * @param console for progress and warnings
   * @param what is done with the images, for the progress display
   */
  ImageFeed(ImageList list, InputSpec spec, ImageSettings settings, Console console, String what) {
    this(list, spec, settings, console, what, index -> List.of(), 0);
  }

  /**
   * As above.
   *
   * @param boxes the objects in the image of an index, in pixels of its crop
   * @param before images of the same work that were done earlier, for the progress display
   */
  ImageFeed(
      ImageList list,
      InputSpec spec,
      ImageSettings settings,
      Console console,
      String what,
      IntFunction<List<Box>> boxes,
      long before) {
    this.list = list;
    this.boxes = boxes;
    this.console = console;
    source = source(list, spec, settings);
    this.before = before;
    progress = console.progress(what, before + list.size()).startingAt(before);
  }

  /** Test crops of a list, once, without a word on the console. */
  static BatchSource source(ImageList list, InputSpec spec, ImageSettings settings) {
    int size = settings.batchSize();
    BatchOptions options =
        new BatchOptions(size, false, 0, BatchOptions.defaultThreads(), 2, settings.strict());
    return new BatchSource(
        list,
        spec,
        options,
        new ImageFileLoader(spec, Augment.NONE, settings.limits()),
        0,
        BatchSource.stepsPerEpoch(list.size(), size));
  }

  @Override
  public boolean hasNext() {
    try {
      while (next == null && source.hasNext()) {
        try (Batch batch = source.next()) {
          for (Batch.BadImage bad : batch.bad()) {
            skipped.add(bad.kind());
            unreadable.add(bad.index());
            console.warn("skipped: " + bad.reason());
          }
          if (batch.size() > 0) {
            next = convert(batch);
            read += batch.size();
          }
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e.getMessage(), e);
    }
    done = before + read + skipped.total() - (next == null ? 0 : next.indices().size());
    progress.at(done, "");
    return next != null;
  }

  /** Shows how far the work on a batch is. */
  void during(String detail) {
    progress.during(done, detail);
  }

  @Override
  public Images next() {
    if (!hasNext()) {
      throw new NoSuchElementException("All images have been read");
    }
    Images result = next;
    next = null;
    return result;
  }

  /** The same images without their places. */
  Iterator<ImageBatch> batches() {
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return ImageFeed.this.hasNext();
      }

      @Override
      public ImageBatch next() {
        return ImageFeed.this.next().batch();
      }
    };
  }

  /**
   * To be called at the end: no image at all is a failure.
   *
   * @throws IOException if every image was skipped
   */
  void requireAny() throws IOException {
    if (read == 0) {
      throw new IOException(
          skipped.total() == 1
              ? Text.format(
                  "the only image of %s could not be read: %s", list.source(), skipped.kinds())
              : Text.format(
                  "none of the %d images of %s could be read: %s",
                  skipped.total(), list.source(), skipped.kinds()));
    }
  }

  /** The images that could not be read so far. */
  SkippedCount skipped() {
    return skipped;
  }

  /** The places of those images in the list. */
  List<Integer> unreadable() {
    return List.copyOf(unreadable);
  }

  /** How many images there were, for people. */
  String summary() {
    return Text.format(
        "%d image%s%s",
        read, read == 1 ? "" : "s", skipped.total() == 0 ? "" : "; " + skipped.describe());
  }

  @Override
  public void close() {
    source.close();
  }

  private Images convert(Batch batch) {
    // Not asFloat(), which goes value by value.
    float[] values = new float[Math.toIntExact(batch.images().length())];
    batch.images().data().asNioFloat().get(values);
    ImageBatch images =
        new ImageBatch(
            batch.indices().stream().map(list::name).toList(),
            (int) batch.images().size(1),
            values,
            batch.indices().stream().map(boxes::apply).toList());
    return new Images(images, batch.indices());
  }
}
