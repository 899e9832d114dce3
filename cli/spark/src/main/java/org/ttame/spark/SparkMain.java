package org.ttame.spark;

import java.util.List;
import java.util.concurrent.ExecutionException;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.ttame.cli.RemoteCommand;
import org.ttame.core.Text;

/**
 * {@code spark-submit … ttame-spark.jar evaluate|explain|train …}: the options are those of the
 * command of that name, and so are the exit codes: 0 done, 1 failed, 2 wrong usage.
 */
public final class SparkMain {
  private static final String CORES = "spark.executor.cores";
  private static final String TASK_CORES = "spark.task.cpus";
  private static final String OPENMP = "spark.executorEnv.OMP_NUM_THREADS";

  private SparkMain() {}

  /**
   * Runs a command.
   *
   * @param args its name and options
   */
  public static void main(String[] args) {
    RemoteCommand command;
    int cores;
    SparkConf conf = new SparkConf();
    try {
      command = RemoteCommand.parse(List.of(args));
      cores = wholeExecutors(conf);
    } catch (IllegalArgumentException e) {
      System.err.println("ttame-spark: " + e.getMessage());
      System.exit(2);
      return;
    }
    conf.setIfMissing("spark.app.name", "ttame " + command.name());
    int code = 0;
    try (JavaSparkContext spark = new JavaSparkContext(conf)) {
      if (command.name().equals(RemoteCommand.TRAIN)) {
        new TrainJob(spark, command, cores).run();
      } else {
        new ShardJob(spark, command, cores).run();
      }
    } catch (Exception e) {
      Throwable cause = e instanceof ExecutionException ? e.getCause() : e;
      System.err.println("ttame-spark: " + RemoteCommand.sentence(cause));
      if (command.isVerbose()) {
        e.printStackTrace();
      }
      code = e instanceof IllegalArgumentException ? 2 : 1;
    }
    System.exit(code);
  }

  /**
   * Has an executor work on one task at a time, with all its cores, and returns how many: one
   * classifier in memory, and as many computing threads as there are cores. Refuses settings that
   * say otherwise.
   */
  static int wholeExecutors(SparkConf conf) {
    if (!conf.contains(CORES)) {
      throw new IllegalArgumentException(
          Text.format("say how many cores an executor has: --conf %s=N", CORES));
    }
    int cores = conf.getInt(CORES, 1);
    if (conf.getInt(TASK_CORES, cores) != cores) {
      throw new IllegalArgumentException(
          Text.format(
              "--conf %s=%s: a task takes all %d cores of its executor; leave the setting out",
              TASK_CORES, conf.get(TASK_CORES), cores));
    }
    conf.set(TASK_CORES, String.valueOf(cores));
    // Otherwise Spark sets it to the cores of a task only where it runs Python.
    conf.setIfMissing(OPENMP, String.valueOf(cores));
    return cores;
  }
}
