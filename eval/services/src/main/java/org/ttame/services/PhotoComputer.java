package org.ttame.services;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicLong;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.ClassChoice;
import org.ttame.core.attention.Explanation;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.NonFiniteException;
import org.ttame.core.classifier.PassCounter;
import org.ttame.core.classifier.Predictions;
import org.ttame.eval.explain.Explainer;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.explain.MethodCatalog;
import org.ttame.eval.explain.MethodOptions;
import org.ttame.eval.explain.SaliencyMaps;
import org.ttame.eval.explain.TtameExplainer;

/**
 * Classifies and explains what waits, on one thread.
 *
 * <p>Photographs go through the network in batches of 1, 2, 4 … up to the largest, filled up with
 * the first of them, so that few plans are ever made.
 */
final class PhotoComputer implements AutoCloseable {
  private final FrozenClassifier classifier;
  private final PhotoQueue queue;
  private final int most;
  private final MethodCatalog catalog;
  private final Map<ExplanationMethod, Explainer> explainers =
      new EnumMap<>(ExplanationMethod.class);

  /** The run's own mechanism: it classifies and explains in one pass. */
  private final Optional<ExplanationMethod> own;

  private PhotoJob current;
  private volatile boolean busy;
  private final AtomicLong batches = new AtomicLong();
  private final AtomicLong images = new AtomicLong();

  /** What short work has taken in the middle of long work. */
  private Spent lent = new Spent(0, 0, 0);

  /** Passes and time. */
  private record Spent(long forward, long backward, long nanos) {}

  /**
   * Everything that can explain a classifier; short work comes from the queue while long work is
   * done. Classifier and mechanism stay the caller's.
   */
  PhotoComputer(
      FrozenClassifier classifier,
      Optional<AttentionMechanism> mechanism,
      PhotoQueue queue,
      PhotoService.Options options) {
    this.classifier = classifier;
    this.queue = queue;
    this.most = options.batchSize();
    catalog =
        new MethodCatalog(
            classifier,
            new MethodOptions(
                options.layer(),
                options.riseMasks(),
                MethodSelection.SEED,
                options.batchSize(),
                (method, done, total) -> between(done, total)));
    mechanism.ifPresent(catalog::run);
    own = mechanism.map(MethodCatalog::of);
    try {
      for (ExplanationMethod method : ExplanationMethod.values()) {
        make(method).ifPresent(explainer -> explainers.put(method, explainer));
      }
    } catch (RuntimeException e) {
      catalog.close();
      throw e;
    }
  }

  /** Of the methods, those that say that they are not for this classifier are left out. */
  private Optional<Explainer> make(ExplanationMethod method) {
    try {
      return Optional.of(catalog.explainer(method));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  List<ExplanationMethod> methods() {
    return List.copyOf(explainers.keySet());
  }

  Optional<ExplanationMethod> own() {
    return own;
  }

  /** Whether a long job is being done. */
  boolean busy() {
    return busy;
  }

  /** Answers jobs: short ones together, or one long one. */
  void answer(List<PhotoJob> jobs) {
    try {
      if (jobs.get(0).isLong()) {
        answerLong(jobs.get(0));
      } else {
        answerTogether(jobs);
      }
    } catch (NonFiniteException e) {
      if (jobs.size() == 1) {
        jobs.get(0).answer().completeExceptionally(e.of(classifier.name(), names(jobs)));
      } else {
        // Whose numbers they are shows when each is alone.
        jobs.forEach(job -> answer(List.of(job)));
      }
    } catch (RuntimeException | OutOfMemoryError | LinkageError e) {
      jobs.forEach(job -> job.answer().completeExceptionally(e));
    }
  }

  /** Short jobs done together so far. */
  long batches() {
    return batches.get();
  }

  /** The short jobs in those. */
  long images() {
    return images.get();
  }

  private void answerTogether(List<PhotoJob> jobs) {
    batches.incrementAndGet();
    images.addAndGet(jobs.size());
    try (INDArray images = batch(jobs)) {
      List<PhotoAnswer> answers = classify(jobs, images);
      Map<ExplanationMethod, List<Integer>> groups = new LinkedHashMap<>();
      for (int i = 0; i < jobs.size(); i++) {
        if (jobs.get(i).method().isEmpty() || answers.get(i).map().isPresent()) {
          jobs.get(i).answer().complete(answers.get(i));
        } else {
          groups.computeIfAbsent(jobs.get(i).method().get(), method -> new ArrayList<>()).add(i);
        }
      }
      for (Map.Entry<ExplanationMethod, List<Integer>> group : groups.entrySet()) {
        explain(
            explainers.get(group.getKey()),
            group.getValue().stream().map(jobs::get).toList(),
            group.getValue().stream().map(answers::get).toList());
      }
    }
  }

  private void answerLong(PhotoJob job) {
    busy = true;
    try (INDArray image = batch(List.of(job))) {
      List<PhotoAnswer> answers = classify(List.of(job), image);
      current = job;
      explain(explainers.get(job.method().orElseThrow()), List.of(job), answers);
    } catch (CancellationException e) {
      job.answer().cancel(false);
    } finally {
      current = null;
      busy = false;
    }
  }

  /** Between two passes of a long method: does it go on, and does short work wait? */
  private void between(long done, long total) {
    PhotoJob job = current;
    if (job == null) {
      return;
    }
    job.progress().passed(done, total);
    if (job.answer().isDone() || queue.isClosed()) {
      throw new CancellationException();
    }
    List<PhotoJob> waiting = queue.poll(most);
    if (waiting.isEmpty()) {
      return;
    }
    Spent before = spent();
    current = null;
    answer(waiting);
    current = job;
    Spent after = spent();
    lent =
        new Spent(
            lent.forward() + after.forward() - before.forward(),
            lent.backward() + after.backward() - before.backward(),
            lent.nanos() + after.nanos() - before.nanos());
  }

  /** So far, without what was lent. */
  private Spent spent() {
    PassCounter passes = classifier.passes();
    return new Spent(
        passes.forward() - lent.forward(),
        passes.backward() - lent.backward(),
        System.nanoTime() - lent.nanos());
  }

  /** Class probabilities of all, and the maps of those who asked for the run's own method. */
  private List<PhotoAnswer> classify(List<PhotoJob> jobs, INDArray images) {
    long began = System.nanoTime();
    if (own.isEmpty()) {
      try (ClassifierOutput output =
          classifier.forwardBorrowed(images, List.of()).requireFinite()) {
        return answers(
            jobs, output.predictedClasses(), output.probabilities(), began, Optional.empty());
      }
    }
    int size = (int) images.size(0);
    List<OptionalInt> wanted = new ArrayList<>();
    for (int b = 0; b < size; b++) {
      boolean asked = b < jobs.size() && jobs.get(b).method().equals(own);
      wanted.add(asked ? jobs.get(b).wanted() : OptionalInt.empty());
    }
    TtameExplainer mechanism = (TtameExplainer) explainers.get(own.get());
    try (Explanation explanation =
        mechanism.explain(images, ClassChoice.namedOrPredicted(wanted))) {
      double[][] probabilities = explanation.probabilities();
      return answers(
          jobs,
          Predictions.argMax(explanation.logits()),
          probabilities,
          began,
          Optional.of(explanation));
    }
  }

  private List<PhotoAnswer> answers(
      List<PhotoJob> jobs,
      int[] predicted,
      double[][] probabilities,
      long began,
      Optional<Explanation> explanation) {
    Optional<SaliencyMaps> maps = explanation.map(Explanation::maps).map(SaliencyMaps::of);
    double milliseconds = (System.nanoTime() - began) / 1e6;
    List<PhotoAnswer> answers = new ArrayList<>();
    for (int b = 0; b < jobs.size(); b++) {
      Optional<PhotoAnswer.Explained> map = Optional.empty();
      if (maps.isPresent() && jobs.get(b).method().equals(own)) {
        map =
            Optional.of(
                new PhotoAnswer.Explained(
                    own.orElseThrow().optionName(),
                    explanation.orElseThrow().classes()[b][0],
                    one(maps.get(), b),
                    1,
                    0,
                    milliseconds));
      }
      answers.add(
          new PhotoAnswer(
              predicted[b], Arrays.stream(probabilities[b]).boxed().toList(), milliseconds, map));
    }
    return answers;
  }

  /** Explains by a method that needs to be told the class, and completes the jobs. */
  private void explain(Explainer explainer, List<PhotoJob> jobs, List<PhotoAnswer> answers) {
    try (INDArray images = batch(jobs)) {
      int size = (int) images.size(0);
      int[] classes = new int[size];
      List<String> names = new ArrayList<>();
      for (int b = 0; b < size; b++) {
        int from = b < jobs.size() ? b : 0;
        classes[b] = jobs.get(from).wanted().orElse(answers.get(from).predicted());
        names.add(jobs.get(from).photo().name());
      }
      Spent before = spent();
      SaliencyMaps maps = explainer.explain(images, classes, names);
      Spent after = spent();
      double forward = (double) (after.forward() - before.forward()) / size;
      double backward = (double) (after.backward() - before.backward()) / size;
      double milliseconds = (after.nanos() - before.nanos()) / 1e6;
      for (int b = 0; b < jobs.size(); b++) {
        PhotoAnswer said = answers.get(b);
        PhotoAnswer.Explained explained =
            new PhotoAnswer.Explained(
                explainer.name(), classes[b], one(maps, b), forward, backward, milliseconds);
        jobs.get(b)
            .answer()
            .complete(
                new PhotoAnswer(
                    said.predicted(),
                    said.probabilities(),
                    said.milliseconds(),
                    Optional.of(explained)));
      }
    }
  }

  /** {@code [B, H, W, C]}, B the next of 1, 2, 4 … that is enough. */
  private INDArray batch(List<PhotoJob> jobs) {
    int size = Math.min(most, Integer.highestOneBit(2 * jobs.size() - 1));
    int values = classifier.inputSpec().values();
    float[] all = new float[size * values];
    for (int b = 0; b < size; b++) {
      float[] pixels = jobs.get(b < jobs.size() ? b : 0).photo().pixels();
      System.arraycopy(pixels, 0, all, b * values, values);
    }
    return Nd4j.create(all, classifier.inputSpec().shape(size), 'c');
  }

  private static SaliencyMaps one(SaliencyMaps maps, int b) {
    return new SaliencyMaps(maps.height(), maps.width(), new float[][] {maps.map(b)});
  }

  private static List<String> names(List<PhotoJob> jobs) {
    return jobs.stream().map(job -> job.photo().name()).toList();
  }

  @Override
  public void close() {
    catalog.close();
  }
}
