package org.ttame.eval.bench;

import java.nio.FloatBuffer;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.core.attention.ClassChoice;
import org.ttame.core.attention.Explanation;
import org.ttame.core.attention.MapExplainer;
import org.ttame.core.attention.Upsampling;
import org.ttame.core.attention.Variant;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.InputGradient;
import org.ttame.core.engine.EngineProfile;
import org.ttame.core.engine.HostMemory;
import org.ttame.core.image.InputSpec;
import org.ttame.core.image.Standardizer;
import org.ttame.eval.explain.AblationCamExplainer;
import org.ttame.eval.explain.Explainer;
import org.ttame.eval.explain.PassListener;
import org.ttame.eval.explain.RiseExplainer;
import org.ttame.eval.explain.SaliencyMaps;
import org.ttame.eval.explain.ScoreCamExplainer;
import org.ttame.training.Trainer;
import org.ttame.training.TrainingOptions;

/**
 * A classifier, an attention mechanism with initial values and one batch of seeded images, ready to
 * be worked on. What a kind of work needs is made when it is first done, so that the memory of one
 * kind can be measured without the others.
 *
 * <p>Not thread-safe.
 */
public final class Workbench implements AutoCloseable {
  private static final long STEPS = 1_000_000;
  private static final int PEAK_SIDE = 2048;
  private static final int PEAK_REPEATS = 12;

  private final FrozenClassifier classifier;
  private final AttentionMechanism mechanism;
  private final INDArray unit;
  private final int[] labels;
  private final long seed;
  private final Map<Work, Explainer> methods = new EnumMap<>(Work.class);
  private INDArray standardised;
  private EngineProfile profile;
  private Trainer trainer;
  private MapExplainer explainer;
  private long steps;

  /**
   * How fast this machine multiplies large float32 matrices (sgemm), through the same library as
   * everything else: what convolutions and matrix products could reach at best.
   *
   * @return billions of floating-point operations a second, of the fastest of a dozen products
   */
  public static double peakGigaflops() {
    try (INDArray x = Nd4j.valueArrayOf(new long[] {PEAK_SIDE, PEAK_SIDE}, 0.5, DataType.FLOAT);
        INDArray y = Nd4j.valueArrayOf(new long[] {PEAK_SIDE, PEAK_SIDE}, 0.25, DataType.FLOAT);
        INDArray z = Nd4j.createUninitialized(DataType.FLOAT, PEAK_SIDE, PEAK_SIDE)) {
      double best = Double.POSITIVE_INFINITY;
      for (int i = 0; i < PEAK_REPEATS; i++) {
        long began = System.nanoTime();
        Nd4j.exec(DynamicCustomOp.builder("matmul").addInputs(x, y).addOutputs(z).build());
        best = Math.min(best, (System.nanoTime() - began) / 1e9);
      }
      return 2.0 * PEAK_SIDE * PEAK_SIDE * PEAK_SIDE / best / 1e9;
    }
  }

  /**
   * Prepares.
   *
   * @param classifier stays the caller's
   * @param batch how many images
   * @param seed of images and of the mechanism's initial values
   */
  public Workbench(FrozenClassifier classifier, int batch, long seed) {
    this.classifier = classifier;
    this.seed = seed;
    InputSpec spec = classifier.inputSpec();
    mechanism =
        AttentionMechanism.create(
            AttentionSpec.of(classifier.defaultLayers(), classifier.classes(), Variant.PROPOSED),
            seed);
    unit = Nd4j.createUninitialized(DataType.FLOAT, spec.shape(batch), 'c');
    SplittableRandom random = new SplittableRandom(seed);
    HostMemory.fill(
        unit,
        memory -> {
          FloatBuffer values = memory.asFloatBuffer();
          while (values.hasRemaining()) {
            values.put((float) random.nextDouble());
          }
        });
    labels = new int[batch];
  }

  /** How many images a pass takes. */
  public int batch() {
    return labels.length;
  }

  /**
   * How many images a piece of work is about, where methods of many passes count each masked copy.
   */
  public int images(Work work) {
    return switch (work) {
      case SCORECAM, ABLATIONCAM -> classifier.camLayer().channels();
      default -> batch();
    };
  }

  /**
   * Works once.
   *
   * @param work what to do
   * @return seconds
   */
  public double run(Work work) {
    prepare(work);
    long began = System.nanoTime();
    switch (work) {
      case FORWARD -> forward(standardised);
      case EXPLAIN -> explain(standardised);
      case GRADIENT -> gradient();
      case STEP -> step(unit);
      case RISE, SCORECAM, ABLATIONCAM -> explainFirst(methods.get(work));
    }
    return (System.nanoTime() - began) / 1e9;
  }

  /**
   * Works once on other images.
   *
   * @param work {@link Work#EXPLAIN}, of standardised images, or {@link Work#STEP}, of unit images
   * @param images {@code [B, H, W, C]}; stay the caller's
   */
  public void run(Work work, INDArray images) {
    prepare(work);
    switch (work) {
      case EXPLAIN -> explain(images);
      case STEP -> step(images);
      default -> throw new IllegalArgumentException(work + " takes no images");
    }
  }

  /**
   * Works once and says where the time went.
   *
   * @param work what to do
   */
  public EngineProfile profile(Work work) {
    run(work);
    profile = new EngineProfile();
    watch();
    run(work);
    EngineProfile result = profile;
    profile = null;
    watch();
    return result;
  }

  @Override
  public void close() {
    if (trainer != null) {
      trainer.close();
    }
    if (explainer != null) {
      explainer.close();
    }
    methods.values().forEach(Explainer::close);
    mechanism.close();
    unit.close();
    if (standardised != null) {
      standardised.close();
    }
  }

  private void prepare(Work work) {
    if (work != Work.STEP && standardised == null) {
      standardised = new Standardizer(classifier.inputSpec()).apply(unit);
    }
    if (work == Work.STEP && trainer == null) {
      trainer = new Trainer(classifier, mechanism, TrainingOptions.builder().build(), STEPS);
      watch();
    }
    if (work == Work.EXPLAIN && explainer == null) {
      explainer = new MapExplainer(classifier, mechanism);
      watch();
    }
    if (work == Work.RISE || work == Work.SCORECAM || work == Work.ABLATIONCAM) {
      methods.computeIfAbsent(work, this::method);
    }
  }

  private Explainer method(Work work) {
    FeatureLayer layer = classifier.camLayer();
    return switch (work) {
      case RISE -> new RiseExplainer(classifier, batch(), seed, batch(), PassListener.NONE);
      case SCORECAM -> new ScoreCamExplainer(classifier, layer, batch(), PassListener.NONE);
      case ABLATIONCAM -> new AblationCamExplainer(classifier, layer, batch(), PassListener.NONE);
      default -> throw new IllegalArgumentException(work + " is no method of many passes");
    };
  }

  private void watch() {
    classifier.profile(profile);
    if (trainer != null) {
      trainer.profile(profile);
    }
    if (explainer != null) {
      explainer.profile(profile);
    }
  }

  private void forward(INDArray images) {
    try (ClassifierOutput output = classifier.forward(images, List.of())) {
      require(output.logits());
    }
  }

  private void explain(INDArray images) {
    InputSpec spec = classifier.inputSpec();
    try (Explanation explanation = explainer.explain(images, ClassChoice.predicted());
        INDArray large = Upsampling.upsample(explanation.maps(), spec.height(), spec.width())) {
      require(large);
    }
  }

  private void explainFirst(Explainer method) {
    try (INDArray first = standardised.get(NDArrayIndex.interval(0, 1)).dup('c')) {
      SaliencyMaps maps = method.explain(first, new int[] {0}, List.of("first"));
      if (Float.isNaN(maps.map(0)[0])) {
        throw new IllegalStateException("The method's map is not a number");
      }
    }
  }

  private void gradient() {
    try (InputGradient gradient = classifier.crossEntropyGradient(standardised, labels)) {
      require(gradient.gradient());
    }
  }

  private void step(INDArray images) {
    trainer.step(steps++ % STEPS, images);
  }

  /** Keeps the compiler from removing the work. */
  private static void require(INDArray result) {
    if (Double.isNaN(result.getDouble(0))) {
      throw new IllegalStateException("The classifier's outputs are not numbers");
    }
  }
}
