package org.ttame.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.nd4j.linalg.indexing.NDArrayIndex.all;
import static org.nd4j.linalg.indexing.NDArrayIndex.point;

import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.core.attention.Variant;
import org.ttame.core.classifier.FrozenClassifier;

class TargetsTest {
  private static final int[] ANSWERS = {3, 1, 4, 1, 5, 9, 2, 6};

  @Test
  void shufflingDealsOutTheSameClassesAnewAtEveryStep() {
    int[] first = Targets.SHUFFLED.of(42, 0, ANSWERS);
    assertThat(first).containsExactlyInAnyOrder(ANSWERS).isNotEqualTo(ANSWERS);
    assertThat(Targets.SHUFFLED.of(42, 0, ANSWERS)).isEqualTo(first);
    assertThat(Targets.SHUFFLED.of(42, 1, ANSWERS)).isNotEqualTo(first);
    assertThat(Targets.SHUFFLED.of(43, 0, ANSWERS)).isNotEqualTo(first);
    assertThat(Targets.PREDICTED.of(42, 0, ANSWERS)).isEqualTo(ANSWERS);
    assertThat(ANSWERS).containsExactly(3, 1, 4, 1, 5, 9, 2, 6);
  }

  @Test
  void onlyTheControlIsWrittenDown() {
    TrainingOptions usual = TrainingOptions.defaults();
    assertThat(usual.toProperties().stringPropertyNames()).doesNotContain("targets");
    TrainingOptions control = usual.toBuilder().targets(Targets.SHUFFLED).build();
    assertThat(TrainingOptions.of(control.toProperties())).isEqualTo(control);
    assertThat(control.toProperties().getProperty("targets")).isEqualTo("shuffled");
    assertThatThrownBy(() -> Targets.parse("labels")).hasMessageContaining("predicted, shuffled");
  }

  @Test
  void aMechanismTrainedOnShuffledAnswersIsAnother() {
    try (FrozenClassifier classifier = Fixtures.classifier();
        AttentionMechanism usual = mechanism(classifier);
        AttentionMechanism control = mechanism(classifier)) {
      double own = train(classifier, usual, Targets.PREDICTED);
      double dealt = train(classifier, control, Targets.SHUFFLED);
      assertThat(control.parameters().get("fusion.weight"))
          .isNotEqualTo(usual.parameters().get("fusion.weight"));
      // The classifier's own answers fit its images better than dealt ones.
      assertThat(own).isLessThan(dealt);
    }
  }

  private static AttentionMechanism mechanism(FrozenClassifier classifier) {
    return AttentionMechanism.create(
        AttentionSpec.of(classifier.defaultLayers(), Fixtures.CLASSES, Variant.PROPOSED), 1);
  }

  /** The cross-entropy of the last step. */
  private static double train(
      FrozenClassifier classifier, AttentionMechanism mechanism, Targets targets) {
    TrainingOptions options = TrainingOptions.builder().maxLr(0.05).targets(targets).build();
    double last = Double.NaN;
    try (INDArray images = colours();
        Trainer trainer = new Trainer(classifier, mechanism, options, 20)) {
      for (int step = 0; step < 20; step++) {
        last = trainer.step(step, images).ce();
      }
    }
    return last;
  }

  /** Eight images of one colour each, so that the classifier answers differently. */
  private static INDArray colours() {
    INDArray images = Fixtures.noise(8, 4);
    for (int b = 0; b < 8; b++) {
      for (int channel = 0; channel < 3; channel++) {
        double share = channel == b % 3 ? 1 : 0.05 * b;
        images.get(point(b), all(), all(), point(channel)).muli(share);
      }
    }
    return images;
  }
}
