package org.ttame.services;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.ttame.core.Text;
import org.ttame.core.provenance.BuildInfo;
import org.ttame.core.storage.AtomicFile;
import org.ttame.core.storage.TextFile;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.output.Provenance;
import org.ttame.eval.render.ColorMap;
import org.ttame.training.data.Shard;

/**
 * What a shard of a command was made from: written when it is done, read by {@link Merge}.
 *
 * @param format of this record
 * @param command {@code evaluate} or {@code explain}
 * @param index the shard's number, from 0
 * @param count of how many
 * @param program the program's version and commit
 * @param build the same in its parts, for the merged files
 * @param settings what the results depend on, by names that people understand
 * @param backbone the classifier's provenance
 * @param provenance that of the rest
 * @param images how many images the whole list has
 * @param namesSha256 of the whole list's names
 * @param batchSize images a pass
 * @param done how many images were gone through
 * @param leftOut those that were not
 * @param evaluation what else an evaluation's files need; null for another command
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record ShardRecord(
    int format,
    String command,
    int index,
    int count,
    String program,
    BuildInfo build,
    Map<String, String> settings,
    Map<String, String> backbone,
    Map<String, String> provenance,
    int images,
    String namesSha256,
    int batchSize,
    long done,
    List<LeftOut> leftOut,
    Measured evaluation) {
  /** The command that measures. */
  static final String EVALUATE = "evaluate";

  /** The command that writes maps. */
  static final String EXPLAIN = "explain";

  private static final int FORMAT = 1;
  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .build();

  /**
   * The frame of an evaluation's numbers.
   *
   * @param keys the numbers, each as metric and threshold
   * @param parameters what changes their meaning
   * @param methods the methods' settings by name, in order
   * @param labels names of the classes, or an empty list
   * @param colors of the page's heatmaps
   * @param maps the methods whose maps were made elsewhere, with commas; null without
   */
  record Measured(
      List<Key> keys,
      Map<String, String> parameters,
      LinkedHashMap<String, LinkedHashMap<String, String>> methods,
      List<String> labels,
      String colors,
      String maps) {
    /** A number's name; the threshold is null where it has none. */
    record Key(String metric, Double threshold) {}

    static Measured of(EvaluationResult nothing, List<String> labels, String colors, String maps) {
      LinkedHashMap<String, LinkedHashMap<String, String>> methods = new LinkedHashMap<>();
      nothing
          .methods()
          .forEach(method -> methods.put(method.method(), new LinkedHashMap<>(method.settings())));
      List<Key> keys = new ArrayList<>();
      for (MetricKey key : nothing.keys()) {
        OptionalDouble at = key.threshold();
        keys.add(new Key(key.metric(), at.isPresent() ? at.getAsDouble() : null));
      }
      return new Measured(keys, nothing.parameters(), methods, labels, colors, maps);
    }

    private boolean isSound() {
      try {
        return !nothing().methods().isEmpty()
            && !keys.isEmpty()
            && labels != null
            && ColorMap.parse(colors) != null;
      } catch (IllegalArgumentException | NullPointerException e) {
        return false; // a value that is missing, or none of those that there are
      }
    }

    /** The evaluation's result before any image. */
    EvaluationResult nothing() {
      List<MetricKey> numbers =
          keys.stream()
              .map(
                  key ->
                      key.threshold() == null
                          ? MetricKey.of(key.metric())
                          : MetricKey.at(key.metric(), key.threshold()))
              .toList();
      List<MethodResult> results = new ArrayList<>();
      methods.forEach(
          (name, settings) -> results.add(new MethodResult(name, settings, numbers, List.of(), 0)));
      return new EvaluationResult(numbers, parameters, results, 0, 0, 0, 0);
    }
  }

  static ShardRecord of(
      String command,
      ImageSet images,
      Map<String, String> settings,
      Provenance provenance,
      int batchSize,
      long done,
      List<LeftOut> leftOut,
      Measured evaluation) {
    return new ShardRecord(
        FORMAT,
        command,
        images.shard().index(),
        images.shard().count(),
        provenance.build().describe(),
        provenance.build(),
        settings,
        provenance.backbone(),
        provenance.settings(),
        images.images(),
        images.namesSha256(),
        batchSize,
        done,
        leftOut,
        evaluation);
  }

  /** Which shard it is. */
  Shard shard() {
    return new Shard(index, count);
  }

  /** Who made it, from what. */
  Provenance origin() {
    return new Provenance(build, backbone, provenance);
  }

  /** The record's name in a folder, which may hold those of several shards. */
  static String file(Shard shard) {
    return file(shard.index(), shard.count());
  }

  private static String file(int index, int count) {
    return Text.format("shard-%d-of-%d.json", index, count);
  }

  void write(Path folder) throws IOException {
    AtomicFile.writeText(folder.resolve(file(shard())), JSON.writeValueAsString(this) + "\n");
  }

  /** The records in a folder; refused if there is none, or one cannot be read. */
  static List<ShardRecord> read(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      throw new IOException(
          Text.format("'%s' is not a folder; give the output folder of a shard", folder));
    }
    List<Path> files;
    try (Stream<Path> all = Files.list(folder)) {
      files =
          all.filter(file -> file.getFileName().toString().matches("shard-\\d+-of-\\d+\\.json"))
              .sorted()
              .toList();
    }
    if (files.isEmpty()) {
      throw new IOException(
          Text.format(
              "'%s' holds no finished shard: there is no shard-I-of-N.json in it; run its command"
                  + " again",
              folder));
    }
    List<ShardRecord> records = new ArrayList<>();
    for (Path file : files) {
      records.add(readFile(file));
    }
    return records;
  }

  private static ShardRecord readFile(Path file) throws IOException {
    ShardRecord record;
    try {
      record = JSON.readValue(TextFile.text(file), ShardRecord.class);
    } catch (JsonMappingException e) {
      String field = place(e);
      throw damaged(
          file, field.isEmpty() ? "it is not a JSON object" : "\"" + field + "\" is wrong", e);
    } catch (JacksonException e) {
      throw damaged(file, "it is not JSON", e);
    }
    if (record == null) {
      throw damaged(file, "it is not a JSON object", null);
    }
    if (record.format() != FORMAT) {
      throw new IOException(
          Text.format(
              "'%s' has format %d; this version reads format %d: run the shard again with it",
              file, record.format(), FORMAT));
    }
    Optional<String> fault = record.fault(file.getFileName().toString());
    if (fault.isPresent()) {
      throw damaged(file, "\"" + fault.get() + "\" is missing or wrong", null);
    }
    return record;
  }

  private static IOException damaged(Path file, String why, Throwable cause) {
    return new IOException(
        Text.format("'%s' is damaged: %s; remove the file and run its command again", file, why),
        cause);
  }

  private static String place(JsonMappingException e) {
    return e.getPath().stream()
        .map(at -> at.getFieldName() == null ? String.valueOf(at.getIndex()) : at.getFieldName())
        .collect(Collectors.joining("."));
  }

  /** The first value that no shard would have written, in a file of a name. */
  private Optional<String> fault(String name) {
    boolean measures = EVALUATE.equals(command);
    Map<String, Boolean> sound = new LinkedHashMap<>();
    sound.put("command", measures || EXPLAIN.equals(command));
    sound.put("count", count >= 1 && count <= images);
    sound.put("index", index >= 0 && index < count && name.equals(file(index, count)));
    sound.put("program", program != null);
    sound.put("build", build != null && build.version() != null && build.commit() != null);
    sound.put("settings", settings != null);
    sound.put("backbone", backbone != null && !backbone.containsValue(null));
    sound.put("provenance", provenance != null);
    sound.put("namesSha256", namesSha256 != null);
    sound.put("batchSize", batchSize >= 1);
    sound.put("leftOut", leftOut != null && leftOut.stream().allMatch(this::isOwn));
    sound.put("evaluation", measures ? evaluation != null && evaluation.isSound() : true);
    Optional<String> first =
        sound.entrySet().stream().filter(e -> !e.getValue()).map(Map.Entry::getKey).findFirst();
    if (first.isPresent()) {
      return first;
    }
    long places = leftOut.stream().mapToInt(LeftOut::place).distinct().count();
    boolean all = places == leftOut.size() && done + places == shard().size(images);
    return all ? Optional.empty() : Optional.of("done");
  }

  private boolean isOwn(LeftOut image) {
    return image != null
        && image.image() != null
        && image.reason() != null
        && image.place() >= 0
        && image.place() < images
        && image.place() % count == index;
  }
}
