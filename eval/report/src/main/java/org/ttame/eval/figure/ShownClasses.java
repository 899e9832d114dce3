package org.ttame.eval.figure;

import java.util.List;

/** Whose maps a figure shows of an image. */
final class ShownClasses {
  /** Of an image of many objects so many are shown. */
  private static final int MOST = 3;

  private ShownClasses() {}

  /**
   * The classes in the order in which they are shown, by the true ones, where they are known, and
   * the classifier's answer.
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
