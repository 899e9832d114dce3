package org.ttame.eval.road;

import java.io.BufferedReader;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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
    List<int[]> orders = List.of(RemovalOrder.MORF.order(map), RemovalOrder.LERF.order(map));
    double[] sums =
        IntStream.range(0, 18)
            .parallel()
            .mapToDouble(
                k -> {
                  boolean[] removed = RemovalOrder.first(orders.get(k % 2), 10.0 * (1 + k / 2));
                  NoisyLinearImputer imputer =
                      new NoisyLinearImputer(SIDE, SIDE, CHANNELS, removed);
                  float[] result = imputer.impute(image);
                  imputer.addNoise(result, k);
                  return result[k];
                })
            .toArray();
    if (Double.isNaN(sums[0])) {
      throw new IllegalStateException("The imputation failed");
    }
  }
}
