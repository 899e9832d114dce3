package org.ttame.eval.sanity;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.ttame.core.Text;
import org.ttame.eval.explain.EdgeExplainer;
import org.ttame.eval.sanity.SanityStage.Cascade;
import org.ttame.eval.sanity.StageResult.Column;
import org.ttame.eval.sanity.StageResult.ExplainedClass;
import org.ttame.eval.statistics.Bootstrap;
import org.ttame.eval.statistics.Interval;

/**
 * The numbers of a sanity check with their intervals, and its verdicts.
 *
 * @param rows a row for each stage, method, class and measure
 * @param verdicts one for each method and cascade that is a check
 * @param threshold of the verdicts
 */
public record SanityReport(List<Row> rows, List<Verdict> verdicts, double threshold) {
  /** When a method passes, for people. */
  public static final String RULE =
      "passes if, with everything random and the class held fixed, the upper end of the 95 %%"
          + " interval of the mean Spearman rank correlation with the original maps is below %s";

  /** What a mechanism trained on shuffled answers has to show besides, for people. */
  public static final String LABELS_RULE =
      "for labels also needs a correlation below that of a mechanism trained properly from the same"
          + " other seed: the 95 % interval of the difference, image by image, is above 0";

  /**
   * A number.
   *
   * @param stage where
   * @param column of which method, class and measure
   * @param answersKept percent of images whose answer is still the original one
   * @param mean over the images
   */
  public record Row(SanityStage stage, Column column, double answersKept, Interval mean) {}

  /**
   * Whether a method depends on what was lost.
   *
   * @param cascade what was lost
   * @param method the method
   * @param passed whether it does
   * @param firstChange the first stage at which a map of the original class changes; empty for none
   * @param last mean rank correlation with everything lost
   * @param belowSeed for labels, how far that is below the rank correlation of a mechanism trained
   *     properly from the same other seed, over the same images; empty for other cascades
   */
  public record Verdict(
      Cascade cascade,
      String method,
      boolean passed,
      Optional<String> firstChange,
      Interval last,
      Optional<Interval> belowSeed) {
    /** One line. */
    public String sentence() {
      String change =
          firstChange
              .map(stage -> Text.format("maps change from %s on", stage))
              .orElse("no map ever changes");
      return Text.format(
          "%s, %s: %s; %s; Spearman at the end %.3f [%.3f, %.3f]%s%s",
          cascade.optionName(),
          method,
          passed ? "passes" : "FAILS",
          change,
          last.mean(),
          last.low(),
          last.high(),
          belowSeed.map(Verdict::below).orElse(""),
          method.equals(EdgeExplainer.NAME)
              ? passed
                  ? ": the control passes, so this check is meaningless"
                  : " (the control, as it should)"
              : "");
    }

    private Verdict asFarBelowAnotherSeed(Interval difference) {
      return new Verdict(
          cascade,
          method,
          passed && lowest(difference) > 0,
          firstChange,
          last,
          Optional.of(difference));
    }

    private static String below(Interval difference) {
      return Text.format(
          ", below another seed's by %.3f [%.3f, %.3f]",
          difference.mean(), difference.low(), difference.high());
    }
  }

  public SanityReport {
    rows = List.copyOf(rows);
    verdicts = List.copyOf(verdicts);
  }

  /**
   * Computes.
   *
   * @param outcome what was found; labels get a verdict only beside another seed
   * @param threshold of the verdicts
   */
  public static SanityReport of(SanityCheck.Outcome outcome, double threshold) {
    Bootstrap bootstrap = Bootstrap.standard();
    List<Row> rows = new ArrayList<>();
    for (SanityCheck.Found found : outcome.stages()) {
      for (Column column : found.result().columns().keySet()) {
        rows.add(
            new Row(
                found.stage(),
                column,
                found.result().answersKept(),
                bootstrap.mean(found.result().column(column))));
      }
    }
    Map<Cascade, Set<String>> methods = new LinkedHashMap<>();
    for (Row row : rows) {
      methods
          .computeIfAbsent(row.stage().cascade(), c -> new LinkedHashSet<>())
          .add(row.column().method());
    }
    List<Verdict> verdicts = new ArrayList<>();
    methods.forEach(
        (cascade, names) -> {
          if (cascade == Cascade.LABELS) {
            names.forEach(
                name ->
                    belowSeed(outcome, name)
                        .ifPresent(
                            below ->
                                verdicts.add(
                                    verdict(rows, cascade, name, threshold)
                                        .asFarBelowAnotherSeed(below))));
          } else if (cascade.isCheck()) {
            names.forEach(name -> verdicts.add(verdict(rows, cascade, name, threshold)));
          }
        });
    return new SanityReport(rows, verdicts, threshold);
  }

  /** One line for each method whose mechanism was trained again, the same way. */
  public List<String> references() {
    return rows.stream()
        .filter(
            row ->
                !row.stage().cascade().isCheck()
                    && row.column().answer() == ExplainedClass.FIXED
                    && row.column().measure() == MapSimilarity.SPEARMAN)
        .map(
            row ->
                Text.format(
                    "%s, %s: the reference, not a check: trained again from %s, maps"
                        + " correlate by %.3f [%.3f, %.3f]",
                    row.stage().cascade().optionName(),
                    row.column().method(),
                    row.stage().name(),
                    row.mean().mean(),
                    row.mean().low(),
                    row.mean().high()))
        .toList();
  }

  private static Verdict verdict(List<Row> rows, Cascade cascade, String method, double threshold) {
    List<Row> judged = rows(rows, cascade, method, ExplainedClass.FIXED, MapSimilarity.SPEARMAN);
    Optional<String> firstChange =
        judged.stream()
            .filter(row -> row.mean().mean() < 1 - 1e-9)
            .map(row -> row.stage().name())
            .findFirst();
    Interval last = judged.get(judged.size() - 1).mean();
    return new Verdict(
        cascade, method, highest(last) < threshold, firstChange, last, Optional.empty());
  }

  /** How far labels correlate less than another seed does; empty if either was not measured. */
  private static Optional<Interval> belowSeed(SanityCheck.Outcome outcome, String method) {
    Column column = new Column(method, ExplainedClass.FIXED, MapSimilarity.SPEARMAN);
    Optional<double[]> labels = last(outcome, Cascade.LABELS, column);
    Optional<double[]> seed = last(outcome, Cascade.SEED, column);
    return labels.isPresent() && seed.isPresent()
        ? Optional.of(Bootstrap.standard().difference(seed.get(), labels.get()))
        : Optional.empty();
  }

  private static Optional<double[]> last(
      SanityCheck.Outcome outcome, Cascade cascade, Column column) {
    return outcome.stages().stream()
        .filter(found -> found.stage().cascade() == cascade)
        .filter(found -> found.result().columns().containsKey(column))
        .map(found -> found.result().column(column))
        .reduce((before, after) -> after);
  }

  /** A single image has no interval: its value is judged. */
  private static double highest(Interval interval) {
    return Double.isNaN(interval.high()) ? interval.mean() : interval.high();
  }

  private static double lowest(Interval interval) {
    return Double.isNaN(interval.low()) ? interval.mean() : interval.low();
  }

  /** The rows of a curve, stage by stage. */
  public static List<Row> rows(
      List<Row> rows,
      Cascade cascade,
      String method,
      ExplainedClass answer,
      MapSimilarity measure) {
    Column column = new Column(method, answer, measure);
    return rows.stream()
        .filter(row -> row.stage().cascade() == cascade && row.column().equals(column))
        .toList();
  }
}
