package org.ttame.core.loss;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.FusionRows;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.engine.EngineProfile;
import org.ttame.core.engine.PendingGradients;
import org.ttame.core.engine.Precision;
import org.ttame.core.engine.ThreadGuard;
import org.ttame.core.image.InputSpec;
import org.ttame.core.masking.ImageMasker;
import org.ttame.core.masking.Masking;

/**
 * The part of a training step that belongs to the attention mechanism: feature maps and images →
 * masked images, and, once the classifier has said how its cross-entropy changes with those, the
 * gradient of the loss (Eq. 11) for every parameter.
 *
 * <p>Classifier and mechanism stay separate graphs; joined by the cotangent ∂CE/∂masked the
 * gradient is exact. A step:
 *
 * <pre>{@code
 * try (Forward forward = graph.forward(features, unitImages, psi);
 *     InputGradient ce = classifier.crossEntropyGradient(forward.maskedImages(), predicted);
 *     StepGradients step = forward.backward(ce.gradient())) {
 *   optimiser.update(mechanism.parameters(), step.gradients());
 *   mechanism.updateStatistics(step.batchStatistics());
 * }
 * }</pre>
 *
 * <p>A graph is made for each pair of batch size and |Ψ| met; the two used last are kept. It serves
 * one thread at a time, and reserves the mechanism while it goes forwards.
 */
public final class AttentionTrainingGraph implements AutoCloseable {
  /** The batch size of a run and that of an epoch's last, smaller batch. */
  private static final int KEPT = 2;

  private final AttentionMechanism mechanism;
  private final ImageMasker masker;
  private final LossOptions options;
  private final InputSpec input;
  private final Precision precision;
  private final Map<Shape, CompiledStep> steps = new LinkedHashMap<>(4, 0.75f, true);

  private final ThreadGuard guard = new ThreadGuard();
  private EngineProfile profile;

  private record Shape(int batch, int mapsPerImage) {}

  /**
   * Prepares training whose products are computed in a precision; parameters and their gradients
   * are of the mechanism's type all the same.
   *
   * @param mechanism the mechanism, read at every step; stays the caller's
   * @param masking how maps are laid over images
   * @param options the loss
   * @param input what the classifier takes
   * @param precision as a rule the classifier's
   */
  public AttentionTrainingGraph(
      AttentionMechanism mechanism,
      Masking masking,
      LossOptions options,
      InputSpec input,
      Precision precision) {
    this.mechanism = Objects.requireNonNull(mechanism, "mechanism");
    this.masker = new ImageMasker(masking, input);
    this.options = Objects.requireNonNull(options, "options");
    this.input = input;
    this.precision = Objects.requireNonNull(precision, "precision");
  }

  /** The loss's options. */
  public LossOptions options() {
    return options;
  }

  /**
   * Goes forwards.
   *
   * @param features feature maps of the mechanism's layers for the clean images, in order, {@code
   *     [B, h, w, C]} or {@code [B, 1 + h·w, C]}; copied, as the images
   * @param unitImages {@code [B, H, W, C]}, in [0,1]
   * @param psi B rows of M classes, each image's predicted class first
   * @return the masked images and the way back; at most one may be open at a time
   * @throws IllegalArgumentException if shapes or classes do not fit
   */
  public Forward forward(List<INDArray> features, INDArray unitImages, int[][] psi) {
    check(features, unitImages, psi.length);
    return guard.call(() -> mechanism.reserved(() -> begin(features, unitImages, psi)));
  }

  private Forward begin(List<INDArray> features, INDArray unitImages, int[][] psi) {
    FusionRows rows = FusionRows.of(mechanism, psi);
    try {
      CompiledStep step = step(new Shape(psi.length, psi[0].length));
      return new Forward(step, step.begin(features, unitImages, rows), rows);
    } catch (RuntimeException e) {
      rows.close();
      throw e;
    }
  }

  /**
   * How much memory the mechanism's part of a step takes; nothing is run.
   *
   * @param batch B
   * @param mapsPerImage |Ψ|
   * @return bytes of the plan; 0 where SameDiff's session would run it
   */
  public long plannedBytes(int batch, int mapsPerImage) {
    try (CompiledStep step =
        new CompiledStep(mechanism, masker, options, input, precision, batch, mapsPerImage)) {
      return step.plannedBytes();
    }
  }

  /**
   * Has each operation timed.
   *
   * @param value where to add up from now on; null to stop
   */
  public void profile(EngineProfile value) {
    guard.run(
        () -> {
          profile = value;
          steps.values().forEach(step -> step.profile(value));
        });
  }

  private CompiledStep step(Shape shape) {
    CompiledStep step = steps.get(shape);
    if (step == null) {
      if (steps.size() == KEPT) {
        Shape eldest = steps.keySet().iterator().next();
        steps.remove(eldest).close();
      }
      step =
          new CompiledStep(
              mechanism, masker, options, input, precision, shape.batch(), shape.mapsPerImage());
      step.profile(profile);
      steps.put(shape, step);
    }
    return step;
  }

  private void check(List<INDArray> features, INDArray images, int batch) {
    List<FeatureLayer> layers = mechanism.spec().features();
    if (features.size() != layers.size()) {
      throw new IllegalArgumentException(
          Text.format(
              "The mechanism reads %d feature maps, got %d", layers.size(), features.size()));
    }
    for (int i = 0; i < layers.size(); i++) {
      FeatureLayer layer = layers.get(i);
      requireShape("The feature map of " + layer.node(), layer.outputShape(batch), features.get(i));
    }
    requireShape("The image batch", input.shape(batch), images);
  }

  private static void requireShape(String what, long[] expected, INDArray array) {
    if (!Arrays.equals(expected, array.shape())) {
      throw new IllegalArgumentException(
          Text.format(
              "%s must have the shape %s, got %s",
              what, Arrays.toString(expected), Arrays.toString(array.shape())));
    }
  }

  @Override
  public void close() {
    guard.close(
        () -> {
          steps.values().forEach(CompiledStep::close);
          steps.clear();
        });
  }

  /** A batch that has gone forwards. Owns its arrays. */
  public static final class Forward implements AutoCloseable {
    private final CompiledStep step;
    private final PendingGradients pending;
    private final FusionRows rows;

    Forward(CompiledStep step, PendingGradients pending, FusionRows rows) {
      this.step = step;
      this.pending = pending;
      this.rows = rows;
    }

    /** Standardised images under their own class's map, {@code [B, H, W, C]}. */
    public INDArray maskedImages() {
      return pending.output(CompiledStep.MASKED);
    }

    /** The area term E(Ψ). */
    public double area() {
      return pending.output(CompiledStep.AREA).getDouble(0);
    }

    /** The variation term V. */
    public double variation() {
      return pending.output(CompiledStep.VARIATION).getDouble(0);
    }

    /**
     * Goes backwards. May be called once.
     *
     * @param cotangent ∂CE/∂masked of the batch's mean cross-entropy, not scaled by λ1, {@code [B,
     *     H, W, C]}; stays the caller's
     * @return gradients and statistics; the caller closes them
     */
    public StepGradients backward(INDArray cotangent) {
      requireShape("The cotangent", maskedImages().shape(), cotangent);
      return step.finish(pending, rows, cotangent);
    }

    /**
     * As {@link #backward}, but lends the graph's own memory: millions of gradients are neither
     * copied nor is memory for them taken at every step. For who uses them at once.
     *
     * @param cotangent as of {@link #backward}
     * @return gradients, not to be written to, dead as soon as the graph goes forwards again or is
     *     closed; and statistics, which the caller closes
     */
    public StepGradients backwardBorrowing(INDArray cotangent) {
      requireShape("The cotangent", maskedImages().shape(), cotangent);
      return step.finishBorrowing(pending, rows, cotangent);
    }

    @Override
    public void close() {
      pending.close();
      rows.close();
    }
  }
}
