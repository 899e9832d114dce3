package org.ttame.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.core.attention.Variant;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.loss.LossMode;
import org.ttame.core.loss.LossOptions;
import org.ttame.training.LearningRateCurve.Ending;
import org.ttame.training.LearningRateCurve.Point;
import org.ttame.training.data.Augment;
import org.ttame.training.data.Batch;
import org.ttame.training.data.ImageList;
import org.ttame.training.optimizer.ExponentialRamp;
import org.ttame.training.run.StepRecord;

class LearningRateFinderTest {
  private static final TrainingOptions OPTIONS =
      TrainingOptions.builder().batchSize(4).decodeThreads(2).build();

  private static final LearningRateFinder.Listener QUIET =
      new LearningRateFinder.Listener() {
        @Override
        public void stepped(StepRecord step, double smoothed) {}

        @Override
        public void skipped(Batch.BadImage image) {}
      };

  @TempDir Path folder;
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
  void theRampGrowsByOneFactor() {
    ExponentialRamp ramp = new ExponentialRamp(5, 1e-4, 1);
    assertThat(ramp.learningRate(0)).isEqualTo(1e-4);
    assertThat(ramp.learningRate(1)).isCloseTo(1e-3, within(1e-12));
    assertThat(ramp.learningRate(4)).isCloseTo(1, within(1e-12));
    assertThatThrownBy(() -> ramp.learningRate(5)).hasMessageContaining("0 to 4");
    assertThatThrownBy(() -> new ExponentialRamp(5, 1, 1)).hasMessageContaining("1.0 to 1.0");
    assertThatThrownBy(() -> new ExponentialRamp(1, 1, 2)).hasMessageContaining("got 1");
  }

  @Test
  void leavesTheMechanismAloneAndRepeatsToTheBit() throws IOException {
    ImageList images = ImageList.of(Fixtures.pictures(folder, 10));
    try (INDArray before = mechanism.parameters().get("fusion.weight").dup();
        INDArray variance = mechanism.statistics().get("branch.0.bn.running_var").dup()) {
      LearningRateCurve first = run(images, new ExponentialRamp(12, 1e-4, 0.1)).curve();
      LearningRateCurve second = run(images, new ExponentialRamp(12, 1e-4, 0.1)).curve();
      assertThat(first).isEqualTo(second);
      assertThat(first.ending()).isEqualTo(Ending.COMPLETE);
      assertThat(first.points()).hasSize(12);
      assertThat(mechanism.parameters().get("fusion.weight")).isEqualTo(before);
      assertThat(mechanism.statistics().get("branch.0.bn.running_var")).isEqualTo(variance);
    }
  }

  @Test
  void endsWhereTheLossIsNoNumberAnyMore() throws IOException {
    ImageList images = ImageList.of(Fixtures.pictures(folder, 8));
    LearningRateCurve curve = run(images, new ExponentialRamp(40, 1, 1e36)).curve();
    assertThat(curve.ending()).isEqualTo(Ending.DIVERGED);
    assertThat(curve.points()).hasSizeBetween(1, 39);
  }

  @Test
  void endsWhereTheSmoothedLossIsFarAboveItsLowestAndFinite() throws IOException {
    ImageList images = ImageList.of(Fixtures.pictures(folder, 8));
    // So large a weight of the area that maps which grow dark or bright decide the loss.
    TrainingOptions steep =
        OPTIONS.toBuilder()
            .loss(new LossOptions(LossMode.PAPER, 0, 1000, 0, 4))
            .augment(Augment.NONE)
            .build();
    LearningRateFinder finder =
        new LearningRateFinder(classifier, images, steep, new ExponentialRamp(80, 1e-4, 1e6));
    LearningRateCurve curve = finder.run(mechanism, QUIET).curve();
    assertThat(curve.ending()).isEqualTo(Ending.DIVERGED);
    List<Point> points = curve.points();
    assertThat(points).hasSizeBetween(2, 79);
    // Not for want of a number: the last loss is one.
    Point last = points.get(points.size() - 1);
    assertThat(last.loss()).isFinite();
    double lowest = points.stream().mapToDouble(Point::smoothed).min().orElseThrow();
    assertThat(last.smoothed()).isGreaterThan(4 * lowest);
    assertThat(points.subList(0, points.size() - 1))
        .allSatisfy(point -> assertThat(point.smoothed()).isFinite());
  }

  @Test
  void smoothsLossesWithoutABias() {
    LearningRateCurve.Recorder recorder = new LearningRateCurve.Recorder();
    assertThat(recorder.add(0.1, 2)).isCloseTo(2, within(1e-12));
    // (0.9·0.1·2 + 0.1·6)/(1 − 0.81)
    assertThat(recorder.add(0.2, 6)).isCloseTo(0.78 / 0.19, within(1e-12));
    assertThat(recorder.lowest()).isCloseTo(2, within(1e-12));
  }

  @Test
  void suggestsATenthOfTheRateOfTheLowestLoss() {
    // Flat to 1e-4, falling fastest around 1e-3, lowest at 1e-2, then rising.
    LearningRateCurve curve =
        curve(lr -> 3 - 2 / (1 + Math.pow(lr / 1e-3, -2)) + (lr > 1e-2 ? 100 * (lr - 1e-2) : 0));
    assertThat(curve.suggestion().getAsDouble()).isBetween(0.7e-3, 1.4e-3);
    assertThat(curve.lowest().lr()).isBetween(0.9e-2, 1.1e-2);
  }

  /** Single losses are noisy, the first averages most of all: their fall says nothing. */
  @Test
  void isNotMisledByTheFirstSteps() {
    LearningRateCurve.Recorder recorder = new LearningRateCurve.Recorder();
    ExponentialRamp ramp = new ExponentialRamp(100, 1e-6, 1);
    for (int step = 0; step < 100; step++) {
      double lr = ramp.learningRate(step);
      double outlier = step == 2 ? -1.5 : step == 5 ? 3 : 0;
      recorder.add(lr, 2.6 - 0.1 * Math.log10(lr / 1e-6) + (lr > 0.1 ? 5 * lr : 0) + outlier);
    }
    LearningRateCurve curve = recorder.end(Ending.COMPLETE);
    assertThat(curve.points().stream().min(Comparator.comparingDouble(Point::smoothed)).get().lr())
        .isLessThan(1e-5);
    assertThat(curve.suggestion().getAsDouble()).isBetween(5e-3, 5e-2);
    // What is reported is what the suggestion was made from.
    assertThat(curve.lowest().lr() / 10).isEqualTo(curve.suggestion().getAsDouble());
  }

  @Test
  void suggestsNothingWhereTheLossOnlyRises() {
    assertThat(curve(lr -> 1 + lr).suggestion()).isEmpty();
    assertThat(new LearningRateCurve(List.of(), Ending.DIVERGED).suggestion()).isEmpty();
  }

  private static LearningRateCurve curve(java.util.function.DoubleUnaryOperator loss) {
    ExponentialRamp ramp = new ExponentialRamp(101, 1e-5, 0.1);
    List<Point> points = new ArrayList<>();
    for (int step = 0; step < 101; step++) {
      double lr = ramp.learningRate(step);
      double value = loss.applyAsDouble(lr);
      points.add(new Point(step + 1L, lr, value, value));
    }
    return new LearningRateCurve(points, Ending.COMPLETE);
  }

  private LearningRateFinder.Outcome run(ImageList images, ExponentialRamp ramp)
      throws IOException {
    return new LearningRateFinder(classifier, images, OPTIONS, ramp).run(mechanism, QUIET);
  }
}
