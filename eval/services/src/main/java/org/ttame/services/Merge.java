package org.ttame.services;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
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
import org.ttame.core.storage.AtomicFile;
import org.ttame.core.storage.InputFile;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.ImageRecord;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.evaluation.RecordStore;
import org.ttame.eval.gallery.GalleryFolder;
import org.ttame.eval.output.EvaluationFolder;
import org.ttame.eval.output.PerImageCsv;
import org.ttame.eval.render.ColorMap;
import org.ttame.training.data.Shard;
import org.ttame.training.data.SkippedCount;

/**
 * Puts the shards of {@link Evaluate} or {@link Explain} together: the files are those that one run
 * over all images would have written, up to the time it took. Of each image only its name is in
 * memory; the numbers are in a temporary file until this is closed.
 */
public final class Merge implements AutoCloseable {
  private final List<Part> parts;
  private final ShardRecord first;
  private final Path out;
  private final ProgressListener listener;
  private RecordStore store;

  /** A shard and where it is; what all shards have alike is kept of the first one only. */
  private record Part(Path folder, Shard shard, long done, List<LeftOut> leftOut) {
    Part(Path folder, ShardRecord record) {
      this(folder, record.shard(), record.done(), record.leftOut());
    }
  }

  /**
   * What was put together.
   *
   * @param command whose shards they are: {@code evaluate} or {@code explain}
   * @param images how many images were measured or explained
   * @param skipped those that could not be read
   * @param withoutMap those without a map made elsewhere
   * @param measured the numbers, of an evaluation; to be read until the merge is closed
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
   * @param listener is notified of differences that change no number
   * @throws IOException naming what is missing, doubled, or differs
   */
  public Merge(List<Path> folders, Path out, ProgressListener listener) throws IOException {
    this.out = out;
    this.listener = listener;
    List<Part> found = new ArrayList<>();
    Part before = null;
    ShardRecord compared = null;
    ShardRecord template = null;
    for (Path folder : folders) {
      for (ShardRecord record : ShardRecord.read(folder)) {
        Part part = new Part(folder, record);
        found.add(part);
        if (compared == null) {
          before = part;
          compared = record;
        }
        requireAlike(before, compared, part, record);
        if (template == null || record.index() < template.index()) {
          template = record;
        }
      }
    }
    found.sort(Comparator.comparingInt(part -> part.shard().index()));
    parts = List.copyOf(found);
    first = template;
    requireAll();
  }

  private void requireAlike(Part first, ShardRecord record, Part other, ShardRecord there)
      throws IOException {
    require("command", first, other, record.command(), there.command());
    require(
        "number of shards",
        first,
        other,
        String.valueOf(record.count()),
        String.valueOf(there.count()));
    require("program", first, other, record.program(), there.program());
    Set<String> names = new LinkedHashSet<>(record.settings().keySet());
    names.addAll(there.settings().keySet());
    for (String name : names) {
      require(name, first, other, record.settings().get(name), there.settings().get(name));
    }
    for (Map.Entry<String, String> entry : record.backbone().entrySet()) {
      String value = there.backbone().get(entry.getKey());
      if (!entry.getValue().equals(value)) {
        listener.warn(
            Text.format(
                "shard %s was made with %s %s, shard %s with %s",
                first.shard(), entry.getKey(), entry.getValue(), other.shard(), value));
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
    return Text.format("shard %s in '%s'", part.shard(), part.folder());
  }

  private void requireAll() throws IOException {
    int count = first.count();
    Part[] there = new Part[count];
    for (Part part : parts) {
      Part before = there[part.shard().index()];
      if (before != null) {
        throw new IOException(
            Text.format(
                "shard %s was given twice, in '%s' and in '%s'; give each shard once",
                part.shard(), before.folder(), part.folder()));
      }
      there[part.shard().index()] = part;
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
   */
  public Result run() throws IOException {
    List<LeftOut> leftOut =
        parts.stream()
            .flatMap(part -> part.leftOut().stream())
            .sorted(Comparator.comparingInt(LeftOut::place))
            .toList();
    long done = parts.stream().mapToLong(part -> part.done()).sum();
    if (done == 0) {
      throw new IOException(
          Text.format(
              "none of the %d images of all shards could be read: %s",
              leftOut.size(), LeftOut.count(leftOut).kinds()));
    }
    int withoutMap = (int) leftOut.stream().filter(image -> image.kind() == null).count();
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
    EvaluationResult nothing = first.evaluation().nothing();
    requireRoom();
    int[] rows = rows(leftOut);
    int images = rows.length - leftOut.size();
    List<String> names = nothing.methods().stream().map(MethodResult::method).toList();
    close();
    store = new RecordStore(names, nothing.keys().size(), images);
    List<EvaluationResult> costs = new ArrayList<>();
    for (Part part : parts) {
      costs.add(keep(part, nothing, names, rows));
    }
    requireNames(rows, leftOut);
    EvaluationResult cost = EvaluationResult.join(costs);
    List<List<ImageRecord>> records =
        IntStream.range(0, names.size()).mapToObj(store::records).toList();
    Map<String, String> settings = new LinkedHashMap<>(first.settings());
    settings.remove("batch-size");
    try (EvaluationFolder folder = EvaluationFolder.restart(out, nothing, settings)) {
      int from = 0;
      for (int place = 0; from < images; ) {
        int to = from;
        for (int i = 0; i < first.batchSize() && place < rows.length; i++, place++) {
          to += rows[place] < 0 ? 0 : 1;
        }
        if (to > from) {
          // What all shards cost, and what they warned of, is the last batch's.
          folder.accept(with(to == images ? cost : nothing, records, from, to));
        }
        from = to;
      }
    }
    String maps = first.evaluation().maps();
    if (maps != null) {
      // Only the shards knew the sums of the maps, so nobody can go on here.
      Files.delete(out.resolve(EvaluationFolder.SETTINGS));
    }
    if (withoutMap > 0) {
      EvaluationResult warning = EvaluationRunner.warning(nothing, maps, withoutMap);
      cost = EvaluationResult.join(List.of(cost, warning));
    }
    return with(cost, records, 0, images);
  }

  /** Before memory is taken for so many images: a row of each has a byte at least. */
  private void requireRoom() throws IOException {
    for (Part part : parts) {
      Path rows = part.folder().resolve(PerImageCsv.FILE);
      if (Files.exists(rows) && Files.size(rows) < part.done()) {
        throw new IOException(
            Text.format(
                "%s says that it measured %d images, of which '%s' has fewer; run it again",
                described(part), part.done(), rows));
      }
    }
  }

  /** For each place of the whole list the number of its records; −1 for those left out. */
  private int[] rows(List<LeftOut> leftOut) {
    int[] rows = new int[first.images()];
    leftOut.forEach(image -> rows[image.place()] = -1);
    int next = 0;
    for (int place = 0; place < rows.length; place++) {
      rows[place] = rows[place] < 0 ? -1 : next++;
    }
    return rows;
  }

  /** Keeps a shard's records, and returns what they cost. */
  private EvaluationResult keep(Part part, EvaluationResult nothing, List<String> names, int[] rows)
      throws IOException {
    int[] own =
        IntStream.range(0, part.shard().size(rows.length))
            .map(i -> rows[part.shard().place(i)])
            .filter(row -> row >= 0)
            .toArray();
    int[] found = new int[names.size()];
    EvaluationResult cost =
        EvaluationFolder.read(
            part.folder(),
            nothing,
            record -> {
              int method = names.indexOf(record.method());
              int at = found[method]++;
              if (at < own.length) {
                try {
                  store.put(own[at], method, record);
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              }
            });
    for (int m = 0; m < found.length; m++) {
      // Of every method, should rows have been lost.
      if (found[m] != own.length) {
        throw new IOException(
            Text.format(
                "%s has results of %s for %d images instead of %d; run it again",
                described(part), names.get(m), found[m], own.length));
      }
    }
    return cost;
  }

  /** Nothing is taken on trust: the names must be those of the list that the shards were cut of. */
  private void requireNames(int[] rows, List<LeftOut> leftOut) throws IOException {
    Map<Integer, String> left =
        leftOut.stream().collect(Collectors.toMap(LeftOut::place, LeftOut::image));
    Sha256 sum = new Sha256();
    for (int place = 0; place < rows.length; place++) {
      sum.line(rows[place] < 0 ? left.get(place) : store.image(rows[place]));
    }
    if (!sum.hex().equals(first.namesSha256())) {
      throw new IOException(
          "the images in the shards are not those of the list, or in another order; run the shards"
              + " again");
    }
  }

  /** A cost with some of each method's records. */
  private static EvaluationResult with(
      EvaluationResult cost, List<List<ImageRecord>> records, int from, int to) {
    List<MethodResult> methods = new ArrayList<>();
    for (int m = 0; m < records.size(); m++) {
      MethodResult method = cost.methods().get(m);
      List<ImageRecord> all = records.get(m);
      methods.add(
          new MethodResult(
              method.method(),
              method.settings(),
              cost.keys(),
              to - from == all.size() ? all : all.subList(from, to),
              method.seconds(),
              method.warnings()));
    }
    return new EvaluationResult(
        cost.keys(),
        cost.parameters(),
        methods,
        to - from,
        cost.cleanPasses(),
        cost.metricPasses(),
        cost.seconds());
  }

  @Override
  public void close() throws IOException {
    if (store != null) {
      store.close();
      store = null;
    }
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
    parts.forEach(part -> records.add(ShardRecord.file(part.shard())));
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
          AtomicFile.write(target, in::transferTo);
        }
      }
    }
  }
}
