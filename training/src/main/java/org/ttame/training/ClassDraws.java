package org.ttame.training;

import java.util.List;
import org.ttame.core.Text;
import org.ttame.core.loss.ClassSampler;

/**
 * Where the classes Ψ of a step come from: drawn, or given, so that a trajectory can be compared
 * with another program's.
 */
@FunctionalInterface
public interface ClassDraws {
  /**
   * The classes whose maps enter the loss of a step.
   *
   * @param step 0 for the first step of the run
   * @param predicted the predicted class of each of B images
   * @return B rows of M classes, each image's own class first
   */
  int[][] draw(long step, int[] predicted);

  /**
   * The classes of a worker's share of a step.
   *
   * @param step 0 for the first step of the run
   * @param epoch 0 for the first
   * @param images the places of the share's images in their list
   * @param predicted the predicted class of each of B images
   * @return B rows of M classes, each image's own class first
   */
  default int[][] draw(long step, long epoch, List<Integer> images, int[] predicted) {
    return draw(step, predicted);
  }

  /**
   * Draws as the loss says, by the seed.
   *
   * @param options which loss and seed
   * @param classes K
   */
  static ClassDraws of(TrainingOptions options, int classes) {
    ClassSampler sampler =
        new ClassSampler(options.trainer().loss().mode(), classes, options.seed());
    return new ClassDraws() {
      @Override
      public int[][] draw(long step, int[] predicted) {
        return sampler.draw(predicted, step);
      }

      @Override
      public int[][] draw(long step, long epoch, List<Integer> images, int[] predicted) {
        return sampler.draw(predicted, epoch, images);
      }
    };
  }

  /**
   * Gives recorded classes.
   *
   * @param recorded one entry a step, from step 0
   */
  static ClassDraws recorded(List<int[][]> recorded) {
    return (step, predicted) -> {
      if (step >= recorded.size()) {
        throw new IllegalArgumentException(
            Text.format(
                "Classes are recorded for %d steps, there are none for step %d",
                recorded.size(), step + 1));
      }
      int[][] psi = recorded.get((int) step);
      if (psi.length != predicted.length) {
        throw new IllegalArgumentException(
            Text.format(
                "Step %d has %d images, its recorded classes are for %d",
                step + 1, predicted.length, psi.length));
      }
      for (int image = 0; image < psi.length; image++) {
        if (psi[image].length == 0 || psi[image][0] != predicted[image]) {
          throw new IllegalArgumentException(
              Text.format(
                  "Image %d of step %d is predicted as class %d, its recorded classes begin otherwise",
                  image + 1, step + 1, predicted[image]));
        }
      }
      return psi;
    };
  }
}
