package org.ttame.eval.evaluation;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import org.ttame.eval.metric.Box;
import org.ttame.eval.metric.ImageBatch;
import org.ttame.training.data.Batch;
import org.ttame.training.data.BatchSource;
import org.ttame.training.data.ImageList;

/**
 * A training batch source as images to measure: names from the list, boxes where they are known,
 * batches of which nothing could be read left out.
 *
 * <p>Errors of reading come out of {@link #hasNext} as {@link UncheckedIOException}. Closing it
 * closes the source.
 */
public final class ImageStream implements Iterator<ImageBatch>, AutoCloseable {
  private final BatchSource source;
  private final ImageList list;
  private final IntFunction<List<Box>> boxes;
  private final List<Batch.BadImage> skipped = new ArrayList<>();
  private Consumer<Batch.BadImage> listener = image -> {};
  private ImageBatch next;

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
   * @return this stream
   */
  public ImageStream onSkipped(Consumer<Batch.BadImage> value) {
    listener = value;
    return this;
  }

  /** The images that could not be read so far. */
  public List<Batch.BadImage> skipped() {
    return List.copyOf(skipped);
  }

  @Override
  public boolean hasNext() {
    try {
      while (next == null && source.hasNext()) {
        try (Batch batch = source.next()) {
          skipped.addAll(batch.bad());
          batch.bad().forEach(listener);
          if (batch.size() > 0) {
            next = convert(batch);
          }
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e.getMessage(), e);
    }
    return next != null;
  }

  @Override
  public ImageBatch next() {
    if (!hasNext()) {
      throw new NoSuchElementException("All images have been read");
    }
    ImageBatch result = next;
    next = null;
    return result;
  }

  @Override
  public void close() {
    source.close();
  }

  private ImageBatch convert(Batch batch) {
    return new ImageBatch(
        batch.indices().stream().map(list::name).toList(),
        (int) batch.images().size(1),
        batch.images().dup('c').data().asFloat(),
        batch.indices().stream().map(boxes::apply).toList());
  }
}
