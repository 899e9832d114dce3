package org.ttame.training;

import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.InputGradient;
import org.ttame.core.classifier.NonFiniteException;
import org.ttame.core.engine.EngineProfile;
import org.ttame.core.engine.HostMemory;
import org.ttame.core.engine.ThreadGuard;
import org.ttame.core.image.InputSpec;
import org.ttame.core.image.Standardizer;
import org.ttame.core.loss.AttentionTrainingGraph;
import org.ttame.core.loss.LossOptions;
import org.ttame.core.loss.StepGradients;
import org.ttame.core.masking.Masking;
import org.ttame.training.data.Batch;
import org.ttame.training.optimizer.NesterovSgd;
import org.ttame.training.optimizer.OneCycle;
import org.ttame.training.optimizer.Schedule;
import org.ttame.training.run.StepRecord;

/**
 * Trains an attention mechanism, one step at a time.
 *
 * <p>A step: the frozen classifier sees the clean images and says which class y each shows; their
 * feature maps go through the mechanism; the map of y masks each image (Eq. 13 or 14); the
 * classifier sees the masked images; the loss of Eq. 11 goes backwards through that second pass and
 * through the maps; Nesterov SGD moves the mechanism by the OneCycle policy, and its running
 * statistics follow. The classifier never changes.
 *
 * <p>The classifier and the mechanism stay the caller's. A trainer serves one thread at a time, as
 * they do: a second one gets an {@link IllegalStateException}.
 */
public final class Trainer implements AutoCloseable {
  /**
   * What a step computes.
   *
   * @param masking how maps are laid over images; null for the classifier's own choice
   * @param loss weights and reading of the loss
   * @param targets what each image's map is trained to explain
   * @param maxLr the largest learning rate of the OneCycle policy
   * @param weightDecay of every parameter whose name does not end in bias
   */
  public record Options(
      Masking masking, LossOptions loss, Targets targets, double maxLr, double weightDecay) {
    public Options {
      Objects.requireNonNull(loss, "loss");
      Objects.requireNonNull(targets, "targets");
      if (!(maxLr > 0) || Double.isInfinite(maxLr)) {
        throw new IllegalArgumentException("max-lr must be a positive number, got " + maxLr);
      }
      if (!(weightDecay >= 0) || Double.isInfinite(weightDecay)) {
        throw new IllegalArgumentException(
            "weight-decay must be a finite number that is not negative, got " + weightDecay);
      }
    }

    /** The paper's protocol. */
    public static Options defaults() {
      return new Options(null, LossOptions.defaults(), Targets.PREDICTED, 1e-3, 5e-4);
    }

    /** How maps are laid over a classifier's images: as was asked for, or its own way. */
    public Masking maskingOf(FrozenClassifier classifier) {
      return masking == null ? classifier.defaultMasking() : masking;
    }
  }

  private final FrozenClassifier classifier;
  private final AttentionMechanism mechanism;
  private final AttentionTrainingGraph graph;
  private final Schedule schedule;
  private final NesterovSgd optimizer;
  private final ClassDraws draws;
  private final Targets targets;
  private final long seed;
  private final Standardizer standardizer;
  private final ThreadGuard guard = new ThreadGuard();

  /**
   * Prepares training with drawn classes.
   *
   * @param mechanism what is trained, in place
   * @param options of which variant, layers, data and seed of initial values are settled already
   * @param totalSteps how many steps the OneCycle policy spans
   */
  public Trainer(
      FrozenClassifier classifier,
      AttentionMechanism mechanism,
      TrainingOptions options,
      long totalSteps) {
    this(classifier, mechanism, options, totalSteps, ClassDraws.of(options, classifier.classes()));
  }

  /**
   * Prepares training.
   *
   * @param mechanism what is trained, in place
   * @param options as above
   * @param totalSteps how many steps the OneCycle policy spans
   * @param draws where the classes of Ψ come from
   */
  public Trainer(
      FrozenClassifier classifier,
      AttentionMechanism mechanism,
      TrainingOptions options,
      long totalSteps,
      ClassDraws draws) {
    this(
        classifier, mechanism, options, new OneCycle(totalSteps, options.trainer().maxLr()), draws);
  }

  /**
   * Prepares training by another schedule.
   *
   * @param classifier what is explained
   * @param mechanism what is trained, in place
   * @param options as above; their largest learning rate is not used
   * @param schedule learning rate and momentum of each step
   * @param draws where the classes of Ψ come from
   */
  Trainer(
      FrozenClassifier classifier,
      AttentionMechanism mechanism,
      TrainingOptions options,
      Schedule schedule,
      ClassDraws draws) {
    this.classifier = classifier;
    this.mechanism = mechanism;
    this.draws = draws;
    this.targets = options.trainer().targets();
    this.seed = options.seed();
    this.schedule = schedule;
    Masking masking = options.trainer().maskingOf(classifier);
    InputSpec spec = classifier.inputSpec();
    this.graph =
        new AttentionTrainingGraph(
            mechanism, masking, options.trainer().loss(), spec, classifier.precision());
    this.optimizer = new NesterovSgd(mechanism.parameters(), options.trainer().weightDecay());
    this.standardizer = new Standardizer(spec);
  }

  /**
   * Trains on batches until they or the steps end.
   *
   * @param batches unit images {@code [B, H, W, C]} in [0,1]; each is closed when used
   */
  public void train(Iterator<INDArray> batches) {
    for (long step = 0; step < schedule.totalSteps() && batches.hasNext(); step++) {
      try (INDArray images = batches.next()) {
        step(step, images);
      }
    }
  }

  /**
   * Does one step.
   *
   * @param step 0 for the first of the run
   * @param unitImages {@code [B, H, W, C]} in [0,1]; stays the caller's
   * @return what it did; its epoch is 1, its speed that of the computing alone
   * @throws DivergenceException if loss or gradient is not finite; the mechanism is then unchanged
   * @throws NonFiniteException if a logit of the images as they are is not: no training can help
   */
  public StepRecord step(long step, INDArray unitImages) {
    return guard.call(
        () ->
            mechanism.reserved(
                () -> {
                  final long began = System.nanoTime();
                  double lr = schedule.learningRate(step);
                  double momentum = schedule.momentum(step);
                  int images = (int) unitImages.size(0);
                  StepShare.Terms terms =
                      compute(
                          step,
                          unitImages,
                          target -> draws.draw(step, target),
                          (found, gradients) -> {
                            optimizer.step(gradients.gradients(), lr, momentum);
                            mechanism.updateStatistics(gradients.batchStatistics());
                            return found;
                          });
                  double seconds = (System.nanoTime() - began) / 1e9;
                  return record(step, terms, lr, momentum, images, images / seconds);
                }));
  }

  /** Goes forwards and backwards, and has something made of the gradients, which are lent. */
  private <T> T compute(
      long step,
      INDArray unitImages,
      Function<int[], int[][]> classes,
      BiFunction<StepShare.Terms, StepGradients, T> use) {
    double lr = schedule.learningRate(step);
    try (INDArray standardised = standardizer.apply(unitImages);
        // Read by graph.forward, before the classifier runs again.
        ClassifierOutput clean =
            classifier.forwardBorrowed(standardised, mechanism.spec().features())) {
      int[] target = targets.of(seed, step, clean.requireFinite().predictedClasses());
      int[][] psi = classes.apply(target);
      try (AttentionTrainingGraph.Forward forward =
              graph.forward(clean.features(), unitImages, psi);
          InputGradient ce = classifier.crossEntropyGradient(forward.maskedImages(), target)) {
        double loss = graph.options().total(ce.crossEntropy(), forward.area(), forward.variation());
        checkFinite(step, lr, "loss", loss);
        try (StepGradients gradients = forward.backwardBorrowing(ce.gradient())) {
          for (Map.Entry<String, INDArray> gradient : gradients.gradients().entrySet()) {
            // A sum is finite only if every value is: gradients are far from 1e38.
            double sum = gradient.getValue().sumNumber().doubleValue();
            checkFinite(step, lr, "gradient of " + gradient.getKey(), sum);
          }
          return use.apply(
              new StepShare.Terms(loss, ce.crossEntropy(), forward.area(), forward.variation()),
              gradients);
        }
      }
    }
  }

  /**
   * What a worker's share of a step gives; nothing is changed by it.
   *
   * @param step 0 for the first of the run
   * @param epoch 0 for the first
   * @param images the places of the B images in their list, by which classes are drawn
   * @param unitImages {@code [B, H, W, C]} in [0,1]; stays the caller's
   * @param bad what of the share could not be read
   * @throws DivergenceException if loss or gradient is not finite
   * @throws NonFiniteException if a logit of the images as they are is not: no training can help
   */
  public StepShare share(
      long step, long epoch, List<Integer> images, INDArray unitImages, List<Batch.BadImage> bad) {
    return guard.call(
        () ->
            mechanism.reserved(
                () -> {
                  long forward = classifier.passes().forward();
                  long backward = classifier.passes().backward();
                  return compute(
                      step,
                      unitImages,
                      target -> draws.draw(step, epoch, images, target),
                      (terms, gradients) -> {
                        int count = images.size();
                        return new StepShare(
                            count,
                            1,
                            terms.times(count),
                            new StepShare.Passes(
                                classifier.passes().forward() - forward,
                                classifier.passes().backward() - backward),
                            bad,
                            flat(mechanism.parameters(), gradients.gradients(), count),
                            flat(mechanism.statistics(), gradients.batchStatistics(), 1));
                      });
                }));
  }

  /**
   * Does the step that the shares of all workers add up to.
   *
   * @param step 0 for the first of the run
   * @param sum of all shares, one of which has images at least
   * @return what it did; its epoch is 1, its speed 0
   */
  public StepRecord apply(long step, StepShare sum) {
    return guard.call(
        () ->
            mechanism.reserved(
                () -> {
                  double lr = schedule.learningRate(step);
                  double momentum = schedule.momentum(step);
                  Map<String, INDArray> gradients =
                      arrays(mechanism.parameters(), sum.gradients(), sum.images());
                  Map<String, INDArray> statistics =
                      arrays(mechanism.statistics(), sum.statistics(), sum.shares());
                  try {
                    optimizer.step(gradients, lr, momentum);
                    mechanism.updateStatistics(statistics);
                  } finally {
                    gradients.values().forEach(INDArray::close);
                    statistics.values().forEach(INDArray::close);
                  }
                  StepShare.Terms mean = sum.terms().times(1.0 / sum.images());
                  return record(step, mean, lr, momentum, sum.images(), 0);
                }));
  }

  private static StepRecord record(
      long step, StepShare.Terms terms, double lr, double momentum, int images, double speed) {
    return new StepRecord(
        step + 1,
        1,
        terms.loss(),
        terms.crossEntropy(),
        terms.area(),
        terms.variation(),
        lr,
        momentum,
        speed,
        images);
  }

  /** All values of arrays, in the order of others of the same names, times a factor. */
  private static float[] flat(
      Map<String, INDArray> like, Map<String, INDArray> arrays, float factor) {
    int length = Math.toIntExact(like.values().stream().mapToLong(INDArray::length).sum());
    float[] all = new float[length];
    int at = 0;
    for (String name : like.keySet()) {
      INDArray array = arrays.get(name);
      int count = (int) array.length();
      try (INDArray plain = array.dup('c')) {
        HostMemory.values(plain).asFloatBuffer().get(all, at, count);
      }
      at += count;
    }
    for (int i = 0; i < length && factor != 1; i++) {
      all[i] *= factor;
    }
    return all;
  }

  /** The way back: arrays of the shapes of others, of values divided by a number. */
  private static Map<String, INDArray> arrays(
      Map<String, INDArray> like, float[] values, float divisor) {
    Map<String, INDArray> arrays = new LinkedHashMap<>();
    int at = 0;
    for (Map.Entry<String, INDArray> entry : like.entrySet()) {
      INDArray shape = entry.getValue();
      float[] own = Arrays.copyOfRange(values, at, at + (int) shape.length());
      for (int i = 0; i < own.length && divisor != 1; i++) {
        own[i] /= divisor;
      }
      arrays.put(entry.getKey(), Nd4j.create(own, shape.shape(), 'c'));
      at += own.length;
    }
    return arrays;
  }

  /**
   * How much memory a step takes, weights and parameters not counted; nothing is run.
   *
   * @param batch B
   * @return bytes; 0 where SameDiff's session runs the classifier, whose needs nobody knows
   */
  public long plannedBytes(int batch) {
    InputSpec input = classifier.inputSpec();
    long classifying = classifier.plannedStepBytes(batch, mechanism.spec().features());
    long explaining = graph.plannedBytes(batch, Math.min(batch, classifier.classes()));
    // Unit images, the standardised ones, the masked ones.
    long images = 3L * batch * input.values() * Float.BYTES;
    return classifying == 0 || explaining == 0 ? 0 : classifying + explaining + images;
  }

  /**
   * Has each operation timed.
   *
   * @param profile where to add up from now on; null to stop
   */
  public void profile(EngineProfile profile) {
    classifier.profile(profile);
    graph.profile(profile);
  }

  /** The velocities by parameter name, live: the optimiser's whole state. */
  public Map<String, INDArray> velocities() {
    return optimizer.velocities();
  }

  /**
   * Continues with recorded velocities.
   *
   * @param velocities by parameter name; copied
   */
  public void restore(Map<String, INDArray> velocities) {
    guard.run(() -> optimizer.restore(velocities));
  }

  @Override
  public void close() {
    guard.close(
        () -> {
          graph.close();
          optimizer.close();
        });
  }

  private static void checkFinite(long step, double lr, String what, double value) {
    if (!Double.isFinite(value)) {
      throw new DivergenceException(
          step + 1,
          Text.format(
              "The %s is %s at step %d (learning rate %.3g); lower option 'max-lr', and look for damaged"
                  + " images or weights",
              what, value, step + 1, lr));
    }
  }
}
