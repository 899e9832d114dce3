package org.ttame.eval.metric;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.masking.Masking;

/**
 * Average Drop (Eq. 18, lower is better) and Increase in Confidence (Eq. 19, higher is better).
 *
 * <p>ψ is the probability of the model truth on the clean image and ψ' on the image masked by
 * φ_v(map). An image's AD(v) is 100·max(0, ψ−ψ')/ψ and its IC(v) is 100 where ψ' &gt; ψ, strictly,
 * and 0 elsewhere. Costs one pass an image and threshold.
 */
public final class AdIc implements Metric {
  /** The paper's thresholds. */
  public static final List<Double> PAPER_THRESHOLDS = List.of(100.0, 50.0, 15.0);

  private final FrozenClassifier classifier;
  private final MaskedInput input;
  private final PixelKeeping keeping;
  private final List<Double> thresholds;

  /**
   * The two metrics of a classifier.
   *
   * @param classifier what is explained; stays the caller's
   * @param masking how maps are laid over images
   * @param keeping how the top v % are chosen
   * @param thresholds the percentages v, each in (0, 100]
   */
  public AdIc(
      FrozenClassifier classifier, Masking masking, PixelKeeping keeping, List<Double> thresholds) {
    this.classifier = Objects.requireNonNull(classifier, "classifier");
    this.input = new MaskedInput(classifier.inputSpec(), masking);
    this.keeping = Objects.requireNonNull(keeping, "keeping");
    this.thresholds = List.copyOf(thresholds);
    if (thresholds.isEmpty()) {
      throw new IllegalArgumentException("AD and IC need at least one threshold");
    }
    thresholds.forEach(percent -> PixelKeeping.count(percent, 1));
    if (thresholds.stream().distinct().count() != thresholds.size()) {
      throw new IllegalArgumentException("A threshold is named twice in " + thresholds);
    }
  }

  @Override
  public List<MetricKey> keys() {
    List<MetricKey> keys = new ArrayList<>();
    for (double percent : thresholds) {
      keys.add(MetricKey.at("ad", percent));
      keys.add(MetricKey.at("ic", percent));
    }
    return List.copyOf(keys);
  }

  @Override
  public double[][] score(ScoringBatch batch) {
    int size = batch.images().size();
    double[][] values = new double[size][2 * thresholds.size()];
    for (int t = 0; t < thresholds.size(); t++) {
      double[] masked = maskedConfidences(batch, thresholds.get(t));
      for (int b = 0; b < size; b++) {
        double clean = batch.confidences()[b];
        values[b][2 * t] = 100 * Math.max(0, clean - masked[b]) / clean;
        values[b][2 * t + 1] = masked[b] > clean ? 100 : 0;
      }
    }
    return values;
  }

  @Override
  public Map<String, String> parameters() {
    Map<String, String> parameters = new LinkedHashMap<>();
    parameters.put("masking", input.masking().optionName());
    parameters.put("pixel_keeping", keeping.optionName());
    parameters.put("ic_comparison", "strict");
    return parameters;
  }

  private double[] maskedConfidences(ScoringBatch batch, double percent) {
    float[][] kept = new float[batch.maps().length][];
    for (int b = 0; b < kept.length; b++) {
      kept[b] = keeping.keep(batch.maps()[b], percent);
    }
    try (INDArray images = input.masked(batch.images(), kept);
        ClassifierOutput output = classifier.forward(images, List.of())) {
      return output.probabilities(batch.classes());
    }
  }
}
