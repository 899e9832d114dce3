package org.ttame.eval.output;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import org.ttame.core.Text;
import org.ttame.core.storage.AtomicFile;
import org.ttame.eval.render.FigureFormat;
import org.ttame.eval.render.LinePlot;
import org.ttame.training.LearningRateCurve;
import org.ttame.training.LearningRateCurve.Point;
import org.ttame.training.LearningRateFinder;
import org.ttame.training.data.SkippedCount;

/**
 * {@code lr-find.json}, {@code lr-find.csv} and {@code lr-find.png}, {@code .svg}, {@code .pdf}: a
 * learning-rate range test for programs, tables and people. Each is written whole or not at all.
 */
public final class LearningRateFiles {
  /** The record's name. */
  public static final String JSON = "lr-find.json";

  /** The table's name. */
  public static final String CSV = "lr-find.csv";

  /** The picture's name. */
  public static final String PNG = "lr-find.png";

  private LearningRateFiles() {}

  /**
   * Writes the files.
   *
   * @param folder where to; made if missing
   * @param curve what was found, with at least one point
   * @param skipped the images that were left out
   */
  public static void write(
      Path folder, LearningRateCurve curve, SkippedCount skipped, Provenance provenance)
      throws IOException {
    StringBuilder csv = new StringBuilder(Csv.row(List.of("step", "lr", "loss", "smoothed")));
    for (Point point : curve.points()) {
      csv.append(
          Csv.row(
              List.of(
                  Long.toString(point.step()),
                  Csv.number(point.lr()),
                  Csv.number(point.loss()),
                  Csv.number(point.smoothed()))));
    }
    AtomicFile.writeText(folder.resolve(CSV), csv.toString());
    LinePlot plot = plot(curve);
    plot.write(folder, "lr-find", plot.title(), List.of(FigureFormat.values()));
    AtomicFile.writeText(folder.resolve(JSON), MetricsFiles.text(json(curve, skipped, provenance)));
  }

  private static Map<String, Object> json(
      LearningRateCurve curve, SkippedCount skipped, Provenance provenance) {
    Map<String, Object> root = new LinkedHashMap<>();
    OptionalDouble suggestion = curve.suggestion();
    root.put("format", MetricsFiles.FORMAT);
    root.put("suggestion", suggestion.isPresent() ? suggestion.getAsDouble() : null);
    root.put("rule", LearningRateCurve.RULE);
    root.put("smoothing", LearningRateCurve.SMOOTHING);
    root.put("ended", curve.ending().name().toLowerCase(Locale.ROOT));
    root.put("diverged_when", LearningRateFinder.DIVERGENCE);
    root.put("steps", curve.points().size());
    Map<String, Object> lowest = new LinkedHashMap<>();
    lowest.put("lr", curve.lowest().lr());
    lowest.put("smoothed_loss", curve.lowest().smoothed());
    root.put("lowest", lowest);
    root.putAll(skipped.toMap());
    root.put("provenance", provenance.toMap());
    return root;
  }

  private static LinePlot plot(LearningRateCurve curve) {
    OptionalDouble suggestion = curve.suggestion();
    String title =
        suggestion.isPresent()
            ? Text.format("Suggested max-lr: %.2g", suggestion.getAsDouble())
            : "No suggestion: the loss never falls";
    LinePlot plot =
        new LinePlot(
            title, "learning rate (per step)", "training loss", new LinePlot.XAxis.Logarithmic());
    List<Double> rates = curve.points().stream().map(Point::lr).toList();
    plot.add(
        LinePlot.Series.of(
            "smoothed loss", rates, curve.points().stream().map(Point::smoothed).toList()));
    plot.add(
        LinePlot.Series.of("loss", rates, curve.points().stream().map(Point::loss).toList())
            .behind());
    suggestion.ifPresent(lr -> plot.mark(lr, Text.format("suggested: %.2g", lr)));
    return plot;
  }
}
