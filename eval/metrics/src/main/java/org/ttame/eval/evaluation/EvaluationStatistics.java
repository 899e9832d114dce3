package org.ttame.eval.evaluation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
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
    long values = result.methods().stream().mapToLong(method -> method.records().size()).sum();
    // As many numbers at once as take a quarter of the heap: their resamples are drawn once.
    long room = Runtime.getRuntime().maxMemory() / 4 / Double.BYTES;
    int together = (int) Math.max(1, Math.min(keys.size(), room / Math.max(1, values)));
    for (int k = 0; k < keys.size(); k += together) {
      add(result.methods(), k, Math.min(k + together, keys.size()));
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

  private void add(List<MethodResult> results, int from, int to) {
    double[][][] columns = new double[to - from][results.size()][];
    for (int m = 0; m < results.size(); m++) {
      List<ImageRecord> records = results.get(m).records();
      for (double[][] column : columns) {
        column[m] = new double[records.size()];
      }
      int i = 0;
      for (ImageRecord record : records) {
        for (int k = from; k < to; k++) {
          columns[k - from][m][i] = record.values()[k];
        }
        i++;
      }
    }
    // Numbers over as many images have the same resamples, whichever images these are.
    Map<Integer, Map<MetricKey, double[][]>> alike = new HashMap<>();
    for (int k = from; k < to; k++) {
      double[][] column = columns[k - from];
      if (column.length == 0 || !applyAlike(column)) {
        addApart(keys.get(k), column);
      } else {
        for (int m = 0; m < column.length; m++) {
          column[m] = present(column[m]);
        }
        alike
            .computeIfAbsent(column[0].length, n -> new LinkedHashMap<>())
            .put(keys.get(k), column);
      }
    }
    alike.values().forEach(this::addTogether);
  }

  private void addApart(MetricKey key, double[][] columns) {
    int count = columns.length;
    Interval[] mean = new Interval[count];
    Interval[][] pair = new Interval[count][count];
    for (int a = 0; a < count; a++) {
      mean[a] = bootstrap.mean(columns[a]);
      for (int b = 0; b < count; b++) {
        pair[a][b] = bootstrap.difference(columns[a], columns[b]);
      }
    }
    means.put(key, mean);
    pairs.put(key, pair);
  }

  private void addTogether(Map<MetricKey, double[][]> columns) {
    double[][] all = columns.values().stream().flatMap(Arrays::stream).toArray(double[][]::new);
    double[][] resampled = bootstrap.resampledMeans(all);
    int count = methods.size();
    int first = 0;
    for (MetricKey key : columns.keySet()) {
      Interval[] mean = new Interval[count];
      Interval[][] pair = new Interval[count][count];
      for (int a = first; a < first + count; a++) {
        mean[a - first] = bootstrap.interval(all[a], resampled[a]);
        for (int b = first; b < first + count; b++) {
          pair[a - first][b - first] = difference(all[a], all[b], resampled[a], resampled[b]);
        }
      }
      means.put(key, mean);
      pairs.put(key, pair);
      first += count;
    }
  }

  private Interval difference(double[] values, double[] others, double[] means, double[] lesser) {
    int n = values.length;
    double mean =
        IntStream.range(0, n).mapToDouble(i -> values[i] - others[i]).average().orElse(Double.NaN);
    double[] differences = new double[means.length];
    Arrays.setAll(differences, r -> means[r] - lesser[r]);
    return bootstrap.interval(mean, n, differences);
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
