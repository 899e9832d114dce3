package org.ttame.eval.experiment;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.ttame.core.Text;
import org.ttame.core.masking.Masking;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.statistics.Interval;

/** Tables VI and VII for people: one layout, as Markdown and as LaTeX. */
final class AblationText {
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
    text.append('\n').append("|---".repeat(2 + columns.size() * (published ? 2 : 1))).append("|\n");
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
          .forEach(key -> text.append(" *").append(number(row.published().get(key))).append("* |"));
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
