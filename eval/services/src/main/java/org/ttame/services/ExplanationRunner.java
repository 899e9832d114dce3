package org.ttame.services;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.ttame.core.ProgressListener;
import org.ttame.core.Text;
import org.ttame.core.attention.ClassChoice;
import org.ttame.core.attention.Explanation;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.PassCounter;
import org.ttame.eval.explain.Explainer;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.explain.MapWarning;
import org.ttame.eval.explain.SaliencyMaps;
import org.ttame.eval.explain.TtameExplainer;
import org.ttame.eval.metric.ImageBatch;
import org.ttame.eval.output.ExplanationWriter;

/** Explains batches by several methods, and hands what came of it to sinks. */
public final class ExplanationRunner {
  private final FrozenClassifier classifier;
  private final List<Sink> sinks;
  private final Set<String> sizes = new LinkedHashSet<>();
  private final Map<String, Integer> flat = new LinkedHashMap<>();
  private final Map<String, Map<String, Long>> met = new LinkedHashMap<>();

  /** Takes what methods say of images, batch by batch. */
  public interface Sink {
    /**
     * A method has explained a class of each image of a batch.
     *
     * @param explained what it said
     * @param probabilities of all classes, a row an image
     */
    void take(ImageBatch images, ExplanationWriter.Explained explained, double[][] probabilities)
        throws IOException;

    /** Every method has said all it has to say of a batch. */
    void endBatch() throws IOException;
  }

  /**
   * Explanations of a classifier.
   *
   * @param classifier stays the caller's
   * @param sinks take what comes of them
   */
  public ExplanationRunner(FrozenClassifier classifier, List<Sink> sinks) {
    this.classifier = classifier;
    this.sinks = List.copyOf(sinks);
  }

  /** The sizes of the maps so far, e.g. {@code 16×16}. */
  public List<String> sizes() {
    return List.copyOf(sizes);
  }

  /** Warns of maps in which nothing stands out, and of what methods met, method by method. */
  void warn(ProgressListener listener) {
    flat.forEach(
        (method, count) ->
            listener.warn(
                Text.format(
                    "%s: %d maps were constant: nothing stands out in them",
                    ExplanationMethod.title(method), count)));
    met.forEach(
        (method, counts) ->
            counts.forEach(
                (sentence, count) ->
                    listener.warn(
                        Text.format(
                            "%s: %d %s", ExplanationMethod.title(method), count, sentence))));
  }

  /**
   * Explains a batch by every method. A mechanism says in its one pass what the classes are; where
   * none is first, a pass is made for that.
   *
   * @param explainers the methods; stay the caller's
   * @param images the B images
   * @param standardised the same as the classifier takes them; stays the caller's
   * @param wanted whose maps
   * @throws IOException if a sink fails
   */
  public void explain(
      List<Explainer> explainers, ImageBatch images, INDArray standardised, ClassChoice wanted)
      throws IOException {
    int[][] classes = null;
    double[][] probabilities = null;
    if (!(explainers.get(0) instanceof TtameExplainer)) {
      try (ClassifierOutput output = classifier.forward(standardised, List.of())) {
        classes = wanted.classes(output.logits());
        probabilities = output.probabilities();
      }
    }
    for (Explainer explainer : explainers) {
      if (explainer instanceof TtameExplainer mechanism) {
        long passes = classifier.passes().forward();
        try (Explanation explanation = mechanism.explain(standardised, wanted)) {
          classes = explanation.classes();
          probabilities = explanation.probabilities();
          Passes each = new Passes(classifier.passes().forward() - passes, 0);
          for (int m = 0; m < classes[0].length; m++) {
            try (INDArray maps = column(explanation.maps(), m)) {
              write(
                  images,
                  mechanism.name(),
                  SaliencyMaps.of(maps),
                  column(classes, m),
                  probabilities,
                  each);
            }
          }
        }
      } else {
        for (int m = 0; m < classes[0].length; m++) {
          PassCounter passes = classifier.passes();
          long forward = passes.forward();
          long backward = passes.backward();
          int[] column = column(classes, m);
          SaliencyMaps maps = explainer.explain(standardised, column, images.names());
          Passes each = new Passes(passes.forward() - forward, passes.backward() - backward);
          write(images, explainer.name(), maps, column, probabilities, each);
        }
      }
    }
    for (Explainer explainer : explainers) {
      Map<String, Long> warnings = new LinkedHashMap<>(explainer.warnings());
      warnings.remove(MapWarning.FLAT_MAP.sentence());
      met.put(explainer.name(), warnings);
    }
    for (Sink sink : sinks) {
      sink.endBatch();
    }
  }

  /** What a batch cost. */
  private record Passes(long forward, long backward) {}

  private void write(
      ImageBatch images,
      String method,
      SaliencyMaps maps,
      int[] classes,
      double[][] probabilities,
      Passes passes)
      throws IOException {
    if (maps.flat() > 0) {
      flat.merge(method, maps.flat(), Integer::sum);
    }
    sizes.add(maps.height() + "×" + maps.width());
    double[] likely = new double[classes.length];
    for (int b = 0; b < likely.length; b++) {
      likely[b] = probabilities[b][classes[b]];
    }
    ExplanationWriter.Explained explained =
        new ExplanationWriter.Explained(
            method,
            maps,
            classes,
            likely,
            (double) passes.forward() / classes.length,
            (double) passes.backward() / classes.length);
    for (Sink sink : sinks) {
      sink.take(images, explained, probabilities);
    }
  }

  private static int[] column(int[][] rows, int m) {
    int[] column = new int[rows.length];
    for (int b = 0; b < column.length; b++) {
      column[b] = rows[b][m];
    }
    return column;
  }

  /** The m-th map of each image, {@code [B, h, w]}. */
  private static INDArray column(INDArray maps, int m) {
    return maps.get(
            NDArrayIndex.all(), NDArrayIndex.point(m), NDArrayIndex.all(), NDArrayIndex.all())
        .dup('c');
  }
}
