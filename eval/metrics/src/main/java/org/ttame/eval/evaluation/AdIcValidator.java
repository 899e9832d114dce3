package org.ttame.eval.evaluation;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.MapExplainer;
import org.ttame.core.attention.MinMax;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.NonFiniteException;
import org.ttame.core.masking.Masking;
import org.ttame.eval.explain.SaliencyMaps;
import org.ttame.eval.metric.AdIc;
import org.ttame.eval.metric.ImageBatch;
import org.ttame.eval.metric.MaskedInput;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.metric.PixelKeeping;
import org.ttame.eval.metric.ScoringBatch;
import org.ttame.training.Validation;
import org.ttame.training.Validator;

/**
 * Measures AD(15) and IC(15) of a mechanism in training, as the paper chooses epochs. Two passes an
 * image: the clean one gives class, probability and feature maps at once.
 */
public final class AdIcValidator implements Validator {
  private static final double THRESHOLD = 15;

  private final Images images;
  private final PixelKeeping keeping;

  /** Where validation images come from. */
  @FunctionalInterface
  public interface Images {
    /**
     * Starts over.
     *
     * @return all validation images; closed after use
     */
    ImageStream open() throws IOException;

    /** What tells them from others, e.g. a sum over their names; empty if there is nothing. */
    default String fingerprint() {
      return "";
    }
  }

  /**
   * A validator.
   *
   * @param images where the images come from; opened for each validation
   * @param keeping how the top 15 % are chosen
   */
  public AdIcValidator(Images images, PixelKeeping keeping) {
    this.images = Objects.requireNonNull(images, "images");
    this.keeping = Objects.requireNonNull(keeping, "keeping");
  }

  @Override
  public String fingerprint() {
    return images.fingerprint();
  }

  @Override
  public Validation validate(
      FrozenClassifier classifier, AttentionMechanism mechanism, Masking masking)
      throws IOException {
    AdIc metric = new AdIc(classifier, masking, keeping, List.of(THRESHOLD));
    MaskedInput input = new MaskedInput(classifier.inputSpec(), masking);
    List<double[]> values = new ArrayList<>();
    try (ImageStream stream = images.open();
        MapExplainer explainer = new MapExplainer(classifier, mechanism)) {
      while (stream.hasNext()) {
        ImageBatch batch = stream.next();
        try {
          ScoringBatch scoring = explain(classifier, mechanism, explainer, input, batch);
          values.addAll(List.of(metric.score(scoring)));
        } catch (NonFiniteException e) {
          throw e.of(classifier.name(), batch.names());
        }
      }
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
    if (values.isEmpty()) {
      throw new IOException("None of the validation images could be read");
    }
    List<MetricKey> keys = metric.keys();
    Map<String, Double> means = new LinkedHashMap<>();
    for (int k = 0; k < keys.size(); k++) {
      int column = k;
      means.put(
          keys.get(k).column(),
          values.stream().mapToDouble(v -> v[column]).average().orElseThrow());
    }
    return new Validation(
        means.get(MetricKey.at("ad", THRESHOLD).column()),
        means.get(MetricKey.at("ic", THRESHOLD).column()),
        values.size(),
        means);
  }

  private static ScoringBatch explain(
      FrozenClassifier classifier,
      AttentionMechanism mechanism,
      MapExplainer explainer,
      MaskedInput input,
      ImageBatch images) {
    try (INDArray clean = input.clean(images);
        ClassifierOutput output = classifier.forward(clean, mechanism.spec().features())) {
      int[] classes = output.predictedClasses();
      double[] confidences = output.probabilities(classes);
      int[][] rows = new int[classes.length][];
      for (int b = 0; b < classes.length; b++) {
        rows[b] = new int[] {classes[b]};
      }
      try (INDArray raw = explainer.rawMaps(output.features(), rows);
          INDArray scaled = MinMax.scale(raw)) {
        float[][] maps = SaliencyMaps.of(scaled).upsampled(images.height(), images.width());
        return new ScoringBatch(images, classes, confidences, maps);
      }
    }
  }
}
