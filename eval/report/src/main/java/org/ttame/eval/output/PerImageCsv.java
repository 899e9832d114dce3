package org.ttame.eval.output;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.ttame.core.Text;
import org.ttame.eval.evaluation.ImageRecord;
import org.ttame.eval.metric.MetricKey;

/**
 * {@code per-image.csv}: a row for each image and method, columns {@code image, method, class,
 * confidence, forward_passes, backward_passes} and one for each number measured; an empty cell
 * where a metric does not apply. It grows in place, batch by batch, so that a stopped evaluation
 * leaves what it has measured.
 */
public final class PerImageCsv implements Consumer<List<ImageRecord>>, AutoCloseable {
  /** The file's name. */
  public static final String FILE = "per-image.csv";

  private final Path file;
  private final Writer writer;

  /**
   * Starts the file over.
   *
   * @param folder where to; made if missing
   * @param keys the numbers measured
   */
  public PerImageCsv(Path folder, List<MetricKey> keys) throws IOException {
    file = folder.resolve(FILE);
    try {
      Files.createDirectories(folder);
      writer = Files.newBufferedWriter(file, StandardCharsets.UTF_8);
      writer.write(Csv.row(header(keys)));
      writer.flush();
    } catch (IOException e) {
      throw new IOException(Text.format("Could not write '%s': %s", file, e.getMessage()), e);
    }
  }

  @Override
  public void accept(List<ImageRecord> records) {
    try {
      for (ImageRecord record : records) {
        writer.write(Csv.row(cells(record)));
      }
      writer.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(
          Text.format("Could not write '%s': %s", file, e.getMessage()), e);
    }
  }

  @Override
  public void close() throws IOException {
    writer.close();
  }

  /** The names of the columns. */
  static List<String> header(List<MetricKey> keys) {
    List<String> header =
        new ArrayList<>(
            List.of("image", "method", "class", "confidence", "forward_passes", "backward_passes"));
    keys.forEach(key -> header.add(key.column()));
    return header;
  }

  /** A row; every number reads back as the same double. */
  static List<String> cells(ImageRecord record) {
    List<String> cells = new ArrayList<>();
    cells.add(record.image());
    cells.add(record.method());
    cells.add(Integer.toString(record.classIndex()));
    cells.add(Csv.number(record.confidence()));
    cells.add(Csv.number(record.forwardPasses()));
    cells.add(Csv.number(record.backwardPasses()));
    for (double value : record.values()) {
      cells.add(Csv.number(value));
    }
    return cells;
  }

  /** The record of a row of {@link #cells}; throws IllegalArgumentException if it is none. */
  static ImageRecord record(List<String> cells, List<MetricKey> keys) {
    int fixed = header(List.of()).size();
    if (cells.size() != fixed + keys.size()) {
      throw new IllegalArgumentException(
          Text.format("expected %d cells, got %d", fixed + keys.size(), cells.size()));
    }
    double[] values = new double[keys.size()];
    for (int k = 0; k < values.length; k++) {
      values[k] = Csv.toNumber(cells.get(fixed + k));
    }
    return new ImageRecord(
        cells.get(0),
        cells.get(1),
        Integer.parseInt(cells.get(2)),
        Csv.toNumber(cells.get(3)),
        Csv.toNumber(cells.get(4)),
        Csv.toNumber(cells.get(5)),
        values);
  }
}
