package org.ttame.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.core.attention.Variant;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.NonFiniteException;

class TrainerTest {
  private static final TrainingOptions OPTIONS = TrainingOptions.builder().maxLr(0.05).build();

  private FrozenClassifier classifier;
  private AttentionMechanism mechanism;

  @BeforeEach
  void setUp() {
    classifier = Fixtures.classifier();
    mechanism =
        AttentionMechanism.create(
            AttentionSpec.of(classifier.defaultLayers(), Fixtures.CLASSES, Variant.PROPOSED), 1);
  }

  @AfterEach
  void tearDown() {
    mechanism.close();
    classifier.close();
  }

  @Test
  void theLossFallsAndTheClassifierStaysAsItWas() {
    List<Double> losses = new ArrayList<>();
    try (INDArray images = Fixtures.noise(6, 1);
        Trainer trainer = new Trainer(classifier, mechanism, OPTIONS, 60);
        INDArray before = logits(images)) {
      for (int step = 0; step < 60; step++) {
        losses.add(trainer.step(step, images).loss());
      }
      try (INDArray after = logits(images)) {
        assertThat(after).isEqualTo(before);
      }
    }
    assertThat(mean(losses.subList(50, 60))).isLessThan(0.9 * mean(losses.subList(0, 5)));
  }

  @Test
  void trainsOnAnIteratorOfBatchesAndClosesThem() {
    List<INDArray> batches =
        new ArrayList<>(Stream.of(4, 4, 1, 4).map(b -> Fixtures.noise(b, b)).toList());
    try (INDArray before = mechanism.parameters().get("fusion.weight").dup();
        Trainer trainer = new Trainer(classifier, mechanism, OPTIONS, 3)) {
      trainer.train(batches.iterator());
      assertThat(mechanism.parameters().get("fusion.weight")).isNotEqualTo(before);
    }
    // The schedule spans three steps: the fourth batch is not taken.
    assertThat(batches.subList(0, 3)).allMatch(INDArray::wasClosed);
    assertThat(batches.get(3).wasClosed()).isFalse();
    batches.get(3).close();
    assertThat(classifier.passes().forward()).isEqualTo(2 * (4 + 4 + 1));
    assertThat(classifier.passes().backward()).isEqualTo(4 + 4 + 1);
  }

  @Test
  void aBatchOfOneImageHasFiniteStatistics() {
    try (INDArray image = Fixtures.noise(1, 2);
        Trainer trainer = new Trainer(classifier, mechanism, OPTIONS, 5)) {
      for (int step = 0; step < 5; step++) {
        assertThat(trainer.step(step, image).loss()).isFinite();
      }
    }
    mechanism
        .statistics()
        .forEach((name, array) -> assertThat(array.sumNumber().doubleValue()).as(name).isFinite());
  }

  @Test
  void aDivergedStepChangesNothing() {
    try (INDArray images = Fixtures.noise(2, 3);
        INDArray before = mechanism.parameters().get("fusion.weight").dup();
        Trainer trainer = new Trainer(classifier, mechanism, OPTIONS, 5)) {
      mechanism.parameters().get("fusion.bias").assign(Float.NaN);
      assertThatThrownBy(() -> trainer.step(2, images))
          .isInstanceOf(DivergenceException.class)
          .hasMessageContaining("step 3")
          .hasMessageContaining("option 'max-lr'");
      assertThat(mechanism.parameters().get("fusion.weight")).isEqualTo(before);
      assertThat(trainer.velocities().get("fusion.weight").amaxNumber().doubleValue()).isZero();
    }
  }

  /** The classifier's answer to a clean image: no learning rate is to blame. */
  @Test
  void anImageWithoutAnAnswerIsNamedAndChangesNothing() {
    try (INDArray images = Fixtures.noise(2, 3);
        INDArray before = mechanism.parameters().get("fusion.weight").dup();
        Trainer trainer = new Trainer(classifier, mechanism, OPTIONS, 5)) {
      for (long i = images.length() / 2; i < images.length(); i++) {
        images.putScalar(i, Float.NaN);
      }
      assertThatThrownBy(() -> trainer.step(2, images))
          .isInstanceOf(NonFiniteException.class)
          .hasMessageContaining("image 2 of the batch")
          .hasMessageContaining("NaN");
      assertThat(mechanism.parameters().get("fusion.weight")).isEqualTo(before);
      assertThat(trainer.velocities().get("fusion.weight").amaxNumber().doubleValue()).isZero();
    }
  }

  @Test
  @Tag("memory")
  void threeHundredStepsTakeNoMoreMemoryThanAHundred() {
    try (INDArray whole = Fixtures.noise(512, 1);
        INDArray last = Fixtures.noise(256, 2);
        Trainer trainer = new Trainer(classifier, mechanism, OPTIONS, 300)) {
      long settled = 0;
      for (int step = 0; step < 300; step++) {
        // Every fifth batch is smaller, as an epoch's last.
        assertThat(trainer.step(step, step % 5 == 4 ? last : whole).loss()).isFinite();
        if (step == 100) {
          settled = Pointer.physicalBytes();
        }
      }
      // One array of images left open a step would be 150 MB here, a feature map 75 MB. What ND4J
      // keeps of each operation until the next garbage collection comes to 100 KB a step.
      assertThat(Pointer.physicalBytes() - settled).isLessThan(50_000_000);
    }
  }

  private INDArray logits(INDArray images) {
    try (var output = classifier.forward(images, List.of())) {
      return output.logits().dup();
    }
  }

  private static double mean(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
  }
}
