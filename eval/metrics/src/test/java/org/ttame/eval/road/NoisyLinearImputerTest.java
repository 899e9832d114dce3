package org.ttame.eval.road;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ttame.testing.FormulaArrays;

/** Golden values: make_road.py, by a direct sparse solver. */
class NoisyLinearImputerTest {
  private static final int CHANNELS = 2;

  static Stream<JsonNode> cases() throws IOException {
    try (InputStream in = NoisyLinearImputerTest.class.getResourceAsStream("imputation.json")) {
      JsonNode all = new ObjectMapper().readTree(in);
      return IntStream.range(0, all.size()).mapToObj(all::get);
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void agreesWithADirectSolver(JsonNode expected) {
    int height = expected.get("height").asInt();
    int width = expected.get("width").asInt();
    boolean[] removed =
        mask(expected.get("kind").asText(), expected.get("part").asDouble(), height, width);
    assertThat(count(removed)).isEqualTo(expected.get("removed").asInt());
    float[] image = image(height, width);
    NoisyLinearImputer imputer = new NoisyLinearImputer(height, width, CHANNELS, removed);
    float[] actual = imputer.impute(image);
    assertThat(imputer.iterations()).isLessThan(60);
    for (int i = 0; i < removed.length; i++) {
      for (int c = 0; c < CHANNELS && !removed[i]; c++) {
        assertThat(actual[i * CHANNELS + c]).isEqualTo(image[i * CHANNELS + c]);
      }
    }
    double worst = 0;
    for (int k = 0; k < expected.get("places").size(); k++) {
      int place = expected.get("places").get(k).asInt();
      for (int c = 0; c < CHANNELS; c++) {
        double value = expected.get("values").get(k).get(c).asDouble();
        worst = Math.max(worst, Math.abs(actual[place * CHANNELS + c] - value));
      }
    }
    if (Boolean.getBoolean("ttame.figures")) {
      System.out.printf(
          Locale.ROOT,
          "%s %s %d×%d: %.1e, %d iterations%n",
          expected.get("kind").asText(),
          expected.get("part"),
          height,
          width,
          worst,
          imputer.iterations());
    }
    assertThat(worst).isLessThan(1e-5);
  }

  /**
   * Golden values hold some sixty pixels of a mask. Here every removed one is compared, with plain
   * conjugate gradients in double precision.
   */
  @ParameterizedTest
  @CsvSource({"scattered, 0.8", "block, 0.3", "block, 0.9"})
  void everyRemovedPixelAgrees(String kind, double part) {
    int side = 224;
    boolean[] removed = mask(kind, part, side, side);
    float[] image = image(side, side);
    float[] actual = new NoisyLinearImputer(side, side, CHANNELS, removed).impute(image);
    for (int c = 0; c < CHANNELS; c++) {
      double[] exact = new DirectImputation(side, removed).solve(image, CHANNELS, c);
      double worst = 0;
      for (int i = 0; i < removed.length; i++) {
        worst = Math.max(worst, Math.abs(actual[i * CHANNELS + c] - exact[i]));
      }
      assertThat(worst).as("channel %d", c).isLessThan(1e-5);
    }
  }

  @Test
  void onePixelIsTheWeightedMeanOfItsNeighbours() {
    float[] image = {1, 2, 3, 4, 100, 6, 7, 8, 9};
    boolean[] removed = new boolean[9];
    removed[4] = true;
    double mean = (2 + 4 + 6 + 8) / 6.0 + (1 + 3 + 7 + 9) / 12.0;
    assertThat((double) new NoisyLinearImputer(3, 3, 1, removed).impute(image)[4])
        .isCloseTo(mean, within(1e-6));
    // In a corner three neighbours are left, and their weights are renormalised.
    Arrays.fill(removed, false);
    removed[0] = true;
    assertThat((double) new NoisyLinearImputer(3, 3, 1, removed).impute(image)[0])
        .isCloseTo((2 / 6.0 + 4 / 6.0 + 100 / 12.0) / (5 / 12.0), within(1e-5));
  }

  /** A plane is harmonic: away from the border it is restored. */
  @Test
  void aRampIsRestored() {
    int side = 40;
    float[] image = new float[side * side];
    boolean[] removed = new boolean[side * side];
    for (int i = 0; i < image.length; i++) {
      int y = i / side;
      int x = i % side;
      image[i] = 0.1f * x - 0.05f * y;
      removed[i] = y > 4 && y < 30 && x > 2 && x < 37;
    }
    float[] hidden = image.clone();
    for (int i = 0; i < image.length; i++) {
      hidden[i] = removed[i] ? 1e6f : image[i];
    }
    float[] actual = new NoisyLinearImputer(side, side, 1, removed).impute(hidden);
    for (int i = 0; i < image.length; i++) {
      assertThat(actual[i]).isCloseTo(image[i], within(1e-5f));
    }
  }

  /** Pixels from 0 to 255 are solved for as well: what can be reached is a matter of their size. */
  @ParameterizedTest
  @ValueSource(doubles = {0.1, 0.3, 0.5, 0.7, 0.9})
  void largeValues(double part) {
    int side = 64;
    float[] image = image(side, side);
    float[] large = image.clone();
    for (int i = 0; i < large.length; i++) {
      large[i] *= 250;
    }
    for (String kind : List.of("scattered", "block")) {
      boolean[] removed = mask(kind, part, side, side);
      NoisyLinearImputer imputer = new NoisyLinearImputer(side, side, CHANNELS, removed);
      float[] expected = imputer.impute(image);
      float[] actual = imputer.impute(large);
      assertThat(imputer.iterations()).isLessThan(20);
      for (int i = 0; i < actual.length; i++) {
        assertThat(actual[i] / 250).isCloseTo(expected[i], within(2e-5f));
      }
    }
  }

  @Test
  void nothingAndEverythingRemoved() {
    float[] image = image(5, 7);
    boolean[] none = new boolean[35];
    boolean[] all = new boolean[35];
    Arrays.fill(all, true);
    assertThat(new NoisyLinearImputer(5, 7, CHANNELS, none).impute(image)).isEqualTo(image);
    assertThat(new NoisyLinearImputer(5, 7, CHANNELS, all).impute(image)).containsOnly(0f);
  }

  @Test
  void noiseIsSeededAndOnRemovedPixelsAlone() {
    int side = 100;
    boolean[] removed = mask("scattered", 0.5, side, side);
    NoisyLinearImputer imputer = new NoisyLinearImputer(side, side, 1, removed);
    float[] noise = new float[side * side];
    imputer.addNoise(noise, 7);
    float[] again = new float[side * side];
    imputer.addNoise(again, 7);
    float[] other = new float[side * side];
    imputer.addNoise(other, 8);
    assertThat(again).isEqualTo(noise);
    assertThat(other).isNotEqualTo(noise);
    double squares = 0;
    for (int i = 0; i < noise.length; i++) {
      assertThat(noise[i] == 0).isEqualTo(!removed[i]);
      squares += noise[i] * noise[i];
    }
    // 5000 draws: the deviation is known to 1 %.
    assertThat(Math.sqrt(squares / count(removed))).isCloseTo(0.01, within(0.0005));
  }

  @Test
  void refusesWhatItCannotSolve() {
    assertThatThrownBy(() -> new NoisyLinearImputer(3, 3, 1, new boolean[8]))
        .hasMessageContaining("9 values, got 8");
    boolean[] removed = new boolean[9];
    removed[4] = true;
    NoisyLinearImputer imputer = new NoisyLinearImputer(3, 3, 1, removed);
    assertThatThrownBy(() -> imputer.impute(new float[8])).hasMessageContaining("9 values, got 8");
    float[] damaged = new float[9];
    damaged[1] = Float.NaN;
    assertThatThrownBy(() -> imputer.impute(damaged)).hasMessageContaining("finite");
  }

  private static float[] image(int height, int width) {
    FormulaArrays formula = new FormulaArrays("road");
    float[] image = new float[height * width * CHANNELS];
    for (int i = 0; i < image.length; i++) {
      image[i] = formula.at(i) * 2;
    }
    return image;
  }

  /** As make_road.py's. */
  private static boolean[] mask(String kind, double part, int height, int width) {
    boolean[] removed = new boolean[height * width];
    int count = (int) Math.rint(part * height * width);
    switch (kind) {
      case "scattered" -> {
        FormulaArrays formula = new FormulaArrays("mask");
        List<Integer> order =
            IntStream.range(0, removed.length)
                .boxed()
                .sorted(Comparator.comparing((Integer i) -> -formula.at(i)))
                .toList();
        order.subList(0, count).forEach(i -> removed[i] = true);
      }
      case "rows" -> Arrays.fill(removed, 0, count, true);
      case "inner" -> {
        int side = Math.min((int) Math.sqrt(count), Math.min(height, width) - 2);
        int top = (height - side) / 2;
        int left = (width - side) / 2;
        for (int y = top; y < top + side; y++) {
          Arrays.fill(removed, y * width + left, y * width + left + side, true);
        }
      }
      default -> {
        Arrays.fill(removed, true);
        removed[height / 3 * width + width / 5] = false;
      }
    }
    return removed;
  }

  private static int count(boolean[] mask) {
    return (int) IntStream.range(0, mask.length).filter(i -> mask[i]).count();
  }
}
