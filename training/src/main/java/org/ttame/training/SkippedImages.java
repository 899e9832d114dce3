package org.ttame.training;

import java.io.IOException;
import java.util.BitSet;
import java.util.List;
import java.util.function.Consumer;
import org.ttame.training.data.Batch;
import org.ttame.training.data.ImageList;

/** The images that could not be read, each reported once. */
final class SkippedImages {
  private final ImageList images;
  private final BitSet indices = new BitSet();

  SkippedImages(ImageList images) {
    this.images = images;
  }

  void restore(List<Integer> known) {
    known.forEach(indices::set);
  }

  void add(List<Batch.BadImage> bad, Consumer<Batch.BadImage> listener) throws IOException {
    for (Batch.BadImage image : bad) {
      if (!indices.get(image.index())) {
        indices.set(image.index());
        listener.accept(image);
      }
    }
    if (count() == images.size()) {
      throw new IOException(
          "None of the %s could be read; the last reason: %s"
              .formatted(images.describe(), bad.get(bad.size() - 1).reason()));
    }
  }

  int count() {
    return indices.cardinality();
  }

  List<Integer> toList() {
    return indices.stream().boxed().toList();
  }
}
