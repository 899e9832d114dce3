package org.ttame.eval.output;

import java.util.ArrayList;
import java.util.List;
import org.ttame.core.Text;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.evaluation.MethodResult.Summary;
import org.ttame.eval.metric.MetricKey;

/**
 * An evaluation as a table for a terminal: a row a method, a column a number, of ROAD's the means,
 * FP last; the last row says over how many images each column is.
 */
public final class MetricsTable {
  private MetricsTable() {}

  /**
   * Lays a result out in lines.
   *
   * @return the table, each line ended by LF; percentages with two decimals, {@code -} where a
   *     metric applies to no image
   */
  public static String format(EvaluationResult result) {
    List<List<String>> rows = new ArrayList<>();
    List<String> header = new ArrayList<>(List.of("method"));
    List<MetricKey> keys = result.keys().stream().filter(key -> !key.isCurvePoint()).toList();
    for (MetricKey key : keys) {
      header.add(key.title());
    }
    header.add("FP");
    rows.add(header);
    for (MethodResult method : result.methods()) {
      List<String> row = new ArrayList<>(List.of(method.title()));
      for (MetricKey key : keys) {
        Summary summary = method.summary(key);
        row.add(summary.images() == 0 ? "-" : Text.format("%.2f", summary.mean()));
      }
      row.add(method.fp());
      rows.add(row);
    }
    List<String> images = new ArrayList<>(List.of(PaperTable.IMAGES));
    keys.forEach(key -> images.add(result.images(key)));
    images.add("");
    rows.add(images);
    return layOut(rows);
  }

  /** Lines of cells in columns, the first to the left, the others to the right. */
  static String layOut(List<List<String>> rows) {
    int columns = rows.get(0).size();
    int[] widths = new int[columns];
    for (List<String> row : rows) {
      for (int c = 0; c < columns; c++) {
        widths[c] = Math.max(widths[c], row.get(c).length());
      }
    }
    StringBuilder text = new StringBuilder();
    for (List<String> row : rows) {
      text.append(row.get(0)).append(" ".repeat(widths[0] - row.get(0).length()));
      for (int c = 1; c < columns; c++) {
        text.append(" ".repeat(2 + widths[c] - row.get(c).length())).append(row.get(c));
      }
      text.append('\n');
    }
    return text.toString();
  }
}
