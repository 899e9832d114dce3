package org.ttame.spark;

import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.ttame.core.Text;
import org.ttame.training.StepShare;
import scala.Option;
import scala.collection.Iterator;
import scala.reflect.ClassTag$;
import scala.runtime.AbstractFunction1;

/**
 * What a cluster takes to exchange gradients, without the training: {@code spark-submit --class
 * org.ttame.spark.ExchangeCost … ttame-spark.jar WORKERS GRADIENTS…}. Prints the median of {@value
 * #STEPS} steps.
 */
public final class ExchangeCost {
  private static final int WARM = 5;
  private static final int STEPS = 20;

  private ExchangeCost() {}

  /**
   * Measures.
   *
   * @param args how many workers, then numbers of gradients
   */
  public static void main(String[] args) {
    int workers = Integer.parseInt(args[0]);
    SparkConf conf = new SparkConf().setIfMissing("spark.app.name", "ttame exchange");
    SparkMain.wholeExecutors(conf);
    try (JavaSparkContext spark = new JavaSparkContext(conf)) {
      List<Integer> numbers = IntStream.range(0, workers).boxed().toList();
      for (String gradients : Arrays.asList(args).subList(1, args.length)) {
        Worker worker = new Worker(Integer.parseInt(gradients));
        spark
            .parallelize(numbers, workers)
            .rdd()
            .barrier()
            .mapPartitions(worker, true, ClassTag$.MODULE$.apply(String.class))
            .toJavaRDD()
            .collect()
            .forEach(System.out::println);
      }
    }
  }

  /** Exchanges zeros. */
  private static final class Worker extends AbstractFunction1<Iterator<Integer>, Iterator<String>>
      implements Serializable {
    private static final long serialVersionUID = 1L;

    private final int gradients;

    Worker(int gradients) {
      this.gradients = gradients;
    }

    @Override
    public Iterator<String> apply(Iterator<Integer> numbers) {
      BarrierTaskContext context = BarrierTaskContext.get();
      try (BlockExchange exchange = new BlockExchange(context)) {
        double[] milliseconds = new double[STEPS];
        for (int step = -WARM; step < STEPS; step++) {
          StepShare own = StepShare.of(1, new float[gradients], new float[0]);
          long began = System.nanoTime();
          exchange.all(own);
          if (step >= 0) {
            milliseconds[step] = (System.nanoTime() - began) / 1e6;
          }
        }
        // Whoever closes takes what the others may still want.
        context.barrier();
        Arrays.sort(milliseconds);
        String said =
            Text.format(
                "%d workers, %d gradients: %.1f ms a step (%.1f to %.1f)",
                context.getTaskInfos().length,
                gradients,
                milliseconds[STEPS / 2],
                milliseconds[0],
                milliseconds[STEPS - 1]);
        return Option.apply(context.partitionId() == 0 ? said : null).iterator();
      } catch (java.io.IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
    }
  }
}
