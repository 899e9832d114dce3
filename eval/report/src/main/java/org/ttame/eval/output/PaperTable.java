package org.ttame.eval.output;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import org.ttame.core.Text;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.EvaluationStatistics;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.statistics.Bootstrap;
import org.ttame.eval.statistics.Interval;

/**
 * An evaluation in the layout of the paper's Tables II to IV, for Markdown and LaTeX: a row a
 * method, a column a number, of ROAD's the means, FP last; the best of a column in bold, the second
 * underlined. Numbers that read the same count as equal. In Markdown tables of intervals follow.
 */
public final class PaperTable {
  /** Heads the row that says how many images each column is about, in every table. */
  public static final String IMAGES = "images";

  private final EvaluationResult result;
  private final EvaluationStatistics statistics;
  private final List<MetricKey> keys;

  /** What a number's rank asks for. */
  private enum Rank {
    BEST,
    SECOND,
    OTHER
  }

  /**
   * A table.
   *
   * @param statistics its intervals
   */
  public PaperTable(EvaluationResult result, EvaluationStatistics statistics) {
    this.result = result;
    this.statistics = statistics;
    keys = result.keys().stream().filter(key -> !key.isCurvePoint()).toList();
  }

  /** {@code tables.md}: means, intervals, and what the first method has above the others. */
  public String markdown() {
    StringBuilder text = new StringBuilder();
    List<String> header = new ArrayList<>(List.of("method"));
    keys.forEach(key -> header.add(key.title() + (key.lowerIsBetter() ? " ↓" : " ↑")));
    List<String> withPasses = new ArrayList<>(header);
    withPasses.add("FP");
    markdownRow(text, withPasses);
    markdownRule(text, withPasses.size());
    for (MethodResult method : result.methods()) {
      List<String> row = new ArrayList<>(List.of(method.title()));
      for (MetricKey key : keys) {
        String number = number(mean(method, key));
        row.add(
            switch (rank(method, key)) {
              case BEST -> "**" + number + "**";
              case SECOND -> "<ins>" + number + "</ins>";
              case OTHER -> number;
            });
      }
      row.add(method.fp());
      markdownRow(text, row);
    }
    List<String> images = new ArrayList<>(List.of(IMAGES));
    keys.forEach(key -> images.add(result.images(key)));
    images.add("");
    markdownRow(text, images);
    text.append(
        Text.format(
            "\n%d images; the row \"%s\" gives the number of images per column. FP"
                + " are forward passes per map.\n",
            result.images(), IMAGES));
    text.append(
        Text.format(
            "%.0f %% bootstrap intervals over the images (%d resamples).\n\n",
            100 * Bootstrap.LEVEL, statistics.bootstrap().resamples()));
    intervals(text, header, result.methods(), method -> key -> statistics.mean(method, key), false);
    if (result.methods().size() > 1) {
      String first = result.methods().get(0).method();
      text.append(
          Text.format(
              "\n%s minus each other method, image by image; bold if the interval"
                  + " excludes zero:\n\n",
              result.methods().get(0).title()));
      intervals(
          text,
          header,
          result.methods().subList(1, result.methods().size()),
          method -> key -> statistics.difference(first, method, key),
          true);
    }
    return text.toString();
  }

  /** {@code tables.tex}: a tabular that needs no package. */
  public String latex() {
    StringBuilder text = new StringBuilder();
    text.append(Text.format("%% %d images\n", result.images()));
    text.append("\\begin{tabular}{l");
    String group = "";
    for (MetricKey key : keys) {
      text.append(group(key).equals(group) ? "r" : "|r");
      group = group(key);
    }
    text.append("|r}\n\\hline\nMethod");
    for (MetricKey key : keys) {
      text.append(" & ")
          .append(escaped(key.title()))
          .append(key.lowerIsBetter() ? "$\\downarrow$" : "$\\uparrow$");
    }
    text.append(" & FP \\\\\n\\hline\n");
    for (MethodResult method : result.methods()) {
      text.append(escaped(method.title()));
      for (MetricKey key : keys) {
        String number = number(mean(method, key));
        text.append(" & ")
            .append(
                switch (rank(method, key)) {
                  case BEST -> "\\textbf{" + number + "}";
                  case SECOND -> "\\underline{" + number + "}";
                  case OTHER -> number;
                });
      }
      text.append(" & ").append(method.fp()).append(" \\\\\n");
    }
    text.append("\\hline\n").append(IMAGES);
    keys.forEach(key -> text.append(" & ").append(result.images(key)));
    text.append(" & \\\\\n");
    return text.append("\\hline\n\\end{tabular}\n").toString();
  }

  private void intervals(
      StringBuilder text,
      List<String> header,
      List<MethodResult> methods,
      Function<String, Function<MetricKey, Interval>> found,
      boolean mark) {
    markdownRow(text, header);
    markdownRule(text, header.size());
    for (MethodResult method : methods) {
      List<String> row = new ArrayList<>(List.of(method.title()));
      for (MetricKey key : keys) {
        Interval interval = found.apply(method.method()).apply(key);
        String cell =
            Double.isNaN(interval.low())
                ? number(interval.mean())
                : Text.format(
                    "%s [%s, %s]",
                    number(interval.mean()), number(interval.low()), number(interval.high()));
        row.add(mark && interval.excludesZero() ? "**" + cell + "**" : cell);
      }
      markdownRow(text, row);
    }
  }

  private static void markdownRow(StringBuilder text, List<String> cells) {
    text.append(
        cells.stream()
            .map(cell -> cell.replace("|", "\\|"))
            .collect(Collectors.joining(" | ", "| ", " |\n")));
  }

  private static void markdownRule(StringBuilder text, int columns) {
    text.append("|---").append("|---:".repeat(columns - 1)).append("|\n");
  }

  /** Among several methods: how many different numbers of the column are better. */
  private Rank rank(MethodResult method, MetricKey key) {
    double own = rounded(mean(method, key));
    if (Double.isNaN(own) || result.methods().size() < 2) {
      return Rank.OTHER;
    }
    Comparator<Double> better = Comparator.naturalOrder();
    if (!key.lowerIsBetter()) {
      better = better.reversed();
    }
    DoubleStream column = result.methods().stream().mapToDouble(m -> rounded(mean(m, key)));
    List<Double> numbers =
        column.filter(v -> !Double.isNaN(v)).boxed().distinct().sorted(better).toList();
    int place = numbers.indexOf(own);
    return place == 0 ? Rank.BEST : place == 1 ? Rank.SECOND : Rank.OTHER;
  }

  private double mean(MethodResult method, MetricKey key) {
    return statistics.mean(method.method(), key).mean();
  }

  private static double rounded(double value) {
    return Double.isNaN(value) ? value : Double.parseDouble(number(value));
  }

  private static String number(double value) {
    return Double.isNaN(value) ? "-" : Text.format("%.2f", value);
  }

  /** AD and IC stand together, as do MoRF and LeRF. */
  private static String group(MetricKey key) {
    return switch (key.metric()) {
      case "ad", "ic" -> "masking";
      case "morf", "lerf" -> "road";
      case "insertion", "deletion" -> "steps";
      default -> "boxes";
    };
  }

  private static String escaped(String text) {
    StringBuilder escaped = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      escaped.append(
          switch (c) {
            case '\\' -> "\\textbackslash{}";
            case '~' -> "\\textasciitilde{}";
            case '^' -> "\\textasciicircum{}";
            case '%', '&', '#', '_', '$', '{', '}' -> "\\" + c;
            default -> String.valueOf(c);
          });
    }
    return escaped.toString();
  }
}
