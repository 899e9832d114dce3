package org.ttame.services;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.ttame.core.ProgressListener;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.eval.evaluation.Evaluation;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.EvaluationStatistics;
import org.ttame.eval.evaluation.MapObserver;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.gallery.GalleryWriter;
import org.ttame.eval.metric.Metric;
import org.ttame.eval.output.EvaluationFiles;
import org.ttame.eval.output.EvaluationFolder;
import org.ttame.eval.output.Provenance;
import org.ttame.eval.render.ColorMap;
import org.ttame.eval.report.EvaluationReport;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.ImageSettings;
import org.ttame.training.data.SkippedCount;

/**
 * Measures the maps of several methods on image files, and writes tables, curves and a page. What
 * the output folder knows already is not measured again.
 */
public final class Evaluate {
  private final Options options;
  private final ProgressListener listener;
  private final ImageList list;
  private final Optional<BoxTable> objects;

  /**
   * What to measure.
   *
   * @param methods whose maps; the run and its controls if it names none and asks for controls
   * @param data the images
   * @param metrics what of them
   * @param out where to write
   * @param gallery how many images the page shows with their maps
   * @param colors of those
   * @param labels a file with the names of the classes, if given
   * @param reading how to go through the images
   */
  public record Options(
      MethodSelection methods,
      Path data,
      MetricSelection metrics,
      Path out,
      int gallery,
      ColorMap colors,
      Optional<Path> labels,
      ImageSettings reading) {
    public Options {
      Objects.requireNonNull(methods, "methods");
      Objects.requireNonNull(data, "data");
      Objects.requireNonNull(metrics, "metrics");
      Objects.requireNonNull(out, "out");
      Objects.requireNonNull(colors, "colors");
      Objects.requireNonNull(labels, "labels");
      Objects.requireNonNull(reading, "reading");
      if (gallery < 0) {
        throw new InvalidOptionException(
            "gallery", gallery + " is not a whole number of at least 0");
      }
    }

    /** AD and IC as the paper has them, and a page with a gallery. */
    public static Options of(MethodSelection methods, Path data, Path out) {
      return new Options(
          methods,
          data,
          MetricSelection.of("ad", "ic"),
          out,
          GalleryWriter.STANDARD,
          ColorMap.VIRIDIS,
          Optional.empty(),
          ImageSettings.defaults());
    }

    /** The same with other metrics. */
    public Options withMetrics(MetricSelection wanted) {
      return new Options(methods, data, wanted, out, gallery, colors, labels, reading);
    }

    /** The same with other ways through the images. */
    public Options withReading(ImageSettings wanted) {
      return new Options(methods, data, metrics, out, gallery, colors, labels, wanted);
    }
  }

  /**
   * What was found, now and before.
   *
   * @param measured the numbers
   * @param skipped images that could not be read
   * @param withoutMap images that were left out because maps made elsewhere lack one
   * @param page all of it on one page
   */
  public record Result(
      EvaluationResult measured, SkippedCount skipped, int withoutMap, Path page) {}

  /**
   * Finds the images.
   *
   * @param options what to measure
   * @param listener hears how it goes
   * @throws IOException if there are no images, no run, or no boxes where they are needed
   * @throws InvalidOptionException if an option contradicts the run
   */
  public Evaluate(Options options, ProgressListener listener) throws IOException {
    this.options = options;
    this.listener = listener;
    options.metrics().requireMaskingOf(options.methods().run());
    list = options.reading().list(options.data(), listener);
    objects = options.metrics().objects(list);
  }

  /**
   * Measures what is left to measure, and writes all of it.
   *
   * @param classifier whose explanations; stays the caller's
   * @return what was found
   * @throws IOException naming the file, if one cannot be read or written
   * @throws InvalidOptionException if an option contradicts the run
   */
  public Result run(FrozenClassifier classifier) throws IOException {
    MethodSelection methods = options.methods();
    Map<String, String> provenance = new LinkedHashMap<>(methods.provenance());
    provenance.put("images", list.describe());
    provenance.put("seed", String.valueOf(methods.seed()));
    provenance.putAll(options.reading().provenance());
    try (MethodSelection.Made made =
        methods.make(classifier, options.reading().batchSize(), new PassProgress(listener))) {
      int classes = classifier.classes();
      Optional<Path> run = methods.run().map(TrainedRun::run);
      List<String> names =
          ClassFolders.of(
                  list, ClassNames.find(options.labels(), run, classifier.spec().output()), classes)
              .names();
      List<Metric> metrics = options.metrics().make(classifier, methods.masking(), methods.seed());
      Evaluation evaluation = new Evaluation(classifier, made.explainers(), metrics);
      Path out = options.out();
      try (EvaluationFolder folder =
          EvaluationFolder.open(
              out,
              evaluation.nothing(),
              identity(classifier),
              made.maps().map(maps -> maps::sum))) {
        EvaluationRunner runner =
            new EvaluationRunner(evaluation, folder, list, options.reading(), listener);
        EvaluationResult result = runner.run(classifier, made.maps(), objects, observer());
        Provenance origin = Provenance.of(classifier, provenance);
        EvaluationStatistics statistics = result.statistics();
        SkippedCount skipped = runner.skipped();
        EvaluationFiles.write(out, result, statistics, skipped, origin);
        Path page =
            new EvaluationReport(result, statistics, skipped, origin, names, options.colors())
                .write(out);
        for (MethodResult method : result.methods()) {
          method
              .warnings()
              .forEach((what, count) -> listener.warn(method.title() + ": " + count + " " + what));
        }
        return new Result(result, skipped, runner.withoutMap(), page);
      }
    }
  }

  /** Keeps what the gallery shows, while images are measured. */
  private MapObserver observer() {
    return options.gallery() == 0
        ? MapObserver.NONE
        : new GalleryWriter(options.out(), list.size(), list::name, options.gallery());
  }

  /** What numbers depend on, beside methods and metrics, wherever files lie. */
  private Map<String, String> identity(FrozenClassifier classifier) throws IOException {
    Map<String, String> identity = new LinkedHashMap<>();
    identity.put("backbone", classifier.name());
    String sum = classifier.provenance().get("sha256");
    if (sum != null) {
      identity.put("backbone's SHA-256", sum);
    }
    identity.putAll(ClassifierIdentity.of(classifier.spec()));
    identity.putAll(options.methods().identity());
    identity.put(
        "images", Text.format("%d (SHA-256 of names %s)", list.size(), list.namesSha256()));
    identity.put("seed", String.valueOf(options.methods().seed()));
    identity.putAll(options.metrics().identity(list));
    identity.putAll(options.reading().provenance());
    return identity;
  }
}
