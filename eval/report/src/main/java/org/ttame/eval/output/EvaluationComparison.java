package org.ttame.eval.output;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.ttame.core.Text;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.ImageRecord;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.statistics.Bootstrap;
import org.ttame.eval.statistics.Interval;

/**
 * Two evaluations of the same images, A and B: for each method and number that both have, the mean
 * of each and the difference B − A, paired image by image, with its interval.
 */
public final class EvaluationComparison {
  /** The table's name. */
  public static final String CSV = "compare.csv";

  /** The record's name. */
  public static final String JSON = "compare.json";

  private final EvaluationResult a;
  private final EvaluationResult b;
  private final Bootstrap bootstrap;
  private final List<Row> rows = new ArrayList<>();

  /** Whether a difference is real, and whom it favours. */
  public enum Better {
    A,
    B,
    /** The interval holds zero, or cannot be said. */
    NEITHER
  }

  /**
   * A number of both.
   *
   * @param method the method's name
   * @param key which number
   * @param a its mean in A over the images that both have it of
   * @param b its mean in B over those
   * @param difference B − A over those, with its interval
   */
  public record Row(String method, MetricKey key, double a, double b, Interval difference) {
    /** Who is better, if the interval does not hold zero. */
    public Better better() {
      if (difference.low() > 0 || difference.high() < 0) {
        return difference.high() < 0 == key.lowerIsBetter() ? Better.B : Better.A;
      }
      return Better.NEITHER;
    }
  }

  /**
   * Compares.
   *
   * @param a with records
   * @param b with records
   * @param bootstrap how images are resampled
   * @throws IllegalArgumentException in a sentence, if images or parameters differ, or no method or
   *     number is common
   */
  public EvaluationComparison(EvaluationResult a, EvaluationResult b, Bootstrap bootstrap) {
    this.a = a;
    this.b = b;
    this.bootstrap = bootstrap;
    requireSameParameters();
    List<String> methods = common(names(a), names(b));
    List<MetricKey> keys = common(a.keys(), b.keys());
    if (methods.isEmpty() || keys.isEmpty()) {
      throw new IllegalArgumentException(
          methods.isEmpty()
              ? Text.format(
                  "no method is in both: A has %s, B has %s",
                  String.join(", ", names(a)), String.join(", ", names(b)))
              : "no number was measured in both");
    }
    for (String method : methods) {
      MethodResult one = a.method(method);
      MethodResult other = b.method(method);
      int[] places = places(one.records(), other.records());
      for (MetricKey key : keys) {
        rows.add(row(one, other, places, key));
      }
    }
  }

  /**
   * What was measured, by {@code metrics.json} and {@code per-image.csv} alone: also of the report
   * that ends a training.
   *
   * @param folder where both are
   * @param metrics what {@code metrics.json} says
   * @return numbers, parameters and records, without what they cost
   */
  public static EvaluationResult read(Path folder, JsonNode metrics) throws IOException {
    List<MetricKey> keys = new ArrayList<>();
    for (JsonNode key : metrics.path("methods").path(0).path("metrics")) {
      String name = key.path("metric").asText();
      keys.add(
          key.has("threshold")
              ? MetricKey.at(name, key.path("threshold").asDouble())
              : MetricKey.of(name));
    }
    Map<String, String> parameters = EvaluationFolder.texts(metrics.path("parameters"));
    List<MethodResult> methods = new ArrayList<>();
    for (JsonNode method : metrics.path("methods")) {
      methods.add(
          new MethodResult(
              method.path("method").asText(),
              EvaluationFolder.texts(method.path("settings")),
              keys,
              List.of(),
              method.path("seconds").asDouble()));
    }
    return EvaluationFolder.records(
        folder, new EvaluationResult(keys, parameters, methods, 0, 0, 0, 0));
  }

  private void requireSameParameters() {
    for (Map.Entry<String, String> parameter : a.parameters().entrySet()) {
      String there = b.parameters().get(parameter.getKey());
      if (there != null && !there.equals(parameter.getValue())) {
        throw new IllegalArgumentException(
            Text.format(
                "results under two protocols are not comparable: %s is %s in A and %s in B",
                parameter.getKey(), parameter.getValue(), there));
      }
    }
  }

  /** For each image of A its place in B; an image that is listed twice is there twice. */
  private static int[] places(List<ImageRecord> one, List<ImageRecord> other) {
    Map<String, List<Integer>> known = new HashMap<>();
    for (int i = 0; i < other.size(); i++) {
      known.computeIfAbsent(other.get(i).image(), name -> new ArrayList<>()).add(i);
    }
    int[] places = new int[one.size()];
    for (int i = 0; i < places.length; i++) {
      String image = one.get(i).image();
      List<Integer> there = known.getOrDefault(image, List.of());
      if (there.isEmpty()) {
        throw others(one.size(), other.size(), image + " is missing in B");
      }
      places[i] = there.remove(0);
    }
    if (other.size() != places.length) {
      String extra =
          known.entrySet().stream()
              .filter(entry -> !entry.getValue().isEmpty())
              .map(Map.Entry::getKey)
              .sorted()
              .findFirst()
              .orElseThrow();
      throw others(one.size(), other.size(), extra + " is missing in A");
    }
    return places;
  }

  private static IllegalArgumentException others(int one, int other, String example) {
    return new IllegalArgumentException(
        Text.format(
            "they were measured on other images, %d in A and %d in B: %s", one, other, example));
  }

  private Row row(MethodResult one, MethodResult other, int[] places, MetricKey key) {
    int here = one.keys().indexOf(key);
    int there = other.keys().indexOf(key);
    double[] inA = new double[places.length];
    double[] inB = new double[places.length];
    for (int i = 0; i < places.length; i++) {
      inA[i] = one.records().get(i).values()[here];
      inB[i] = other.records().get(places[i]).values()[there];
      if (Double.isNaN(inA[i]) || Double.isNaN(inB[i])) {
        inA[i] = Double.NaN;
        inB[i] = Double.NaN;
      }
    }
    return new Row(one.method(), key, mean(inA), mean(inB), bootstrap.difference(inB, inA));
  }

  private static double mean(double[] values) {
    return Arrays.stream(values).filter(value -> !Double.isNaN(value)).average().orElse(Double.NaN);
  }

  private static List<String> names(EvaluationResult result) {
    return result.methods().stream().map(MethodResult::method).toList();
  }

  private static <T> List<T> common(List<T> one, List<T> other) {
    Set<T> both = new LinkedHashSet<>(one);
    both.retainAll(other);
    return List.copyOf(both);
  }

  /** What both have, methods in A's order, of each the numbers in A's order. */
  public List<Row> rows() {
    return rows;
  }

  /** How many images there are in both. */
  public int images() {
    return a.methods().get(0).records().size();
  }

  /** The rows for a terminal; ROAD's curves by their means. */
  public String table() {
    List<List<String>> lines = new ArrayList<>();
    lines.add(List.of("method", "metric", "A", "B", "B - A", "95 % interval", "better"));
    for (Row row : rows) {
      if (!row.key().isCurvePoint()) {
        Interval difference = row.difference();
        boolean none = difference.n() == 0;
        lines.add(
            List.of(
                a.method(row.method()).title(),
                row.key().title(),
                none ? "-" : Text.format("%.2f", row.a()),
                none ? "-" : Text.format("%.2f", row.b()),
                none ? "-" : Text.format("%+.2f", difference.mean()),
                Double.isNaN(difference.low())
                    ? "-"
                    : Text.format("%+.2f to %+.2f", difference.low(), difference.high()),
                row.better() == Better.NEITHER ? "-" : row.better().name()));
      }
    }
    return MetricsTable.layOut(lines);
  }

  /** The rows as {@code compare.csv}. */
  public String csv() {
    StringBuilder text =
        new StringBuilder("method,metric,threshold,a,b,difference,n,low,high,better\n");
    for (Row row : rows) {
      text.append(
          Csv.row(
              List.of(
                  row.method(),
                  row.key().metric(),
                  row.key().thresholdText(),
                  Csv.number(row.a()),
                  Csv.number(row.b()),
                  Csv.number(row.difference().mean()),
                  Integer.toString(row.difference().n()),
                  Csv.number(row.difference().low()),
                  Csv.number(row.difference().high()),
                  row.better() == Better.NEITHER ? "" : row.better().name())));
    }
    return text.toString();
  }

  /**
   * What {@code compare.json} says.
   *
   * @param one what A is
   * @param other what B is
   */
  public String json(Map<String, Object> one, Map<String, Object> other) throws IOException {
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("format", MetricsFiles.FORMAT);
    root.put("a", one);
    root.put("b", other);
    root.put("images", images());
    root.put("intervals", MetricsFiles.intervals(bootstrap));
    List<Object> differences = new ArrayList<>();
    for (Row row : rows) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("method", row.method());
      entry.putAll(MetricsFiles.number(row.key(), row.difference()));
      entry.put("a", MetricsFiles.finite(row.a()));
      entry.put("b", MetricsFiles.finite(row.b()));
      entry.put("better", row.better() == Better.NEITHER ? null : row.better().name());
      differences.add(entry);
    }
    root.put("differences", differences);
    Map<String, Object> only = new LinkedHashMap<>();
    only.put("a", less(names(a), names(b)));
    only.put("b", less(names(b), names(a)));
    root.put("methods_of_one", only);
    return MetricsFiles.text(root);
  }

  private static List<String> less(List<String> all, List<String> others) {
    return all.stream().filter(name -> !others.contains(name)).toList();
  }
}
