package org.ttame.spark;

import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Matcher;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.util.LongAccumulator;
import org.ttame.cli.RemoteCommand;
import org.ttame.core.Text;

/**
 * {@code explain} on a cluster with all that the driver does, and executors that read no image and
 * load no classifier: {@code spark-submit --class org.ttame.spark.WithoutClassifier … RECORD
 * explain …}. RECORD is that of a shard which was explained; all others are made of it.
 */
public final class WithoutClassifier {
  private WithoutClassifier() {}

  /**
   * Runs the command, and says how long it took.
   *
   * @param args a shard's record, then the command
   */
  public static void main(String[] args) throws Exception {
    String record = Files.readString(Path.of(args[0]));
    RemoteCommand command = RemoteCommand.parse(Arrays.asList(args).subList(1, args.length));
    SparkConf conf = new SparkConf().setIfMissing("spark.app.name", "ttame without a classifier");
    int cores = SparkMain.wholeExecutors(conf);
    try (JavaSparkContext spark = new JavaSparkContext(conf)) {
      long began = System.nanoTime();
      ShardJob job =
          new ShardJob(spark, command, cores) {
            @Override
            Function<ShardTask.Images, Integer> task(
                ShippedFiles shipped, ShardTask.Source source, LongAccumulator done) {
              return new Stub(record, command.text("out").orElseThrow(), source, done)::run;
            }
          };
      job.run();
      System.out.println(
          Text.format(
              "%s: %.1f s with a heap of %d MB",
              command.text("images").orElseThrow(),
              (System.nanoTime() - began) / 1e9,
              Runtime.getRuntime().maxMemory() >> 20));
    }
  }

  /** Counts the images of a shard as done. */
  private static final class Stub implements Serializable {
    private static final long serialVersionUID = 1L;

    private final String record;
    private final String out;
    private final ShardTask.Source source;
    private final LongAccumulator done;

    Stub(String record, String out, ShardTask.Source source, LongAccumulator done) {
      this.record = record;
      this.out = out;
      this.source = source;
      this.done = done;
    }

    int run(ShardTask.Images images) throws Exception {
      int here = images.texts().size();
      String own = record;
      own = number(own, "index", images.index());
      own = number(own, "count", images.count());
      own = number(own, "images", source.images());
      own = number(own, "done", here);
      own =
          own.replaceFirst(
              "\"namesSha256\" : \"\\w+\"",
              Matcher.quoteReplacement("\"namesSha256\" : \"" + source.namesSha256() + "\""));
      Path folder = Files.createDirectories(Path.of(out, ShardTask.place(images.index())));
      Files.writeString(
          folder.resolve(Text.format("shard-%d-of-%d.json", images.index(), images.count())), own);
      done.add(here);
      return images.index();
    }

    private static String number(String record, String name, int value) {
      return record.replaceFirst("\"" + name + "\" : \\d+", "\"" + name + "\" : " + value);
    }
  }
}
