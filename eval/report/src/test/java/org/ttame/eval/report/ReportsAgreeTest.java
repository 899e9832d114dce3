package org.ttame.eval.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.Text;
import org.ttame.core.provenance.BuildInfo;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.ImageRecord;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.output.EvaluationFiles;
import org.ttame.eval.output.MetricsTable;
import org.ttame.eval.output.Provenance;
import org.ttame.eval.render.ColorMap;
import org.ttame.training.data.SkippedCount;

/** What an evaluation says in five places is the same in all: names, numbers, FP, images, signs. */
class ReportsAgreeTest {
  private static final List<MetricKey> KEYS =
      List.of(
          MetricKey.at("ad", 15),
          MetricKey.at("ic", 15),
          MetricKey.of("pointing"),
          MetricKey.of("energy"));
  private static final List<String> METHODS = List.of("ttame", "gradcam++", "iia", "own");
  private static final int IMAGES = 6;

  @TempDir Path out;
  private EvaluationResult result;
  private String page;

  @BeforeEach
  void write() throws IOException {
    List<MethodResult> methods = new ArrayList<>();
    for (int m = 0; m < METHODS.size(); m++) {
      List<ImageRecord> records = new ArrayList<>();
      for (int i = 0; i < IMAGES; i++) {
        // No box of the class in two of the images; own says nothing of one more.
        double box = i < 2 || (m == 3 && i == 2) ? Double.NaN : 7.5 * m + i;
        double[] values = {10 + 12.25 * m + i, i % 2 == m % 2 ? 100 : 0, box, 2 * box};
        double forward = m == 2 ? 11 : m == 3 ? 4000 : 1;
        // Of own, one image takes a pass more: a mean that is no whole number.
        forward += m == 3 && i == 0 ? 1 : 0;
        records.add(
            new ImageRecord(
                "i" + i, METHODS.get(m), 0, 0.5, forward, m == 1 ? 1 : m == 2 ? 11 : 0, values));
      }
      methods.add(new MethodResult(METHODS.get(m), Map.of(), KEYS, records, 1));
    }
    result = new EvaluationResult(KEYS, Map.of(), methods, IMAGES, IMAGES, 0, 1);
    Provenance provenance = new Provenance(BuildInfo.current(), Map.of("name", "vgg16"), Map.of());
    EvaluationFiles.write(out, result, result.statistics(), new SkippedCount(), provenance);
    EvaluationReport report =
        new EvaluationReport(
            result,
            result.statistics(),
            new SkippedCount(),
            provenance,
            List.of(),
            ColorMap.VIRIDIS);
    page = Files.readString(report.write(out));
  }

  @Test
  void namesMeansPassesAndImagesAreTheSameEverywhere() throws IOException {
    Map<String, List<String>> expected = new LinkedHashMap<>();
    for (String method : METHODS) {
      expected.put(ExplanationMethod.title(method), new ArrayList<>());
    }
    expected.put("images", new ArrayList<>());
    Map<String, String> passes = new LinkedHashMap<>();
    for (String line : Files.readAllLines(out.resolve("metrics.csv")).subList(1, 17)) {
      String[] cells = line.split(",", -1);
      String title = ExplanationMethod.title(cells[0]);
      expected.get(title).add(Text.format("%.2f", Double.parseDouble(cells[3])));
      double forward = Double.parseDouble(cells[5]);
      passes.put(title, Text.format(forward == Math.rint(forward) ? "%.0f" : "%.2f", forward));
    }
    passes.forEach((title, fp) -> expected.get(title).add(fp));
    expected.get("images").addAll(List.of("6", "6", "3 to 4", "3 to 4", ""));
    assertThat(expected).containsKeys("T-TAME", "Grad-CAM++", "IIA", "own");
    assertThat(expected.get("own")).endsWith("4000.17");

    List<Map<String, List<String>>> markdown = markdown();
    assertThat(markdown.get(0)).isEqualTo(expected);
    assertThat(latex()).isEqualTo(expected);
    assertThat(console()).isEqualTo(expected);
    assertThat(html("Means of every method")).isEqualTo(expected);
    // Intervals stand in a table of their own in one, under the means in the other.
    assertThat(markdown.get(1).keySet()).containsExactly("T-TAME", "Grad-CAM++", "IIA", "own");
  }

  @Test
  void differencesHaveOneSign() throws IOException {
    Map<String, List<String>> expected = new LinkedHashMap<>();
    JsonNode json = new ObjectMapper().readTree(out.resolve("metrics.json").toFile());
    for (JsonNode difference : json.path("differences")) {
      if (difference.path("method").asText().equals("ttame")) {
        expected
            .computeIfAbsent(
                ExplanationMethod.title(difference.path("less").asText()), k -> new ArrayList<>())
            .add(Text.format("%.2f", difference.path("value").asDouble()));
      }
    }
    assertThat(expected.get("Grad-CAM++").get(0)).isEqualTo("-12.25");
    assertThat(markdown().get(2)).isEqualTo(expected);
    assertThat(html("T-TAME minus each other method")).isEqualTo(expected);
    assertThat(Files.readString(out.resolve(EvaluationFiles.MARKDOWN)))
        .contains("T-TAME minus each other method");
    // Lower is better, and T-TAME is lower.
    assertThat(page).contains("<td class=\"better\"><span>−12.25</span>");
  }

  @Test
  void thePageCallsNoMethodByItsOption() {
    assertThat(page).contains("T-TAME", "Grad-CAM++");
    assertThat(page.replaceAll("(?s)<(style|script).*?</\\1>", ""))
        .doesNotContain(">ttame<", ">gradcam++<", "\"ttame\"", "\"gradcam++\"");
  }

  /** The tables of tables.md, what marks and intervals stand in the cells taken off. */
  private List<Map<String, List<String>>> markdown() throws IOException {
    List<Map<String, List<String>>> tables = new ArrayList<>();
    for (String line : Files.readAllLines(out.resolve(EvaluationFiles.MARKDOWN))) {
      if (line.startsWith("| method")) {
        tables.add(new LinkedHashMap<>());
      } else if (line.startsWith("| ")) {
        add(tables.get(tables.size() - 1), line.substring(2, line.length() - 2).split(" \\| ", -1));
      }
    }
    return tables;
  }

  private Map<String, List<String>> latex() throws IOException {
    Map<String, List<String>> table = new LinkedHashMap<>();
    Files.readAllLines(out.resolve(EvaluationFiles.LATEX)).stream()
        .filter(line -> line.contains(" & ") && !line.startsWith("Method"))
        .map(line -> line.replace(" \\\\", "").replace(" &\\\\", " & "))
        .forEach(line -> add(table, line.split(" & ?", -1)));
    return table;
  }

  private Map<String, List<String>> console() {
    Map<String, List<String>> table = new LinkedHashMap<>();
    String[] lines = MetricsTable.format(result).split("\n", -1);
    for (String line : Arrays.copyOfRange(lines, 1, lines.length - 1)) {
      // The images' row ends in an empty cell.
      String row = line.startsWith("images") ? line.stripTrailing() + "  " : line;
      add(table, row.split(" {2,}", -1));
    }
    return table;
  }

  private Map<String, List<String>> html(String label) {
    Map<String, List<String>> table = new LinkedHashMap<>();
    Matcher whole =
        Pattern.compile("(?s)aria-label=\"" + Pattern.quote(label) + "\".*?<tbody>(.*?)</tbody>")
            .matcher(page);
    assertThat(whole.find()).as(label).isTrue();
    for (String row : whole.group(1).strip().split("</tr>", -1)) {
      String[] cells =
          Pattern.compile("(?s)<t[hd][^>]*>(.*?)</t[hd]>")
              .matcher(row)
              .results()
              .map(cell -> cell.group(1).replaceAll("(?s)</span>.*", ""))
              .map(cell -> cell.replaceAll("<[^>]*>", "").strip())
              .toArray(String[]::new);
      if (cells.length > 0) {
        add(table, cells);
      }
    }
    return table;
  }

  private static void add(Map<String, List<String>> table, String[] cells) {
    table.put(
        cells[0],
        Arrays.stream(cells)
            .skip(1)
            .map(cell -> cell.replaceAll("\\*\\*|</?ins>|\\\\(textbf|underline)\\{|}", ""))
            .map(cell -> cell.replaceAll(" \\[.*", "").replace('−', '-').replaceAll("^\\+", ""))
            .map(String::strip)
            .toList());
  }
}
