package org.ttame.spark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaSparkContext;
import org.ttame.cli.RemoteCommand;
import org.ttame.core.Text;
import org.ttame.core.storage.OutputFile;
import scala.reflect.ClassTag$;

/**
 * {@code train --accumulate N} on a cluster: N workers in a barrier stage share each step's images,
 * as one machine does one worker after the other. The run's folder must be where all machines see
 * it; the first worker writes it. When an executor is lost, the stage is begun anew, and the
 * workers go on from the last checkpoint.
 */
record TrainJob(JavaSparkContext spark, RemoteCommand command, int cores) {
  /** How often the workers go on; Spark itself gives a barrier stage up that ends a job. */
  private static final int ATTEMPTS = 10;

  /** What Spark says of a task whose executor has gone. */
  private static final String LOST = "ExecutorLostFailure";

  void run() throws IOException {
    for (String option : List.of("weights", "data", "run")) {
      if (command.text(option).isEmpty() && !command.given().containsKey("resume")) {
        throw new IllegalArgumentException(
            "--" + option + " is missing: on a cluster it has no default");
      }
    }
    for (String option : List.of("data", "run", "val", "init", "weights")) {
      command
          .text(option)
          .filter(place -> !Places.isLocal(place))
          .ifPresent(
              place -> {
                throw new IllegalArgumentException(
                    Text.format(
                        "--%s %s: a training needs a path that all machines see", option, place));
              });
    }
    int workers = command.train().training().plan().workers();
    Path scratch = Files.createTempDirectory("ttame-driver-");
    try {
      String threads = command.given().getOrDefault("threads", String.valueOf(cores));
      RemoteCommand own = command.with(Map.of("threads", threads));
      ShippedFiles shipped = ShippedFiles.send(own, scratch);
      command.listener().note(Text.format("%d workers of %s threads each", workers, threads));
      for (int attempt = 0; ; attempt++) {
        try {
          train(new TrainTask(own, shipped, attempt), workers);
          return;
        } catch (Exception e) { // Spark throws its own without declaring it
          if (attempt == ATTEMPTS || !String.valueOf(e.getMessage()).contains(LOST)) {
            throw e;
          }
          command
              .listener()
              .warn("an executor was lost; the workers resume from the last checkpoint");
        }
      }
    } finally {
      OutputFile.deleteTree(scratch);
    }
  }

  private void train(TrainTask task, int workers) {
    List<Integer> numbers = IntStream.range(0, workers).boxed().toList();
    List<String> said =
        spark
            .parallelize(numbers, workers)
            .rdd()
            .barrier()
            .mapPartitions(task, true, ClassTag$.MODULE$.apply(String.class))
            .toJavaRDD()
            .collect();
    said.forEach(command::result);
  }
}
