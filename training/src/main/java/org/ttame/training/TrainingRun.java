package org.ttame.training;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.masking.Masking;
import org.ttame.training.data.BatchSource;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.ImageLoader;
import org.ttame.training.data.SkippedCount;
import org.ttame.training.data.Workers;
import org.ttame.training.run.Checkpoint;
import org.ttame.training.run.CheckpointState;
import org.ttame.training.run.Checkpoints;
import org.ttame.training.run.RunFolder;
import org.ttame.training.run.StepLog;
import org.ttame.training.run.StepRecord;

/**
 * A training run by the paper's protocol, in a {@link RunFolder}: epochs over a list of images, a
 * log line a step, a checkpoint and a validation an epoch, and another checkpoint whenever an epoch
 * has gone on for long.
 *
 * <p>A run may end at any moment; one made by {@link Builder#resume()} resumes at its last
 * checkpoint and, on the same machine with the same number of threads, comes to the same bits as if
 * it had never ended.
 */
public final class TrainingRun implements AutoCloseable {
  private final FrozenClassifier classifier;
  private final ImageList images;
  private final TrainingOptions options;
  private final RunFolder folder;
  private final Checkpoints checkpoints;
  private final Validator validator;
  private final TrainingListener listener;
  private final ImageLoader loader;
  private final Masking masking;
  private final TrainingPlan plan;
  private final Workers workers;
  private final Closeable lock;
  private final AttentionMechanism mechanism;
  private final RunSteps steps;
  private final ObjectNode record;
  private final SkippedImages skipped;
  private final EpochSelection selection;
  private final CountDownLatch ended = new CountDownLatch(1);
  private volatile boolean stopAsked;
  private long done;
  private long savedAt = -1;
  private long validationPasses;

  private TrainingRun(Builder builder, boolean resume) throws IOException {
    classifier = builder.classifier;
    images = builder.images;
    options = builder.options;
    folder = builder.folder;
    checkpoints = folder.checkpoints();
    validator = builder.validator;
    listener = builder.listener;
    loader =
        builder.loader == null ? options.images().loader(classifier.inputSpec()) : builder.loader;
    masking = options.trainer().maskingOf(classifier);
    plan = TrainingPlan.of(images.size(), options.plan());
    workers = builder.workers == null ? Workers.all(plan.workers()) : builder.workers;
    if (workers.count() != plan.workers()) {
      throw new IllegalArgumentException(
          Text.format("The run is for %d workers, there are %d", plan.workers(), workers.count()));
    }
    skipped = new SkippedImages(images);
    selection = new EpochSelection(checkpoints);
    AttentionSpec spec = InitialMechanism.spec(classifier, options.mechanism());
    plan.requireTrainable(spec);

    Checkpoint last = resume ? lastCheckpoint() : null;
    lock = folder.lock();
    AttentionMechanism made = null;
    RunSteps prepared = null;
    try {
      made =
          last == null
              ? InitialMechanism.create(spec, options.seed(), Optional.ofNullable(builder.initFile))
              : continuing(last, () -> last.mechanism(spec));
      prepared =
          new RunSteps(
              classifier,
              made,
              images,
              options,
              plan,
              builder.draws,
              workers,
              builder.exchange,
              skipped,
              listener);
      ObjectNode now =
          RunRecord.of(
              folder, classifier, builder.backboneFile, made, masking, images, options, plan);
      RunRecord.addValidation(now, validator);
      record = resume ? RunRecord.resumed(folder, now) : now;
      mechanism = made;
      steps = prepared;
      if (last != null) {
        restore(last);
      } else {
        RunRecord.addAround(record, builder.around);
        RunRecord.addInit(record, folder, builder.initFile);
        save(); // so that a run that has a run.json can always go on
      }
      writeRecord("running");
    } catch (IOException | RuntimeException e) {
      if (prepared != null) {
        prepared.close();
      }
      if (made != null) {
        made.close();
      }
      lock.close();
      throw e;
    }
  }

  /**
   * Describes a run.
   *
   * @param classifier what is explained; stays the caller's
   * @param images what it is trained on
   * @param options settings
   * @param folder where it is kept
   */
  public static Builder builder(
      FrozenClassifier classifier, ImageList images, TrainingOptions options, RunFolder folder) {
    return new Builder(classifier, images, options, folder);
  }

  /** How many steps are done. */
  public long stepsDone() {
    return done;
  }

  /**
   * Asks the run to save its state and end after the present step. May be called from any thread,
   * such as a shutdown hook.
   *
   * @param patience how long to wait for that
   * @return whether {@link #run()} has ended
   */
  public boolean stop(Duration patience) {
    stopAsked = true;
    try {
      return ended.await(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /**
   * Trains until the planned steps are done or {@link #stop} is called. To be called once.
   *
   * @throws IOException naming the file, if images cannot be read or results not be written; the
   *     last checkpoint is whole
   * @throws DivergenceException if a loss is not finite; the last checkpoint is whole
   */
  public TrainingResult run() throws IOException {
    listener.started(plan, done);
    try {
      validateIfDue();
      Optional<StepRecord> lastStep = train();
      boolean finished = done == plan.totalSteps();
      writeRecord(finished ? "finished" : "stopped");
      return new TrainingResult(
          plan, done, finished, skipped.count(), selection.epoch(), selection.best(), lastStep);
    } catch (DivergenceException e) {
      DivergenceException located =
          e.withLastGood(
              Text.format(
                  "the last good state, after step %d, is in '%s'",
                  savedAt, folder.path().resolve("checkpoints")));
      noteFailure(located);
      throw located;
    } catch (IOException | RuntimeException e) {
      noteFailure(e);
      throw e;
    } finally {
      ended.countDown();
    }
  }

  @Override
  public void close() throws IOException {
    steps.close();
    mechanism.close();
    lock.close();
  }

  private Optional<StepRecord> train() throws IOException {
    StepRecord last = null;
    try (StepLog log = StepLog.open(folder.steps(), done);
        StepLog classes =
            options.keeping().recordClasses() ? StepLog.open(folder.classes(), done) : null;
        BatchSource batches =
            new BatchSource(
                images,
                classifier.inputSpec(),
                options.batches(),
                workers,
                loader,
                done,
                plan.totalSteps())) {
      steps.drawnClasses(classes);
      long savedNanos = System.nanoTime();
      while (done < plan.totalSteps() && !stopAsked) {
        StepRecord step = steps.next(done, batches);
        if (step != null) {
          log.append(step);
          last = step;
        }
        done++;
        if (step != null) {
          listener.stepped(step, steps.left(done));
        }
        long unsaved = System.nanoTime() - savedNanos;
        if (plan.endsEpoch(done) || unsaved >= options.keeping().saveEvery().toNanos()) {
          save(log, classes);
          validateIfDue();
          savedNanos = System.nanoTime();
        }
      }
      save(log, classes);
    } catch (UncheckedIOException e) {
      throw e.getCause();
    } finally {
      steps.drawnClasses(null);
    }
    return Optional.ofNullable(last);
  }

  /** Saves the state; the logs' lines must not be lost if the state is not. */
  private void save(StepLog... logs) throws IOException {
    if (savedAt == done) {
      return;
    }
    for (StepLog log : logs) {
      if (log != null) {
        log.force();
      }
    }
    CheckpointState state =
        new CheckpointState(
            done, plan.epoch(done), steps.forwardPasses(), steps.backwardPasses(), skipped.kinds());
    Map<String, INDArray> arrays = mechanism.toNpz();
    try {
      Checkpoint saved =
          plan.endsEpoch(done)
              ? checkpoints.saveEpoch(arrays, steps.velocities(), state)
              : checkpoints.saveStep(arrays, steps.velocities(), state);
      savedAt = done;
      writeRecord("running");
      listener.saved(saved.folder(), done);
    } finally {
      arrays.values().forEach(INDArray::close);
    }
  }

  /** Validates the state just saved, if it ends an epoch and has not been validated yet. */
  private void validateIfDue() throws IOException {
    if (validator == null || !plan.endsEpoch(done) || savedAt != done) {
      return;
    }
    int epoch = plan.epoch(done);
    Checkpoint checkpoint = checkpoints.get("epoch-" + epoch);
    if (checkpoint.validation().isPresent()) {
      return;
    }
    listener.validating(epoch);
    long before = classifier.passes().forward();
    Validation validation = validator.validate(classifier, mechanism, masking);
    validationPasses += classifier.passes().forward() - before;
    boolean better = selection.add(checkpoint, epoch, validation);
    writeRecord("running");
    listener.validated(epoch, validation, better);
  }

  private Checkpoint lastCheckpoint() throws IOException {
    return checkpoints
        .last()
        .orElseThrow(
            () ->
                new IOException(
                    Text.format(
                        "The run in '%s' has no checkpoint to resume from; start again in"
                            + " another folder",
                        folder.path())));
  }

  private void restore(Checkpoint last) throws IOException {
    CheckpointState state = last.state();
    Map<String, INDArray> velocities =
        continuing(last, () -> last.optimizer(mechanism.parameters()));
    try {
      continuing(
          last,
          () -> {
            steps.restore(state, velocities);
            return steps;
          });
    } finally {
      velocities.values().forEach(INDArray::close);
    }
    done = state.step();
    savedAt = done;
    validationPasses = record.path("passes").path("validation_forward").asLong();
    selection.restore(done);
    checkpoints.tidy();
  }

  /** Reads something of a checkpoint. */
  private interface Reading<T> {
    T read() throws IOException;
  }

  private static <T> T continuing(Checkpoint last, Reading<T> reading) throws IOException {
    try {
      return reading.read();
    } catch (IllegalArgumentException e) {
      throw new IOException(
          Text.format("'%s' cannot be trained on: %s", last.folder(), e.getMessage()), e);
    }
  }

  private void writeRecord(String status) throws IOException {
    record.put("status", status);
    record.put("updated", Instant.now().toString());
    record.put("steps_done", done);
    SkippedCount left = skipped.count();
    record.put("skipped_images", left.total());
    ObjectNode reasons = record.putObject("skipped_by_reason");
    left.byKind().forEach((kind, count) -> reasons.put(kind.words(), count));
    record
        .putObject("passes")
        .put("training_forward", steps.forwardPasses())
        .put("training_backward", steps.backwardPasses())
        .put("validation_forward", validationPasses);
    selection.addTo(record);
    folder.write(record);
  }

  /** Says in run.json that and why the run failed, if that can still be written. */
  private void noteFailure(Exception failure) {
    record.put("failure", String.valueOf(failure.getMessage()));
    try {
      writeRecord("failed");
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }

  /** Collects what a run needs. */
  public static final class Builder {
    private final FrozenClassifier classifier;
    private final ImageList images;
    private final TrainingOptions options;
    private final RunFolder folder;
    private Path backboneFile;
    private Path initFile;
    private Map<String, String> around = Map.of();
    private Validator validator;
    private TrainingListener listener = new TrainingListener() {};
    private ClassDraws draws;
    private ImageLoader loader;
    private Workers workers;
    private StepExchange exchange = StepExchange.LOCAL;

    private Builder(
        FrozenClassifier classifier, ImageList images, TrainingOptions options, RunFolder folder) {
      this.classifier = Objects.requireNonNull(classifier, "classifier");
      this.images = Objects.requireNonNull(images, "images");
      this.options = Objects.requireNonNull(options, "options");
      this.folder = Objects.requireNonNull(folder, "folder");
    }

    /** The file the classifier was loaded from, so that it is recorded and recognised. */
    public Builder backboneFile(Path file) {
      backboneFile = file;
      return this;
    }

    /** An npz file with the mechanism's initial values; unused when a run is resumed. */
    public Builder init(Path file) {
      initFile = file;
      return this;
    }

    /**
     * Settings around the training, for {@code run.json} to hold all; unused when a run is resumed.
     *
     * @param settings by name, of {@link RunFolder#AROUND}
     */
    public Builder around(Map<String, String> settings) {
      if (!RunFolder.AROUND.containsAll(settings.keySet())) {
        throw new IllegalArgumentException(
            "Around a training there are only the settings " + RunFolder.AROUND);
      }
      around = Map.copyOf(settings);
      return this;
    }

    /** Measures each epoch; without one no epoch is the best. */
    public Builder validator(Validator value) {
      validator = value;
      return this;
    }

    /** Hears how the run goes. */
    public Builder listener(TrainingListener value) {
      listener = Objects.requireNonNull(value, "listener");
      return this;
    }

    /** Where the classes of Ψ come from, instead of the seed. */
    public Builder draws(ClassDraws value) {
      draws = value;
      return this;
    }

    /**
     * Does the work of some of the workers that share each step's images; the others do theirs
     * elsewhere.
     *
     * @param here which ones; there must be as many in all as the options say
     * @param others how to learn of the others' shares
     */
    public Builder workers(Workers here, StepExchange others) {
      workers = Objects.requireNonNull(here, "here");
      exchange = Objects.requireNonNull(others, "others");
      return this;
    }

    /** Reads images otherwise than from files as the options say. */
    public Builder loader(ImageLoader value) {
      loader = value;
      return this;
    }

    /**
     * Prepares a new run.
     *
     * @return the run; the caller closes it
     * @throws IOException if its folder cannot be written, another process trains there, or the
     *     initial values cannot be used
     * @throws IllegalArgumentException if the options do not fit the classifier
     */
    public TrainingRun start() throws IOException {
      return new TrainingRun(this, false);
    }

    /**
     * Prepares to go on with the folder's run.
     *
     * @return the run; the caller closes it
     * @throws IOException if the folder's run has other settings, images or another backbone, has
     *     no usable checkpoint, or another process trains there
     */
    public TrainingRun resume() throws IOException {
      return new TrainingRun(this, true);
    }
  }
}
