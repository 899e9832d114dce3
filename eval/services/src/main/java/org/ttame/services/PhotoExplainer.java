package org.ttame.services;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.ttame.backbones.Backbones;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.engine.NativeBinary;
import org.ttame.core.image.CropPlan;
import org.ttame.core.image.ImageReader;
import org.ttame.core.image.InputSpec;
import org.ttame.core.image.Preprocessing;
import org.ttame.core.image.RgbImage;
import org.ttame.core.image.Standardizer;
import org.ttame.eval.explain.Explainer;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.explain.MethodCatalog;
import org.ttame.eval.explain.MethodOptions;
import org.ttame.eval.explain.SaliencyMaps;

/**
 * A photograph in, a heatmap at the photograph's own size out; reading, resizing and
 * standardisation included.
 *
 * <pre>{@code
 * try (var explainer = PhotoExplainer.ofRun(Path.of("run"))) {
 *   var explanation = explainer.explain(Path.of("dog.jpg"));
 *   System.out.println(explanation.label() + " " + explanation.probability());
 *   PngWriter.write(explanation.overlay(), Path.of("dog-heatmap.png"));
 * }
 * }</pre>
 *
 * <p>For one thread at a time: a second one that comes meanwhile gets an {@link
 * IllegalStateException}. Threads that explain at once have one each. The native build that fits
 * the processor is chosen when this class is first used, if the program has not chosen before.
 */
public final class PhotoExplainer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(PhotoExplainer.class);
  private static final long SEED = 0;
  private static final int BATCH = 16;

  static {
    NativeBinary.select();
  }

  private final FrozenClassifier classifier;
  private final List<String> names;
  private final Preprocessing preprocessing;
  private final ImageReader reader = new ImageReader();
  private final MethodCatalog methods;
  private final Explainer explainer;
  private final AttentionMechanism mechanism;

  private PhotoExplainer(
      FrozenClassifier classifier,
      List<String> names,
      ExplanationMethod method,
      AttentionMechanism mechanism) {
    this.classifier = classifier;
    this.names = names.isEmpty() ? classifier.spec().output().labels() : names;
    this.mechanism = mechanism;
    classifier.assumptions().stream()
        .filter(assumption -> !assumption.recorded())
        .forEach(assumption -> LOG.warn(assumption.sentence()));
    preprocessing = new Preprocessing(classifier.inputSpec());
    methods = new MethodCatalog(classifier, MethodOptions.of(SEED, BATCH));
    if (mechanism != null) {
      methods.run(mechanism);
    }
    explainer = methods.explainer(method);
  }

  /**
   * T-TAME, or L-CAM where that was trained, with the best checkpoint of a training run on the
   * classifier that it was trained for.
   *
   * @param run the folder that {@code ttame train} wrote
   * @throws IOException naming the file, if the run or its classifier cannot be read, or is not the
   *     one of the run
   */
  public static PhotoExplainer ofRun(Path run) throws IOException {
    TrainedRun trained = TrainedRun.of(run);
    FrozenClassifier classifier =
        trained.open(trained.weights(), trained.folder().classifier().options());
    AttentionMechanism mechanism = null;
    try {
      mechanism = trained.mechanism(classifier);
      List<String> names =
          ClassNames.find(Optional.empty(), Optional.of(run), classifier.spec().output());
      return new PhotoExplainer(classifier, names, MethodCatalog.of(mechanism), mechanism);
    } catch (IOException | RuntimeException e) {
      if (mechanism != null) {
        mechanism.close();
      }
      classifier.close();
      throw e;
    }
  }

  /**
   * A method that needs no training, e.g. {@link ExplanationMethod#GRADCAM}.
   *
   * @param weights the classifier's ONNX or {@code .ttame} file
   * @param options what the file does not say: standardisation, size, output
   * @throws IOException naming the file, if it cannot be read or is no classifier
   * @throws IllegalArgumentException if the method needs a training run
   */
  public static PhotoExplainer of(Path weights, BackboneOptions options, ExplanationMethod method)
      throws IOException {
    FrozenClassifier classifier = Backbones.load(weights, options);
    try {
      return new PhotoExplainer(classifier, List.of(), method, null);
    } catch (RuntimeException e) {
      classifier.close();
      throw e;
    }
  }

  /** The classifier; closed with this. */
  public FrozenClassifier classifier() {
    return classifier;
  }

  /**
   * Explains the most probable class.
   *
   * @param photograph a picture file: JPEG, PNG, GIF, BMP or WebP
   */
  public PhotoExplanation explain(Path photograph) throws IOException {
    return explain(reader.read(photograph), photograph.toString());
  }

  /**
   * Explains a class.
   *
   * @param photograph a picture file
   * @param classIndex from 0
   * @throws IllegalArgumentException if there is no such class
   */
  public PhotoExplanation explain(Path photograph, int classIndex) throws IOException {
    if (classIndex < 0 || classIndex >= classifier.classes()) {
      throw new IllegalArgumentException(
          Text.format(
              "There is no class %d: %s has %d, counted from 0",
              classIndex, classifier.name(), classifier.classes()));
    }
    return explain(reader.read(photograph), photograph.toString(), OptionalInt.of(classIndex));
  }

  /**
   * Explains the most probable class of a decoded picture.
   *
   * @param name what messages call it; methods that draw at random seed themselves by it
   */
  public PhotoExplanation explain(RgbImage photograph, String name) {
    return explain(photograph, name, OptionalInt.empty());
  }

  private PhotoExplanation explain(RgbImage photograph, String name, OptionalInt wanted) {
    CropPlan plan = preprocessing.testPlan(photograph);
    float[] unit = new float[preprocessing.length()];
    preprocessing.write(photograph, plan, unit, 0);
    InputSpec input = classifier.inputSpec();
    float[] pixels = new Standardizer(input).apply(unit);
    try (INDArray images = Nd4j.create(pixels, input.shape(1), 'c');
        ClassifierOutput output = classifier.forward(images, List.of()).requireFinite()) {
      int classIndex = wanted.orElse(output.predictedClasses()[0]);
      double probability = output.probabilities()[0][classIndex];
      SaliencyMaps maps = explainer.explain(images, new int[] {classIndex}, List.of(name));
      String label = classIndex < names.size() ? names.get(classIndex) : String.valueOf(classIndex);
      return new PhotoExplanation(
          photograph, plan, maps, explainer.name(), classIndex, label, probability);
    }
  }

  /** Frees the classifier, the method and the mechanism. */
  @Override
  public void close() {
    methods.close();
    if (mechanism != null) {
      mechanism.close();
    }
    classifier.close();
  }
}
