package org.ttame.eval.figure;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.ttame.core.Text;
import org.ttame.eval.output.Provenance;
import org.ttame.eval.render.FigureFormat;
import org.ttame.eval.report.Html;
import org.ttame.eval.report.Page;
import org.ttame.eval.report.ProvenanceSection;
import org.ttame.eval.report.Section;
import org.ttame.eval.report.Table;
import org.ttame.eval.report.Template;

/**
 * {@code report.html} of figures, which are files in these formats, too: a section for each kind,
 * what could not be made, provenance.
 */
record FigureReport(FigureSet set, Set<FigureFormat> formats) {
  static final String FILE = "report.html";

  private static final String TEMPLATES = "figures.html";

  /** The page. */
  Page page() {
    List<Section> sections = new ArrayList<>();
    for (FigureKind kind : FigureKind.values()) {
      List<Figure> figures =
          set.figures().stream().filter(f -> f.section().equals(kind.optionName())).toList();
      if (!figures.isEmpty()) {
        sections.add(
            FigureSection.of(
                kind.optionName(),
                kind.title(),
                figures,
                figures.stream().map(this::links).toList()));
      }
    }
    if (!set.missing().isEmpty()) {
      sections.add(Section.of("missing", "Not shown", missing()));
    }
    sections.add(Section.of("provenance", "Provenance", provenance()));
    String lead =
        set.runs().isEmpty()
            ? "A figure that needs no classifier."
            : Text.format("Explanation maps of %s.", String.join(", ", set.runs().keySet()));
    return new Page("Figures", Html.name(lead), sections, footer());
  }

  private Html links(Figure figure) {
    return FigureSection.links(
        formats.stream().map(format -> FigureFiles.file(figure, format)).toList());
  }

  private Html missing() {
    Template line = Template.read(TEMPLATES, "missing");
    return Html.join(
        set.missing().stream()
            .map(
                one ->
                    line.fill(
                        Map.of("title", one.kind().title(), "reason", Html.name(one.reason()))))
            .toList());
  }

  private Html provenance() {
    List<Html> parts = new ArrayList<>();
    parts.add(ProvenanceSection.program(set.build()));
    parts.add(Table.pairs("Settings", "Settings", set.settings()));
    if (set.skipped().total() > 0) {
      parts.add(Table.pairs("Images", "Images", Map.of("left out", set.skipped().describe())));
    }
    for (Map.Entry<String, Provenance> run : set.runs().entrySet()) {
      Map<String, String> known = new LinkedHashMap<>(run.getValue().settings());
      known.putAll(run.getValue().backbone());
      parts.add(Table.pairs(run.getKey(), run.getKey(), known));
    }
    return Html.join(parts);
  }

  private Html footer() {
    return Template.read(TEMPLATES, "footer").fill(Map.of("program", set.build().describe()));
  }
}
