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
import org.ttame.core.image.Preprocessing;
import org.ttame.eval.evaluation.Evaluation;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.EvaluationStatistics;
import org.ttame.eval.evaluation.MapObserver;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.gallery.GalleryWriter;
import org.ttame.eval.metric.Metric;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.output.EvaluationFiles;
import org.ttame.eval.output.EvaluationFolder;
import org.ttame.eval.output.Provenance;
import org.ttame.eval.render.ColorMap;
import org.ttame.eval.report.EvaluationReport;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.ImageSettings;
import org.ttame.training.data.Shard;
import org.ttame.training.data.SkippedCount;

/**
 * Measures the maps of several methods on image files, and writes tables, curves and a page. What
 * the output folder knows already is not measured again.
 */
public final class Evaluate {
  private final Options options;
  private final ProgressListener listener;
  private final ImageSet set;
  private final ImageList list;

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
   * @param shard which of them, if not all; {@link Merge} makes the tables then
   * @param failIf which numbers are a failure; not of a shard
   */
  public record Options(
      MethodSelection methods,
      Path data,
      MetricSelection metrics,
      Path out,
      int gallery,
      ColorMap colors,
      Optional<Path> labels,
      ImageSettings reading,
      Optional<Shard> shard,
      List<Condition> failIf) {
    public Options {
      Objects.requireNonNull(methods, "methods");
      Objects.requireNonNull(data, "data");
      Objects.requireNonNull(metrics, "metrics");
      Objects.requireNonNull(out, "out");
      Objects.requireNonNull(colors, "colors");
      Objects.requireNonNull(labels, "labels");
      Objects.requireNonNull(reading, "reading");
      Objects.requireNonNull(shard, "shard");
      failIf = List.copyOf(failIf);
      if (shard.isPresent() && !failIf.isEmpty()) {
        throw new InvalidOptionException(
            "fail-if", "judges all images, which a shard does not have");
      }
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
          ImageSettings.defaults(),
          Optional.empty(),
          List.of());
    }

    /** The same with other ways through the images. */
    public Options withReading(ImageSettings wanted) {
      return new Options(
          methods, data, metrics, out, gallery, colors, labels, wanted, shard, failIf);
    }
  }

  /**
   * What was found, now and before.
   *
   * @param measured the numbers
   * @param skipped images that could not be read
   * @param withoutMap images that were left out because maps made elsewhere lack one
   * @param page all of it on one page; empty for a shard
   * @param failures a sentence for each condition that is met
   */
  public record Result(
      EvaluationResult measured,
      SkippedCount skipped,
      int withoutMap,
      Optional<Path> page,
      List<String> failures) {}

  /**
   * Finds the images.
   *
   * @param options what to measure
   * @throws IOException if there are no images, no run, or no boxes where they are needed
   * @throws InvalidOptionException if an option contradicts the run
   */
  public Evaluate(Options options, ProgressListener listener) throws IOException {
    this(
        options,
        ImageSet.of(options.reading().list(options.data(), listener), options.shard()),
        listener);
  }

  /**
   * Measures on images that are found already.
   *
   * @param options what to measure; the images are those of {@code set}
   * @throws IOException if there is no run, or there are no boxes where they are needed
   * @throws InvalidOptionException if an option contradicts the run
   */
  public Evaluate(Options options, ImageSet set, ProgressListener listener) throws IOException {
    this.options = options;
    this.listener = listener;
    this.set = set;
    options.metrics().requireMaskingOf(options.methods().run());
    list = set.own();
    // Read again when the names of classes are known; what is wrong now is said now.
    options.metrics().objects(list, set.isWhole(), any -> 0);
  }

  /**
   * Measures what is left to measure, and writes all of it.
   *
   * @param classifier whose explanations; stays the caller's
   * @throws InvalidOptionException if an option contradicts the run
   */
  public Result run(FrozenClassifier classifier) throws IOException {
    Preprocessing.requirePictures(classifier.inputSpec());
    MethodSelection methods = options.methods();
    Map<String, String> provenance = new LinkedHashMap<>(methods.provenance());
    provenance.put("images", set.description());
    provenance.put("seed", String.valueOf(methods.seed()));
    provenance.putAll(options.reading().provenance());
    int batch = options.reading().batchSize();
    try (MethodSelection.Made made =
        methods.make(classifier, batch, set.passSize(batch), new PassProgress(listener))) {
      int classes = classifier.classes();
      Optional<Path> run = methods.run().map(TrainedRun::run);
      List<String> names =
          ClassFolders.of(
                  list, ClassNames.find(options.labels(), run, classifier.spec().output()), classes)
              .names();
      Optional<BoxTable> objects =
          options
              .metrics()
              .objects(list, set.isWhole(), text -> ClassNames.index(text, names, classes));
      List<Metric> metrics = options.metrics().make(classifier, methods.masking(), methods.seed());
      Evaluation evaluation = new Evaluation(classifier, made.explainers(), metrics);
      List<String> named =
          evaluation.nothing().methods().stream().map(MethodResult::method).toList();
      List<MetricKey> keys = evaluation.nothing().keys();
      options.failIf().forEach(condition -> condition.require(named, keys));
      Path out = options.out();
      Map<String, String> identity = identity(classifier);
      try (EvaluationFolder folder =
          EvaluationFolder.open(out, evaluation.nothing(), folderSettings(identity), made.sums())) {
        EvaluationRunner runner =
            new EvaluationRunner(evaluation, folder, set, options.reading(), listener);
        EvaluationResult result = runner.run(classifier, made.maps(), objects, observer());
        Provenance origin = Provenance.of(classifier, provenance);
        SkippedCount skipped = LeftOut.count(runner.leftOut());
        Optional<Path> page = Optional.empty();
        if (set.isWhole()) {
          page = Optional.of(write(out, result, runner.leftOut(), origin, names, options.colors()));
        } else {
          LeftOut.write(out, runner.leftOut());
          identity.put("batch-size", String.valueOf(batch));
          ShardRecord.of(
                  ShardRecord.EVALUATE,
                  set,
                  identity,
                  origin,
                  batch,
                  result.images(),
                  runner.leftOut(),
                  ShardRecord.Measured.of(
                      evaluation.nothing(),
                      names,
                      options.colors().optionName(),
                      made.maps().isEmpty() ? null : EvaluationRunner.names(made.maps())))
              .write(out);
        }
        for (MethodResult method : result.methods()) {
          method
              .warnings()
              .forEach((what, count) -> listener.warn(method.title() + ": " + count + " " + what));
        }
        List<String> failures =
            Condition.met(
                options.failIf(),
                named,
                (method, key) -> result.method(method).summary(key).mean());
        return new Result(result, skipped, runner.withoutMap(), page, failures);
      }
    }
  }

  /**
   * Writes what is known when all images are measured: tables, curves, the page, which is returned,
   * and the images that were left out.
   */
  static Path write(
      Path out,
      EvaluationResult result,
      List<LeftOut> leftOut,
      Provenance origin,
      List<String> names,
      ColorMap colors)
      throws IOException {
    EvaluationStatistics statistics = result.statistics();
    SkippedCount skipped = LeftOut.count(leftOut);
    LeftOut.write(out, leftOut);
    EvaluationFiles.write(out, result, statistics, skipped, origin);
    return new EvaluationReport(result, statistics, skipped, origin, names, colors).write(out);
  }

  /** A shard's folder is another's than that of the next. */
  private Map<String, String> folderSettings(Map<String, String> identity) {
    if (set.isWhole()) {
      return identity;
    }
    Map<String, String> settings = new LinkedHashMap<>(identity);
    settings.put("shard", set.shard().toString());
    return settings;
  }

  /** Keeps what the gallery shows, while images are measured. */
  private MapObserver observer() {
    return options.gallery() == 0
        ? MapObserver.NONE
        : new GalleryWriter(
            options.out(), set.images(), place -> set.name(place).orElse(null), options.gallery());
  }

  /** What numbers depend on, beside methods and metrics, wherever files lie. */
  private Map<String, String> identity(FrozenClassifier classifier) throws IOException {
    Map<String, String> identity = new LinkedHashMap<>();
    identity.put("backbone", classifier.name());
    String sum = classifier.provenance().get("sha256");
    if (sum != null) {
      identity.put("backbone's SHA-256", sum);
    }
    identity.putAll(ClassifierIdentity.of(classifier));
    identity.putAll(options.methods().identity());
    identity.put(
        "images", Text.format("%d (SHA-256 of names %s)", set.images(), set.namesSha256()));
    identity.put("seed", String.valueOf(options.methods().seed()));
    identity.putAll(options.metrics().identity(list));
    identity.putAll(options.reading().provenance());
    return identity;
  }
}
