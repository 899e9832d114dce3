package org.ttame.eval.explain;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.Variant;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;

/**
 * Makes the methods of a classifier by name, and closes them together.
 *
 * <p>Methods that are a trained mechanism need it: see {@link #run} and {@link #lcam}.
 */
public final class MethodCatalog implements AutoCloseable {
  private final FrozenClassifier classifier;
  private final MethodOptions options;
  private final List<Explainer> made = new ArrayList<>();
  private final List<AttentionMechanism> untrained = new ArrayList<>();
  private AttentionMechanism run;
  private AttentionMechanism lcam;

  /**
   * The methods that need nothing but the classifier.
   *
   * @param classifier stays the caller's, and must stay open
   * @param options what methods are made with
   */
  public MethodCatalog(FrozenClassifier classifier, MethodOptions options) {
    this.classifier = Objects.requireNonNull(classifier, "classifier");
    this.options = Objects.requireNonNull(options, "options");
  }

  /**
   * Adds the methods of a training run: T-TAME and its untrained control or, if the run trained
   * L-CAM, that and its control.
   *
   * @param mechanism stays the caller's
   */
  public MethodCatalog run(AttentionMechanism mechanism) {
    run = Objects.requireNonNull(mechanism, "mechanism");
    return this;
  }

  /**
   * Adds L-CAM from a run of its own.
   *
   * @param mechanism stays the caller's
   * @throws IllegalArgumentException if it was trained as something else
   */
  public MethodCatalog lcam(AttentionMechanism mechanism) {
    if (mechanism.spec().variant() != Variant.LCAM) {
      throw new IllegalArgumentException(
          Text.format(
              "L-CAM's mechanism was trained as %s, not with option 'variant' lcam",
              of(mechanism).optionName()));
    }
    lcam = mechanism;
    return this;
  }

  /** The method that a mechanism is: L-CAM is one of our variants with a name of its own. */
  public static ExplanationMethod of(AttentionMechanism mechanism) {
    return mechanism.spec().variant() == Variant.LCAM
        ? ExplanationMethod.LCAM
        : ExplanationMethod.TTAME;
  }

  /**
   * Makes a method.
   *
   * @return it; this catalogue closes it
   * @throws IllegalArgumentException if it needs a mechanism that is not here, or does not explain
   *     classifiers of this kind, or if the layer asked for does not exist
   */
  public Explainer explainer(ExplanationMethod method) {
    Explainer explainer = make(method);
    made.add(explainer);
    return explainer;
  }

  private Explainer make(ExplanationMethod method) {
    PassListener listener = (done, total) -> options.listener().passed(method, done, total);
    return switch (method) {
      case TTAME -> new TtameExplainer(method.optionName(), classifier, trained());
      case UNTRAINED -> {
        AttentionMechanism blank = AttentionMechanism.create(any().spec(), options.seed());
        untrained.add(blank);
        yield new TtameExplainer(method.optionName(), classifier, blank);
      }
      case LCAM -> {
        AttentionMechanism trained = lcamMechanism();
        trained.spec().requireApplicable();
        yield new TtameExplainer(method.optionName(), classifier, trained);
      }
      case RANDOM -> random();
      case GRADCAM -> GradCamExplainer.gradCam(classifier, layer());
      case GRADCAM_PLUS_PLUS -> GradCamExplainer.plusPlus(classifier, layer());
      case SCORECAM -> new ScoreCamExplainer(classifier, layer(), options.batch(), listener);
      case ABLATIONCAM -> new AblationCamExplainer(classifier, layer(), options.batch(), listener);
      case RISE ->
          new RiseExplainer(
              classifier,
              options.riseMasks().orElseGet(() -> RiseExplainer.paperMasks(classifier)),
              options.seed(),
              options.batch(),
              listener);
      case IIA -> IiaExplainer.of(classifier, layer(), IiaExplainer.Form.PAPER, listener);
      case IIA_RELEASED ->
          IiaExplainer.of(classifier, layer(), IiaExplainer.Form.RELEASED, listener);
      case TRANSFORMER_LRP -> new TransformerLrpExplainer(classifier);
    };
  }

  private FeatureLayer layer() {
    return options.layer().map(classifier::layer).orElseGet(() -> classifier.camLayer());
  }

  /** As coarse as what it is compared with. */
  private Explainer random() {
    if (run != null) {
      return new RandomMapsExplainer(run.mapHeight(), run.mapWidth(), options.seed());
    }
    FeatureLayer layer = classifier.camLayer();
    return new RandomMapsExplainer(layer.height(), layer.width(), options.seed());
  }

  private AttentionMechanism any() {
    if (run == null) {
      throw new IllegalArgumentException(
          "The methods ttame and untrained need a training run; give option 'run'");
    }
    return run;
  }

  private AttentionMechanism trained() {
    if (of(any()) != ExplanationMethod.TTAME) {
      throw new IllegalArgumentException(
          "The run was trained as lcam, so it has no maps of ttame; ask for lcam or give another"
              + " option 'run'");
    }
    return run;
  }

  private AttentionMechanism lcamMechanism() {
    if (lcam != null) {
      return lcam;
    }
    if (run == null || of(run) != ExplanationMethod.LCAM) {
      throw new IllegalArgumentException(
          "The method lcam needs a run that was trained with option 'variant' lcam; give option 'lcam-run'");
    }
    return run;
  }

  /** Closes every method made. */
  @Override
  public void close() {
    made.forEach(Explainer::close);
    made.clear();
    untrained.forEach(AttentionMechanism::close);
    untrained.clear();
  }
}
