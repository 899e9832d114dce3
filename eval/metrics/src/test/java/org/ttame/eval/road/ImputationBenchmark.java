package org.ttame.eval.road;

import java.io.BufferedReader;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.ttame.eval.metric.RemovalOrder;

/**
 * Our side of {@code src/test/python/bench_road.py}: reads an image and a map, says {@code ready},
 * then answers each line of standard input with the seconds that all 18 imputations took, masks
 * included.
 */
public final class ImputationBenchmark {
  private static final int SIDE = 224;
  private static final int CHANNELS = 3;
  private static final int TASKS = 18;
  private static final int THREADS = 2;

  private ImputationBenchmark() {}

  /**
   * Runs.
   *
   * @param args a file of big-endian floats: the image [224, 224, 3], then the map [224, 224]
   */
  public static void main(String[] args) throws IOException {
    float[] image = new float[SIDE * SIDE * CHANNELS];
    float[] map = new float[SIDE * SIDE];
    try (DataInputStream in = new DataInputStream(Files.newInputStream(Path.of(args[0])))) {
      byte[] all = in.readAllBytes();
      java.nio.FloatBuffer floats = java.nio.ByteBuffer.wrap(all).asFloatBuffer();
      floats.get(image).get(map);
    }
    System.out.println("ready");
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      while (lines.readLine() != null) {
        long began = System.nanoTime();
        impute(image, map);
        System.out.println((System.nanoTime() - began) / 1e9);
      }
    }
  }

  private static void impute(float[] image, float[] map) {
    int[][] orders =
        Arrays.stream(RemovalOrder.values())
            .parallel()
            .map(order -> order.order(map))
            .toArray(int[][]::new);
    double[] sums = new double[TASKS];
    // A thread takes the largest mask that is left.
    AtomicInteger next = new AtomicInteger(TASKS);
    IntStream.range(0, THREADS)
        .parallel()
        .forEach(
            thread -> {
              for (int k = next.decrementAndGet(); k >= 0; k = next.decrementAndGet()) {
                sums[k] = impute(image, orders[k % 2], 10.0 * (1 + k / 2), k);
              }
            });
    if (!Double.isFinite(Arrays.stream(sums).sum())) {
      throw new IllegalStateException("The imputation failed");
    }
  }

  private static double impute(float[] image, int[] order, double percent, long seed) {
    boolean[] removed = RemovalOrder.first(order, percent);
    NoisyLinearImputer imputer = new NoisyLinearImputer(SIDE, SIDE, CHANNELS, removed);
    float[] result = imputer.impute(image);
    imputer.addNoise(result, seed);
    return result[order[0] * CHANNELS];
  }
}
