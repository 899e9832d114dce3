package org.ttame.eval.figure;

import java.util.List;

/** Whose maps a figure shows of an image. */
final class ShownClasses {
  /** Of an image of many objects so many are shown. */
  private static final int MOST = 3;

  private ShownClasses() {}

  /**
   * The classes, in the order in which they are shown.
   *
   * @param kind the figure
   * @param truth the image's true classes; empty where they are not known
   * @param answer the classifier's
   */
  static List<Integer> of(FigureKind kind, List<Integer> truth, Prediction answer) {
    return switch (kind) {
      case BACKBONES, METHODS -> List.of(answer.predicted());
      case SEVERAL_CLASSES -> truth.subList(0, Math.min(MOST, truth.size()));
      case WRONG_CLASS, MISCLASSIFIED -> {
        List<Integer> known = SceneSelection.truth(truth, answer);
        yield List.of(answer.mostProbable(known), answer.mostProbableBeside(known));
      }
      case ROAD -> List.of();
    };
  }
}
