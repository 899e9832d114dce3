package org.ttame.eval.evaluation;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import org.ttame.core.ProgressListener;
import org.ttame.core.Text;
import org.ttame.core.engine.HostMemory;
import org.ttame.eval.metric.Box;
import org.ttame.eval.metric.ImageBatch;
import org.ttame.training.data.Batch;
import org.ttame.training.data.BatchSource;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.SkippedCount;

/**
 * A training batch source as images to explain and measure, batch by batch in order: names from the
 * list, boxes where they are known. Unreadable images are counted and left out, and so are batches
 * of which nothing could be read.
 *
 * <p>Errors of reading come out of {@link #hasNext} as {@link UncheckedIOException}. Closing it
 * closes the source.
 */
public final class ImageStream implements Iterator<ImageBatch>, AutoCloseable {
  private final BatchSource source;
  private final ImageList list;
  private final IntFunction<List<Box>> boxes;
  private final SkippedCount skipped = new SkippedCount();
  private final List<Batch.BadImage> bad = new ArrayList<>();
  private Consumer<Batch.BadImage> onSkipped = image -> {};
  private ProgressListener progress = ProgressListener.NONE;
  private long before;
  private long read;
  private ImageBatch next;
  private List<Integer> nextPlaces = List.of();
  private List<Integer> places = List.of();

  /**
   * A stream of images with known objects.
   *
   * @param source test crops of the list, one epoch
   * @param list what the source reads
   * @param boxes the objects in the image of an index, in pixels of its crop
   */
  public ImageStream(BatchSource source, ImageList list, IntFunction<List<Box>> boxes) {
    this.source = source;
    this.list = list;
    this.boxes = boxes;
  }

  /**
   * A stream of images without known objects.
   *
   * @param source test crops of the list, one epoch
   * @param list what the source reads
   */
  public ImageStream(BatchSource source, ImageList list) {
    this(source, list, index -> List.of());
  }

  /**
   * Tells of images that cannot be read, as they are met.
   *
   * @param value who is told
   */
  public ImageStream onSkipped(Consumer<Batch.BadImage> value) {
    onSkipped = value;
    return this;
  }

  /**
   * Tells how far the work on the images is, and warns of those that cannot be read.
   *
   * @param listener who is told
   * @param what is done with the images
   * @param earlier images of the same work that were done earlier
   */
  public ImageStream reporting(ProgressListener listener, String what, long earlier) {
    progress = listener;
    before = earlier;
    listener.begin(what, before + list.size(), before);
    return onSkipped(image -> listener.warn("skipped: " + image.reason()));
  }

  @Override
  public boolean hasNext() {
    try {
      while (next == null && source.hasNext()) {
        try (Batch batch = source.next()) {
          for (Batch.BadImage image : batch.bad()) {
            skipped.add(image.kind());
            bad.add(image);
            onSkipped.accept(image);
          }
          if (batch.size() > 0) {
            next = convert(batch);
            nextPlaces = List.copyOf(batch.indices());
            read += batch.size();
          }
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e.getMessage(), e);
    }
    progress.advance(before + read + skipped.total() - (next == null ? 0 : next.size()), "");
    return next != null;
  }

  @Override
  public ImageBatch next() {
    if (!hasNext()) {
      throw new NoSuchElementException("All images have been read");
    }
    ImageBatch result = next;
    places = nextPlaces;
    next = null;
    return result;
  }

  /** The places in the list of the images that {@link #next} returned last. */
  public List<Integer> places() {
    return places;
  }

  /** The images that could not be read so far. */
  public SkippedCount skipped() {
    return skipped;
  }

  /** The places of those images in the list. */
  public List<Integer> unreadable() {
    return bad.stream().map(Batch.BadImage::index).toList();
  }

  /** Those images, and why. */
  public List<Batch.BadImage> bad() {
    return List.copyOf(bad);
  }

  /** How many images have been read so far. */
  public long read() {
    return read;
  }

  /**
   * To be called at the end: no image at all is a failure.
   *
   * @throws IOException if every image was skipped
   */
  public void requireAny() throws IOException {
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

  @Override
  public void close() {
    source.close();
  }

  private ImageBatch convert(Batch batch) {
    // Not asFloat(), which goes value by value.
    float[] values = new float[Math.toIntExact(batch.images().length())];
    HostMemory.values(batch.images()).asFloatBuffer().get(values);
    return new ImageBatch(
        batch.indices().stream().map(list::name).toList(),
        (int) batch.images().size(1),
        (int) batch.images().size(2),
        (int) batch.images().size(3),
        values,
        batch.indices().stream().map(boxes::apply).toList());
  }
}
