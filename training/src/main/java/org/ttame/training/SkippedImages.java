package org.ttame.training;

import java.io.IOException;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.ttame.core.Text;
import org.ttame.core.image.ImageException.Kind;
import org.ttame.training.data.Batch;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.SkippedCount;

/** The images that could not be read, each reported once. */
final class SkippedImages {
  private final ImageList images;
  private final SortedMap<Integer, Kind> kinds = new TreeMap<>();

  SkippedImages(ImageList images) {
    this.images = images;
  }

  void restore(SortedMap<Integer, Kind> known) {
    kinds.putAll(known);
  }

  void add(List<Batch.BadImage> bad, Consumer<Batch.BadImage> listener) throws IOException {
    for (Batch.BadImage image : bad) {
      if (kinds.putIfAbsent(image.index(), image.kind()) == null) {
        listener.accept(image);
      }
    }
    if (kinds.size() == images.size()) {
      throw new IOException(
          Text.format(
              "None of the %s could be read; the last reason: %s",
              images.describe(), bad.get(bad.size() - 1).reason()));
    }
  }

  SkippedCount count() {
    SkippedCount count = new SkippedCount();
    kinds.values().forEach(count::add);
    return count;
  }

  /** What was wrong with each, by its place in the list. */
  SortedMap<Integer, Kind> kinds() {
    return kinds;
  }
}
