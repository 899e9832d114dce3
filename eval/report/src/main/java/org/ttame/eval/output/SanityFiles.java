package org.ttame.eval.output;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.ttame.core.Text;
import org.ttame.core.image.ImageSize;
import org.ttame.core.image.RgbImage;
import org.ttame.core.storage.AtomicFile;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.render.FigureFormat;
import org.ttame.eval.render.FigureSheet;
import org.ttame.eval.render.HeatmapOverlay;
import org.ttame.eval.render.LinePlot;
import org.ttame.eval.render.Panel;
import org.ttame.eval.sanity.HogDescriptor;
import org.ttame.eval.sanity.MapSimilarity;
import org.ttame.eval.sanity.SanityCheck;
import org.ttame.eval.sanity.SanityReport;
import org.ttame.eval.sanity.SanityReport.Row;
import org.ttame.eval.sanity.SanityStage.Cascade;
import org.ttame.eval.sanity.StageResult;
import org.ttame.eval.sanity.StageResult.ExplainedClass;
import org.ttame.eval.statistics.Interval;

/**
 * {@code sanity.json}, {@code sanity.csv}, a curve for each cascade and measure as PNG and SVG, and
 * a strip of pictures for each cascade and method. Each is written whole or not at all.
 */
public final class SanityFiles {
  /** The record's name. */
  public static final String JSON = "sanity.json";

  private final SanityCheck.Outcome outcome;
  private final SanityReport report;
  private final Map<String, LinePlot> curves = new LinkedHashMap<>();
  private final Map<String, FigureSheet> strips = new LinkedHashMap<>();

  /**
   * The files of a check.
   *
   * @param report its numbers
   */
  public SanityFiles(SanityCheck.Outcome outcome, SanityReport report) {
    this.outcome = outcome;
    this.report = report;
    for (Cascade cascade : Cascade.values()) {
      List<SanityCheck.Found> stages =
          outcome.stages().stream().filter(f -> f.stage().cascade() == cascade).toList();
      if (!stages.isEmpty()) {
        addCurves(cascade, stages);
        addStrips(cascade, stages);
      }
    }
  }

  /** A curve for each cascade and measure, by the names of their files. */
  public Map<String, LinePlot> curves() {
    return curves;
  }

  /** A strip of pictures for each cascade and method, by the names of their files. */
  public Map<String, FigureSheet> strips() {
    return strips;
  }

  /** Writes the files. */
  public void write(Path folder, Provenance provenance) throws IOException {
    AtomicFile.writeText(folder.resolve("sanity.csv"), csv());
    AtomicFile.writeText(folder.resolve(JSON), MetricsFiles.text(json(provenance)));
    for (Map.Entry<String, LinePlot> curve : curves.entrySet()) {
      LinePlot plot = curve.getValue();
      plot.write(folder, curve.getKey(), plot.title(), List.of(FigureFormat.values()));
    }
    for (Map.Entry<String, FigureSheet> strip : strips.entrySet()) {
      FigureSheet sheet = strip.getValue();
      sheet.write(folder, strip.getKey(), sheet.title(), List.of(FigureFormat.PNG));
    }
  }

  private String csv() {
    StringBuilder text =
        new StringBuilder("cascade,stage,name,method,class,measure,mean,low,high,n,answers_kept\n");
    for (Row row : report.rows()) {
      Interval mean = row.mean();
      text.append(
          Csv.row(
              List.of(
                  row.stage().cascade().optionName(),
                  Integer.toString(row.stage().number()),
                  row.stage().name(),
                  row.column().method(),
                  row.column().answer().optionName(),
                  row.column().measure().optionName(),
                  Csv.number(mean.mean()),
                  Csv.number(mean.low()),
                  Csv.number(mean.high()),
                  Integer.toString(mean.n()),
                  Csv.number(row.answersKept()))));
    }
    return text.toString();
  }

  private Map<String, Object> json(Provenance provenance) {
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("format", MetricsFiles.FORMAT);
    root.put("images", outcome.names().size());
    root.put("rule", Text.format(SanityReport.RULE, report.threshold()));
    root.put("labels_rule", SanityReport.LABELS_RULE);
    root.put("threshold", report.threshold());
    root.put("interval", "95 % bootstrap percentile interval over images");
    Map<String, Object> measures = new LinkedHashMap<>();
    for (MapSimilarity measure : MapSimilarity.values()) {
      measures.put(measure.optionName(), measure.words());
    }
    root.put("measures", measures);
    root.put("hog_cell", HogDescriptor.cell(outcome.size()));
    List<Object> verdicts = new ArrayList<>();
    for (SanityReport.Verdict verdict : report.verdicts()) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("cascade", verdict.cascade().optionName());
      entry.put("method", verdict.method());
      entry.put("passed", verdict.passed());
      entry.put("first_change", verdict.firstChange().orElse(null));
      entry.putAll(verdict.last().toMap());
      verdict.belowSeed().ifPresent(below -> entry.put("below_another_seed", below.toMap()));
      verdicts.add(entry);
    }
    root.put("verdicts", verdicts);
    List<Object> rows = new ArrayList<>();
    for (Row row : report.rows()) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("cascade", row.stage().cascade().optionName());
      entry.put("stage", row.stage().number());
      entry.put("name", row.stage().name());
      entry.put("method", row.column().method());
      entry.put("class", row.column().answer().optionName());
      entry.put("measure", row.column().measure().optionName());
      entry.putAll(row.mean().toMap());
      rows.add(entry);
    }
    root.put("rows", rows);
    root.put("provenance", provenance.toMap());
    return root;
  }

  /** Similarity of the fixed class's maps over the stages, one plot a measure. */
  private void addCurves(Cascade cascade, List<SanityCheck.Found> stages) {
    List<String> names = new ArrayList<>(List.of("original"));
    stages.forEach(found -> names.add(found.stage().name()));
    List<Double> places =
        IntStream.rangeClosed(0, stages.size()).mapToObj(i -> (double) i).toList();
    for (MapSimilarity measure : MapSimilarity.values()) {
      LinePlot plot =
          new LinePlot(
              Text.format(
                  "%s to the original map: %s randomised", measure.words(), cascade.optionName()),
              "randomised so far, from left to right (class held fixed)",
              measure.words(),
              new LinePlot.XAxis.Named(names));
      for (String method : methods(stages)) {
        List<Double> mean = new ArrayList<>(List.of(1.0));
        List<Double> low = new ArrayList<>(List.of(1.0));
        List<Double> high = new ArrayList<>(List.of(1.0));
        for (Row row :
            SanityReport.rows(report.rows(), cascade, method, ExplainedClass.FIXED, measure)) {
          mean.add(row.mean().mean());
          low.add(row.mean().n() > 1 ? row.mean().low() : row.mean().mean());
          high.add(row.mean().n() > 1 ? row.mean().high() : row.mean().mean());
        }
        plot.add(new LinePlot.Series(ExplanationMethod.title(method), places, mean, low, high));
      }
      curves.put(Text.format("curve-%s-%s", cascade.optionName(), measure.optionName()), plot);
    }
  }

  private void addStrips(Cascade cascade, List<SanityCheck.Found> stages) {
    if (outcome.pictures().isEmpty()) {
      return;
    }
    List<String> columns = new ArrayList<>(List.of("input", "original"));
    stages.forEach(found -> columns.add(column(found.stage().name())));
    ImageSize size = outcome.size();
    HeatmapOverlay overlay = HeatmapOverlay.defaults();
    for (String method : methods(stages)) {
      List<List<Optional<Panel>>> rows = new ArrayList<>();
      for (int i = 0; i < outcome.pictures().size(); i++) {
        RgbImage image = RgbImage.of(outcome.pictures().get(i), size.width(), size.height());
        float[] original = outcome.originals().get(method).get(i);
        List<Optional<Panel>> row = new ArrayList<>();
        row.add(Optional.of(new Panel(image, List.of())));
        row.add(Optional.of(new Panel(overlay.draw(image, original), List.of("ρ = 1.00"))));
        for (SanityCheck.Found found : stages) {
          float[] map = found.maps().get(method).get(i);
          double rank = MapSimilarity.between(original, map, size).get(MapSimilarity.SPEARMAN);
          String text = Text.format("ρ = %.2f", rank).replace('-', '−');
          row.add(Optional.of(new Panel(overlay.draw(image, map), List.of(text))));
        }
        rows.add(row);
      }
      String title =
          Text.format(
              "%s: %s randomised from left to right; ρ: Spearman's rank correlation to the"
                  + " original",
              ExplanationMethod.title(method), cascade.optionName());
      strips.put(
          Text.format("strip-%s-%s", cascade.optionName(), method),
          new FigureSheet(title, columns, List.of(), rows, Optional.of(overlay.colors())));
    }
  }

  /** Of torchvision's long name for a transformer's block a column has room for its number. */
  private static String column(String stage) {
    return stage.replace("encoder.layers.encoder_layer_", "block ");
  }

  private static List<String> methods(List<SanityCheck.Found> stages) {
    return stages.get(0).result().columns().keySet().stream()
        .map(StageResult.Column::method)
        .distinct()
        .toList();
  }
}
