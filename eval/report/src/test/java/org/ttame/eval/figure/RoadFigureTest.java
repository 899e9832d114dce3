package org.ttame.eval.figure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.ttame.core.Text;
import org.ttame.eval.render.ColorMap;

class RoadFigureTest {
  /**
   * The claim of the paper's Fig. 4, on our image: the mean colour shows the mask, ROAD does not.
   */
  @Test
  void theMeanColourShowsTheMaskAndImputationDoesNot() {
    List<RoadFigure.Removal> removals = RoadFigure.removals(42);
    assertThat(removals).hasSize(3);
    for (RoadFigure.Removal removal : removals) {
      assertThat(removal.step(removal.imputed()))
          .as("at %s %%", removal.percent())
          .isLessThan(removal.step(removal.mean()) / 10);
    }
  }

  @Test
  void keptPixelsStayAndRemovedOnesBecomeOneColour() {
    float[] image = RoadFigure.SyntheticScene.image();
    for (RoadFigure.Removal removal : RoadFigure.removals(42)) {
      int wrong = 0;
      int count = 0;
      float[] mean = new float[3];
      for (int i = 0; i < image.length; i++) {
        if (removal.removed()[i / 3]) {
          mean[i % 3] = count < 3 ? removal.mean()[i] : mean[i % 3];
          wrong += removal.mean()[i] == mean[i % 3] ? 0 : 1;
          count++;
        } else {
          wrong += removal.mean()[i] == image[i] ? 0 : 1;
          wrong += Math.abs(removal.imputed()[i] - image[i]) < 1e-6 ? 0 : 1;
        }
      }
      assertThat(wrong).isZero();
      assertThat(count).isEqualTo(3 * (int) Math.round(224 * 224 * removal.percent() / 100));
    }
  }

  @Test
  void theCaptionStatesWhatWasMeasured() {
    Figure figure = RoadFigure.draw(42, ColorMap.VIRIDIS);
    for (RoadFigure.Removal removal : RoadFigure.removals(42)) {
      assertThat(figure.caption())
          .contains(
              Text.format(
                  "at %.0f %% %.4f in the mean colour, %.4f imputed",
                  removal.percent(),
                  removal.step(removal.mean()),
                  removal.step(removal.imputed())));
    }
    assertThat(figure.sheet().pictures()).isEqualTo(11);
  }

  /** Two removed pixels in the corner of 2×2: by hand. */
  @Test
  void theStepIsTheMeanOverPairsOfNeighbours() {
    float[] image = new float[12];
    image[0] = 0.9f; // red of the first pixel
    boolean[] removed = {true, false, true, false};
    assertThat(RoadFigure.MaskOutline.step(image, removed, 2)).isCloseTo(0.9 / 3 / 2, within(1e-7));
    assertThatThrownBy(() -> RoadFigure.MaskOutline.step(image, new boolean[4], 2))
        .hasMessageContaining("no outline");
  }
}
