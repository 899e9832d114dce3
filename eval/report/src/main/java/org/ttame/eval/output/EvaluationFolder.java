package org.ttame.eval.output;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.ttame.core.Text;
import org.ttame.core.provenance.Sha256;
import org.ttame.core.storage.AtomicFile;
import org.ttame.core.storage.InputFile;
import org.ttame.core.storage.TextFile;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.ImageRecord;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.metric.MetricKey;

/**
 * The folder that an evaluation grows in, so that one that was interrupted, even by a kill, can be
 * resumed where it was.
 *
 * <ul>
 *   <li>{@code evaluation.json}: the settings the numbers depend on, written at the start; whoever
 *       goes on must have the same.
 *   <li>{@code per-image.csv}: what was measured.
 *   <li>{@code batches.jsonl}: a line a batch, written after the batch's rows: what it cost, how
 *       long {@code per-image.csv} was with it and, for maps made elsewhere, their sum. Rows beyond
 *       the last whole line's length were being written when the evaluation was stopped; they are
 *       cut off and measured again.
 * </ul>
 */
public final class EvaluationFolder implements Consumer<EvaluationResult>, AutoCloseable {
  /** The settings. */
  public static final String SETTINGS = "evaluation.json";

  /** What each batch cost. */
  public static final String BATCHES = "batches.jsonl";

  /** In a batch's line: the sum of its maps. */
  private static final String MAPS = "maps_sha256";

  private static final int FORMAT = 1;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path folder;
  private final Optional<MapSums> maps;
  private final FileChannel csv;
  private final FileChannel batches;
  private final EvaluationResult finished;

  /** Tells maps made elsewhere, which may be made again, from those that were measured. */
  @FunctionalInterface
  public interface MapSums {
    /**
     * The sum of a map.
     *
     * @param image the image's name
     * @return what is another for another map
     */
    String of(String image) throws IOException;
  }

  private EvaluationFolder(
      Path folder,
      Optional<MapSums> maps,
      FileChannel csv,
      FileChannel batches,
      EvaluationResult nothing)
      throws IOException {
    this.folder = folder;
    this.maps = maps;
    this.csv = csv;
    this.batches = batches;
    finished = read(nothing);
  }

  /**
   * Opens a folder, to begin in it or to go on, for an evaluation of methods that make their maps.
   *
   * @see #open(Path, EvaluationResult, Map, Optional)
   */
  public static EvaluationFolder open(
      Path folder, EvaluationResult nothing, Map<String, String> settings) throws IOException {
    return open(folder, nothing, settings, Optional.empty());
  }

  /**
   * Opens a folder, to begin in it or to go on.
   *
   * @param folder made if missing
   * @param nothing the evaluation's result before any image: its methods and numbers
   * @param settings what else the numbers depend on, by names that people understand
   * @param maps tells maps made elsewhere from those that were measured, where such take part
   * @return the folder, with what was finished in it
   * @throws IOException if it cannot be read or written, if another process works in it, or if it
   *     holds an evaluation of other settings, then naming the first one that differs, or of other
   *     maps
   */
  public static EvaluationFolder open(
      Path folder, EvaluationResult nothing, Map<String, String> settings, Optional<MapSums> maps)
      throws IOException {
    Path record = folder.resolve(SETTINGS);
    Path rows = folder.resolve(PerImageCsv.FILE);
    Map<String, String> all = settings(nothing, settings);
    boolean begun = Files.exists(record);
    if (begun) {
      requireSame(folder, all);
    } else if (Files.exists(rows)) {
      throw new IOException(
          Text.format(
                  "'%s' holds measurements whose settings are not known; choose another folder (option 'out'), or remove",
                  rows)
              + " that file");
    } else {
      Files.createDirectories(folder);
    }
    FileChannel batches = append(folder.resolve(BATCHES));
    FileChannel csv = null;
    try {
      lock(batches, folder);
      csv = append(rows);
      if (!begun) {
        ObjectNode root = JSON.createObjectNode().put("format", FORMAT);
        root.set("settings", JSON.valueToTree(all));
        AtomicFile.writeText(record, root.toPrettyString() + "\n");
      }
      return new EvaluationFolder(folder, maps, csv, batches, nothing);
    } catch (IOException | RuntimeException e) {
      close(csv);
      close(batches);
      throw e;
    }
  }

  /**
   * What a finished evaluation's folder holds; nothing is changed in it.
   *
   * @param folder an evaluation's
   * @param nothing its result before any image
   * @param records receives the records, those of a method in the images' order; an {@link
   *     IllegalArgumentException} of its says what is wrong with one
   * @return what they cost together, without them
   */
  public static EvaluationResult read(
      Path folder, EvaluationResult nothing, Consumer<ImageRecord> records) throws IOException {
    List<EvaluationResult> costs = new ArrayList<>(List.of(nothing));
    for (String line : TextFile.lines(folder.resolve(BATCHES))) {
      costs.add(cost(folder, tree(folder, line), nothing));
    }
    readRows(folder, nothing, records);
    return EvaluationResult.join(costs);
  }

  /** An object whose values are texts. */
  static Map<String, String> texts(JsonNode object) {
    Map<String, String> texts = new LinkedHashMap<>();
    object.properties().forEach(field -> texts.put(field.getKey(), field.getValue().asText()));
    return texts;
  }

  /**
   * Opens a folder and starts over in it: what an evaluation of the same settings left there is
   * removed.
   *
   * @throws IOException as {@link #open(Path, EvaluationResult, Map)}
   */
  public static EvaluationFolder restart(
      Path folder, EvaluationResult nothing, Map<String, String> settings) throws IOException {
    if (Files.exists(folder.resolve(SETTINGS))) {
      requireSame(folder, settings(nothing, settings));
      Files.delete(folder.resolve(SETTINGS));
      Files.deleteIfExists(folder.resolve(BATCHES));
      Files.deleteIfExists(folder.resolve(PerImageCsv.FILE));
    }
    return open(folder, nothing, settings);
  }

  /** What was measured before; without records where nothing was. */
  public EvaluationResult finished() {
    return finished;
  }

  /**
   * Keeps what a batch gave.
   *
   * @throws UncheckedIOException naming the file, if it cannot be written
   */
  @Override
  public void accept(EvaluationResult batch) {
    try {
      StringBuilder rows = new StringBuilder();
      for (ImageRecord record : batch.records()) {
        rows.append(Csv.row(PerImageCsv.cells(record)));
      }
      write(csv, rows.toString());
      ObjectNode line = BatchCost.toJson(batch, csv.size());
      if (maps.isPresent()) {
        line.put(MAPS, sum(images(batch)));
      }
      write(batches, line + "\n");
    } catch (IOException e) {
      throw new UncheckedIOException(
          Text.format("Could not write in '%s': %s", folder, e.getMessage()), e);
    }
  }

  @Override
  public void close() throws IOException {
    csv.close();
    batches.close();
  }

  private EvaluationResult read(EvaluationResult nothing) throws IOException {
    String header = Csv.row(PerImageCsv.header(nothing.keys()));
    List<EvaluationResult> costs = new ArrayList<>(List.of(nothing));
    List<JsonNode> measured = new ArrayList<>();
    long rows = header.getBytes(StandardCharsets.UTF_8).length;
    long whole = 0;
    String text;
    try (InputStream in = InputFile.open(folder.resolve(BATCHES))) {
      text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
    // A line that was not ended was being written; its batch is measured again.
    int ended = text.lastIndexOf('\n') + 1;
    for (String line : text.substring(0, ended).lines().toList()) {
      JsonNode cost = tree(folder, line);
      EvaluationResult read = cost(folder, cost, nothing);
      if (cost.path("bytes").longValue() > csv.size()) {
        break;
      }
      costs.add(read);
      measured.add(cost);
      rows = cost.path("bytes").longValue();
      whole += line.getBytes(StandardCharsets.UTF_8).length + 1;
    }
    batches.truncate(whole);
    if (costs.size() == 1) {
      csv.truncate(0);
      write(csv, header);
      return nothing;
    }
    csv.truncate(rows);
    EvaluationResult records = records(folder, nothing);
    requireSameMaps(images(records), measured);
    return EvaluationResult.join(List.of(EvaluationResult.join(costs), records));
  }

  private void requireSameMaps(List<String> images, List<JsonNode> measured) throws IOException {
    int at = 0;
    for (JsonNode batch : measured) {
      if (batch.path("images").intValue() > images.size() - at) {
        throw damaged(folder, "it counts more images than were measured", null);
      }
      List<String> those = images.subList(at, at + batch.path("images").intValue());
      at += those.size();
      if (maps.isPresent() && !batch.path(MAPS).asText().equals(sum(those))) {
        throw new IOException(
            Text.format(
                "'%s' holds results of other maps: files of %s have changed since they"
                    + " were measured; choose another folder (option 'out')",
                folder, described(those)));
      }
    }
  }

  private static String described(List<String> images) {
    return images.size() == 1
        ? images.get(0)
        : Text.format("%s and the %d images after it", images.get(0), images.size() - 1);
  }

  private String sum(List<String> images) throws IOException {
    Sha256 sum = new Sha256();
    for (String image : images) {
      sum.line(image);
      sum.line(maps.orElseThrow().of(image));
    }
    return sum.hex();
  }

  private static List<String> images(EvaluationResult result) {
    return result.methods().get(0).records().stream().map(ImageRecord::image).toList();
  }

  /** The rows, which cost nothing more. */
  static EvaluationResult records(Path folder, EvaluationResult nothing) throws IOException {
    Map<String, List<ImageRecord>> byMethod = new LinkedHashMap<>();
    nothing.methods().forEach(method -> byMethod.put(method.method(), new ArrayList<>()));
    readRows(folder, nothing, record -> byMethod.get(record.method()).add(record));
    List<MethodResult> methods = new ArrayList<>();
    for (MethodResult method : nothing.methods()) {
      methods.add(
          new MethodResult(
              method.method(),
              method.settings(),
              nothing.keys(),
              byMethod.get(method.method()),
              0));
    }
    return new EvaluationResult(nothing.keys(), nothing.parameters(), methods, 0, 0, 0, 0);
  }

  private static void readRows(Path folder, EvaluationResult nothing, Consumer<ImageRecord> records)
      throws IOException {
    Path file = folder.resolve(PerImageCsv.FILE);
    Set<String> methods =
        nothing.methods().stream().map(MethodResult::method).collect(Collectors.toSet());
    try (BufferedReader reader =
        new BufferedReader(new InputStreamReader(InputFile.open(file), StandardCharsets.UTF_8))) {
      String header = reader.readLine();
      if (!(header + "\n").equals(Csv.row(PerImageCsv.header(nothing.keys())))) {
        throw new IOException("its columns are others");
      }
      Csv.read(
          reader,
          cells -> {
            ImageRecord record = PerImageCsv.record(cells, nothing.keys());
            if (!methods.contains(record.method())) {
              throw new IllegalArgumentException("it has rows of " + record.method());
            }
            records.accept(record);
          });
    } catch (UncheckedIOException e) {
      throw e.getCause(); // of whoever receives them
    } catch (IOException | RuntimeException e) {
      throw new IOException(
          Text.format(
              "'%s' has changed since the evaluation wrote it (%s); evaluate again"
                  + " into another folder (option 'out')",
              file, e.getMessage()),
          e);
    }
  }

  private static JsonNode tree(Path folder, String line) throws IOException {
    try {
      return JSON.readTree(line);
    } catch (JsonProcessingException e) {
      throw damaged(folder, "a line is not JSON", e);
    }
  }

  private static EvaluationResult cost(Path folder, JsonNode line, EvaluationResult nothing)
      throws IOException {
    try {
      return BatchCost.of(line, nothing);
    } catch (IllegalArgumentException e) {
      throw damaged(folder, "in a line, " + e.getMessage(), e);
    }
  }

  private static IOException damaged(Path folder, String how, Exception e) {
    return new IOException(
        Text.format(
            "'%s' is damaged: %s; choose another folder (option 'out')",
            folder.resolve(BATCHES), how),
        e);
  }

  private static Map<String, String> settings(
      EvaluationResult nothing, Map<String, String> settings) {
    Map<String, String> all = new LinkedHashMap<>(settings);
    all.put(
        "methods", String.join(",", nothing.methods().stream().map(MethodResult::method).toList()));
    all.put("numbers", String.join(",", nothing.keys().stream().map(MetricKey::column).toList()));
    all.putAll(nothing.parameters());
    for (MethodResult method : nothing.methods()) {
      method.settings().forEach((name, value) -> all.put(method.method() + "." + name, value));
    }
    return all;
  }

  private static void requireSame(Path folder, Map<String, String> now) throws IOException {
    Path file = folder.resolve(SETTINGS);
    JsonNode root;
    try {
      root = JSON.readTree(TextFile.text(file));
    } catch (JsonProcessingException e) {
      throw new IOException(Text.format("'%s' is damaged: it is not JSON", file), e);
    }
    if (root.path("format").asInt() != FORMAT) {
      throw new IOException(
          Text.format(
              "'%s' has format %d; this version reads format %d",
              file, root.path("format").asInt(), FORMAT));
    }
    Map<String, String> then = texts(root.path("settings"));
    Set<String> names = new LinkedHashSet<>(now.keySet());
    names.addAll(then.keySet());
    for (String name : names) {
      if (!Objects.equals(then.get(name), now.get(name))) {
        throw new IOException(
            Text.format(
                "'%s' holds an evaluation with %s; now it is %s: resume it with its"
                    + " own settings, or choose another folder (option 'out')",
                folder, described(name, then.get(name)), said(now.get(name))));
      }
    }
  }

  private static String described(String name, String value) {
    return value == null ? "no " + name : name + " " + value;
  }

  private static String said(String value) {
    return value == null ? "not set" : value;
  }

  private static FileChannel append(Path file) throws IOException {
    InputFile.requireOwn(file);
    return FileChannel.open(
        file, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
  }

  /** Held until the channel is closed. */
  private static void lock(FileChannel channel, Path folder) throws IOException {
    FileLock lock;
    try {
      lock = channel.tryLock();
    } catch (OverlappingFileLockException e) {
      lock = null;
    }
    if (lock == null) {
      throw new IOException(
          Text.format(
              "Another process evaluates in '%s'; wait for it, or choose another folder (option 'out')",
              folder));
    }
  }

  private static void write(FileChannel channel, String text) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  private static void close(FileChannel channel) throws IOException {
    if (channel != null) {
      channel.close();
    }
  }
}
