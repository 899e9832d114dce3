package org.ttame.services;

import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;
import org.ttame.core.Text;
import org.ttame.core.image.CropPlan;
import org.ttame.core.image.ImageLimits;
import org.ttame.core.image.ImageReader;
import org.ttame.core.image.InputSpec;
import org.ttame.core.image.Preprocessing;
import org.ttame.core.storage.TextFile;
import org.ttame.eval.metric.Box;
import org.ttame.eval.output.Csv;
import org.ttame.training.data.ImageList;

/**
 * Where objects are in images, from a table: a row an object, columns {@code image, class, x0, y0,
 * x1, y1} in any order among others, cells quoted as RFC 4180 has it where need be. The image is
 * named by its path inside its source, the class by its index or name; edges are in pixels of the
 * picture as it is in its file, from the top left.
 */
record BoxTable(Map<String, List<Box>> boxes) {
  /** The table that is taken from among the images unless another is given. */
  static final String FILE = ImageList.BOXES;

  private static final List<String> COLUMNS = List.of("image", "class", "x0", "y0", "x1", "y1");

  /**
   * Reads a table; {@code classOf} throws IllegalArgumentException where there is no class of an
   * index or name. What is wrong is said with file and line.
   */
  static BoxTable read(Path file, ToIntFunction<String> classOf) throws IOException {
    String text = TextFile.text(file);
    List<List<String>> rows = new ArrayList<>();
    try {
      Csv.read(new StringReader(text), rows::add);
    } catch (IOException e) {
      throw new IOException(Text.format("%s: %s", file, e.getMessage()), e);
    }
    List<String> header =
        rows.isEmpty() ? List.of() : rows.get(0).stream().map(String::strip).toList();
    if (!header.containsAll(COLUMNS)) {
      throw new IOException(
          Text.format(
              "%s is not a table of boxes: its first line should name the columns %s",
              file, String.join(",", COLUMNS)));
    }
    Map<String, List<Box>> boxes = new HashMap<>();
    for (int n = 1; n < rows.size(); n++) {
      List<String> cells = rows.get(n);
      if (cells.stream().allMatch(String::isBlank)) {
        continue;
      }
      if (cells.size() != header.size()) {
        throw new IOException(
            Text.format(
                "%s, line %d: expected %d cells, got %d",
                file, n + 1, header.size(), cells.size()));
      }
      String image = cells.get(header.indexOf("image")).strip();
      try {
        boxes
            .computeIfAbsent(image, name -> new ArrayList<>())
            .add(
                new Box(
                    classOf.applyAsInt(cells.get(header.indexOf("class")).strip()),
                    Double.parseDouble(cells.get(header.indexOf("x0"))),
                    Double.parseDouble(cells.get(header.indexOf("y0"))),
                    Double.parseDouble(cells.get(header.indexOf("x1"))),
                    Double.parseDouble(cells.get(header.indexOf("y1")))));
      } catch (IllegalArgumentException e) {
        throw new IOException(Text.format("%s, line %d: %s", file, n + 1, e.getMessage()), e);
      }
    }
    return new BoxTable(boxes);
  }

  /** Whether any object is known in an image. */
  boolean knows(String image) {
    return boxes.containsKey(image);
  }

  /**
   * The objects, moved into the crop that a classifier sees of an image, without those that the
   * crop leaves out: no map could find them.
   */
  KnownObjects objects(ImageLimits limits) {
    ImageReader reader = new ImageReader(limits);
    return (images, spec) ->
        index -> {
          List<Box> known = boxes.getOrDefault(images.name(index), List.of());
          if (known.isEmpty()) {
            return known;
          }
          CropPlan plan = testPlan(reader, images.path(index), spec);
          return known.stream()
              .map(
                  box ->
                      new Box(
                          box.classIndex(),
                          plan.mapX(box.x0()),
                          plan.mapY(box.y0()),
                          plan.mapX(box.x1()),
                          plan.mapY(box.y1())))
              .filter(box -> box.isInSight(spec.height(), spec.width()))
              .toList();
        };
  }

  private static CropPlan testPlan(ImageReader reader, Path image, InputSpec spec) {
    try {
      return new Preprocessing(spec).testPlan(reader.read(image));
    } catch (IOException e) {
      throw new UncheckedIOException(e.getMessage(), e);
    }
  }
}
