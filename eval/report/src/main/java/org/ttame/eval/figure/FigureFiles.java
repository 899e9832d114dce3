package org.ttame.eval.figure;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.ttame.core.Text;
import org.ttame.core.storage.AtomicFile;
import org.ttame.core.storage.TextFile;
import org.ttame.eval.figure.FigureSet.Missing;
import org.ttame.eval.output.Provenance;
import org.ttame.eval.render.FigureFormat;
import org.ttame.eval.render.Panel;
import org.ttame.eval.report.Html;
import org.ttame.eval.report.Page;
import org.ttame.eval.report.ProvenanceSection;
import org.ttame.eval.report.Section;
import org.ttame.eval.report.Table;
import org.ttame.eval.report.Template;

/**
 * {@code OUT/figures/NAME.png}, {@code .svg} and {@code .pdf}, {@code OUT/figures.json} and {@code
 * OUT/report.html}. Each is written whole or not at all; the record comes last.
 */
public final class FigureFiles {
  /** The record's name. */
  public static final String JSON = "figures.json";

  private static final int FORMAT = 1;

  /** The folder of the files for papers. */
  public static final String FOLDER = "figures";

  private static final ObjectMapper MAPPER =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  private FigureFiles() {}

  /**
   * Makes sure that nobody's figures are lost: those of other settings are not replaced.
   *
   * @param out the output
   * @param settings of the figures to come
   * @throws IOException naming the setting that differs, if there are figures of others; or if the
   *     record of those that are there cannot be read
   */
  public static void requireSame(Path out, Map<String, String> settings) throws IOException {
    Path file = out.resolve(JSON);
    if (!Files.exists(file)) {
      return;
    }
    JsonNode there;
    try {
      there = MAPPER.readTree(TextFile.text(file)).path("settings");
    } catch (JacksonException e) {
      throw new IOException(
          Text.format("'%s' is no record of figures: %s", file, e.getOriginalMessage()), e);
    }
    Set<String> names = new TreeSet<>(settings.keySet());
    there.fieldNames().forEachRemaining(names::add);
    for (String name : names) {
      String before = there.path(name).asText("none");
      String now = settings.getOrDefault(name, "none");
      if (!before.equals(now)) {
        throw new IOException(
            Text.format(
                "'%s' holds figures of other settings: %s was %s, now it is %s; give another folder"
                    + " (option 'out')",
                out, name, before, now));
      }
    }
  }

  /**
   * Writes everything.
   *
   * @param formats of the files for papers
   */
  public static Path write(Path out, FigureSet set, Set<FigureFormat> formats) throws IOException {
    for (Figure figure : set.figures()) {
      figure.sheet().write(out.resolve(FOLDER), figure.name(), figure.caption(), formats);
    }
    Path page = out.resolve(FigureReport.FILE);
    new FigureReport(set, formats).page().write(page);
    AtomicFile.writeText(out.resolve(JSON), MAPPER.writeValueAsString(json(set, formats)) + "\n");
    return page;
  }

  /** A figure's file inside the output, with slashes. */
  static String file(Figure figure, FigureFormat format) {
    return Text.format("%s/%s.%s", FOLDER, figure.name(), format.optionName());
  }

  private static Map<String, Object> json(FigureSet set, Set<FigureFormat> formats) {
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("format", FORMAT);
    root.put("figures", set.figures().stream().map(figure -> json(figure, formats)).toList());
    List<Object> missing = new ArrayList<>();
    for (Missing one : set.missing()) {
      missing.add(Map.of("figure", one.kind().optionName(), "reason", one.reason()));
    }
    root.put("missing", missing);
    root.putAll(set.skipped().toMap());
    root.put("settings", set.settings());
    Map<String, Object> program = new LinkedHashMap<>();
    program.put("version", set.build().version());
    program.put("commit", set.build().commit());
    program.put("local_changes", set.build().dirty());
    program.put("nd4j", set.build().nd4j());
    program.put("java", System.getProperty("java.version"));
    root.put("program", program);
    Map<String, Object> runs = new LinkedHashMap<>();
    set.runs().forEach((title, provenance) -> runs.put(title, provenance.toMap()));
    root.put("runs", runs);
    return root;
  }

  private static Map<String, Object> json(Figure figure, Set<FigureFormat> formats) {
    Map<String, Object> entry = new LinkedHashMap<>();
    entry.put("figure", figure.section());
    entry.put("name", figure.name());
    entry.put("caption", figure.caption());
    entry.put("files", formats.stream().map(format -> file(figure, format)).toList());
    entry.put("columns", figure.sheet().columns());
    List<Object> rows = new ArrayList<>();
    for (List<Optional<Panel>> row : figure.sheet().rows()) {
      rows.add(row.stream().map(panel -> panel.map(Panel::lines).orElse(List.of())).toList());
    }
    entry.put("rows", rows);
    return entry;
  }

  /**
   * {@code report.html} of figures, which are files in these formats, too: a section for each kind,
   * what could not be made, provenance.
   */
  private record FigureReport(FigureSet set, Set<FigureFormat> formats) {
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
}
