package org.ttame.eval.metric;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.zip.CRC32;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.image.Standardizer;
import org.ttame.eval.road.NoisyLinearImputer;

/**
 * Remove and debias (ROAD, Rong et al. 2022): what the classifier says of an image whose v % most
 * (MoRF) or least (LeRF) relevant pixels are imputed from their surroundings.
 *
 * <p>{@link Protocol#PAPER}: 100·ψ', ψ' the probability of the model truth on the imputed image.
 * {@link Protocol#RELEASED}: 100 where the model still answers the same, else 0. For each order
 * there is a number at each percentage and their mean. The noise of an image depends on the seed,
 * its name, order and percentage, not on the batch it came in. Costs a pass an image, order and
 * percentage.
 */
public final class Road implements Metric {
  /** The paper's percentages. */
  public static final List<Double> PAPER_PERCENTAGES =
      IntStream.rangeClosed(1, 9).mapToObj(tenth -> 10.0 * tenth).toList();

  /** Those of the released evaluation. */
  public static final List<Double> RELEASED_PERCENTAGES =
      List.of(10.0, 20.0, 30.0, 40.0, 50.0, 70.0, 90.0);

  private final FrozenClassifier classifier;
  private final List<Double> percentages;
  private final Protocol protocol;
  private final long seed;

  /**
   * ROAD for a classifier.
   *
   * @param classifier what is explained; stays the caller's
   * @param percentages v, each above 0 and below 100
   * @param protocol what is reported
   * @param seed of the noise
   */
  public Road(FrozenClassifier classifier, List<Double> percentages, Protocol protocol, long seed) {
    this.classifier = Objects.requireNonNull(classifier, "classifier");
    this.percentages = List.copyOf(percentages);
    this.protocol = Objects.requireNonNull(protocol, "protocol");
    this.seed = seed;
    if (percentages.isEmpty() || !percentages.stream().allMatch(v -> v > 0 && v < 100)) {
      throw new IllegalArgumentException(
          "ROAD needs percentages above 0 and below 100, got " + percentages);
    }
    if (percentages.stream().distinct().count() != percentages.size()) {
      throw new IllegalArgumentException("A percentage is named twice in " + percentages);
    }
  }

  @Override
  public List<MetricKey> keys() {
    List<MetricKey> keys = new ArrayList<>();
    for (RemovalOrder order : RemovalOrder.values()) {
      keys.add(MetricKey.of(order.optionName()));
      percentages.forEach(v -> keys.add(MetricKey.at(order.optionName(), v)));
    }
    return List.copyOf(keys);
  }

  @Override
  public double[][] score(ScoringBatch batch) {
    int size = batch.images().size();
    int width = 1 + percentages.size();
    double[][] values = new double[size][2 * width];
    float[] clean = new Standardizer(classifier.inputSpec()).apply(batch.images().unit());
    for (RemovalOrder order : RemovalOrder.values()) {
      int first = order == RemovalOrder.MORF ? 0 : width;
      int[][] ranks = new int[size][];
      for (int b = 0; b < size; b++) {
        ranks[b] = order.order(batch.maps()[b]);
      }
      for (int v = 0; v < percentages.size(); v++) {
        double[] scores = scores(batch, clean, ranks, order, percentages.get(v));
        for (int b = 0; b < size; b++) {
          values[b][first + 1 + v] = scores[b];
          values[b][first] += scores[b] / percentages.size();
        }
      }
    }
    return values;
  }

  @Override
  public Map<String, String> parameters() {
    Map<String, String> parameters = new LinkedHashMap<>();
    parameters.put("road_imputation", "noisy linear, 8 neighbours");
    parameters.put("road_noise", String.valueOf(NoisyLinearImputer.NOISE));
    parameters.put(
        "road_percentages",
        percentages.stream()
            .map(v -> MetricKey.at("", v).thresholdText())
            .collect(Collectors.joining(",")));
    parameters.put(
        "road_score",
        protocol == Protocol.PAPER ? "probability of the model truth" : "same answer");
    return parameters;
  }

  private double[] scores(
      ScoringBatch batch, float[] clean, int[][] ranks, RemovalOrder order, double percent) {
    ImageBatch images = batch.images();
    int length = images.length();
    float[] imputed = new float[clean.length];
    // Images are independent of each other, so threads change no bit.
    IntStream.range(0, images.size())
        .parallel()
        .forEach(
            b -> {
              float[] image = java.util.Arrays.copyOfRange(clean, b * length, (b + 1) * length);
              boolean[] removed = RemovalOrder.first(ranks[b], percent);
              NoisyLinearImputer imputer =
                  new NoisyLinearImputer(
                      images.height(), images.width(), images.channels(), removed);
              float[] result = imputer.impute(image);
              imputer.addNoise(result, noiseSeed(images.names().get(b), order, percent));
              System.arraycopy(result, 0, imputed, b * length, length);
            });
    double[] scores = new double[images.size()];
    try (INDArray input = Nd4j.create(imputed, images.shape(), 'c');
        ClassifierOutput output = classifier.forward(input, List.of())) {
      int[] answers = output.predictedClasses();
      double[] probabilities = output.probabilities(batch.classes());
      for (int b = 0; b < scores.length; b++) {
        boolean same = answers[b] == batch.classes()[b];
        scores[b] = 100 * (protocol == Protocol.PAPER ? probabilities[b] : same ? 1 : 0);
      }
    }
    return scores;
  }

  private long noiseSeed(String name, RemovalOrder order, double percent) {
    CRC32 hash = new CRC32();
    hash.update(
        Text.format("%s\n%s\n%s", name, order.optionName(), percent)
            .getBytes(StandardCharsets.UTF_8));
    return seed * 0x9E3779B97F4A7C15L + hash.getValue();
  }
}
