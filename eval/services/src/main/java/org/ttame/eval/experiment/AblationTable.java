package org.ttame.eval.experiment;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.masking.Masking;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.statistics.Bootstrap;
import org.ttame.eval.statistics.Interval;

/**
 * The numbers of Tables VI and VII with their intervals, and how each row differs from the proposed
 * one on the same images.
 *
 * @param model the classifier's name
 * @param keys the columns
 * @param rows of Table VI and of Table VII
 */
record AblationTable(String model, List<MetricKey> keys, List<Row> rows) {
  /**
   * A row.
   *
   * @param table {@code VI} or {@code VII}
   * @param extraction of Table VI: where feature maps are taken; of Table VII: of its proposed form
   * @param variant the form, in the paper's words
   * @param masking what maps are laid over images by, in training and measuring
   * @param trial the training
   * @param failure why there are no numbers; empty text where there are
   * @param measured the means
   * @param difference mean of this row less that of the proposed one, over the same images; empty
   *     for the proposed one
   * @param published the paper's own numbers, where they may stand beside ours
   */
  record Row(
      String table,
      String extraction,
      String variant,
      Masking masking,
      String trial,
      String failure,
      Map<MetricKey, Interval> measured,
      Map<MetricKey, Interval> difference,
      Map<MetricKey, Double> published) {
    /** Whether a number is better (1) or worse (−1) than the proposed form's beyond chance. */
    int verdict(MetricKey key) {
      Interval interval = difference.get(key);
      if (interval == null || !interval.excludesZero()) {
        return 0;
      }
      boolean lowerIsBetter = key.metric().equals("ad");
      return interval.mean() < 0 == lowerIsBetter ? 1 : -1;
    }
  }

  /** Computes, when all trials of the plan are done. */
  static AblationTable of(
      FrozenClassifier classifier, AblationPlan plan, List<TrialResult> results) {
    Map<String, TrialResult> byName = new LinkedHashMap<>();
    results.forEach(result -> byName.put(result.trial().name(), result));
    TrialResult some =
        results.stream().filter(r -> !r.diverged()).findFirst().orElse(results.get(0));
    Optional<PublishedAblations> published = PublishedAblations.fitting(classifier, some.images());
    List<Row> rows = new ArrayList<>();
    for (AblationPlan.Row row : plan.rows()) {
      TrialResult result = byName.get(row.trial());
      TrialResult reference = byName.get(row.reference());
      rows.add(
          row(
              "VI",
              row.extraction(),
              row.variant(),
              result,
              reference,
              published.map(p -> p.variant(classifier.name(), row)).orElse(Map.of())));
    }
    AblationPlan.Row proposed = plan.rows().get(0);
    plan.maskings()
        .forEach(
            (masking, trial) ->
                rows.add(
                    row(
                        "VII",
                        proposed.extraction(),
                        proposed.variant(),
                        byName.get(trial),
                        byName.get(proposed.trial()),
                        published
                            .map(p -> p.masking(classifier.name(), masking))
                            .orElse(Map.of()))));
    return new AblationTable(classifier.name(), List.copyOf(some.values().keySet()), rows);
  }

  private static Row row(
      String table,
      String extraction,
      String variant,
      TrialResult result,
      TrialResult reference,
      Map<MetricKey, Double> published) {
    Bootstrap bootstrap = Bootstrap.standard();
    Map<MetricKey, Interval> measured = new LinkedHashMap<>();
    Map<MetricKey, Interval> difference = new LinkedHashMap<>();
    for (MetricKey key : result.values().keySet()) {
      measured.put(key, bootstrap.mean(result.column(key)));
      boolean proposed = result.trial().name().equals(reference.trial().name());
      if (!proposed && !reference.diverged()) {
        difference.put(key, bootstrap.difference(result.column(key), reference.column(key)));
      }
    }
    return new Row(
        table,
        extraction,
        variant,
        result.trial().options().trainer().masking(),
        result.trial().name(),
        result.failure(),
        measured,
        difference,
        published);
  }

  /** The rows of one table. */
  List<Row> rows(String table) {
    return rows.stream().filter(row -> row.table().equals(table)).toList();
  }

  /** A column's title, e.g. {@code AD(50%)}. */
  static String title(MetricKey key) {
    return Text.format("%s(%s%%)", key.metric().toUpperCase(Locale.ROOT), key.thresholdText());
  }

  /** Which way is better. */
  static boolean lowerIsBetter(MetricKey key) {
    return key.metric().equals("ad");
  }
}
