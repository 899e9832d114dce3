package org.ttame.eval.explain;

import static org.assertj.core.api.Assertions.assertThat;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.testing.FormulaArrays;

/** The inputs of make_methods.py, and how far maps are from its. */
final class MapAgreement {
  private MapAgreement() {}

  /** Coarse blocks with noise, standardised values, {@code [B, S, S, 3]}. */
  static INDArray images(int count, int side, int block) {
    FormulaArrays blocks = new FormulaArrays("cam");
    FormulaArrays noise = new FormulaArrays("cam-noise");
    int coarse = side / block;
    float[] values = new float[count * side * side * 3];
    for (int b = 0, at = 0; b < count; b++) {
      for (int y = 0; y < side; y++) {
        for (int x = 0; x < side; x++) {
          for (int c = 0; c < 3; c++) {
            int plane = b * 3 + c;
            float value = blocks.at(((long) plane * coarse + y / block) * coarse + x / block);
            values[at++] = value + 0.3f * noise.at(((long) plane * side + y) * side + x);
          }
        }
      }
    }
    return Nd4j.create(values, new long[] {count, side, side, 3}, 'c');
  }

  /** The largest difference at the places that the golden maps, {@code [B, n, n]}, keep. */
  static double worst(SaliencyMaps maps, INDArray golden) {
    int kept = (int) golden.size(1);
    int every = maps.height() / kept;
    assertThat(golden.shape()).containsExactly(maps.size(), kept, kept);
    assertThat(every * kept).isEqualTo(maps.height());
    double worst = 0;
    for (int b = 0; b < maps.size(); b++) {
      for (int y = 0; y < kept; y++) {
        for (int x = 0; x < kept; x++) {
          double actual = maps.map(b)[y * every * maps.width() + x * every];
          worst = Math.max(worst, Math.abs(actual - golden.getDouble(b, y, x)));
        }
      }
    }
    return worst;
  }
}
