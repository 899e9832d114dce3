package org.ttame.eval.report;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.ttame.eval.output.Provenance;
import org.ttame.eval.render.LinePlot;

/**
 * {@code report.html} of a command: sentences, plots, tables and figures, and at the end who made
 * it from what.
 */
public final class ResultPage {
  /** The page's name. */
  public static final String FILE = "report.html";

  private static final String TEMPLATES = "sections.html";

  private final String title;
  private final String lead;
  private final List<Section> sections = new ArrayList<>();

  /**
   * An outcome in words.
   *
   * @param text a sentence
   * @param settled whether it is the good or the only outcome; one that is not is marked
   */
  public record Sentence(String text, boolean settled) {}

  /**
   * A page without sections.
   *
   * @param title what it is about
   * @param lead a sentence or two below the title
   */
  public ResultPage(String title, String lead) {
    this.title = title;
    this.lead = lead;
  }

  /** Adds a section. */
  public ResultPage add(Section section) {
    sections.add(section);
    return this;
  }

  /** Adds a section that is made of parts. */
  public ResultPage add(String id, String heading, Html... parts) {
    return add(Section.of(id, heading, Html.join(List.of(parts))));
  }

  /** Adds plots, two in a row where there is room; nothing where there is none. */
  public ResultPage plots(String id, String heading, Collection<LinePlot> plots, String note) {
    if (plots.isEmpty()) {
      return this;
    }
    Template figure = Template.read("curves.html", "plot");
    List<Html> all =
        plots.stream()
            .map(
                plot ->
                    figure.fill(
                        Map.of(
                            "title", plot.title(), "svg", new Html(plot.toElement(plot.title())))))
            .toList();
    Html row = Template.read(TEMPLATES, "plots").fill(Map.of("plots", Html.join(all)));
    return add(id, heading, row, note(note));
  }

  /** Outcomes as a list. */
  public static Html sentences(List<Sentence> sentences) {
    Template item = Template.read(TEMPLATES, "verdict");
    List<Html> items =
        sentences.stream()
            .map(
                sentence ->
                    item.fill(
                        Map.of(
                            "kind",
                            sentence.settled() ? Html.NONE : new Html(" class=\"open\""),
                            "sentence",
                            Html.name(sentence.text()))))
            .toList();
    return Template.read(TEMPLATES, "verdicts").fill(Map.of("verdicts", Html.join(items)));
  }

  /** A remark in smaller letters. */
  public static Html note(String text) {
    return Template.read(TEMPLATES, "note").fill(Map.of("text", text));
  }

  /**
   * Writes the page, whole or not at all.
   *
   * @param files a sentence on the files beside it
   */
  public Path write(Path folder, Provenance provenance, String files) throws IOException {
    Path file = folder.resolve(FILE);
    page(provenance, files).write(file);
    return file;
  }

  Page page(Provenance provenance, String files) {
    List<Section> all = new ArrayList<>(sections);
    all.add(ProvenanceSection.of(provenance));
    return new Page(
        title,
        Html.name(lead),
        all,
        Template.read(TEMPLATES, "written")
            .fill(Map.of("program", provenance.build().describe(), "files", files)));
  }
}
