package org.ttame.eval.evaluation;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.NonFiniteException;
import org.ttame.core.classifier.PassCounter;
import org.ttame.core.masking.Masking;
import org.ttame.eval.explain.Explainer;
import org.ttame.eval.explain.MapWarning;
import org.ttame.eval.explain.SaliencyMaps;
import org.ttame.eval.metric.ImageBatch;
import org.ttame.eval.metric.MaskedInput;
import org.ttame.eval.metric.Metric;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.metric.ScoringBatch;

/**
 * Runs methods × metrics over a stream of images: each batch is classified clean once, explained by
 * every method for y = argmax f(I), and each method's maps are measured by every metric.
 *
 * <p>Memory holds one batch at a time and the records, about 200 bytes an image and method.
 */
public final class Evaluation {
  private final FrozenClassifier classifier;
  private final List<Explainer> explainers;
  private final List<Metric> metrics;
  private final List<MetricKey> keys;

  /**
   * An evaluation of a classifier's explanations.
   *
   * @param explainers the methods, of different names; all three stay the caller's
   * @param metrics the metrics, of different keys
   */
  public Evaluation(FrozenClassifier classifier, List<Explainer> explainers, List<Metric> metrics) {
    this.classifier = classifier;
    this.explainers = List.copyOf(explainers);
    this.metrics = List.copyOf(metrics);
    keys = metrics.stream().flatMap(metric -> metric.keys().stream()).toList();
    List<String> names = explainers.stream().map(Explainer::name).toList();
    if (names.stream().distinct().count() != names.size()) {
      throw new IllegalArgumentException("Two methods share a name: " + names);
    }
    if (keys.stream().distinct().count() != keys.size()) {
      throw new IllegalArgumentException("Two metrics share a number: " + keys);
    }
  }

  /** The numbers measured of each image, in the order of a record's values. */
  public List<MetricKey> keys() {
    return keys;
  }

  /** The result before any image: methods, settings and numbers without a record. */
  public EvaluationResult nothing() {
    Map<String, String> parameters = new LinkedHashMap<>();
    metrics.forEach(metric -> parameters.putAll(metric.parameters()));
    List<MethodResult> methods = new ArrayList<>();
    for (Explainer explainer : explainers) {
      methods.add(new MethodResult(explainer.name(), explainer.settings(), keys, List.of(), 0));
    }
    return new EvaluationResult(keys, parameters, methods, 0, 0, 0, 0);
  }

  /**
   * Measures images.
   *
   * @param batches the images; drawn one batch at a time
   * @param sink receives each batch's records as soon as they are known, methods in order and
   *     images in order within a method
   */
  public EvaluationResult run(Iterator<ImageBatch> batches, Consumer<List<ImageRecord>> sink) {
    return run(batches, sink, MapObserver.NONE);
  }

  /**
   * Measures images while somebody looks at the maps.
   *
   * @param batches the images; drawn one batch at a time
   * @param sink as above
   * @param observer sees each batch's maps before the sink sees its records
   * @throws UncheckedIOException if the observer fails
   */
  public EvaluationResult run(
      Iterator<ImageBatch> batches, Consumer<List<ImageRecord>> sink, MapObserver observer) {
    return resume(nothing(), batches, part -> sink.accept(part.records()), observer);
  }

  /**
   * Measures the images that an earlier part of the same evaluation has not.
   *
   * @param before what that part found
   * @param batches the other images; drawn one batch at a time
   * @param sink receives what each batch gave, as soon as it is known
   * @param observer sees each batch's maps before that
   * @return all that was found, before and now
   * @throws UncheckedIOException if the observer fails
   * @throws NonFiniteException naming the images whose logits or maps are NaN or infinite
   * @throws IllegalArgumentException if the earlier part had other methods or numbers
   */
  public EvaluationResult resume(
      EvaluationResult before,
      Iterator<ImageBatch> batches,
      Consumer<EvaluationResult> sink,
      MapObserver observer) {
    List<EvaluationResult> parts = new ArrayList<>(List.of(before));
    long start = System.nanoTime();
    while (batches.hasNext()) {
      ImageBatch batch = batches.next();
      EvaluationResult part;
      try {
        part = measure(batch, observer, start);
      } catch (NonFiniteException e) {
        throw e.of(classifier.name(), batch.names());
      }
      sink.accept(part);
      parts.add(part);
      start = System.nanoTime();
    }
    parts.add(nothing());
    return EvaluationResult.join(parts);
  }

  private EvaluationResult measure(ImageBatch batch, MapObserver observer, long start) {
    // Without a map over it, both maskings give the same input.
    MaskedInput input = new MaskedInput(classifier.inputSpec(), Masking.CNN);
    List<MethodResult> methods = new ArrayList<>();
    long metricPasses = 0;
    try (INDArray images = input.clean(batch)) {
      int[] classes;
      double[] confidences;
      try (ClassifierOutput output = classifier.forward(images, List.of())) {
        classes = output.predictedClasses();
        confidences = output.probabilities(classes);
      }
      for (Explainer explainer : explainers) {
        Explained explained = explain(explainer, images, classes, batch);
        show(observer, batch, explainer, explained.maps());
        long passes = classifier.passes().forward();
        ScoringBatch scoring =
            new ScoringBatch(
                batch,
                classes,
                confidences,
                explained.maps().upsampled(batch.height(), batch.width()));
        methods.add(explained.result(explainer, keys, records(explainer, scoring, explained)));
        metricPasses += classifier.passes().forward() - passes;
      }
    }
    EvaluationResult frame = nothing();
    return new EvaluationResult(
        keys,
        frame.parameters(),
        methods,
        batch.size(),
        batch.size(),
        metricPasses,
        (System.nanoTime() - start) / 1e9);
  }

  /** Maps of a batch and what they cost. */
  private record Explained(
      SaliencyMaps maps,
      double forward,
      double backward,
      double seconds,
      Map<String, Long> warnings) {
    MethodResult result(Explainer explainer, List<MetricKey> keys, List<ImageRecord> records) {
      return new MethodResult(
          explainer.name(), explainer.settings(), keys, records, seconds, warnings);
    }
  }

  private Explained explain(Explainer explainer, INDArray images, int[] classes, ImageBatch batch) {
    PassCounter passes = classifier.passes();
    long forward = passes.forward();
    long backward = passes.backward();
    Map<String, Long> before = explainer.warnings();
    long start = System.nanoTime();
    SaliencyMaps maps = explainer.explain(images, classes, batch.names());
    double seconds = (System.nanoTime() - start) / 1e9;
    Map<String, Long> warnings = new LinkedHashMap<>();
    explainer
        .warnings()
        .forEach(
            (warning, count) -> {
              long more = count - before.getOrDefault(warning, 0L);
              if (more > 0) {
                warnings.put(warning, more);
              }
            });
    if (maps.flat() > 0) {
      // Methods that do not count: edges, noise, those of users.
      warnings.putIfAbsent(MapWarning.FLAT_MAP.sentence(), (long) maps.flat());
    }
    return new Explained(
        maps,
        (double) (passes.forward() - forward) / batch.size(),
        (double) (passes.backward() - backward) / batch.size(),
        seconds,
        warnings);
  }

  private static void show(
      MapObserver observer, ImageBatch batch, Explainer explainer, SaliencyMaps maps) {
    try {
      observer.explained(batch, explainer.name(), maps);
    } catch (IOException e) {
      throw new UncheckedIOException(e.getMessage(), e);
    }
  }

  private List<ImageRecord> records(
      Explainer explainer, ScoringBatch scoring, Explained explained) {
    int size = scoring.images().size();
    double[][] values = new double[size][keys.size()];
    int column = 0;
    for (Metric metric : metrics) {
      double[][] scores = metric.score(scoring);
      int width = metric.keys().size();
      for (int b = 0; b < size; b++) {
        System.arraycopy(scores[b], 0, values[b], column, width);
      }
      column += width;
    }
    List<ImageRecord> records = new ArrayList<>();
    for (int b = 0; b < size; b++) {
      records.add(
          new ImageRecord(
              scoring.images().names().get(b),
              explainer.name(),
              scoring.classes()[b],
              scoring.confidences()[b],
              explained.forward(),
              explained.backward(),
              values[b]));
    }
    return records;
  }
}
