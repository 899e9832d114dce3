package org.ttame.eval.report;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.ttame.core.Text;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.EvaluationStatistics;
import org.ttame.eval.gallery.GalleryFolder;
import org.ttame.eval.output.Provenance;
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
}
