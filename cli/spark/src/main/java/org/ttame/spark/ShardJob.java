package org.ttame.spark;

import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.spark.api.java.JavaFutureAction;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.util.LongAccumulator;
import org.ttame.cli.RemoteCommand;
import org.ttame.core.ProgressListener;
import org.ttame.core.Text;
import org.ttame.core.storage.OutputFile;
import org.ttame.core.storage.TextFile;
import org.ttame.eval.output.OutputNames;
import org.ttame.services.Merge;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.ImageSettings;
import org.ttame.training.data.Shard;

/**
 * {@code evaluate} and {@code explain} on a cluster: the list of images is cut into shards, a task
 * each; the driver knows the names of the images and, at the end, the numbers, but no image.
 *
 * <p>OUT/shards holds what is finished: the same command again does the rest.
 */
class ShardJob {
  /** Passes of a shard: what a lost executor costs, and how evenly the end comes. */
  private static final int PASSES = 16;

  private static final String JOB = "shards/job.properties";

  private static final Set<String> NOT_KEPT = Set.of("quiet", "verbose", "out");

  private final JavaSparkContext spark;
  private final RemoteCommand command;
  private final ProgressListener listener;
  private final String out;

  ShardJob(JavaSparkContext spark, RemoteCommand command, int cores) {
    this.spark = spark;
    this.command =
        command.with(
            Map.of("threads", command.given().getOrDefault("threads", String.valueOf(cores))));
    this.listener = command.listener();
    this.out = command.text("out").orElseThrow();
  }

  void run() throws Exception {
    Path scratch = Files.createTempDirectory("ttame-driver-");
    try {
      String option = command.name().equals(RemoteCommand.EVALUATE) ? "data" : "images";
      String place = command.text(option).orElseThrow();
      ImageSettings reading =
          command.name().equals(RemoteCommand.EVALUATE)
              ? command.evaluate().reading()
              : command.explain().reading();
      ImageList list = list(place, reading, scratch);
      int count = shards(list.size(), reading.batchSize());
      List<Integer> left = left(count);
      listener.note(
          Text.format(
              "%s in %d shards, %d of them to do",
              list.describe().replace(list.source().toString(), place), count, left.size()));
      if (!left.isEmpty()) {
        work(list, place, count, left, scratch);
      }
      merge(count, scratch);
    } finally {
      OutputFile.deleteTree(scratch);
    }
  }

  private ImageList list(String place, ImageSettings reading, Path scratch) throws IOException {
    if (Places.isLocal(place)) {
      return reading.list(Places.local(place), listener);
    }
    return HadoopImages.list(place, reading, listener, scratch);
  }

  /** Where the paths of a source begin: those of a list, at its folder. */
  private static String base(String place) throws IOException {
    if (!Places.isLocal(place)) {
      return HadoopImages.base(place);
    }
    Path source = Places.local(place);
    return (Files.isDirectory(source) ? source : source.toAbsolutePath().getParent()).toString();
  }

  /** As many as were begun with, or some for each pass of an executor. */
  private int shards(int images, int batch) throws IOException {
    Properties now = new Properties();
    command
        .given()
        .forEach(
            (name, value) -> {
              if (!NOT_KEPT.contains(name)) {
                now.setProperty(name, value);
              }
            });
    now.setProperty("command", command.name());
    now.setProperty("images", String.valueOf(images));
    String begun = read(JOB);
    if (begun != null) {
      Properties then = new Properties();
      then.load(new StringReader(begun));
      Set<String> names = new TreeSet<>(now.stringPropertyNames());
      names.addAll(then.stringPropertyNames());
      names.remove("shards");
      for (String name : names) {
        if (!Objects.equals(now.getProperty(name), then.getProperty(name))) {
          throw new IOException(
              Text.format(
                  "'%s' was begun with %s %s; now it is %s: choose another --out",
                  out, name, then.getProperty(name, "not set"), now.getProperty(name, "not set")));
        }
      }
      return Integer.parseInt(then.getProperty("shards"));
    }
    int each = Math.multiplyExact(batch, PASSES);
    int count = (int) (((long) images + each - 1) / each);
    count = Math.max(count, Math.min(images, Math.max(1, 4 * spark.defaultParallelism())));
    now.setProperty("shards", String.valueOf(count));
    StringWriter text = new StringWriter();
    now.store(text, null);
    Path file = Files.createTempDirectory("ttame-job-");
    try {
      Files.createDirectories(file.resolve(JOB).getParent());
      Files.writeString(file.resolve(JOB), text.toString(), StandardCharsets.UTF_8);
      Places.deliver(file, out, "", "");
    } finally {
      OutputFile.deleteTree(file);
    }
    return count;
  }

  /** The text of a file of the output; null where there is none. */
  private String read(String inside) throws IOException {
    if (Places.isLocal(out)) {
      Path file = Places.local(out).resolve(inside);
      return Files.exists(file) ? TextFile.text(file) : null;
    }
    FileSystem files = Places.fileSystem(out);
    if (!files.exists(Places.hadoop(out, inside))) {
      return null;
    }
    try (var in = files.open(Places.hadoop(out, inside))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static String record(int index, int count) {
    return Text.format("shard-%d-of-%d.json", index, count);
  }

  /** The shards that have no record yet. */
  private List<Integer> left(int count) throws IOException {
    List<Integer> left = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String inside = "shards/" + i + "/" + record(i, count);
      boolean done =
          Places.isLocal(out)
              ? Files.exists(Places.local(out).resolve(inside))
              : Places.fileSystem(out).exists(Places.hadoop(out, inside));
      if (!done) {
        left.add(i);
      }
    }
    return left;
  }

  private void work(ImageList list, String place, int count, List<Integer> left, Path scratch)
      throws Exception {
    Map<String, String> renamed =
        command.name().equals(RemoteCommand.EXPLAIN)
            ? OutputNames.unusual(list.size(), list::name)
            : Map.of();
    List<ShardTask.Images> shards =
        left.stream().map(i -> ShardTask.Images.of(list, new Shard(i, count), renamed)).toList();
    ShardTask.Source source =
        new ShardTask.Source(
            place,
            base(place),
            list.size(),
            list.namesSha256(),
            list.describe().replace(list.source().toString(), place),
            new ArrayList<>(list.classNames()));
    LongAccumulator done = spark.sc().longAccumulator("images");
    ShippedFiles shipped = ShippedFiles.send(command, scratch);
    Function<ShardTask.Images, Integer> task = task(shipped, source, done);
    long all = shards.stream().mapToLong(shard -> shard.labels().length).sum();
    long before = list.size() - all;
    listener.begin(command.name() + " on " + spark.master(), list.size(), before);
    JavaFutureAction<List<Integer>> action =
        spark.parallelize(shards, shards.size()).map(task).collectAsync();
    while (!action.isDone()) {
      Thread.sleep(500);
      // A shard that was done twice was counted twice.
      listener.advance(before + Math.min(all, done.value()), "");
    }
    listener.advance(before + action.get().size() * all / shards.size(), "");
  }

  /** What an executor does with a shard; it gives the shard's number. */
  Function<ShardTask.Images, Integer> task(
      ShippedFiles shipped, ShardTask.Source source, LongAccumulator done) {
    return new ShardTask(command, shipped, source, done)::run;
  }

  private void merge(int count, Path scratch) throws IOException {
    boolean local = Places.isLocal(out);
    Path target = local ? Places.local(out) : Files.createDirectory(scratch.resolve("merged"));
    List<Path> folders = new ArrayList<>();
    if (local) {
      IntStream.range(0, count).forEach(i -> folders.add(target.resolve("shards/" + i)));
    } else {
      FileSystem files = Places.fileSystem(out);
      Path copies = scratch.resolve("shards");
      for (String file : Places.list(out + "/shards")) {
        if (!file.startsWith(".")) {
          Places.fetch(files, out + "/shards", file, copies.resolve(file));
        }
      }
      IntStream.range(0, count).forEach(i -> folders.add(copies.resolve(String.valueOf(i))));
    }
    command.startEngine();
    try (Merge merge = new Merge(folders, target, listener)) {
      Merge.Result result = merge.run();
      if (!local) {
        Places.deliver(target, out, "", "");
        Places.fileSystem(out).delete(Places.hadoop(out, Places.PARTS), true);
      }
      command.print(result, out);
    }
  }
}
