package org.ttame.core.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

class PreprocessingTest {
  private final Preprocessing preprocessing = new Preprocessing(InputSpec.imageNet(56));

  @Test
  void unitImagesAreTheCropDividedBy255() {
    RgbImage image = Goldens.picture(91, 70);
    CropPlan plan = preprocessing.testPlan(image);
    // 70 → 64, 91 → int(64·91/70) = 83; (83−56)/2 = 13.5 → 14, (64−56)/2 = 4.
    assertThat(plan).isEqualTo(new CropPlan(91, 70, 83, 64, 14, 4, 56, false));
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
    assertThat(CropPlan.centre(71, 64, 64, 56).left()).isEqualTo(8); // 7.5
    assertThat(CropPlan.centre(69, 64, 64, 56).left()).isEqualTo(6); // 6.5
    assertThat(CropPlan.centre(64, 67, 64, 56).top()).isEqualTo(6); // 5.5
  }

  @Test
  void standardisingIsMeanAndStdByChannel() {
    float[] unit = {0.485f, 0.456f, 0.406f, 1, 0, 0.5f};
    preprocessing.standardise(unit);
    assertThat(unit[0]).isZero();
    assertThat(unit[1]).isZero();
    assertThat(unit[2]).isZero();
    assertThat(unit[3]).isCloseTo((1 - 0.485f) / 0.229f, within(1e-6f));
    assertThat(unit[4]).isCloseTo(-0.456f / 0.224f, within(1e-6f));
    assertThat(unit[5]).isCloseTo((0.5f - 0.406f) / 0.225f, within(1e-6f));
  }

  @Test
  void aBatchKeepsLayoutAndValues() {
    RgbImage a = Goldens.picture(80, 60);
    RgbImage b = Goldens.picture(60, 100);
    try (INDArray batch = preprocessing.testBatch(List.of(a, b))) {
      assertThat(batch.shape()).containsExactly(2, 56, 56, 3);
      assertThat(batch.dataType()).isEqualTo(DataType.FLOAT);
      RgbImage crop = preprocessing.testPlan(b).apply(b);
      int rgb = crop.rgb(13, 40);
      assertThat(batch.getFloat(1, 40, 13, 0)).isEqualTo((rgb >> 16) / 255f);
      assertThat(batch.getFloat(1, 40, 13, 1)).isEqualTo((rgb >> 8 & 0xFF) / 255f);
      assertThat(batch.getFloat(1, 40, 13, 2)).isEqualTo((rgb & 0xFF) / 255f);
    }
  }

  @Test
  void theBatchDoesNotShareTheFloats() {
    float[] data = new float[preprocessing.length()];
    try (INDArray batch = preprocessing.batch(data)) {
      data[0] = 5;
      assertThat(batch.getFloat(0, 0, 0, 0)).isZero();
    }
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
    RgbImage plain = new CropPlan(75, 64, 75, 64, 3, 2, 56, false).apply(image);
    RgbImage mirrored = new CropPlan(75, 64, 75, 64, 3, 2, 56, true).apply(image);
    for (int x = 0; x < 56; x++) {
      assertThat(mirrored.rgb(x, 11)).isEqualTo(plain.rgb(55 - x, 11));
    }
  }

  @Test
  void boxesMoveWithTheCrop() {
    CropPlan plan = new CropPlan(200, 100, 128, 64, 30, 4, 56, false);
    assertThat(plan.mapX(50)).isEqualTo(2);
    assertThat(plan.mapY(25)).isEqualTo(12);
    CropPlan mirrored = new CropPlan(200, 100, 128, 64, 30, 4, 56, true);
    assertThat(mirrored.mapX(50)).isEqualTo(54);
  }

  @Test
  void sidesOtherThan224AreResizedInProportion() {
    assertThat(InputSpec.imageNet(224).resizeSide()).isEqualTo(256);
    assertThat(InputSpec.imageNet(64).resizeSide()).isEqualTo(73);
    RgbImage image = Goldens.picture(80, 80);
    Preprocessing sixtyFour = new Preprocessing(InputSpec.imageNet(64));
    // (73 − 64)/2 = 4.5 → 4.
    assertThat(sixtyFour.testPlan(image)).isEqualTo(new CropPlan(80, 80, 73, 73, 4, 4, 64, false));
  }

  @Test
  void refusesWhatDoesNotFit() {
    RgbImage image = Goldens.picture(80, 80);
    CropPlan other = CropPlan.centre(80, 80, 256, 224);
    assertThatThrownBy(() -> preprocessing.write(image, other, new float[999_999], 0))
        .hasMessageContaining("56×56")
        .hasMessageContaining("224×224");
    CropPlan plan = preprocessing.testPlan(image);
    assertThatThrownBy(() -> preprocessing.write(image, plan, new float[10], 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> plan.apply(Goldens.picture(80, 81))).hasMessageContaining("80×81");
    assertThatThrownBy(() -> preprocessing.batch(new float[10])).hasMessageContaining("got 10");
  }
}
