package org.ttame.eval.experiment;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.ttame.eval.metric.Box;
import org.ttame.eval.metric.ImageBatch;

/** Passes images on and keeps some, spread evenly over all of them, to be drawn later. */
final class ChosenImages implements Iterator<ImageBatch> {
  private final Iterator<ImageBatch> images;
  private final int rows;
  private final int count;
  private final List<String> names = new ArrayList<>();
  private final List<List<Box>> boxes = new ArrayList<>();
  private final List<float[]> pixels = new ArrayList<>();
  private int seen;
  private ImageBatch last;

  /**
   * A watch over a stream that keeps so many {@code rows} of its {@code count} images; if it has
   * fewer, fewer are kept.
   */
  ChosenImages(Iterator<ImageBatch> images, int rows, int count) {
    this.images = images;
    this.rows = Math.min(rows, count);
    this.count = count;
  }

  @Override
  public boolean hasNext() {
    return images.hasNext();
  }

  @Override
  public ImageBatch next() {
    ImageBatch batch = images.next();
    last = batch;
    for (int b = 0; b < batch.size(); b++, seen++) {
      if (names.size() < rows && seen == (int) ((long) names.size() * count / rows)) {
        names.add(batch.names().get(b));
        boxes.add(batch.boxes(b));
        pixels.add(batch.image(b));
      }
    }
    return batch;
  }

  /** Whether any image was kept. */
  boolean found() {
    return !names.isEmpty();
  }

  /** The kept images. */
  ImageBatch batch() {
    float[] unit = new float[pixels.stream().mapToInt(image -> image.length).sum()];
    int at = 0;
    for (float[] image : pixels) {
      System.arraycopy(image, 0, unit, at, image.length);
      at += image.length;
    }
    return new ImageBatch(names, last.height(), last.width(), last.channels(), unit, boxes);
  }
}
