package org.ttame.eval.report;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.ttame.core.Text;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.EvaluationStatistics;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.gallery.GalleryFolder;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.output.Provenance;
import org.ttame.eval.output.RoadCurves;
import org.ttame.eval.render.ColorMap;
import org.ttame.training.data.SkippedCount;

/**
 * {@code report.html}: what an evaluation found, as one page that needs nothing else: summary with
 * verdict, tables, curves, a gallery of images × methods, provenance.
 *
 * @param result what was found
 * @param statistics its intervals
 * @param skipped the images that were left out
 * @param provenance who made it, from what
 * @param labels names of the classes by index, or an empty list where they are not known
 * @param colors the heatmaps' colours
 */
public record EvaluationReport(
    EvaluationResult result,
    EvaluationStatistics statistics,
    SkippedCount skipped,
    Provenance provenance,
    List<String> labels,
    ColorMap colors) {
  /** The page's name. */
  public static final String FILE = "report.html";

  public EvaluationReport {
    Objects.requireNonNull(result, "result");
    Objects.requireNonNull(statistics, "statistics");
    Objects.requireNonNull(skipped, "skipped");
    Objects.requireNonNull(provenance, "provenance");
    Objects.requireNonNull(colors, "colors");
    labels = List.copyOf(labels);
  }

  /**
   * Writes the page.
   *
   * @param output the evaluation's output, where its gallery is
   */
  public Path write(Path output) throws IOException {
    Path file = output.resolve(FILE);
    page(new GalleryFolder(output)).write(file);
    return file;
  }

  Page page(GalleryFolder gallery) throws IOException {
    Verdict verdict = Verdict.of(result, statistics);
    List<Section> sections = new ArrayList<>();
    sections.add(SummarySection.of(result, skipped, provenance, statistics, verdict));
    sections.add(new ScoresSection(result, statistics, verdict).section());
    new CurvesSection(result, statistics).section().ifPresent(sections::add);
    new GallerySection(result, gallery, labels, colors).section().ifPresent(sections::add);
    sections.add(ProvenanceSection.of(result, provenance));
    String classifier = provenance.backbone().getOrDefault("name", "a classifier");
    return new Page(
        "How well " + classifier + " is explained",
        Html.text(
            Text.format(
                "%s on %,d images: %s.",
                result.methods().size() == 1
                    ? "One method"
                    : result.methods().size() + " methods, measured",
                result.images(),
                String.join(", ", metrics()))),
        List.copyOf(sections),
        Template.read("sections.html", "footer")
            .fill(Map.of("program", provenance.build().describe())));
  }

  private List<String> metrics() {
    return Column.shown(result.keys()).stream().map(Column::title).toList();
  }

  /** MoRF and LeRF against the percentage removed, a curve a method with its intervals. */
  private record CurvesSection(EvaluationResult result, EvaluationStatistics statistics) {
    private static final String FILE = "curves.html";

    /** The curves, or nothing if none were measured. */
    Optional<Section> section() {
      Template figure = Template.read(FILE, "plot");
      List<Html> plots = new ArrayList<>();
      List<Html> tables = new ArrayList<>();
      RoadCurves.of(result, statistics)
          .forEach(
              (metric, plot) -> {
                String title = MetricKey.of(metric).title();
                Html svg = new Html(plot.toElement(title + " by method"));
                plots.add(figure.fill(Map.of("title", plot.title(), "svg", svg)));
                List<MetricKey> points =
                    result.keys().stream()
                        .filter(key -> key.isCurvePoint() && key.metric().equals(metric))
                        .toList();
                tables.add(table(title, points));
              });
      if (plots.isEmpty()) {
        return Optional.empty();
      }
      Html body =
          Template.read(FILE, "curves")
              .fill(Map.of("plots", Html.join(plots), "tables", Html.join(tables)));
      return Optional.of(Section.of("curves", "Curves", body));
    }

    private Html table(String title, List<MetricKey> keys) {
      List<Html> heads = Table.heads("method");
      keys.forEach(key -> heads.add(Html.text(key.thresholdText() + " %")));
      Table table =
          new Table(
              title + " by percentage removed", Html.text(title + " by percentage removed"), heads);
      for (MethodResult method : result.methods()) {
        table.row(
            Html.name(method.title()),
            keys.stream()
                .map(key -> Table.Cell.of(Numbers.mean(statistics.mean(method.method(), key))))
                .toList());
      }
      return table.markup();
    }
  }

  /** What was measured, how, of how many images, and what can be said of it. */
  private static final class SummarySection {
    private static final String FILE = "sections.html";

    /** What a metric's numbers are, by the metric's name. */
    private static final Map<String, String> MEANINGS = meanings();

    private SummarySection() {}

    static Section of(
        EvaluationResult result,
        SkippedCount skipped,
        Provenance provenance,
        EvaluationStatistics statistics,
        Verdict verdict) {
      Map<String, String> facts = new LinkedHashMap<>();
      facts.put("images", Text.format("%,d", result.images()));
      if (skipped.total() > 0) {
        facts.put("left out", skipped.kinds());
      }
      facts.put("methods", Integer.toString(result.methods().size()));
      facts.put("classifier", provenance.backbone().getOrDefault("name", "unknown"));
      result
          .parameters()
          .forEach(
              (name, value) ->
                  facts.put(name.replace('_', ' '), value.replace(",", ", ").replace("  ", " ")));
      Template fact = Template.read(FILE, "fact");
      List<Html> all = new ArrayList<>();
      facts.forEach(
          (term, value) -> all.add(fact.fill(Map.of("term", term, "value", Html.name(value)))));
      Html body =
          Template.read(FILE, "summary")
              .fill(
                  Map.of(
                      "facts", Html.join(all),
                      "verdict", verdict.sentences(),
                      "method",
                          Text.format(
                              "A difference counts as real if its 95 %% interval excludes zero."
                                  + " Intervals are percentiles over %,d resamples of the images"
                                  + " (bootstrap, seed %d); differences are paired image by image."
                                  + " Multiple comparisons are not corrected for: one in twenty"
                                  + " comparisons without a difference will look real.",
                              statistics.bootstrap().resamples(), statistics.bootstrap().seed()),
                      "meaning", meaning(result)));
      return Section.of("summary", "Summary", body);
    }

    private static Html meaning(EvaluationResult result) {
      Template paragraph = Template.read(FILE, "paragraph");
      List<Html> all = new ArrayList<>();
      all.add(
          paragraph.fill(
              Map.of(
                  "text",
                  "Every map explains the class that the classifier predicts for the"
                      + " clean image; ψ is that class's probability there.")));
      result.keys().stream()
          .map(key -> MEANINGS.get(key.metric()))
          .filter(java.util.Objects::nonNull)
          .distinct()
          .forEach(text -> all.add(paragraph.fill(Map.of("text", text))));
      return Html.join(all);
    }

    private static Map<String, String> meanings() {
      Map<String, String> meanings = new LinkedHashMap<>();
      meanings.put(
          "ad",
          "AD(v), average drop: by how many percent of ψ the probability drops when the image is"
              + " masked by the top v % of the map's pixels; 0 where it does not drop.");
      meanings.put(
          "ic",
          "IC(v), increase in confidence: the percentage of images whose masked"
              + " version gets a higher probability than the clean one.");
      String road =
          "MoRF and LeRF (ROAD): 100 times the probability, or with the released"
              + " protocol the share of unchanged predictions, after the most or the"
              + " least relevant pixels are imputed from their surroundings; the mean"
              + " over the percentages removed.";
      meanings.put("morf", road);
      meanings.put("lerf", road);
      String causal =
          "Insertion and deletion: 100 times the area under the curve of the probability while the"
              + " map's pixels, the most relevant first, are shown on a blurred image or taken"
              + " away.";
      meanings.put("insertion", causal);
      meanings.put("deletion", causal);
      meanings.put(
          "pointing",
          "Pointing: the percentage of images with a known object of the class"
              + " in which the map's maximum lies in its box.");
      meanings.put("energy", "Energy: the percentage of the map's sum that lies inside the boxes.");
      return Map.copyOf(meanings);
    }
  }
}
