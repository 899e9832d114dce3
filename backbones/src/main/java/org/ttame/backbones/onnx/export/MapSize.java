package org.ttame.backbones.onnx.export;

import org.ttame.core.attention.Upsampling;

/** Height and width of a map. */
record MapSize(int height, int width) {
  /** The matrix that brings rows to another height, {@code [to, from]}. */
  float[] rowsTo(MapSize other) {
    double[][] weights = Upsampling.weights(height, other.height);
    float[] matrix = new float[height * other.height];
    for (int i = 0; i < matrix.length; i++) {
      matrix[i] = (float) weights[i / height][i % height];
    }
    return matrix;
  }

  /** The matrix that brings columns to another width, {@code [from, to]}. */
  float[] columnsTo(MapSize other) {
    double[][] weights = Upsampling.weights(width, other.width);
    float[] matrix = new float[width * other.width];
    for (int i = 0; i < matrix.length; i++) {
      matrix[i] = (float) weights[i % other.width][i / other.width];
    }
    return matrix;
  }
}
