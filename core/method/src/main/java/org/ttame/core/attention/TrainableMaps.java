package org.ttame.core.attention;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;
import org.ttame.core.classifier.FeatureLayer;

/**
 * The mechanism appended to a graph for training, for one batch size B and number of maps M.
 *
 * <p>Its arrays are placeholders, so the graph holds no state. Of the fusion only the asked
 * classes' rows come in, {@link #fusionRows} for each branch {@code [B, M, C_i]} and {@link
 * #fusionBias} {@code [B, M]}: picking them and adding their gradients up again is {@link
 * FusionRows}'s work.
 *
 * <p>The bias of a convolution before batch normalisation cancels in the difference to the batch
 * mean. It is left out here, has gradient zero, and only shifts the running mean.
 *
 * @param maps before the sigmoid, {@code [B·M, h, w]}
 * @param parameters placeholders by npz name, without fusion and without cancelled biases
 * @param fusionRows placeholder names, one for each branch
 * @param fusionBias placeholder name
 * @param means variable names of each branch's batch mean, {@code [1, C]}, without the bias; empty
 *     without batch normalisation
 * @param variances variable names of each branch's biased batch variance, {@code [1, C]}
 */
public record TrainableMaps(
    SDVariable maps,
    Map<String, SDVariable> parameters,
    List<String> fusionRows,
    String fusionBias,
    List<String> means,
    List<String> variances) {

  /**
   * Appends a mechanism.
   *
   * @param mechanism gives form and precision
   * @param features variables for {@link AttentionSpec#features()}, in order
   * @param batch B
   * @param mapsPerImage M
   * @return what was appended
   * @throws IllegalArgumentException if a channel has a single value in the batch, which has no
   *     variance
   */
  public static TrainableMaps append(
      AttentionMechanism mechanism,
      SameDiff graph,
      List<SDVariable> features,
      int batch,
      int mapsPerImage) {
    return new Builder(mechanism, graph, batch, mapsPerImage).build(features);
  }

  /**
   * A batch's statistics as the running ones want them: means with the convolution's bias, unbiased
   * variances n/(n−1).
   *
   * @param batch B
   * @param output gives the values of {@link #means} and {@link #variances}
   * @return by npz name, each {@code [C]}; the caller closes them
   */
  public Map<String, INDArray> batchStatistics(
      AttentionMechanism mechanism, int batch, Function<String, INDArray> output) {
    Map<String, INDArray> statistics = new LinkedHashMap<>();
    for (int i = 0; i < means.size(); i++) {
      FeatureLayer layer = mechanism.spec().features().get(i);
      double n = (double) batch * layer.height() * layer.width();
      INDArray mean = Copies.of(output.apply(means.get(i)), mechanism.dataType(), layer.channels());
      statistics.put(
          ArrayLayout.runningMean(i), mean.addi(mechanism.array(ArrayLayout.convBias(i))));
      INDArray variance =
          Copies.of(output.apply(variances.get(i)), mechanism.dataType(), layer.channels());
      statistics.put(ArrayLayout.runningVar(i), variance.muli(n / (n - 1)));
    }
    return statistics;
  }

  private static final class Builder {
    private final AttentionSpec spec;
    private final SameDiff graph;
    private final DataType type;
    private final int batch;
    private final int mapsPerImage;
    private final Map<String, INDArray> arrays;
    private final Map<String, SDVariable> parameters = new LinkedHashMap<>();
    private final List<String> means = new ArrayList<>();
    private final List<String> variances = new ArrayList<>();

    Builder(AttentionMechanism mechanism, SameDiff graph, int batch, int mapsPerImage) {
      this.spec = mechanism.spec();
      this.type = mechanism.dataType();
      this.arrays = mechanism.parameters();
      this.graph = graph;
      this.batch = batch;
      this.mapsPerImage = mapsPerImage;
    }

    TrainableMaps build(List<SDVariable> features) {
      List<FeatureLayer> layers = spec.features();
      List<SDVariable> activations = new ArrayList<>();
      List<SDVariable> rows = new ArrayList<>();
      for (int i = 0; i < layers.size(); i++) {
        FeatureLayer layer = layers.get(i);
        SDVariable input = BranchOps.adapt(features.get(i), layer);
        activations.add(spec.variant().hasBranches() ? branch(i, input) : input);
        rows.add(
            graph.placeHolder("fusion.rows." + i, type, batch, mapsPerImage, layer.channels()));
      }
      SDVariable bias = graph.placeHolder("fusion.rows.bias", type, batch, mapsPerImage);
      SDVariable sum =
          BranchOps.fuse(graph, layers, activations, rows, spec.mapHeight(), spec.mapWidth());
      int count = batch * mapsPerImage;
      int pixels = spec.mapHeight() * spec.mapWidth();
      SDVariable spread = graph.mmul(bias.reshape(count, 1), ones(1, pixels));
      SDVariable maps = sum.add(spread.reshape(count, spec.mapHeight(), spec.mapWidth()));
      return new TrainableMaps(
          maps,
          parameters,
          rows.stream().map(SDVariable::name).toList(),
          bias.name(),
          means,
          variances);
    }

    private SDVariable branch(int i, SDVariable input) {
      Variant variant = spec.variant();
      FeatureLayer layer = spec.features().get(i);
      int n = batch * layer.height() * layer.width();
      SDVariable weight = parameter(ArrayLayout.convWeight(i));
      SDVariable sum = graph.mmul(input, weight, false, true, false);
      if (variant.hasBatchNorm()) {
        sum = normalise(i, n, layer.channels(), sum);
      } else {
        sum = sum.add(spread(n, parameter(ArrayLayout.convBias(i)), layer.channels()));
      }
      if (variant.hasSkip()) {
        sum = sum.add(input);
      }
      return BranchOps.activate(graph, variant, sum);
    }

    /**
     * γ·(c − μ)/√(σ² + ε) + β with the statistics of the batch. Column means and the spreading of
     * rows are products with constant ones: ND4J's reductions over rows, its tile and its gradients
     * of broadcasts are ten to a hundred times slower, its variance has a wrong gradient.
     */
    private SDVariable normalise(int i, int n, int channels, SDVariable rows) {
      if (n < 2) {
        throw new IllegalArgumentException(
            Text.format(
                    "Layer %s has one value a channel in a batch of %d: batch normalisation needs two or",
                    spec.features().get(i).node(), batch)
                + " more; use a larger batch");
      }
      SDVariable average = graph.constant(Nd4j.ones(type, 1, n).divi(n));
      SDVariable mean = graph.mmul(average, rows).rename("bn." + i + ".mean");
      SDVariable centred = rows.sub(spread(n, mean, channels));
      SDVariable variance =
          graph.mmul(average, centred.mul(centred)).rename("bn." + i + ".variance");
      means.add(mean.name());
      variances.add(variance.name());
      SDVariable gamma = parameter(ArrayLayout.bnWeight(i)).reshape(1, channels);
      SDVariable scale = gamma.mul(graph.math().rsqrt(variance.add(AttentionMechanism.BN_EPSILON)));
      return centred
          .mul(spread(n, scale, channels))
          .add(spread(n, parameter(ArrayLayout.bnBias(i)), channels));
    }

    /** A row repeated n times. */
    private SDVariable spread(int n, SDVariable row, int channels) {
      return graph.mmul(ones(n, 1), row.reshape(1, channels));
    }

    private SDVariable ones(int rows, int columns) {
      return graph.constant(Nd4j.ones(type, rows, columns));
    }

    private SDVariable parameter(String name) {
      return parameters.computeIfAbsent(
          name, key -> graph.placeHolder(key, type, arrays.get(key).shape()));
    }
  }
}
