package org.ttame.eval.figure;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.ttame.core.Text;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.output.Provenance;
import org.ttame.eval.output.SanityFiles;
import org.ttame.eval.render.FigureSheet;
import org.ttame.eval.report.Html;
import org.ttame.eval.report.ResultPage;
import org.ttame.eval.report.ResultPage.Sentence;
import org.ttame.eval.report.Table;
import org.ttame.eval.report.Table.Cell;
import org.ttame.eval.sanity.SanityReport;
import org.ttame.eval.statistics.Interval;

/** {@code report.html} of {@code sanity}: verdicts, curves, maps stage by stage, all numbers. */
public final class SanityPage {
  private static final String RANK =
      "ρ: Spearman's rank correlation to the original map, the class held fixed.";

  private SanityPage() {}

  /**
   * Writes the page.
   *
   * @param report the verdicts and numbers
   * @param images how many were explained
   * @param files the curves and strips
   */
  public static Path write(
      Path folder, SanityReport report, int images, SanityFiles files, Provenance provenance)
      throws IOException {
    List<Sentence> sentences = new ArrayList<>();
    report
        .verdicts()
        .forEach(verdict -> sentences.add(new Sentence(verdict.sentence(), verdict.passed())));
    report.references().forEach(text -> sentences.add(new Sentence(text, false)));
    String classifier = provenance.backbone().getOrDefault("name", "a classifier");
    ResultPage page =
        new ResultPage(
                "Sanity checks of maps of " + classifier,
                Text.format(
                    "Do maps depend on what was learnt? Classifier and mechanism are randomised"
                        + " stage by stage, and the maps of %,d image%s are compared with the"
                        + " original ones.",
                    images, images == 1 ? "" : "s"))
            .add(
                "verdicts",
                "Verdicts",
                ResultPage.sentences(sentences),
                ResultPage.note(
                    "A method "
                        + Text.format(SanityReport.RULE, report.threshold())
                        + ". Edges, the image's own, are the control that must fail."))
            .plots(
                "curves",
                "Similarity to the original maps",
                files.curves().values(),
                "The class is held fixed. Shaded: 95 % interval of each mean. A curve that stays"
                    + " near 1 belongs to a method that does not depend on what was randomised.");
    List<Figure> figures = new ArrayList<>();
    List<Html> links = new ArrayList<>();
    for (Map.Entry<String, FigureSheet> strip : files.strips().entrySet()) {
      String title = strip.getValue().title().split(";", 2)[0];
      figures.add(new Figure("maps", strip.getKey(), title, RANK, strip.getValue()));
      links.add(FigureSection.links(List.of(strip.getKey() + ".png")));
    }
    if (!figures.isEmpty()) {
      page.add(FigureSection.of("maps", "Maps stage by stage", figures, links));
    }
    return page.add("numbers", "Numbers", table(report))
        .write(
            folder,
            provenance,
            "The numbers are in sanity.json and sanity.csv beside this page, the curves in"
                + " curve-*.png, .svg and .pdf.");
  }

  private static Html table(SanityReport report) {
    Table table =
        new Table(
            "All numbers",
            Html.text("Means over the images with their 95 % intervals."),
            Table.heads(
                "randomised",
                "stage",
                "method",
                "class",
                "measure",
                "mean",
                "interval",
                "same answer"));
    for (SanityReport.Row row : report.rows()) {
      Interval mean = row.mean();
      table.row(
          Html.text(row.stage().cascade().optionName()),
          List.of(
              Cell.of(row.stage().name()),
              Cell.of(ExplanationMethod.title(row.column().method())),
              Cell.of(row.column().answer().optionName()),
              Cell.of(row.column().measure().optionName()),
              Cell.of(Text.format("%.3f", mean.mean())),
              Cell.of(mean.n() < 2 ? "-" : Text.format("%.3f to %.3f", mean.low(), mean.high())),
              Cell.of(Text.format("%.0f %%", row.answersKept()))));
    }
    return table.markup();
  }
}
