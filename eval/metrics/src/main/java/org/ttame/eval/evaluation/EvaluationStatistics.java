package org.ttame.eval.evaluation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.ttame.core.Text;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.statistics.Bootstrap;
import org.ttame.eval.statistics.Interval;

/**
 * The means of an evaluation with their intervals, and the differences between methods on the same
 * images with theirs: which wins are real.
 */
public final class EvaluationStatistics {
  private final Bootstrap bootstrap;
  private final List<String> methods;
  private final Map<MetricKey, Interval[]> means = new HashMap<>();
  private final Map<MetricKey, Interval[][]> pairs = new HashMap<>();
  private final List<MetricKey> keys;

  /**
   * How much a method is above another.
   *
   * @param method the one
   * @param other the other
   * @param key of which number
   * @param interval the mean of the one less that of the other, over the images both have
   */
  public record Difference(String method, String other, MetricKey key, Interval interval) {}

  private EvaluationStatistics(EvaluationResult result, Bootstrap bootstrap) {
    this.bootstrap = bootstrap;
    methods = result.methods().stream().map(MethodResult::method).toList();
    keys = result.keys();
    requirePairs(result.methods());
    for (int k = 0; k < keys.size(); k++) {
      double[][] columns = new double[methods.size()][];
      for (int m = 0; m < columns.length; m++) {
        int column = k;
        columns[m] =
            result.methods().get(m).records().stream()
                .mapToDouble(record -> record.values()[column])
                .toArray();
      }
      add(keys.get(k), columns);
    }
  }

  /**
   * Computes all intervals.
   *
   * @param result whose records are measured
   * @param bootstrap how they are resampled
   * @return the intervals
   * @throws IllegalArgumentException if two methods have not measured the same images
   */
  public static EvaluationStatistics of(EvaluationResult result, Bootstrap bootstrap) {
    return new EvaluationStatistics(result, bootstrap);
  }

  /** How images were resampled. */
  public Bootstrap bootstrap() {
    return bootstrap;
  }

  /**
   * A mean.
   *
   * @param method a method's name
   * @param key one of the evaluation's
   * @return its mean over the images it applies to
   * @throws IllegalArgumentException if it was not measured
   */
  public Interval mean(String method, MetricKey key) {
    return known(means, key)[index(method)];
  }

  /**
   * A difference.
   *
   * @param method a method's name
   * @param other another's
   * @param key one of the evaluation's
   * @return the mean of the one less that of the other
   * @throws IllegalArgumentException if it was not measured
   */
  public Interval difference(String method, String other, MetricKey key) {
    return known(pairs, key)[index(method)][index(other)];
  }

  /** Every method against each later one, key by key. */
  public List<Difference> differences() {
    List<Difference> all = new ArrayList<>();
    for (int a = 0; a < methods.size(); a++) {
      for (int b = a + 1; b < methods.size(); b++) {
        for (MetricKey key : keys) {
          all.add(new Difference(methods.get(a), methods.get(b), key, pairs.get(key)[a][b]));
        }
      }
    }
    return all;
  }

  private void add(MetricKey key, double[][] columns) {
    int count = columns.length;
    Interval[] mean = new Interval[count];
    Interval[][] pair = new Interval[count][count];
    if (!applyAlike(columns)) {
      for (int a = 0; a < count; a++) {
        mean[a] = bootstrap.mean(columns[a]);
        for (int b = 0; b < count; b++) {
          pair[a][b] = bootstrap.difference(columns[a], columns[b]);
        }
      }
    } else if (count > 0) {
      // The same images, so each resample is drawn once for all methods and pairs.
      double[][] present = new double[count][];
      for (int m = 0; m < count; m++) {
        present[m] = present(columns[m]);
      }
      double[][] resampled = bootstrap.resampledMeans(present);
      for (int a = 0; a < count; a++) {
        mean[a] = bootstrap.interval(present[a], resampled[a]);
        for (int b = 0; b < count; b++) {
          pair[a][b] =
              bootstrap.interval(less(present[a], present[b]), less(resampled[a], resampled[b]));
        }
      }
    }
    means.put(key, mean);
    pairs.put(key, pair);
  }

  /** The same array where nothing is missing: with many images each copy counts. */
  private static double[] present(double[] column) {
    return Arrays.stream(column).anyMatch(Double::isNaN)
        ? Arrays.stream(column).filter(v -> !Double.isNaN(v)).toArray()
        : column;
  }

  private static boolean applyAlike(double[][] columns) {
    for (double[] column : columns) {
      for (int i = 0; i < column.length; i++) {
        if (Double.isNaN(column[i]) != Double.isNaN(columns[0][i])) {
          return false;
        }
      }
    }
    return true;
  }

  private static double[] less(double[] values, double[] others) {
    double[] differences = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      differences[i] = values[i] - others[i];
    }
    return differences;
  }

  private static void requirePairs(List<MethodResult> results) {
    for (MethodResult method : results) {
      List<ImageRecord> records = method.records();
      List<ImageRecord> first = results.get(0).records();
      if (records.size() != first.size()
          || !IntStream.range(0, first.size())
              .allMatch(i -> records.get(i).image().equals(first.get(i).image()))) {
        throw new IllegalArgumentException(
            Text.format(
                "%s and %s were not measured on the same images in the same order",
                results.get(0).method(), method.method()));
      }
    }
  }

  private int index(String method) {
    int index = methods.indexOf(method);
    if (index < 0) {
      throw new IllegalArgumentException(
          Text.format("No method \"%s\" took part; there are %s", method, methods));
    }
    return index;
  }

  private static <T> T known(Map<MetricKey, T> map, MetricKey key) {
    T found = map.get(key);
    if (found == null) {
      throw new IllegalArgumentException(key.column() + " was not measured");
    }
    return found;
  }
}
