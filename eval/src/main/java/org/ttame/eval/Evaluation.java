package org.ttame.eval;

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
import org.ttame.core.classifier.PassCounter;
import org.ttame.core.classifier.Predictions;
import org.ttame.core.masking.Masking;
import org.ttame.eval.explain.Explainer;
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
   * @param classifier what is explained
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

  /**
   * Measures images.
   *
   * @param batches the images; drawn one batch at a time
   * @param sink receives each batch's records as soon as they are known, methods in order and
   *     images in order within a method
   * @return what was found
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
   * @return what was found
   * @throws UncheckedIOException if the observer fails
   */
  public EvaluationResult run(
      Iterator<ImageBatch> batches, Consumer<List<ImageRecord>> sink, MapObserver observer) {
    Tally tally = new Tally();
    long start = System.nanoTime();
    while (batches.hasNext()) {
      ImageBatch batch = batches.next();
      List<ImageRecord> records = measure(batch, observer, tally);
      tally.images += batch.size();
      sink.accept(records);
    }
    List<MethodResult> methods = new ArrayList<>();
    for (Explainer explainer : explainers) {
      Tally.Method method = tally.method(explainer);
      methods.add(
          new MethodResult(
              explainer.name(), explainer.settings(), keys, method.records, method.nanos / 1e9));
    }
    Map<String, String> parameters = new LinkedHashMap<>();
    metrics.forEach(metric -> parameters.putAll(metric.parameters()));
    return new EvaluationResult(
        keys,
        parameters,
        methods,
        tally.images,
        tally.cleanPasses,
        tally.metricPasses,
        (System.nanoTime() - start) / 1e9);
  }

  private List<ImageRecord> measure(ImageBatch batch, MapObserver observer, Tally tally) {
    List<ImageRecord> all = new ArrayList<>();
    // Without a map over it, both maskings give the same input.
    MaskedInput input = new MaskedInput(classifier.inputSpec(), Masking.CNN);
    try (INDArray images = input.clean(batch)) {
      int[] classes;
      double[] confidences = new double[batch.size()];
      try (ClassifierOutput output = classifier.forward(images, List.of())) {
        tally.cleanPasses += batch.size();
        classes = output.predictedClasses();
        double[][] probabilities = Predictions.softmax(output.logits());
        for (int b = 0; b < confidences.length; b++) {
          confidences[b] = probabilities[b][classes[b]];
          if (Double.isNaN(confidences[b])) {
            throw new IllegalStateException(
                "%s gives no probability for the image %s: its logits are not finite"
                    .formatted(classifier.name(), batch.names().get(b)));
          }
        }
      }
      for (Explainer explainer : explainers) {
        List<ImageRecord> records =
            measure(batch, images, classes, confidences, explainer, observer, tally);
        tally.method(explainer).records.addAll(records);
        all.addAll(records);
      }
    }
    return List.copyOf(all);
  }

  private List<ImageRecord> measure(
      ImageBatch batch,
      INDArray images,
      int[] classes,
      double[] confidences,
      Explainer explainer,
      MapObserver observer,
      Tally tally) {
    PassCounter passes = classifier.passes();
    long forward = passes.forward();
    long backward = passes.backward();
    long start = System.nanoTime();
    SaliencyMaps maps = explainer.explain(images, classes, batch.names());
    tally.method(explainer).nanos += System.nanoTime() - start;
    try {
      observer.explained(batch, explainer.name(), maps);
    } catch (IOException e) {
      throw new UncheckedIOException(e.getMessage(), e);
    }
    double forwardEach = (double) (passes.forward() - forward) / batch.size();
    double backwardEach = (double) (passes.backward() - backward) / batch.size();

    long beforeMetrics = passes.forward();
    ScoringBatch scoring =
        new ScoringBatch(batch, classes, confidences, maps.upsampled(batch.side()));
    double[][] values = new double[batch.size()][keys.size()];
    int column = 0;
    for (Metric metric : metrics) {
      double[][] scores = metric.score(scoring);
      int width = metric.keys().size();
      for (int b = 0; b < scores.length; b++) {
        System.arraycopy(scores[b], 0, values[b], column, width);
      }
      column += width;
    }
    tally.metricPasses += passes.forward() - beforeMetrics;
    List<ImageRecord> records = new ArrayList<>();
    for (int b = 0; b < values.length; b++) {
      records.add(
          new ImageRecord(
              batch.names().get(b),
              explainer.name(),
              classes[b],
              confidences[b],
              forwardEach,
              backwardEach,
              values[b]));
    }
    return records;
  }

  /** What adds up while images go by. */
  private static final class Tally {
    private final Map<String, Method> methods = new LinkedHashMap<>();
    private long images;
    private long cleanPasses;
    private long metricPasses;

    private Method method(Explainer explainer) {
      return methods.computeIfAbsent(explainer.name(), name -> new Method());
    }

    private static final class Method {
      private final List<ImageRecord> records = new ArrayList<>();
      private long nanos;
    }
  }
}
