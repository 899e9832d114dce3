package org.ttame.eval.explain;

/** How much a channel counts, from its activations and the class's gradients there. */
enum GradientWeights {
  /** Grad-CAM: the mean gradient (Selvaraju et al. 2017). */
  MEAN {
    @Override
    double weight(float[] activations, float[] gradients, int channel, int channels) {
      double sum = 0;
      for (int i = channel; i < gradients.length; i += channels) {
        sum += gradients[i];
      }
      return sum * channels / gradients.length;
    }
  },

  /**
   * Grad-CAM++: Σ α·relu(g) with α = g²/(2g² + ΣA·g³ + 1e-6), 0 where g is (Chattopadhay et al.
   * 2018).
   */
  PLUS_PLUS {
    @Override
    double weight(float[] activations, float[] gradients, int channel, int channels) {
      double total = 0;
      for (int i = channel; i < activations.length; i += channels) {
        total += activations[i];
      }
      double sum = 0;
      for (int i = channel; i < gradients.length; i += channels) {
        double g = gradients[i];
        if (g > 0) {
          sum += g * (g * g / (2 * g * g + total * g * g * g + 1e-6));
        }
      }
      return sum;
    }
  };

  /**
   * The weight of a channel.
   *
   * @param activations A, {@code [h·w, C]}
   * @param gradients g, of the same shape
   * @param channel c
   * @param channels C
   */
  abstract double weight(float[] activations, float[] gradients, int channel, int channels);
}
