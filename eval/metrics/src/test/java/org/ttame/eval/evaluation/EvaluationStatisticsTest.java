package org.ttame.eval.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.statistics.Bootstrap;
import org.ttame.eval.statistics.Interval;

class EvaluationStatisticsTest {
  private static final MetricKey AD = MetricKey.at("ad", 50);
  private static final MetricKey POINTING = MetricKey.of("pointing");
  private static final double NONE = Double.NaN;

  private final double[][] first = {{10, 100}, {20, NONE}, {30, 0}, {25, 100}, {17, 100}};
  private final double[][] second = {{14, 0}, {29, NONE}, {33, 0}, {28, 100}, {21, 0}};
  private final Bootstrap bootstrap = Bootstrap.standard();

  @Test
  void areThoseOfEachColumn() {
    EvaluationStatistics statistics =
        result(method("a", "i", first), method("b", "i", second)).statistics();
    for (int k = 0; k < 2; k++) {
      MetricKey key = List.of(AD, POINTING).get(k);
      assertThat(statistics.mean("a", key)).isEqualTo(bootstrap.mean(column(first, k)));
      assertThat(statistics.mean("b", key)).isEqualTo(bootstrap.mean(column(second, k)));
    }
    Interval found = statistics.difference("a", "b", AD);
    Interval expected = bootstrap.difference(column(first, 0), column(second, 0));
    assertThat(found)
        .usingRecursiveComparison()
        .withComparatorForType(this::near, Double.class)
        .isEqualTo(expected);
    assertThat(found.excludesZero()).isTrue();
    assertThat(statistics.mean("a", POINTING).n()).isEqualTo(4);
    assertThat(statistics.difference("a", "b", POINTING).excludesZero()).isFalse();
    assertThat(statistics.differences())
        .extracting(d -> d.method() + "-" + d.other() + " " + d.key().column())
        .containsExactly("a-b ad_50", "a-b pointing");
  }

  /**
   * The console and the files show one mean, to the last bit: 0.1 ten times adds up to 1 in both.
   */
  @Test
  void meansAreThoseOfTheMethod() {
    double[][] tenths = new double[10][];
    Arrays.fill(tenths, new double[] {0.1, 1e-3});
    EvaluationResult result = result(method("a", "i", tenths));
    for (MetricKey key : List.of(AD, POINTING)) {
      double mean = result.method("a").summary(key).mean();
      assertThat(result.statistics().mean("a", key).mean()).isEqualTo(mean);
      assertThat(mean).isEqualTo(key.equals(AD) ? 0.1 : 1e-3);
    }
  }

  /** Where a number applies to other images of each method, pairs are those that have both. */
  @Test
  void pairsOnlyWhatBothHave() {
    double[][] holes = {{NONE, 1}, {29, 1}, {33, NONE}, {28, 1}, {21, 1}};
    EvaluationStatistics statistics =
        result(method("a", "i", first), method("b", "i", holes)).statistics();
    assertThat(statistics.mean("b", AD)).isEqualTo(bootstrap.mean(column(holes, 0)));
    assertThat(statistics.difference("a", "b", AD).n()).isEqualTo(4);
    assertThat(statistics.difference("a", "b", POINTING).n()).isEqualTo(3);
  }

  @Test
  void refusesWhatDoesNotPair() {
    EvaluationResult other = result(method("a", "i", first), method("b", "j", second));
    assertThatThrownBy(other::statistics).hasMessageContaining("a and b were not measured");
    EvaluationStatistics one = result(method("a", "i", first)).statistics();
    assertThatThrownBy(() -> one.mean("c", AD)).hasMessageContaining("No method \"c\"");
    assertThatThrownBy(() -> one.mean("a", MetricKey.of("road"))).hasMessageContaining("road");
    assertThat(result().statistics().differences()).isEmpty();
  }

  private int near(Double a, Double b) {
    return Math.abs(a - b) < 1e-9 ? 0 : Double.compare(a, b);
  }

  private static double[] column(double[][] rows, int column) {
    double[] values = new double[rows.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = rows[i][column];
    }
    return values;
  }

  private static MethodResult method(String name, String prefix, double[][] rows) {
    List<ImageRecord> records = new ArrayList<>();
    for (double[] row : rows) {
      records.add(new ImageRecord(prefix + records.size(), name, 0, 0.5, 1, 0, row));
    }
    return new MethodResult(name, Map.of(), List.of(AD, POINTING), records, 1);
  }

  private static EvaluationResult result(MethodResult... methods) {
    return new EvaluationResult(List.of(AD, POINTING), Map.of(), List.of(methods), 5, 5, 0, 1);
  }
}
