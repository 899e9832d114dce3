package org.ttame.eval.output;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.ImageRecord;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.output.EvaluationComparison.Better;
import org.ttame.eval.statistics.Bootstrap;

class EvaluationComparisonTest {
  private static final List<MetricKey> KEYS =
      List.of(MetricKey.at("ad", 50), MetricKey.at("ic", 50), MetricKey.of("pointing"));

  /** Images i0, i1, …, of which one has no objects; all values moved by so much. */
  private static List<ImageRecord> records(double moved) {
    List<ImageRecord> records = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      double[] values = {i * i + moved, 10 - i + moved, i == 3 ? Double.NaN : i + moved};
      records.add(new ImageRecord("i" + i, "ttame", 0, 1, 1, 0, values));
    }
    return records;
  }

  private static EvaluationResult result(
      List<ImageRecord> records, Map<String, String> parameters) {
    MethodResult method = new MethodResult("ttame", Map.of(), KEYS, records, 0);
    return new EvaluationResult(KEYS, parameters, List.of(method), records.size(), 0, 0, 0);
  }

  private static EvaluationComparison compare(List<ImageRecord> a, List<ImageRecord> b) {
    return new EvaluationComparison(
        result(a, Map.of("masking", "cnn")), result(b, Map.of()), Bootstrap.standard());
  }

  /** The differences are the same for every image, so their interval is a point. */
  @Test
  void pairsByNameAndKnowsWhichWayIsBetter() {
    List<ImageRecord> b = records(2);
    Collections.reverse(b);
    List<EvaluationComparison.Row> rows = compare(records(0), b).rows();
    assertThat(rows).extracting(row -> row.difference().n()).containsExactly(8, 8, 7);
    assertThat(rows)
        .allSatisfy(
            row -> {
              assertThat(row.difference().mean()).isEqualTo(2);
              assertThat(row.difference().low()).isEqualTo(2);
              assertThat(row.difference().high()).isEqualTo(2);
              assertThat(row.b() - row.a()).isCloseTo(2, within(1e-12)); // of two rounded means
            });
    assertThat(rows)
        .extracting(EvaluationComparison.Row::better)
        .containsExactly(Better.A, Better.B, Better.B);
    assertThat(compare(records(0), records(-2)).rows())
        .extracting(EvaluationComparison.Row::better)
        .containsExactly(Better.B, Better.A, Better.A);
    assertThat(compare(records(0), records(0)).rows())
        .extracting(EvaluationComparison.Row::better)
        .containsOnly(Better.NEITHER);
  }

  @Test
  void aDifferenceThatImagesDisagreeOnFavoursNobody() {
    List<ImageRecord> b = records(0);
    for (int i = 0; i < b.size(); i++) {
      b.get(i).values()[0] += i % 2 == 0 ? 1 : -1;
    }
    EvaluationComparison.Row row = compare(records(0), b).rows().get(0);
    assertThat(row.difference().mean()).isZero();
    assertThat(row.difference().low()).isNegative();
    assertThat(row.difference().high()).isPositive();
    assertThat(row.better()).isEqualTo(Better.NEITHER);
  }

  @Test
  void namesTheImageThatOnlyOneHas() {
    List<ImageRecord> fewer = records(0).subList(0, 7);
    assertThatThrownBy(() -> compare(records(0), fewer))
        .hasMessageContaining("8 in A and 7 in B: i7 is missing in B");
    assertThatThrownBy(() -> compare(fewer, records(0)))
        .hasMessageContaining("7 in A and 8 in B: i7 is missing in A");
    List<ImageRecord> twice = new ArrayList<>(fewer);
    twice.add(fewer.get(0));
    assertThatThrownBy(() -> compare(twice, records(0))).hasMessageContaining("i0 is missing in B");
  }
}
