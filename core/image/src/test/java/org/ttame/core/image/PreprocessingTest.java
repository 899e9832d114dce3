package org.ttame.core.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class PreprocessingTest {
  private final Preprocessing preprocessing = new Preprocessing(InputSpec.imageNet(56));

  @Test
  void unitImagesAreTheCropDividedBy255() {
    RgbImage image = Goldens.picture(91, 70);
    CropPlan plan = preprocessing.testPlan(image);
    // 70 → 64, 91 → int(64·91/70) = 83; (83−56)/2 = 13.5 → 14, (64−56)/2 = 4.
    assertThat(plan).isEqualTo(new CropPlan(91, 70, 83, 64, 14, 4, 56, 56, false));
    float[] target = new float[preprocessing.length() + 7];
    target[4] = -1;
    preprocessing.write(image, plan, target, 5);
    byte[] samples = plan.apply(image).samples();
    for (int i = 0; i < samples.length; i++) {
      assertThat(target[5 + i]).isEqualTo((samples[i] & 0xFF) / 255f);
    }
    assertThat(target[4]).isEqualTo(-1);
    assertThat(target[target.length - 1]).isZero();
  }

  @Test
  void offsetsRoundHalvesToEven() {
    assertThat(CropPlan.centre(71, 64, InputSpec.imageNet(56)).left()).isEqualTo(8); // 7.5
    assertThat(CropPlan.centre(69, 64, InputSpec.imageNet(56)).left()).isEqualTo(6); // 6.5
    assertThat(CropPlan.centre(64, 67, InputSpec.imageNet(56)).top()).isEqualTo(6); // 5.5
  }

  @Test
  void randomCropsReachEveryOffsetAndRepeatWithTheSeed() {
    RgbImage image = Goldens.picture(75, 64);
    SplittableRandom random = new SplittableRandom(1);
    int[] left = new int[20];
    int[] top = new int[9];
    int mirrored = 0;
    int draws = 6000;
    for (int i = 0; i < draws; i++) {
      CropPlan plan = preprocessing.trainingPlan(image, true, random);
      left[plan.left()]++;
      top[plan.top()]++;
      mirrored += plan.mirrored() ? 1 : 0;
    }
    // Five standard deviations.
    assertThat(Arrays.stream(left).boxed())
        .allSatisfy(n -> assertThat(n).isCloseTo(draws / 20, within(85)));
    assertThat(Arrays.stream(top).boxed())
        .allSatisfy(n -> assertThat(n).isCloseTo(draws / 9, within(122)));
    assertThat(mirrored).isCloseTo(draws / 2, within(194));
    assertThat(preprocessing.trainingPlan(image, true, new SplittableRandom(9)))
        .isEqualTo(preprocessing.trainingPlan(image, true, new SplittableRandom(9)));
  }

  @Test
  void aMirroredCropIsTheCropBackwards() {
    RgbImage image = Goldens.picture(75, 64);
    RgbImage plain = new CropPlan(75, 64, 75, 64, 3, 2, 56, 56, false).apply(image);
    RgbImage mirrored = new CropPlan(75, 64, 75, 64, 3, 2, 56, 56, true).apply(image);
    for (int x = 0; x < 56; x++) {
      assertThat(mirrored.rgb(x, 11)).isEqualTo(plain.rgb(55 - x, 11));
    }
  }

  @Test
  void boxesMoveWithTheCrop() {
    CropPlan plan = new CropPlan(200, 100, 128, 64, 30, 4, 56, 56, false);
    assertThat(plan.mapX(50)).isEqualTo(2);
    assertThat(plan.mapY(25)).isEqualTo(12);
    CropPlan mirrored = new CropPlan(200, 100, 128, 64, 30, 4, 56, 56, true);
    assertThat(mirrored.mapX(50)).isEqualTo(54);
  }

  @Test
  void sidesOtherThan224AreResizedInProportion() {
    assertThat(InputSpec.enlarged(224)).isEqualTo(256);
    assertThat(InputSpec.enlarged(64)).isEqualTo(73);
    RgbImage image = Goldens.picture(80, 80);
    Preprocessing sixtyFour = new Preprocessing(InputSpec.imageNet(64));
    // (73 − 64)/2 = 4.5 → 4.
    assertThat(sixtyFour.testPlan(image))
        .isEqualTo(new CropPlan(80, 80, 73, 73, 4, 4, 64, 64, false));
  }

  @Test
  void aTrainingWindowOfALetterboxLiesOnItsEnlargedCanvas() {
    RgbImage image = Goldens.picture(90, 45);
    InputSpec spec = InputSpec.imageNet(56).withResize(ResizeRule.LETTERBOX);
    Preprocessing letterbox = new Preprocessing(spec);
    SplittableRandom random = new SplittableRandom(4);
    int lowest = Integer.MAX_VALUE;
    int highest = Integer.MIN_VALUE;
    for (int i = 0; i < 500; i++) {
      CropPlan plan = letterbox.trainingPlan(image, false, random);
      assertThat(plan.resizedWidth()).isEqualTo(64);
      assertThat(plan.resizedHeight()).isEqualTo(32);
      assertThat(plan.left()).isBetween(0, 8);
      lowest = Math.min(lowest, plan.top());
      highest = Math.max(highest, plan.top());
    }
    // 16 grey rows above the picture, and 8 of the canvas's 64 rows to choose from.
    assertThat(lowest).isEqualTo(-16);
    assertThat(highest).isEqualTo(-8);
    byte[] samples = new CropPlan(90, 45, 64, 32, 4, -12, 56, 56, false).apply(image).samples();
    assertThat(Arrays.copyOf(samples, 3 * 12 * 56)).containsOnly(CropPlan.GROUND);
  }

  @Test
  void refusesWhatDoesNotFit() {
    RgbImage image = Goldens.picture(80, 80);
    CropPlan other = CropPlan.centre(80, 80, InputSpec.imageNet(224));
    assertThatThrownBy(() -> preprocessing.write(image, other, new float[999_999], 0))
        .hasMessageContaining("56×56")
        .hasMessageContaining("224×224");
    CropPlan plan = preprocessing.testPlan(image);
    assertThatThrownBy(() -> preprocessing.write(image, plan, new float[10], 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> plan.apply(Goldens.picture(80, 81))).hasMessageContaining("80×81");
    InputSpec four = new InputSpec(56, List.of(0.0, 0.0, 0.0, 0.0), List.of(1.0, 1.0, 1.0, 1.0));
    assertThatThrownBy(() -> new Preprocessing(four))
        .hasMessageContaining("4 channels")
        .hasMessageContaining("Java API");
    assertThat(Preprocessing.takesPictures(four)).isFalse();
  }
}
