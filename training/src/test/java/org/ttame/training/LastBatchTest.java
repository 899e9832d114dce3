package org.ttame.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.core.attention.Variant;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.training.data.Augment;
import org.ttame.training.data.Batch;
import org.ttame.training.data.ImageList;
import org.ttame.training.optimizer.ExponentialRamp;
import org.ttame.training.run.RunFolder;
import org.ttame.training.run.StepRecord;

/** Batches too small for statistics over maps of 1×1 stop no training that has begun. */
class LastBatchTest {
  @TempDir Path temp;
  private FrozenClassifier classifier;

  @BeforeEach
  void setUp() {
    classifier = Fixtures.classifierToOnePixel();
  }

  @AfterEach
  void tearDown() {
    classifier.close();
  }

  @Test
  void saysBeforeTheFirstStepWhichBatchSizesWork() throws IOException {
    ImageList five = ImageList.of(Fixtures.pictures(temp.resolve("five"), 5));
    for (int size : new int[] {1, 2, 4}) {
      Path run = temp.resolve("refused-" + size);
      assertThatThrownBy(() -> builder(five, options(size), run).start())
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("5 in batches of %s make a step of 1", size)
          .hasMessageContaining(
              size == 1 ? "size of 3," : size == 2 ? "size of 3," : "size of 3 or 5,");
      assertThat(run.resolve("run.json")).doesNotExist();
    }
    for (int size : new int[] {3, 5, 8}) {
      assertThat(run(five, options(size), new TrainingListener() {}).finished()).isTrue();
    }
    // The last batch is not come to, or has no statistics.
    TrainingOptions first = options(4).toBuilder().maxSteps(1).build();
    assertThat(run(five, first, new TrainingListener() {}).stepsDone()).isEqualTo(1);
    TrainingOptions plain = options(4).toBuilder().variant(Variant.NO_SKIP_NO_BN).build();
    assertThat(run(five, plain, new TrainingListener() {}).finished()).isTrue();
    ImageList one = five.select(new int[] {0});
    assertThatThrownBy(() -> builder(one, options(8), temp.resolve("one")).start())
        .hasMessageEndingWith("give more images");
  }

  @Test
  void findsTheLargestBatchSizeThatWorks() {
    AttentionSpec spec = InitialMechanism.spec(classifier, options(1).mechanism());
    assertThat(TrainingPlan.workable(33, 32, spec)).isEqualTo(31);
    assertThat(TrainingPlan.workable(64, 32, spec)).isEqualTo(32);
    assertThat(TrainingPlan.workable(5, 4, spec)).isEqualTo(3);
    assertThat(TrainingPlan.workable(5, 1, spec)).isEqualTo(1);
  }

  /** Six images in batches of four, of which the last two are one: the other cannot be read. */
  @Test
  void aStepThatUnreadableImagesLeaveTooSmallIsLeftOut() throws IOException {
    Path pictures = Fixtures.pictures(temp.resolve("six"), 6);
    Files.writeString(pictures.resolve("05.png"), "no image");
    ImageList six = ImageList.of(pictures);
    List<Long> steps = new ArrayList<>();
    List<Long> leftOut = new ArrayList<>();
    TrainingResult result =
        run(
            six,
            options(4),
            new TrainingListener() {
              @Override
              public void stepped(StepRecord step, Duration left) {
                steps.add(step.step());
              }

              @Override
              public void leftOut(Batch batch) {
                leftOut.add(batch.step() + 1);
              }
            });
    assertThat(result.finished()).isTrue();
    assertThat(result.stepsDone()).isEqualTo(4);
    assertThat(steps).containsExactly(1L, 3L);
    assertThat(leftOut).containsExactly(2L, 4L);

    List<Long> tested = new ArrayList<>();
    LearningRateFinder finder =
        new LearningRateFinder(classifier, six, options(4), new ExponentialRamp(4, 1e-6, 1e-5));
    try (AttentionMechanism mechanism =
        AttentionMechanism.create(InitialMechanism.spec(classifier, options(4).mechanism()), 1)) {
      finder.run(
          mechanism,
          new LearningRateFinder.Listener() {
            @Override
            public void stepped(StepRecord step, double smoothed) {
              tested.add(step.step());
            }

            @Override
            public void skipped(Batch.BadImage image) {}
          });
    }
    assertThat(tested).containsExactly(1L, 3L);
  }

  private TrainingOptions options(int batchSize) {
    return TrainingOptions.builder()
        .epochs(2)
        .batchSize(batchSize)
        .maxLr(0.01)
        .shuffle(false)
        .augment(Augment.NONE)
        .build();
  }

  private TrainingResult run(ImageList images, TrainingOptions options, TrainingListener listener)
      throws IOException {
    Path folder = Files.createTempDirectory(temp, "run");
    try (TrainingRun run = builder(images, options, folder).listener(listener).start()) {
      return run.run();
    }
  }

  private TrainingRun.Builder builder(ImageList images, TrainingOptions options, Path folder)
      throws IOException {
    return TrainingRun.builder(classifier, images, options, RunFolder.create(folder));
  }
}
