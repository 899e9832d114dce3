package org.ttame.eval.explain;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class BilinearPlaneTest {
  /** What is linear stays so between centres, and goes on as the outermost value beyond them. */
  @Test
  void readsARamp() {
    float[] plane = new float[12]; // 3 rows of 4: 10·row + column, behind two other values
    float[] stored = new float[plane.length + 2];
    for (int i = 0; i < plane.length; i++) {
      stored[i + 2] = 10 * (i / 4) + i % 4;
    }
    double[] rows = {-0.5, 0, 0.25, 1.5, 2, 2.75};
    double[] columns = {-2, 0, 0.5, 2.125, 3, 7};
    float[] out = new float[rows.length * columns.length + 1];
    new BilinearPlane(3, 4, rows, columns).read(stored, 2, out, 1);
    assertThat(out[0]).isZero();
    for (int y = 0; y < rows.length; y++) {
      for (int x = 0; x < columns.length; x++) {
        double row = Math.min(Math.max(rows[y], 0), 2);
        double column = Math.min(Math.max(columns[x], 0), 3);
        assertThat(out[1 + y * columns.length + x]).isEqualTo((float) (10 * row + column));
      }
    }
  }

  @Test
  void aSingleValueIsEverywhere() {
    float[] out = new float[4];
    new BilinearPlane(1, 1, new double[] {-1, 3}, new double[] {0, 0.5})
        .read(new float[] {7}, 0, out, 0);
    assertThat(out).containsOnly(7f);
  }
}
