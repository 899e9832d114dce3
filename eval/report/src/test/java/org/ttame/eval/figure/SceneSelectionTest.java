package org.ttame.eval.figure;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SceneSelectionTest {
  private static final Prediction SURE = new Prediction(new double[] {0.97, 0.02, 0.01});
  private static final Prediction TORN = new Prediction(new double[] {0.50, 0.30, 0.20});

  private static SceneSelection of(FigureKind kind, int shown, boolean truthKnown) {
    return new SceneSelection(EnumSet.of(kind), shown, 10, truthKnown);
  }

  @Test
  void someAreSpreadEvenlyOverTheList() {
    SceneSelection selection = of(FigureKind.BACKBONES, 4, true);
    assertThat(selection.isComplete()).isTrue();
    assertThat(selection.places(FigureKind.BACKBONES)).containsExactly(0, 2, 5, 7);
    assertThat(of(FigureKind.METHODS, 20, true).places(FigureKind.METHODS)).hasSize(10);
  }

  @Test
  void mistakesAreTheFirstInOrder() {
    SceneSelection selection = of(FigureKind.MISCLASSIFIED, 2, true);
    selection.offer(0, List.of(0), TORN);
    selection.offer(1, List.of(1), TORN);
    selection.offer(3, List.of(), TORN);
    assertThat(selection.isComplete()).isFalse();
    selection.offer(4, List.of(1, 2), SURE);
    assertThat(selection.isComplete()).isTrue();
    selection.offer(5, List.of(2), SURE);
    assertThat(selection.places(FigureKind.MISCLASSIFIED)).containsExactly(1, 4);
  }

  @Test
  void aFalseClassMustBeNotableAndTheAnswerRight() {
    SceneSelection selection = of(FigureKind.WRONG_CLASS, 5, true);
    selection.offer(0, List.of(0), SURE);
    selection.offer(1, List.of(0), TORN);
    selection.offer(2, List.of(1), TORN);
    selection.offer(3, List.of(0, 1), TORN);
    selection.offer(4, List.of(), TORN);
    assertThat(selection.places(FigureKind.WRONG_CLASS)).containsExactly(1, 3);
    assertThat(SceneSelection.classes(FigureKind.WRONG_CLASS, List.of(0), TORN))
        .containsExactly(0, 1);
    assertThat(SceneSelection.classes(FigureKind.WRONG_CLASS, List.of(1, 0), TORN))
        .containsExactly(0, 2);
    assertThat(SceneSelection.classes(FigureKind.MISCLASSIFIED, List.of(2), TORN))
        .containsExactly(2, 0);
  }

  @Test
  void whereNoTruthIsKnownTheAnswerStandsForIt() {
    SceneSelection selection = of(FigureKind.WRONG_CLASS, 1, false);
    selection.offer(0, List.of(), SURE);
    selection.offer(1, List.of(), TORN);
    assertThat(selection.places(FigureKind.WRONG_CLASS)).containsExactly(1);
    assertThat(selection.rule(FigureKind.WRONG_CLASS, "vgg")).startsWith("No true class is known");
    assertThat(of(FigureKind.MISCLASSIFIED, 1, false).isComplete()).isTrue();
    assertThat(of(FigureKind.SEVERAL_CLASSES, 1, false).absence(FigureKind.SEVERAL_CLASSES, "vgg"))
        .contains("give labels or a table of boxes");
  }

  @Test
  void severalClassesAreTheTrueOnes() {
    SceneSelection selection = of(FigureKind.SEVERAL_CLASSES, 5, true);
    selection.offer(0, List.of(1), TORN);
    selection.offer(1, List.of(2, 1), SURE);
    assertThat(selection.places(FigureKind.SEVERAL_CLASSES)).containsExactly(1);
    assertThat(SceneSelection.classes(FigureKind.SEVERAL_CLASSES, List.of(2, 1), SURE))
        .containsExactly(2, 1);
  }

  @Test
  void whatWasSeenToBeUnreadableIsNotOpenedAgain() {
    SceneSelection selection =
        new SceneSelection(Set.of(FigureKind.METHODS, FigureKind.SEVERAL_CLASSES), 5, 10, true);
    selection.offer(1, List.of(0, 1), SURE);
    selection.offer(4, List.of(0), SURE);
    selection.leaveOut(0);
    selection.leaveOut(2);
    // Spread: 0, 2, 4, 6, 8.
    assertThat(selection.places()).containsExactly(1, 4, 6, 8);
  }
}
