package org.ttame.eval.road;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.ttame.testing.FormulaArrays;

/** What conjugate gradients ask of a preconditioner. */
class MultigridTest {
  /** Sizes, even and odd, and what part of the pixels is removed; above 1 all but one. */
  static Stream<Arguments> masks() {
    return Stream.of(
        Arguments.of(32, 32, 0.1),
        Arguments.of(32, 32, 0.5),
        Arguments.of(37, 50, 0.9),
        Arguments.of(64, 33, 2.0),
        Arguments.of(3, 4, 0.5));
  }

  @ParameterizedTest
  @MethodSource("masks")
  void isSymmetricAndPositive(int height, int width, double part) {
    MaskedGrid grid = new MaskedGrid(height, width, mask(height, width, part));
    Multigrid multigrid = new Multigrid(grid);
    float[][] u = field(grid, "u");
    float[][] v = field(grid, "v");
    float[][] mu = cycle(grid, multigrid, u);
    float[][] mv = cycle(grid, multigrid, v);
    double uu = dot(u, mu);
    double vv = dot(v, mv);
    assertThat(uu).isPositive();
    assertThat(vv).isPositive();
    assertThat(dot(u, mv)).isCloseTo(dot(v, mu), within(1e-5 * Math.sqrt(uu * vv)));
  }

  /** Of any error a cycle leaves a part, by its energy: none grows. */
  @ParameterizedTest
  @MethodSource("masks")
  void takesOffAPartOfAnyError(int height, int width, double part) {
    MaskedGrid grid = new MaskedGrid(height, width, mask(height, width, part));
    Multigrid multigrid = new Multigrid(grid);
    float[][] error = field(grid, "error");
    double worst = 0;
    // The part that is taken off worst comes to dominate.
    for (int i = 0; i < 30; i++) {
      float[][] image = grid.rows();
      grid.apply(error, GridLevel.NOTHING, image, new float[width + 3]);
      double energy = dot(error, image);
      float[][] correction = cycle(grid, multigrid, image);
      float[][] before = error;
      float[][] left = grid.rows();
      grid.each(
          (y, from, to) -> {
            for (int k = from; k < to; k++) {
              left[y][k] = before[y][k] - correction[y][k];
            }
          });
      grid.apply(left, GridLevel.NOTHING, image, new float[width + 3]);
      double rest = Math.sqrt(dot(left, image));
      worst = Math.max(worst, rest / Math.sqrt(energy));
      if (rest == 0) {
        break;
      }
      grid.each(
          (y, from, to) -> {
            for (int k = from; k < to; k++) {
              left[y][k] /= (float) rest;
            }
          });
      error = left;
    }
    assertThat(worst).isLessThan(0.6);
  }

  private static float[][] cycle(GridLevel grid, Multigrid multigrid, float[][] b) {
    multigrid.cycle(b, grid.sweep(b, multigrid.swept()), GridLevel.NOTHING);
    float[][] copy = grid.rows();
    for (int y = 0; y < copy.length; y++) {
      copy[y] = multigrid.result()[y].clone();
    }
    return copy;
  }

  private static double dot(float[][] a, float[][] b) {
    double sum = 0;
    for (int y = 0; y < a.length; y++) {
      for (int k = 0; k < a[y].length; k++) {
        sum += (double) a[y][k] * b[y][k];
      }
    }
    return sum;
  }

  private static float[][] field(GridLevel grid, String name) {
    FormulaArrays formula = new FormulaArrays(name);
    float[][] values = grid.rows();
    for (int y = 1; y <= grid.height; y++) {
      for (int k = 1; k <= grid.width; k++) {
        values[y][k] = grid.mask[y][k] * formula.at(y * grid.width + k);
      }
    }
    return values;
  }

  private static boolean[] mask(int height, int width, double part) {
    FormulaArrays formula = new FormulaArrays("mask");
    boolean[] removed = new boolean[height * width];
    if (part > 1) {
      Arrays.fill(removed, true);
      removed[removed.length / 3] = false;
      return removed;
    }
    int[] order =
        IntStream.range(0, removed.length)
            .boxed()
            .sorted((i, k) -> Float.compare(formula.at(i), formula.at(k)))
            .mapToInt(Integer::intValue)
            .toArray();
    for (int i = 0; i < part * removed.length; i++) {
      removed[order[i]] = true;
    }
    return removed;
  }
}
