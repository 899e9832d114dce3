package org.ttame.eval.experiment;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.masking.Masking;
import org.ttame.eval.evaluation.Evaluation;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.explain.Explainer;
import org.ttame.eval.explain.RandomMapsExplainer;
import org.ttame.eval.explain.TtameExplainer;
import org.ttame.eval.metric.AdIc;
import org.ttame.eval.metric.BoxEnergy;
import org.ttame.eval.metric.ImageBatch;
import org.ttame.eval.metric.Metric;
import org.ttame.eval.metric.PixelKeeping;
import org.ttame.eval.metric.PointingGame;
import org.ttame.eval.output.MetricsFiles;
import org.ttame.eval.output.MetricsTable;
import org.ttame.eval.output.PerImageCsv;
import org.ttame.eval.output.Provenance;
import org.ttame.eval.render.FigureFormat;
import org.ttame.eval.render.HeatmapOverlay;
import org.ttame.training.data.SkippedCount;

/**
 * What is told at the end of a training: has the mechanism learnt anything? It is measured on
 * held-out images against the same mechanism untrained and against random maps, AD and IC at 100,
 * 50 and 15 %, and where objects have boxes the pointing game and the energy inside them; and a
 * sheet of heatmaps lets people see for themselves.
 */
public final class Study {
  /** The name of the sheet's file, without its ending. */
  private static final String SHEET = "heatmaps";

  private final FrozenClassifier classifier;
  private final Options options;

  /**
   * How to study.
   *
   * @param folder where {@code metrics.json}, {@code metrics.csv}, {@code per-image.csv} and {@code
   *     heatmaps.png} go; made if missing
   * @param masking how maps are laid over images
   * @param keeping how the top v % are chosen
   * @param thresholds the percentages v of AD and IC
   * @param boxes whether images have boxes, so that metrics of boxes make sense
   * @param sheetRows how many images the sheet shows, 0 for no sheet
   * @param labels names of the classes by index, or an empty list
   * @param seed of the random maps
   * @param overlay how heatmaps are drawn
   */
  public record Options(
      Path folder,
      Masking masking,
      PixelKeeping keeping,
      List<Double> thresholds,
      boolean boxes,
      int sheetRows,
      List<String> labels,
      long seed,
      HeatmapOverlay overlay) {
    public Options {
      Objects.requireNonNull(folder, "folder");
      Objects.requireNonNull(masking, "masking");
      Objects.requireNonNull(keeping, "keeping");
      Objects.requireNonNull(overlay, "overlay");
      thresholds = List.copyOf(thresholds);
      labels = List.copyOf(labels);
      if (sheetRows < 0) {
        throw new IllegalArgumentException("A sheet cannot have " + sheetRows + " rows");
      }
    }
  }

  /**
   * What was found.
   *
   * @param result the numbers; methods {@code ttame}, {@code untrained} and {@code random}
   * @param table the numbers for a terminal
   * @param files what was written
   */
  public record Outcome(EvaluationResult result, String table, List<Path> files) {}

  /**
   * A study.
   *
   * @param classifier what is explained; stays the caller's
   * @param options how to study
   */
  public Study(FrozenClassifier classifier, Options options) {
    this.classifier = classifier;
    this.options = options;
  }

  /**
   * Measures, writes and draws.
   *
   * @param trained stays the caller's
   * @param untrained of the same form, with its initial values; stays the caller's
   * @param images held-out images, once
   * @param count how many those are, to spread the sheet's rows over them
   * @param skipped counts those that are left out while {@code images} is gone through
   * @param settings run, image set and what else the numbers depend on
   * @return the numbers, the table and the files
   */
  public Outcome run(
      AttentionMechanism trained,
      AttentionMechanism untrained,
      Iterator<ImageBatch> images,
      int count,
      SkippedCount skipped,
      Map<String, String> settings)
      throws IOException {
    List<Metric> metrics = new ArrayList<>();
    metrics.add(new AdIc(classifier, options.masking(), options.keeping(), options.thresholds()));
    if (options.boxes()) {
      metrics.add(new PointingGame());
      metrics.add(new BoxEnergy());
    }
    try (Explainer ttame = new TtameExplainer(TtameExplainer.NAME, classifier, trained);
        Explainer blank = new TtameExplainer(TtameExplainer.UNTRAINED, classifier, untrained);
        Explainer random =
            new RandomMapsExplainer(trained.mapHeight(), trained.mapWidth(), options.seed())) {
      List<Explainer> explainers = List.of(ttame, blank, random);
      Evaluation evaluation = new Evaluation(classifier, explainers, metrics);
      ChosenImages chosen = new ChosenImages(images, options.sheetRows(), count);
      EvaluationResult result;
      try (PerImageCsv csv = new PerImageCsv(options.folder(), evaluation.keys())) {
        result = evaluation.run(chosen, csv);
      }
      Map<String, String> all = new LinkedHashMap<>(settings);
      all.put("seed", Long.toString(options.seed()));
      MetricsFiles.write(options.folder(), result, skipped, Provenance.of(classifier, all));
      List<Path> files = new ArrayList<>();
      files.add(options.folder().resolve(MetricsFiles.JSON));
      files.add(options.folder().resolve(MetricsFiles.CSV));
      files.add(options.folder().resolve(PerImageCsv.FILE));
      if (chosen.found()) {
        String title = "T-TAME on " + classifier.name();
        files.addAll(
            new StudySheet(classifier, explainers, options.labels(), options.overlay())
                .draw(title, chosen.batch(), result)
                .write(options.folder(), SHEET, title, List.of(FigureFormat.PNG)));
      }
      return new Outcome(result, MetricsTable.format(result), List.copyOf(files));
    }
  }
}
