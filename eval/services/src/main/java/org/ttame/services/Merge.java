package org.ttame.services;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.ttame.core.ProgressListener;
import org.ttame.core.Text;
import org.ttame.core.provenance.Sha256;
import org.ttame.core.storage.InputFile;
import org.ttame.core.storage.WholeFile;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.ImageRecord;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.gallery.GalleryFolder;
import org.ttame.eval.output.EvaluationFolder;
import org.ttame.eval.render.ColorMap;
import org.ttame.training.data.SkippedCount;

/**
 * Puts the shards of {@link Evaluate} or {@link Explain} together: the files are those that one run
 * over all images would have written, up to the time it took.
 */
public final class Merge {
  private final List<Part> parts;
  private final Path out;
  private final ProgressListener listener;

  /** A shard and where it is. */
  private record Part(Path folder, ShardRecord record) {}

  /**
   * What was put together.
   *
   * @param command whose shards they are: {@code evaluate} or {@code explain}
   * @param images how many images were measured or explained
   * @param skipped those that could not be read
   * @param withoutMap those without a map made elsewhere
   * @param measured the numbers, of an evaluation
   * @param page all of an evaluation on one page
   */
  public record Result(
      String command,
      long images,
      SkippedCount skipped,
      int withoutMap,
      Optional<EvaluationResult> measured,
      Optional<Path> page) {}

  /**
   * Finds the shards, and makes sure that they belong together.
   *
   * @param folders where shards were written, in any order; one may hold several
   * @param out where to write; may be one of them for {@code explain}
   * @param listener hears of differences that change no number
   * @throws IOException naming what is missing, doubled, or differs
   */
  public Merge(List<Path> folders, Path out, ProgressListener listener) throws IOException {
    this.out = out;
    this.listener = listener;
    List<Part> found = new ArrayList<>();
    for (Path folder : folders) {
      for (ShardRecord record : ShardRecord.read(folder)) {
        found.add(new Part(folder, record));
      }
    }
    found.sort(Comparator.comparingInt(part -> part.record().index()));
    parts = List.copyOf(found);
    Part first = parts.get(0);
    for (Part part : parts) {
      requireAlike(first, part);
    }
    requireAll();
  }

  private void requireAlike(Part first, Part other) throws IOException {
    require("command", first, other, first.record().command(), other.record().command());
    require(
        "number of shards",
        first,
        other,
        String.valueOf(first.record().count()),
        String.valueOf(other.record().count()));
    require("program", first, other, first.record().program(), other.record().program());
    Set<String> names = new LinkedHashSet<>(first.record().settings().keySet());
    names.addAll(other.record().settings().keySet());
    for (String name : names) {
      require(
          name,
          first,
          other,
          first.record().settings().get(name),
          other.record().settings().get(name));
    }
    for (Map.Entry<String, String> entry : first.record().backbone().entrySet()) {
      String there = other.record().backbone().get(entry.getKey());
      if (!entry.getValue().equals(there)) {
        listener.warn(
            Text.format(
                "shard %s was made with %s %s, shard %s with %s",
                first.record().shard(),
                entry.getKey(),
                entry.getValue(),
                other.record().shard(),
                there));
      }
    }
  }

  private static void require(String what, Part first, Part other, String one, String another)
      throws IOException {
    if (!Objects.equals(one, another)) {
      throw new IOException(
          Text.format(
              "the shards do not belong together: %s has %s %s, %s has %s; run one of them again",
              described(first), what, one, described(other), another));
    }
  }

  private static String described(Part part) {
    return Text.format("shard %s in '%s'", part.record().shard(), part.folder());
  }

  private void requireAll() throws IOException {
    int count = parts.get(0).record().count();
    Part[] there = new Part[count];
    for (Part part : parts) {
      Part before = there[part.record().index()];
      if (before != null) {
        throw new IOException(
            Text.format(
                "shard %s was given twice, in '%s' and in '%s'; give each shard once",
                part.record().shard(), before.folder(), part.folder()));
      }
      there[part.record().index()] = part;
    }
    String missing =
        IntStream.range(0, count)
            .filter(i -> there[i] == null)
            .mapToObj(i -> i + "/" + count)
            .collect(Collectors.joining(", "));
    if (!missing.isEmpty()) {
      throw new IOException(
          Text.format(
              "%d of %d shards were found, missing: %s; run those first",
              parts.size(), count, missing));
    }
  }

  /**
   * Writes the files.
   *
   * @return what was put together
   * @throws IOException naming the file, if one cannot be read or written
   */
  public Result run() throws IOException {
    List<LeftOut> leftOut =
        parts.stream()
            .flatMap(part -> part.record().leftOut().stream())
            .sorted(Comparator.comparingInt(LeftOut::place))
            .toList();
    long done = parts.stream().mapToLong(part -> part.record().done()).sum();
    if (done == 0) {
      throw new IOException(
          Text.format(
              "none of the %d images of all shards could be read: %s",
              leftOut.size(), LeftOut.count(leftOut).kinds()));
    }
    int withoutMap = (int) leftOut.stream().filter(image -> image.kind() == null).count();
    ShardRecord first = parts.get(0).record();
    SkippedCount skipped = LeftOut.count(leftOut);
    if (first.command().equals(ShardRecord.EXPLAIN)) {
      copyMaps();
      LeftOut.write(out, leftOut);
      return new Result(
          first.command(), done, skipped, withoutMap, Optional.empty(), Optional.empty());
    }
    EvaluationResult measured = measured(leftOut, withoutMap);
    copyGalleries();
    ShardRecord.Measured frame = first.evaluation();
    Path page =
        Evaluate.write(
            out, measured, leftOut, first.origin(), frame.labels(), ColorMap.parse(frame.colors()));
    return new Result(
        first.command(), done, skipped, withoutMap, Optional.of(measured), Optional.of(page));
  }

  /** All records in the list's order, written as one run would have written them. */
  private EvaluationResult measured(List<LeftOut> leftOut, int withoutMap) throws IOException {
    ShardRecord first = parts.get(0).record();
    EvaluationResult nothing = first.evaluation().nothing();
    List<EvaluationResult> shards = new ArrayList<>();
    for (Part part : parts) {
      shards.add(EvaluationFolder.read(part.folder(), nothing));
    }
    int[] record = places(leftOut);
    requireNames(record, leftOut, shards);
    Map<String, String> settings = new LinkedHashMap<>(first.settings());
    settings.remove("batch-size");
    List<EvaluationResult> batches = new ArrayList<>();
    for (int from = 0; from < record.length; from += first.batchSize()) {
      int to = Math.min(from + first.batchSize(), record.length);
      batch(nothing, shards, record, from, to).ifPresent(batches::add);
    }
    EvaluationResult last = batches.remove(batches.size() - 1);
    batches.add(EvaluationResult.join(List.of(last, costs(nothing, shards, last))));
    try (EvaluationFolder folder = EvaluationFolder.anew(out, nothing, settings)) {
      batches.forEach(folder);
    }
    String maps = first.evaluation().maps();
    if (maps != null) {
      // Only the shards knew the sums of the maps, so nobody can go on here.
      Files.delete(out.resolve(EvaluationFolder.SETTINGS));
    }
    if (withoutMap > 0) {
      batches.add(EvaluationRunner.warning(nothing, maps, withoutMap));
    }
    return EvaluationResult.join(batches);
  }

  /** For each place of the whole list the number of its record within its shard, or −1. */
  private int[] places(List<LeftOut> leftOut) {
    ShardRecord first = parts.get(0).record();
    int[] record = new int[first.images()];
    leftOut.forEach(image -> record[image.place()] = -1);
    int[] next = new int[first.count()];
    for (int place = 0; place < record.length; place++) {
      if (record[place] == 0) {
        record[place] = next[place % first.count()]++;
      }
    }
    return record;
  }

  /** Nothing is taken on trust: the names must be those of the list that the shards were cut of. */
  private void requireNames(int[] record, List<LeftOut> leftOut, List<EvaluationResult> shards)
      throws IOException {
    Map<Integer, String> left =
        leftOut.stream().collect(Collectors.toMap(LeftOut::place, LeftOut::image));
    int[] expected = new int[shards.size()];
    for (int place = 0; place < record.length; place++) {
      expected[place % expected.length] += record[place] < 0 ? 0 : 1;
    }
    for (int s = 0; s < expected.length; s++) {
      // Of every method, should rows have been lost.
      for (MethodResult method : shards.get(s).methods()) {
        if (method.records().size() != expected[s]) {
          throw new IOException(
              Text.format(
                  "%s has results of %s for %d images instead of %d; run it again",
                  described(parts.get(s)), method.method(), method.records().size(), expected[s]));
        }
      }
    }
    Sha256 sum = new Sha256();
    for (int place = 0; place < record.length; place++) {
      List<ImageRecord> records = shards.get(place % shards.size()).methods().get(0).records();
      sum.line(record[place] < 0 ? left.get(place) : records.get(record[place]).image());
    }
    if (!sum.hex().equals(parts.get(0).record().namesSha256())) {
      throw new IOException(
          "the images in the shards are not those of the list, or in another order; run the shards again");
    }
  }

  private static Optional<EvaluationResult> batch(
      EvaluationResult nothing, List<EvaluationResult> shards, int[] record, int from, int to) {
    List<MethodResult> methods = new ArrayList<>();
    long images = 0;
    for (int m = 0; m < nothing.methods().size(); m++) {
      List<ImageRecord> records = new ArrayList<>();
      for (int place = from; place < to; place++) {
        if (record[place] >= 0) {
          EvaluationResult shard = shards.get(place % shards.size());
          records.add(shard.methods().get(m).records().get(record[place]));
        }
      }
      MethodResult frame = nothing.methods().get(m);
      methods.add(new MethodResult(frame.method(), frame.settings(), nothing.keys(), records, 0));
      images = records.size();
    }
    return images == 0
        ? Optional.empty()
        : Optional.of(
            new EvaluationResult(nothing.keys(), nothing.parameters(), methods, images, 0, 0, 0));
  }

  /** What all shards cost, and what they warned of, without a record. */
  private static EvaluationResult costs(
      EvaluationResult nothing, List<EvaluationResult> shards, EvaluationResult frame) {
    EvaluationResult all = EvaluationResult.join(shards);
    List<MethodResult> methods =
        all.methods().stream()
            .map(
                method ->
                    new MethodResult(
                        method.method(),
                        method.settings(),
                        nothing.keys(),
                        List.of(),
                        method.seconds(),
                        method.warnings()))
            .toList();
    return new EvaluationResult(
        frame.keys(),
        frame.parameters(),
        methods,
        0,
        all.cleanPasses(),
        all.metricPasses(),
        all.seconds());
  }

  private void copyGalleries() throws IOException {
    for (Part part : parts) {
      Path gallery = part.folder().resolve(GalleryFolder.NAME);
      if (Files.isDirectory(gallery)) {
        copy(gallery, out.resolve(GalleryFolder.NAME), Set.of());
      }
    }
  }

  private void copyMaps() throws IOException {
    Set<String> records = new HashSet<>(Set.of(LeftOut.FILE));
    parts.forEach(part -> records.add(ShardRecord.file(part.record().shard())));
    Set<Path> folders = new LinkedHashSet<>();
    for (Part part : parts) {
      folders.add(part.folder().toRealPath());
    }
    Files.createDirectories(out);
    folders.remove(out.toRealPath());
    for (Path folder : folders) {
      copy(folder, out, records);
    }
  }

  /** Copies a folder's files, each whole or not at all. */
  private static void copy(Path from, Path to, Set<String> except) throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.walk(from)) {
      files = all.filter(Files::isRegularFile).sorted().toList();
    }
    for (Path file : files) {
      Path inside = from.relativize(file);
      if (!except.contains(inside.toString())) {
        Path target = to.resolve(inside);
        Files.createDirectories(target.getParent());
        try (InputStream in = InputFile.open(file)) {
          WholeFile.write(target, in::transferTo);
        }
      }
    }
  }
}
