package org.ttame.services;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.engine.ComputingThreads;
import org.ttame.core.image.CropPlan;
import org.ttame.core.image.ImageException;
import org.ttame.core.image.ImageLimits;
import org.ttame.core.image.ImageReader;
import org.ttame.core.image.Preprocessing;
import org.ttame.core.image.RgbImage;
import org.ttame.core.image.Standardizer;
import org.ttame.core.provenance.Sha256;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.explain.PassListener;

/**
 * Classifies and explains photographs for many threads at once, on one classifier. What is asked at
 * the same time shares a network pass. A method of many passes ({@link
 * ExplanationMethod#takesManyPasses}) is worked on alone, one image at a time, and lets what else
 * waits through between its passes; it stops there, too, when its answer is cancelled.
 *
 * <p>Answers do not depend on what they were batched with, but for rounding: probabilities and maps
 * agree within 1e-5.
 *
 * <p>Any thread may call; a thread of the service's own computes. The native build that fits the
 * processor is the program's to choose, before it loads the classifier.
 */
public final class PhotoService implements AutoCloseable {
  private final FrozenClassifier classifier;
  private final Options options;
  private final List<String> names;
  private final ImageReader reader;
  private final Preprocessing preprocessing;
  private final Standardizer standardizer;
  private final Optional<AttentionMechanism> mechanism;
  private final PhotoQueue queue;
  private final PhotoComputer computer;
  private final Thread thread;

  /**
   * What explains, and how much at a time.
   *
   * @param run the training run whose mechanism explains; empty for methods that need none
   * @param labels a file with the names of the classes, if given
   * @param layer the node that methods of one layer read; empty for the standard one
   * @param riseMasks how many masks RISE takes; empty for its paper's number
   * @param batchSize photographs a network pass
   * @param waiting short requests that may wait
   * @param waitingLong requests of many passes that may wait
   * @param threads that compute
   * @param limits what a photograph may ask for
   */
  public record Options(
      Optional<TrainedRun> run,
      Optional<Path> labels,
      Optional<String> layer,
      OptionalInt riseMasks,
      int batchSize,
      int waiting,
      int waitingLong,
      int threads,
      ImageLimits limits) {
    public Options {
      Objects.requireNonNull(run, "run");
      Objects.requireNonNull(labels, "labels");
      Objects.requireNonNull(layer, "layer");
      Objects.requireNonNull(riseMasks, "riseMasks");
      Objects.requireNonNull(limits, "limits");
      requirePositive("batch-size", batchSize);
      requirePositive("waiting", waiting);
      requirePositive("waiting-long", waitingLong);
      requirePositive("threads", threads);
    }

    private static void requirePositive(String option, int value) {
      if (value < 1) {
        throw new InvalidOptionException(option, value + " is not a whole number of at least 1");
      }
    }

    /** The usual bounds, and one computing thread for each processor. */
    public static Options of(Optional<TrainedRun> run) {
      return new Options(
          run,
          Optional.empty(),
          Optional.empty(),
          OptionalInt.empty(),
          8,
          64,
          8,
          Runtime.getRuntime().availableProcessors(),
          ImageLimits.DEFAULT);
    }
  }

  /**
   * How it goes.
   *
   * @param waiting short requests that wait
   * @param waitingLong requests of many passes that wait
   * @param busyLong whether one of those is being worked on
   * @param batches network passes for short requests so far
   * @param images requests answered by those
   * @param forward images that have gone through the network, masked ones and padding included
   * @param backward images whose gradients have gone back
   */
  public record Status(
      int waiting,
      int waitingLong,
      boolean busyLong,
      long batches,
      long images,
      long forward,
      long backward) {}

  /**
   * Starts.
   *
   * @param classifier of the run, if there is one; stays the caller's, who leaves it alone until
   *     this is closed
   * @param options what explains
   * @throws IOException if the run or the labels cannot be read
   * @throws IllegalArgumentException if the classifier takes no photographs, or there is no such
   *     layer
   */
  public PhotoService(FrozenClassifier classifier, Options options) throws IOException {
    this.classifier = classifier;
    this.options = options;
    preprocessing = new Preprocessing(classifier.inputSpec());
    standardizer = new Standardizer(classifier.inputSpec());
    reader = new ImageReader(options.limits());
    options.layer().ifPresent(classifier::layer);
    names =
        ClassNames.find(
            options.labels(), options.run().map(TrainedRun::run), classifier.spec().output());
    mechanism =
        options.run().isPresent()
            ? Optional.of(options.run().get().mechanism(classifier))
            : Optional.empty();
    queue = new PhotoQueue(options.waiting(), options.waitingLong());
    try {
      computer = new PhotoComputer(classifier, mechanism, queue, options);
    } catch (RuntimeException e) {
      mechanism.ifPresent(AttentionMechanism::close);
      throw e;
    }
    thread = new Thread(this::work, "ttame-compute");
    thread.start();
  }

  /** The classifier; not to be used. */
  public FrozenClassifier classifier() {
    return classifier;
  }

  /** What it was started with. */
  public Options options() {
    return options;
  }

  /** What can explain this classifier. */
  public List<ExplanationMethod> methods() {
    return computer.methods();
  }

  /** What explains unless told otherwise: the run's own method, or Grad-CAM. */
  public ExplanationMethod defaultMethod() {
    return computer.own().orElse(ExplanationMethod.GRADCAM);
  }

  /** The names of the classes in order; empty where they are not known. */
  public List<String> labels() {
    return names;
  }

  /** A class's name; its index where names are not known. */
  public String label(int index) {
    return index < names.size() ? names.get(index) : String.valueOf(index);
  }

  /**
   * Reads a class as people write it.
   *
   * @param text {@code predicted}, an index, a name, or {@code name:} and a name
   * @return the class; empty for the predicted one
   * @throws IllegalArgumentException if there is no such class
   */
  public OptionalInt classOf(String text) {
    if (text.equals("predicted")) {
      return OptionalInt.empty();
    }
    return OptionalInt.of(ClassNames.index(text, names, classifier.classes()));
  }

  /**
   * Decodes, cuts and standardises a photograph, in the calling thread.
   *
   * @param file the whole file: JPEG, PNG, GIF, BMP or WebP
   * @param name what messages call it
   * @throws ImageException if it is no image that can be read, or too large
   * @throws IllegalArgumentException if it is too narrow to be resized
   */
  public PhotoInput read(byte[] file, String name) throws ImageException {
    RgbImage photograph = reader.decode(file, name);
    CropPlan crop = preprocessing.testPlan(photograph);
    float[] unit = new float[preprocessing.length()];
    preprocessing.write(photograph, crop, unit, 0);
    return new PhotoInput(Sha256.of(file), crop, standardizer.apply(unit));
  }

  /**
   * Decodes a photograph again, to draw on it.
   *
   * @param file as for {@link #read}
   * @param name what messages call it
   */
  public RgbImage photograph(byte[] file, String name) throws ImageException {
    return reader.decode(file, name);
  }

  /**
   * Asks for the classes of a photograph.
   *
   * @return the answer, without a map; cancel it to take the request back
   * @throws RejectedExecutionException saying why, if too many wait
   */
  public CompletableFuture<PhotoAnswer> predict(PhotoInput photo) {
    return submit(new PhotoJob(photo, OptionalInt.empty(), Optional.empty(), PassListener.NONE));
  }

  /**
   * Asks for a map.
   *
   * @param photo of which photograph
   * @param classIndex the class; empty for the most probable one
   * @param method one of {@link #methods}
   * @param progress is notified of the passes of a method of many, in the thread that computes:
   *     must not wait
   * @return the answer; cancel it to take the request back
   * @throws IllegalArgumentException if the method does not explain this classifier
   * @throws RejectedExecutionException saying why, if too many wait
   */
  public CompletableFuture<PhotoAnswer> explain(
      PhotoInput photo, OptionalInt classIndex, ExplanationMethod method, PassListener progress) {
    if (!methods().contains(method)) {
      throw new IllegalArgumentException(
          Text.format(
              "%s does not explain %s here; there are %s",
              method.optionName(),
              classifier.name(),
              String.join(", ", methods().stream().map(ExplanationMethod::optionName).toList())));
    }
    return submit(new PhotoJob(photo, classIndex, Optional.of(method), progress));
  }

  private CompletableFuture<PhotoAnswer> submit(PhotoJob job) {
    queue.add(job);
    var unused =
        job.answer()
            .whenComplete(
                (answer, failure) -> {
                  if (failure instanceof CancellationException) {
                    queue.remove(job);
                  }
                });
    return job.answer();
  }

  private void work() {
    ComputingThreads.use(options.threads());
    try {
      for (List<PhotoJob> jobs; !(jobs = queue.take(options.batchSize())).isEmpty(); ) {
        computer.answer(jobs);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** How it goes. */
  public Status status() {
    return new Status(
        queue.waiting(),
        queue.waitingLong(),
        computer.busy(),
        computer.batches(),
        computer.images(),
        classifier.passes().forward(),
        classifier.passes().backward());
  }

  /** Cancels what waits, ends the work, and frees all but the classifier. */
  @Override
  public void close() {
    queue.close().forEach(job -> job.answer().cancel(false));
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    computer.close();
    mechanism.ifPresent(AttentionMechanism::close);
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
