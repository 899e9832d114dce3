package org.ttame.services;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.ttame.core.image.ImageException;
import org.ttame.core.storage.AtomicFile;
import org.ttame.eval.evaluation.ImageStream;
import org.ttame.eval.output.Csv;
import org.ttame.training.data.SkippedCount;

/**
 * An image that was left out.
 *
 * @param place in the whole list
 * @param image its name
 * @param kind what was wrong with it; null where only its map is missing
 * @param reason a sentence
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record LeftOut(int place, String image, ImageException.Kind kind, String reason) {
  /** The list of them, beside what was made of the others. */
  static final String FILE = "skipped.csv";

  /** The images that a stream could not read. */
  static List<LeftOut> of(ImageStream stream, ImageSet images) {
    return stream.bad().stream()
        .map(
            bad ->
                new LeftOut(
                    images.shard().place(bad.index()),
                    images.own().name(bad.index()),
                    bad.kind(),
                    bad.reason()))
        .toList();
  }

  /** How many could not be read, by kind. */
  static SkippedCount count(List<LeftOut> images) {
    SkippedCount count = new SkippedCount();
    images.stream().filter(image -> image.kind() != null).forEach(image -> count.add(image.kind()));
    return count;
  }

  /** Writes the list {@value #FILE}; where nothing was left out there is none. */
  static void write(Path folder, List<LeftOut> images) throws IOException {
    Path file = folder.resolve(FILE);
    if (images.isEmpty()) {
      Files.deleteIfExists(file);
      return;
    }
    StringBuilder rows = new StringBuilder(Csv.row(List.of("image", "kind", "reason")));
    for (LeftOut image : images) {
      String kind = image.kind() == null ? "without a map" : image.kind().words();
      rows.append(Csv.row(List.of(image.image(), kind, image.reason())));
    }
    AtomicFile.writeText(file, rows.toString());
  }
}
