package org.ttame.training;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.NonFiniteException;
import org.ttame.training.data.Batch;
import org.ttame.training.data.BatchSource;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.Workers;
import org.ttame.training.run.CheckpointState;
import org.ttame.training.run.StepLog;
import org.ttame.training.run.StepRecord;

/**
 * Computes a run's steps, each of all its images together or of the shares of workers; counts the
 * classifier's passes and the images that could not be read.
 */
final class RunSteps implements AutoCloseable {
  private final FrozenClassifier classifier;
  private final AttentionMechanism mechanism;
  private final ImageList images;
  private final Workers workers;
  private final StepExchange exchange;
  private final SkippedImages skipped;
  private final TrainingListener listener;
  private final TrainingPlan plan;
  private final Trainer trainer;
  private final Pace pace = new Pace();
  private StepLog drawnClasses;
  private long forwardPasses;
  private long backwardPasses;

  /**
   * Prepares the first step.
   *
   * @param mechanism what is trained, in place; stays the caller's, as the classifier does
   * @param draws where the classes of Ψ come from; null for the seed
   * @param workers those in this process; there are as many in all as the options say
   * @param exchange how to learn of the other workers' shares
   * @param skipped takes up images that could not be read
   */
  RunSteps(
      FrozenClassifier classifier,
      AttentionMechanism mechanism,
      ImageList images,
      TrainingOptions options,
      TrainingPlan plan,
      ClassDraws draws,
      Workers workers,
      StepExchange exchange,
      SkippedImages skipped,
      TrainingListener listener) {
    this.classifier = classifier;
    this.mechanism = mechanism;
    this.images = images;
    this.workers = workers;
    this.exchange = exchange;
    this.skipped = skipped;
    this.listener = listener;
    this.plan = plan;
    ClassDraws classes = draws == null ? ClassDraws.of(options, classifier.classes()) : draws;
    trainer = new Trainer(classifier, mechanism, options, plan.totalSteps(), noting(classes));
  }

  /**
   * Resumes where a run was saved.
   *
   * @param velocities of the mechanism's parameters; copied
   * @throws IllegalArgumentException if they do not fit
   */
  void restore(CheckpointState state, Map<String, INDArray> velocities) {
    trainer.restore(velocities);
    forwardPasses = state.forwardPasses();
    backwardPasses = state.backwardPasses();
    skipped.restore(state.skipped());
  }

  /** The optimiser's velocities by parameter name, live. */
  Map<String, INDArray> velocities() {
    return trainer.velocities();
  }

  /** Images that steps have sent forwards. */
  long forwardPasses() {
    return forwardPasses;
  }

  /** Images that steps have sent backwards. */
  long backwardPasses() {
    return backwardPasses;
  }

  /** Has the classes that are drawn written to a log from now on; null for none. */
  void drawnClasses(StepLog log) {
    drawnClasses = log;
  }

  /**
   * Does one step.
   *
   * @param step 0 for the first of the run
   * @param batches gives the step's images
   * @return what it did; null if too few images could be read
   * @throws IOException if none of the run's images can be read, or another worker is lost
   * @throws UncheckedIOException if the log of classes cannot be written
   * @throws DivergenceException if a loss is not finite
   */
  StepRecord next(long step, BatchSource batches) throws IOException {
    long began = System.nanoTime();
    StepRecord done = workers.count() == 1 ? alone(batches) : together(step, batches);
    if (done == null) {
      return null;
    }
    double seconds = (System.nanoTime() - began) / 1e9;
    pace.add(seconds);
    return done.at(plan.epoch(step + 1), done.images() / seconds);
  }

  /** How long the rest of the run may take, after so many steps of it. */
  Duration left(long done) {
    return pace.left(plan.totalSteps() - done);
  }

  @Override
  public void close() {
    trainer.close();
  }

  /** A step of all its images together. */
  private StepRecord alone(BatchSource batches) throws IOException {
    try (Batch batch = batches.next()) {
      skipped.add(batch.bad(), listener::skipped);
      if (!isEnough(batch)) {
        return null;
      }
      long forward = classifier.passes().forward();
      long backward = classifier.passes().backward();
      StepRecord step = located(batch, () -> trainer.step(batch.step(), batch.images()));
      forwardPasses += classifier.passes().forward() - forward;
      backwardPasses += classifier.passes().backward() - backward;
      return step;
    }
  }

  /** A step whose images are shared among workers. */
  private StepRecord together(long step, BatchSource batches) throws IOException {
    StepShare own = null;
    for (int worker = 0; worker < workers.here(); worker++) {
      try (Batch batch = batches.next()) {
        StepShare share = isEnough(batch) ? share(batch) : StepShare.none(batch.bad());
        own = own == null ? share : own.plus(share);
      }
    }
    StepShare sum = exchange.all(own);
    skipped.add(sum.bad(), listener::skipped);
    forwardPasses += sum.passes().forward();
    backwardPasses += sum.passes().backward();
    return sum.images() == 0 ? null : trainer.apply(step, sum);
  }

  private StepShare share(Batch batch) {
    return located(
        batch,
        () ->
            trainer.share(
                batch.step(), batch.epoch(), batch.indices(), batch.images(), batch.bad()));
  }

  private boolean isEnough(Batch batch) {
    boolean enough = batch.size() >= mechanism.spec().fewestImages();
    if (!enough && batch.size() > 0) {
      listener.leftOut(batch);
    }
    return enough;
  }

  /** Names the images of what cannot be computed. */
  private <T> T located(Batch batch, Supplier<T> work) {
    try {
      return work.get();
    } catch (NonFiniteException e) {
      List<String> names = batch.indices().stream().map(images::name).toList();
      throw DivergenceException.at(batch.step() + 1, e.of(classifier.name(), names));
    }
  }

  private ClassDraws noting(ClassDraws draws) {
    return new ClassDraws() {
      @Override
      public int[][] draw(long step, int[] predicted) {
        return noted(step, draws.draw(step, predicted));
      }

      @Override
      public int[][] draw(long step, long epoch, List<Integer> places, int[] predicted) {
        return noted(step, draws.draw(step, epoch, places, predicted));
      }
    };
  }

  private int[][] noted(long step, int[][] psi) {
    if (drawnClasses != null) {
      try {
        drawnClasses.append(step + 1, psi);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return psi;
  }

  /** How long steps take: the mean of the first ten, then a moving one that forgets slowly. */
  private static final class Pace {
    private static final int PLAIN = 10;

    private double seconds;
    private int count;

    void add(double step) {
      count = Math.min(count + 1, PLAIN);
      seconds += (step - seconds) / count;
    }

    Duration left(long steps) {
      return Duration.ofMillis(Math.round(seconds * steps * 1000));
    }
  }
}
