package org.ttame.training;

import java.util.SplittableRandom;
import org.ttame.core.Named;

/** The class that each image's map is trained to explain. */
public enum Targets implements Named {
  /** The classifier's own answer: the method. */
  PREDICTED {
    @Override
    int[] of(long seed, long step, int[] predicted) {
      return predicted;
    }
  },
  /**
   * The predictions of a batch shuffled among its images: a control. A mechanism trained so has
   * seen the same images and classes, but not which belong together (Adebayo et al., "Sanity Checks
   * for Saliency Maps", 2018, Section 3.2, with predictions for labels).
   */
  SHUFFLED {
    @Override
    int[] of(long seed, long step, int[] predicted) {
      int[] dealt = predicted.clone();
      SplittableRandom random =
          new SplittableRandom(seed * 0xD1B54A32D192ED03L + step * 0x9E3779B97F4A7C15L);
      for (int i = dealt.length - 1; i > 0; i--) {
        int other = random.nextInt(i + 1);
        int kept = dealt[i];
        dealt[i] = dealt[other];
        dealt[other] = kept;
      }
      return dealt;
    }
  };

  /**
   * B classes, the targets of a step (0 for the first), for the classifier's answers for its B
   * images.
   */
  abstract int[] of(long seed, long step, int[] predicted);

  /**
   * Reads an option's value.
   *
   * @param text the name of one of these
   * @throws IllegalArgumentException if there is none of that name
   */
  public static Targets parse(String text) {
    return Named.parse(Targets.class, "set of targets", text);
  }
}
