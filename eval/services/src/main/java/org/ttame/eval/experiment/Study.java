package org.ttame.eval.experiment;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.image.RgbImage;
import org.ttame.core.masking.Masking;
import org.ttame.eval.evaluation.Evaluation;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.ImageRecord;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.explain.Explainer;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.explain.RandomMapsExplainer;
import org.ttame.eval.explain.SaliencyMaps;
import org.ttame.eval.explain.TtameExplainer;
import org.ttame.eval.metric.AdIc;
import org.ttame.eval.metric.Box;
import org.ttame.eval.metric.BoxEnergy;
import org.ttame.eval.metric.ImageBatch;
import org.ttame.eval.metric.MaskedInput;
import org.ttame.eval.metric.Metric;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.metric.PixelKeeping;
import org.ttame.eval.metric.PointingGame;
import org.ttame.eval.output.MetricsFiles;
import org.ttame.eval.output.MetricsTable;
import org.ttame.eval.output.PerImageCsv;
import org.ttame.eval.output.Provenance;
import org.ttame.eval.render.BoxOutlines;
import org.ttame.eval.render.FigureFormat;
import org.ttame.eval.render.FigureSheet;
import org.ttame.eval.render.HeatmapOverlay;
import org.ttame.eval.render.Panel;
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

  /**
   * The sheet of pictures of an evaluation: a row for each chosen image with its boxes, what the
   * classifier says of it, and each method's heatmap with its per-image numbers.
   */
  private record StudySheet(
      FrozenClassifier classifier,
      List<Explainer> explainers,
      List<String> labels,
      HeatmapOverlay overlay) {
    private static final int READABLE_SIDE = 224;

    /** Draws the sheet of chosen images, all of which were measured. */
    FigureSheet draw(String title, ImageBatch images, EvaluationResult result) {
      List<String> columns = new ArrayList<>(List.of("input"));
      explainers.forEach(explainer -> columns.add(ExplanationMethod.title(explainer.name())));
      int factor = images.factor(READABLE_SIDE);
      List<List<ImageRecord>> records = new ArrayList<>();
      for (Explainer explainer : explainers) {
        records.add(recordsOf(images, result.method(explainer.name())));
      }
      int[] classes = records.get(0).stream().mapToInt(ImageRecord::classIndex).toArray();
      List<float[][]> maps = new ArrayList<>();
      try (INDArray input = new MaskedInput(classifier.inputSpec(), Masking.CNN).clean(images)) {
        for (Explainer explainer : explainers) {
          SaliencyMaps saliency = explainer.explain(input, classes, images.names());
          maps.add(saliency.upsampled(images.height() * factor, images.width() * factor));
        }
      }
      List<List<Optional<Panel>>> rows = new ArrayList<>();
      for (int b = 0; b < images.size(); b++) {
        RgbImage image = images.picture(b).enlarged(factor);
        List<Optional<Panel>> row = new ArrayList<>();
        row.add(
            Optional.of(
                new Panel(
                    BoxOutlines.draw(image, images.boxes(b), classes[b], factor),
                    inputCaption(images, b, records.get(0).get(b)))));
        for (int m = 0; m < explainers.size(); m++) {
          RgbImage heat = overlay.draw(image, maps.get(m)[b]);
          row.add(
              Optional.of(
                  new Panel(
                      BoxOutlines.draw(heat, images.boxes(b), classes[b], factor),
                      caption(result.keys(), records.get(m).get(b)))));
        }
        rows.add(row);
      }
      return new FigureSheet(
          title + ": " + thresholds(result.keys()),
          columns,
          List.of(),
          rows,
          Optional.of(overlay.colors()));
    }

    private static List<ImageRecord> recordsOf(ImageBatch images, MethodResult method) {
      return images.names().stream()
          .map(
              name ->
                  method.records().stream()
                      .filter(record -> record.image().equals(name))
                      .findFirst()
                      .orElseThrow())
          .toList();
    }

    private List<String> inputCaption(ImageBatch images, int b, ImageRecord record) {
      String seen =
          Text.format("predicted: %s %.3f", label(record.classIndex()), record.confidence());
      if (images.boxes(b).isEmpty()) {
        return List.of(seen, images.names().get(b));
      }
      String there =
          images.boxes(b).stream()
              .map(box -> label(box.classIndex()))
              .collect(Collectors.joining(" + ", "true: ", ""));
      return List.of(seen, there);
    }

    private static List<String> caption(List<MetricKey> keys, ImageRecord record) {
      List<String> drops = new ArrayList<>();
      List<String> boxes = new ArrayList<>();
      for (int k = 0; k < keys.size(); k++) {
        double value = record.values()[k];
        switch (keys.get(k).metric()) {
          case "ad" -> drops.add(Text.format("%.0f", value));
          case "pointing" ->
              boxes.add(
                  Double.isNaN(value) ? "no box" : "pointing game " + (value > 0 ? "hit" : "miss"));
          case "energy" -> {
            if (!Double.isNaN(value)) {
              boxes.add(Text.format("energy %.0f %%", value));
            }
          }
          default -> {
            // IC is no number of a single image that a reader would miss.
          }
        }
      }
      return List.of("AD " + String.join(" ", drops), String.join(", ", boxes));
    }

    private static String thresholds(List<MetricKey> keys) {
      return keys.stream()
          .filter(key -> key.metric().equals("ad"))
          .map(MetricKey::thresholdText)
          .collect(Collectors.joining(", ", "AD at ", " %, lower is better"));
    }

    private String label(int classIndex) {
      return classIndex < labels.size() ? labels.get(classIndex) : "class " + classIndex;
    }
  }

  /** Passes images on and keeps some, spread evenly over all of them, to be drawn later. */
  static final class ChosenImages implements Iterator<ImageBatch> {
    private final Iterator<ImageBatch> images;
    private final int rows;
    private final int count;
    private final List<String> names = new ArrayList<>();
    private final List<List<Box>> boxes = new ArrayList<>();
    private final List<float[]> pixels = new ArrayList<>();
    private int seen;
    private ImageBatch last;

    /**
     * A watch over a stream that keeps so many {@code rows} of its {@code count} images; if it has
     * fewer, fewer are kept.
     */
    ChosenImages(Iterator<ImageBatch> images, int rows, int count) {
      this.images = images;
      this.rows = Math.min(rows, count);
      this.count = count;
    }

    @Override
    public boolean hasNext() {
      return images.hasNext();
    }

    @Override
    public ImageBatch next() {
      ImageBatch batch = images.next();
      last = batch;
      for (int b = 0; b < batch.size(); b++, seen++) {
        if (names.size() < rows && seen == (int) ((long) names.size() * count / rows)) {
          names.add(batch.names().get(b));
          boxes.add(batch.boxes(b));
          pixels.add(batch.image(b));
        }
      }
      return batch;
    }

    /** Whether any image was kept. */
    boolean found() {
      return !names.isEmpty();
    }

    /** The kept images. */
    ImageBatch batch() {
      float[] unit = new float[pixels.stream().mapToInt(image -> image.length).sum()];
      int at = 0;
      for (float[] image : pixels) {
        System.arraycopy(image, 0, unit, at, image.length);
        at += image.length;
      }
      return new ImageBatch(names, last.height(), last.width(), last.channels(), unit, boxes);
    }
  }
}
