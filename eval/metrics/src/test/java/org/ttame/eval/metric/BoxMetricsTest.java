package org.ttame.eval.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

/** The pointing game and the energy inside the box, on 4×4 maps by hand. */
class BoxMetricsTest {
  private static final Box LEFT = new Box(1, 0, 0, 2, 4);
  private static final Box RIGHT_OF_OTHER = new Box(2, 2, 0, 4, 4);

  @Test
  void hitsWhereThePeakIsInABoxOfTheExplainedClass() {
    float[] map = new float[16];
    map[5] = 0.9f; // column 1, row 1
    map[7] = 0.8f; // column 3, row 1
    assertThat(point(map, 1, LEFT, RIGHT_OF_OTHER)).isEqualTo(100);
    assertThat(point(map, 2, LEFT, RIGHT_OF_OTHER)).isZero();
    map[7] = 1;
    assertThat(point(map, 1, LEFT, RIGHT_OF_OTHER)).isZero();
    assertThat(point(map, 1, LEFT, new Box(1, 3, 1, 4, 2))).isEqualTo(100);
  }

  @Test
  void takesTheFirstOfEqualPeaks() {
    float[] map = new float[16];
    map[3] = 1;
    map[4] = 1;
    assertThat(point(map, 1, LEFT)).isZero();
    assertThat(point(new float[16], 1, LEFT)).isEqualTo(100);
  }

  @Test
  void leavesOutImagesWithoutABoxOfTheClass() {
    assertThat(point(new float[16], 3, LEFT, RIGHT_OF_OTHER)).isNaN();
    assertThat(energy(new float[16], 3, LEFT)).isNaN();
  }

  @Test
  void boxesHoldThePixelsWhoseCentresTheyHold() {
    Box box = new Box(0, 0.5, 0, 2.5, 1);
    assertThat(box.contains(0, 0)).isTrue();
    assertThat(box.contains(1, 0)).isTrue();
    assertThat(box.contains(2, 0)).isFalse();
    assertThat(box.contains(1, 1)).isFalse();
    assertThatThrownBy(() -> new Box(0, 2, 0, 2, 1)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aBoxIsInSightIfItHoldsAPixelOfTheImage() {
    assertThat(new Box(0, -9, -9, 0.6, 0.6).isInSight(4, 4)).isTrue();
    assertThat(new Box(0, -9, -9, 0.5, 9).isInSight(4, 4)).isFalse();
    assertThat(new Box(0, 3.5, 0, 9, 9).isInSight(4, 4)).isTrue();
    assertThat(new Box(0, 3.6, 0, 9, 9).isInSight(4, 4)).isFalse();
    assertThat(new Box(0, 0, -3, 4, -1).isInSight(4, 4)).isFalse();
    assertThat(new Box(0, 1.6, 0, 2.4, 4).isInSight(4, 4)).isFalse();
  }

  @Test
  void energyIsTheShareInsideCountedOnce() {
    float[] map = new float[16];
    map[0] = 3;
    map[2] = 1;
    assertThat(energy(map, 1, LEFT)).isCloseTo(75, within(1e-9));
    // Overlapping boxes do not count a pixel twice.
    assertThat(energy(map, 1, LEFT, new Box(1, 0, 0, 1, 1))).isCloseTo(75, within(1e-9));
    assertThat(energy(new float[16], 1, LEFT)).isZero();
  }

  private static double point(float[] map, int explained, Box... boxes) {
    return new PointingGame().score(batch(map, explained, boxes))[0][0];
  }

  private static double energy(float[] map, int explained, Box... boxes) {
    return new BoxEnergy().score(batch(map, explained, boxes))[0][0];
  }

  private static ScoringBatch batch(float[] map, int explained, Box... boxes) {
    ImageBatch images = new ImageBatch(List.of("a"), 4, new float[48], List.of(List.of(boxes)));
    return new ScoringBatch(images, new int[] {explained}, new double[] {0.5}, new float[][] {map});
  }
}
