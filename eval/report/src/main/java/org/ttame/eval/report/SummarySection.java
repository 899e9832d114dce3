package org.ttame.eval.report;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ttame.core.Text;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.EvaluationStatistics;
import org.ttame.eval.output.Provenance;
import org.ttame.training.data.SkippedCount;

/** What was measured, how, of how many images, and what can be said of it. */
final class SummarySection {
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
                                + " (bootstrap, seed %d); differences are paired image by image. Multiple"
                                + " comparisons are not corrected for: one in twenty comparisons without"
                                + " a difference will look real.",
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
            + " map's pixels, the most relevant first, are shown on a blurred image or taken away.";
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
