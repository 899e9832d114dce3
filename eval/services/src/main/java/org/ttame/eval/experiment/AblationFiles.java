package org.ttame.eval.experiment;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.masking.Masking;
import org.ttame.core.storage.AtomicFile;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.output.Csv;
import org.ttame.eval.output.MetricsFiles;
import org.ttame.eval.output.Provenance;
import org.ttame.eval.report.Html;
import org.ttame.eval.report.ResultPage;
import org.ttame.eval.report.Table;
import org.ttame.eval.statistics.Interval;

/**
 * {@code ablation.md}, {@code .tex}, {@code .csv} and {@code .json}: Tables VI and VII. Each is
 * written whole or not at all.
 */
public final class AblationFiles {
  /** The tables for people. */
  public static final String MARKDOWN = "ablation.md";

  private static final Html LEGEND =
      ResultPage.note(
          "Green: better than the proposed form on the same images, where the interval of the"
              + " paired difference excludes zero; red: worse.");

  private AblationFiles() {}

  /**
   * Writes the files.
   *
   * @param plan what was planned
   * @param results of all its trials, in any order
   * @return the tables as Markdown
   */
  public static String write(
      Path folder,
      FrozenClassifier classifier,
      AblationPlan plan,
      List<TrialResult> results,
      Provenance provenance)
      throws IOException {
    AblationTable table = AblationTable.of(classifier, plan, results);
    String markdown = AblationText.markdown(table);
    AtomicFile.writeText(folder.resolve(MARKDOWN), markdown);
    AtomicFile.writeText(folder.resolve("ablation.tex"), AblationText.latex(table));
    AtomicFile.writeText(folder.resolve("ablation.csv"), csv(table));
    AtomicFile.writeText(
        folder.resolve("ablation.json"), MetricsFiles.text(json(table, results, provenance)));
    page(table)
        .write(
            folder,
            provenance,
            "The tables are in ablation.md, .tex, .csv and .json beside this page, each training is"
                + " a run in trials.");
    return markdown;
  }

  private static ResultPage page(AblationTable table) {
    return new ResultPage(
            "Ablations on " + table.model(),
            Text.format(
                "The variants of Table VI and the maskings of Table VII, %d trainings.",
                table.rows().stream().map(AblationTable.Row::trial).distinct().count()))
        .add("variants", "Variants of the attention mechanism", rows(table, "VI"), LEGEND)
        .add("maskings", "Masking procedures", rows(table, "VII"), LEGEND);
  }

  private static Html rows(AblationTable table, String which) {
    List<Html> heads = Table.heads("variant", "features", "masking");
    for (MetricKey key : table.keys()) {
      heads.add(
          Html.text(AblationTable.title(key) + (AblationTable.lowerIsBetter(key) ? " ↓" : " ↑")));
    }
    Table markup =
        new Table(
            "Table " + which,
            Html.text("Table " + which + ": means with 95 % intervals, in percent."),
            heads);
    for (AblationTable.Row row : table.rows(which)) {
      List<Table.Cell> cells = new ArrayList<>();
      cells.add(Table.Cell.of(row.extraction()));
      cells.add(Table.Cell.of(row.masking().optionName()));
      for (MetricKey key : table.keys()) {
        String kind = List.of("worse", "", "better").get(row.verdict(key) + 1);
        cells.add(new Table.Cell(Html.text(AblationText.value(row, key)), kind));
      }
      markup.row(Html.text(row.variant()), cells);
    }
    return markup.markup();
  }

  private static String csv(AblationTable table) {
    StringBuilder text =
        new StringBuilder(
            "table,model,extraction,variant,masking,trial,metric,threshold,value,low,high,n,difference,difference_low,difference_high,published\n");
    for (AblationTable.Row row : table.rows()) {
      for (MetricKey key : table.keys()) {
        Interval mean = row.measured().get(key);
        Interval difference = row.difference().get(key);
        Double published = row.published().get(key);
        List<String> cells =
            new ArrayList<>(
                List.of(
                    row.table(),
                    table.model(),
                    row.extraction(),
                    row.variant(),
                    row.masking().optionName(),
                    row.trial(),
                    key.metric(),
                    key.thresholdText()));
        cells.addAll(numbers(mean));
        cells.add(mean == null ? "" : Integer.toString(mean.n()));
        cells.addAll(numbers(difference));
        cells.add(published == null ? "" : Csv.number(published));
        text.append(Csv.row(cells));
      }
    }
    return text.toString();
  }

  private static List<String> numbers(Interval interval) {
    return interval == null
        ? List.of("", "", "")
        : List.of(
            Csv.number(interval.mean()), Csv.number(interval.low()), Csv.number(interval.high()));
  }

  private static Map<String, Object> json(
      AblationTable table, List<TrialResult> results, Provenance provenance) {
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("format", 1);
    root.put("model", table.model());
    root.put("interval", "95 % bootstrap percentile interval over images");
    root.put("difference", "this row minus the proposed form, paired by image");
    root.put("published_label", PublishedAblations.LABEL);
    List<Object> rows = new ArrayList<>();
    for (AblationTable.Row row : table.rows()) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("table", row.table());
      entry.put("extraction", row.extraction());
      entry.put("variant", row.variant());
      entry.put("masking", row.masking().optionName());
      entry.put("trial", row.trial());
      if (!row.failure().isEmpty()) {
        entry.put("failure", row.failure());
      }
      entry.put("measured", byColumn(row.measured()));
      entry.put("difference", byColumn(row.difference()));
      Map<String, Object> published = new LinkedHashMap<>();
      row.published().forEach((key, value) -> published.put(key.column(), value));
      entry.put("published", published);
      rows.add(entry);
    }
    root.put("rows", rows);
    List<Object> trials = new ArrayList<>();
    for (TrialResult result : results) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("trial", result.trial().name());
      entry.put("checkpoint", result.checkpoint());
      entry.put("seconds", result.seconds());
      trials.add(entry);
    }
    root.put("trials", trials);
    root.put("provenance", provenance.toMap());
    return root;
  }

  private static Map<String, Object> byColumn(Map<MetricKey, Interval> intervals) {
    Map<String, Object> map = new LinkedHashMap<>();
    intervals.forEach((key, interval) -> map.put(key.column(), interval.toMap()));
    return map;
  }

  /** Tables VI and VII for people: one layout, as Markdown and as LaTeX. */
  private static final class AblationText {
    private static final String LEGEND =
        "Means over %d images with 95 %% bootstrap intervals. + and - mark what is better or worse"
            + " than the proposed form on the same images, where the interval of the paired"
            + " difference excludes zero.";

    private AblationText() {}

    /** Both tables as Markdown. */
    static String markdown(AblationTable table) {
      StringBuilder text = new StringBuilder();
      text.append("## Table VI: variants of the attention mechanism\n\n");
      text.append("| Model | Feature Extraction | Architecture Variant |");
      table
          .keys()
          .forEach(
              key ->
                  text.append(' ')
                      .append(AblationTable.title(key))
                      .append(AblationTable.lowerIsBetter(key) ? "↓ |" : "↑ |"));
      text.append('\n').append("|---".repeat(3 + table.keys().size())).append("|\n");
      for (AblationTable.Row row : table.rows("VI")) {
        text.append(markdownRow(table, row));
      }
      text.append("\n## Table VII: masking procedures\n\n");
      List<AblationTable.Row> columns = table.rows("VII");
      text.append("| Model | Measure |");
      columns.forEach(row -> text.append(' ').append(heading(row.masking())).append(" |"));
      boolean published = columns.stream().anyMatch(row -> !row.published().isEmpty());
      if (published) {
        columns.forEach(
            row ->
                text.append(' ')
                    .append(heading(row.masking()))
                    .append(", " + PublishedAblations.LABEL + " |"));
      }
      text.append('\n')
          .append("|---".repeat(2 + columns.size() * (published ? 2 : 1)))
          .append("|\n");
      for (MetricKey key : table.keys()) {
        text.append("| ").append(table.model()).append(" | ").append(AblationTable.title(key));
        text.append(AblationTable.lowerIsBetter(key) ? "↓ |" : "↑ |");
        columns.forEach(row -> text.append(' ').append(cell(row, key)).append(" |"));
        if (published) {
          columns.forEach(
              row -> text.append(' ').append(number(row.published().get(key))).append(" |"));
        }
        text.append('\n');
      }
      return text.append('\n').append(Text.format(LEGEND, images(table))).append('\n').toString();
    }

    private static String markdownRow(AblationTable table, AblationTable.Row row) {
      StringBuilder text = new StringBuilder();
      text.append(Text.format("| %s | %s | %s |", table.model(), row.extraction(), row.variant()));
      table.keys().forEach(key -> text.append(' ').append(cell(row, key)).append(" |"));
      text.append('\n');
      if (!row.published().isEmpty()) {
        text.append(Text.format("| | | *%s (%s)* |", row.variant(), PublishedAblations.LABEL));
        table
            .keys()
            .forEach(
                key -> text.append(" *").append(number(row.published().get(key))).append("* |"));
        text.append('\n');
      }
      return text.toString();
    }

    /** Both tables as LaTeX, with the package booktabs. */
    static String latex(AblationTable table) {
      StringBuilder text = new StringBuilder("% needs \\usepackage{booktabs}\n");
      List<String> heads =
          new ArrayList<>(List.of("Model", "Feature Extraction", "Architecture Variant"));
      for (MetricKey key : table.keys()) {
        heads.add(measure(key));
      }
      List<List<String>> rows = new ArrayList<>();
      for (AblationTable.Row row : table.rows("VI")) {
        rows.add(
            cells(
                List.of(table.model(), row.extraction(), row.variant()),
                table,
                key -> cell(row, key)));
        if (!row.published().isEmpty()) {
          rows.add(
              cells(
                  List.of("", "", PublishedAblations.LABEL),
                  table,
                  key -> number(row.published().get(key))));
        }
      }
      text.append(tabular("Ablation study: variants of the attention mechanism.", heads, rows));
      List<AblationTable.Row> columns = table.rows("VII");
      List<String> headsVii = new ArrayList<>(List.of("Backbone", "Measure"));
      columns.forEach(row -> headsVii.add(heading(row.masking())));
      columns.stream()
          .filter(row -> !row.published().isEmpty())
          .forEach(row -> headsVii.add(heading(row.masking()) + ", " + PublishedAblations.LABEL));
      List<List<String>> rowsVii = new ArrayList<>();
      for (MetricKey key : table.keys()) {
        List<String> cells = new ArrayList<>(List.of(escaped(table.model()), measure(key)));
        columns.forEach(row -> cells.add(escaped(cell(row, key))));
        columns.stream()
            .filter(row -> !row.published().isEmpty())
            .forEach(row -> cells.add(number(row.published().get(key))));
        rowsVii.add(cells);
      }
      text.append(tabular("Ablation study: masking procedures.", headsVii, rowsVii));
      return text.append("% ").append(Text.format(LEGEND, images(table))).append('\n').toString();
    }

    private static List<String> cells(
        List<String> first,
        AblationTable table,
        java.util.function.Function<MetricKey, String> number) {
      List<String> cells = new ArrayList<>(first.stream().map(AblationText::escaped).toList());
      table.keys().forEach(key -> cells.add(escaped(number.apply(key))));
      return cells;
    }

    private static String tabular(String caption, List<String> heads, List<List<String>> rows) {
      StringBuilder text = new StringBuilder();
      text.append("\\begin{table}\n\\centering\n\\caption{").append(caption).append("}\n");
      text.append("\\begin{tabular}{").append("l".repeat(heads.size())).append("}\n\\toprule\n");
      text.append(String.join(" & ", heads)).append(" \\\\\n\\midrule\n");
      rows.forEach(row -> text.append(String.join(" & ", row)).append(" \\\\\n"));
      return text.append("\\bottomrule\n\\end{tabular}\n\\end{table}\n").toString();
    }

    private static String measure(MetricKey key) {
      return escaped(AblationTable.title(key))
          + (AblationTable.lowerIsBetter(key) ? " $\\downarrow$" : " $\\uparrow$");
    }

    private static String escaped(String text) {
      return text.replace("%", "\\%").replace("_", "\\_");
    }

    private static String heading(Masking masking) {
      return masking == Masking.VIT ? "ViT Masking (Eq. (14))" : "CNN Masking (Eq. (13))";
    }

    /** {@code 60.12 [57.31, 62.90] -}, or why there is no number. */
    static String cell(AblationTable.Row row, MetricKey key) {
      return value(row, key) + List.of(" -", "", " +").get(row.verdict(key) + 1);
    }

    /** The same without the mark. */
    static String value(AblationTable.Row row, MetricKey key) {
      Interval interval = row.measured().get(key);
      if (interval == null) {
        return row.failure().isEmpty() ? "" : "diverged";
      }
      return interval.n() < 2
          ? number(interval.mean())
          : Text.format("%.2f [%.2f, %.2f]", interval.mean(), interval.low(), interval.high());
    }

    private static String number(Double value) {
      return value == null ? "" : Text.format("%.2f", value);
    }

    private static int images(AblationTable table) {
      return table.rows().stream()
          .map(AblationTable.Row::measured)
          .filter(measured -> !measured.isEmpty())
          .map(Map::values)
          .flatMap(values -> values.stream().map(Interval::n))
          .collect(Collectors.maxBy(Integer::compare))
          .orElse(0);
    }
  }
}
