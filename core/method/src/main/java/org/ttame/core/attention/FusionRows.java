package org.ttame.core.attention;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.ttame.core.Text;
import org.ttame.core.classifier.FeatureLayer;

/**
 * The rows of the fusion's weights that belong to the classes Ψ of a batch, and the way back: the
 * gradient of the weights is zero but for the sum of the gradients of each row's copies.
 *
 * <p>Done with the plain operations gather and scatter_add, outside any graph: the gradient of
 * SameDiff's gather is not used, and no product with a one-hot matrix of K columns is needed.
 *
 * @param rows for each branch {@code [B, M, C_i]}
 * @param bias {@code [B, M]}
 * @param index {@code [B·M]}, the class of each row
 */
public record FusionRows(List<INDArray> rows, INDArray bias, INDArray index)
    implements AutoCloseable {

  /**
   * Copies the rows.
   *
   * @param mechanism whose fusion
   * @param classes B lists of M classes
   * @return the rows; the caller closes them
   * @throws IllegalArgumentException if a class does not exist or the lists differ in length
   */
  public static FusionRows of(AttentionMechanism mechanism, int[][] classes) {
    AttentionSpec spec = mechanism.spec();
    int batch = classes.length;
    int maps = check(classes, spec.classes());
    INDArray index =
        Nd4j.createFromArray(Arrays.stream(classes).flatMapToInt(Arrays::stream).toArray());
    List<INDArray> rows = new ArrayList<>();
    try (INDArray all = gather(mechanism.array(ArrayLayout.FUSION_WEIGHT), index)) {
      int channel = 0;
      for (FeatureLayer layer : spec.features()) {
        rows.add(
            Copies.of(
                all.get(
                    NDArrayIndex.all(), NDArrayIndex.interval(channel, channel + layer.channels())),
                mechanism.dataType(),
                batch,
                maps,
                layer.channels()));
        channel += layer.channels();
      }
    }
    try (INDArray bias = gather(mechanism.array(ArrayLayout.FUSION_BIAS), index)) {
      return new FusionRows(rows, Copies.of(bias, mechanism.dataType(), batch, maps), index);
    }
  }

  /**
   * Sums the rows' gradients into the gradient of the weights.
   *
   * @param mechanism whose fusion
   * @param gradients for each branch {@code [B, M, C_i]}; stay the caller's
   * @return {@code [K, ΣC]}; the caller closes it
   */
  public INDArray weightGradient(AttentionMechanism mechanism, List<INDArray> gradients) {
    INDArray sum = zerosLike(mechanism.array(ArrayLayout.FUSION_WEIGHT));
    addWeightGradient(sum, gradients);
    return sum;
  }

  void addWeightGradient(INDArray sum, List<INDArray> gradients) {
    INDArray[] flat =
        gradients.stream()
            .map(g -> g.reshape('c', index.length(), g.size(2)))
            .toArray(INDArray[]::new);
    if (flat.length == 1) {
      scatter(sum, flat[0]);
      return;
    }
    try (INDArray joined = Nd4j.concat(1, flat)) {
      scatter(sum, joined);
    }
  }

  /**
   * Sums the biases' gradients.
   *
   * @param mechanism whose fusion
   * @param gradient {@code [B, M]}; stays the caller's
   * @return {@code [K]}; the caller closes it
   */
  public INDArray biasGradient(AttentionMechanism mechanism, INDArray gradient) {
    INDArray sum = zerosLike(mechanism.array(ArrayLayout.FUSION_BIAS));
    addBiasGradient(sum, gradient);
    return sum;
  }

  void addBiasGradient(INDArray sum, INDArray gradient) {
    scatter(sum, gradient.reshape(new long[] {index.length()}));
  }

  @Override
  public void close() {
    Stream.concat(rows.stream(), Stream.of(bias, index))
        .filter(array -> !array.wasClosed())
        .forEach(INDArray::close);
  }

  private static int check(int[][] classes, int count) {
    if (classes.length == 0 || classes[0].length == 0) {
      throw new IllegalArgumentException("Expected at least one class for each image");
    }
    for (int[] row : classes) {
      if (row.length != classes[0].length) {
        throw new IllegalArgumentException(
            Text.format(
                "Every image needs the same number of classes, got %d and %d",
                classes[0].length, row.length));
      }
      for (int k : row) {
        if (k < 0 || k >= count) {
          throw new IllegalArgumentException(
              Text.format(
                  "Class %d does not exist; the mechanism has classes 0 to %d", k, count - 1));
        }
      }
    }
    return classes[0].length;
  }

  private static INDArray gather(INDArray from, INDArray index) {
    long[] shape = from.shape().clone(); // ND4J hands out its own array
    shape[0] = index.length();
    INDArray out = Nd4j.createUninitialized(from.dataType(), shape, 'c');
    Nd4j.exec(
        DynamicCustomOp.builder("gather")
            .addInputs(from, index)
            .addOutputs(out)
            .addIntegerArguments(0)
            .build());
    return out;
  }

  private static INDArray zerosLike(INDArray array) {
    return Nd4j.zeros(array.dataType(), array.shape());
  }

  private void scatter(INDArray sum, INDArray updates) {
    // The flag serialises the additions: a class may occur many times, and sums must repeat
    // exactly.
    Nd4j.exec(
        DynamicCustomOp.builder("scatter_add")
            .addInputs(sum, index, updates)
            .addOutputs(sum)
            .addBooleanArguments(true)
            .build());
  }
}
