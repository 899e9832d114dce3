package org.ttame.eval.explain;

import java.util.List;
import org.ttame.core.Named;
import org.ttame.core.Text;

/** The methods that maps can be asked of by name, in the order in which they are listed. */
public enum ExplanationMethod implements Named {
  /** The trained mechanism. */
  TTAME("ttame", "T-TAME", Needs.RUN, Reads.NOTHING_ELSE),
  /** The control: the mechanism with its initial values. */
  UNTRAINED("untrained", "untrained", Needs.RUN, Reads.NOTHING_ELSE),
  /** The control: coarse noise. */
  RANDOM("random", "random", Needs.CLASSIFIER, Reads.NOTHING_ELSE),
  /** The variant L-CAM, trained in a run of its own. */
  LCAM("lcam", "L-CAM-Img", Needs.LCAM_RUN, Reads.NOTHING_ELSE),
  /** Grad-CAM. */
  GRADCAM("gradcam", "Grad-CAM", Needs.CLASSIFIER, Reads.LAYER),
  /** Grad-CAM++. */
  GRADCAM_PLUS_PLUS("gradcam++", "Grad-CAM++", Needs.CLASSIFIER, Reads.LAYER),
  /** Score-CAM. */
  SCORECAM("scorecam", "Score-CAM", Needs.CLASSIFIER, Reads.LAYER),
  /** Ablation-CAM. */
  ABLATIONCAM("ablationcam", "Ablation-CAM", Needs.CLASSIFIER, Reads.LAYER),
  /** RISE. */
  RISE("rise", "RISE", Needs.CLASSIFIER, Reads.NOTHING_ELSE),
  /** Iterated integrated attributions as its paper has them. */
  IIA("iia", "IIA", Needs.CLASSIFIER, Reads.LAYER),
  /** The form that its published program reduces to. */
  IIA_RELEASED("iia-released", "IIA (released)", Needs.CLASSIFIER, Reads.LAYER),
  /** Transformer LRP; for vision transformers. */
  TRANSFORMER_LRP("transformer-lrp", "Transformer LRP", Needs.CLASSIFIER, Reads.NOTHING_ELSE);

  private enum Needs {
    CLASSIFIER,
    RUN,
    LCAM_RUN
  }

  private enum Reads {
    LAYER,
    NOTHING_ELSE
  }

  private final String optionName;
  private final String title;
  private final Needs needs;
  private final Reads reads;

  ExplanationMethod(String optionName, String title, Needs needs, Reads reads) {
    this.optionName = optionName;
    this.title = title;
    this.needs = needs;
    this.reads = reads;
  }

  /** The name in options, tables and files; that of its {@link Explainer}. */
  @Override
  public String optionName() {
    return optionName;
  }

  /** Whether it is, or begins from, a mechanism that was trained as T-TAME. */
  public boolean needsRun() {
    return needs == Needs.RUN;
  }

  /** Whether it is a mechanism that was trained as L-CAM. */
  public boolean needsLcamRun() {
    return needs == Needs.LCAM_RUN;
  }

  /** Whether it reads one layer of the classifier, which can be chosen. */
  public boolean readsLayer() {
    return reads == Reads.LAYER;
  }

  /** Whether it explains nothing, and is there to be compared with. */
  public boolean isControl() {
    return this == UNTRAINED || this == RANDOM;
  }

  /** Whether it takes many passes an image, each of which a {@link PassListener} is notified of. */
  public boolean takesManyPasses() {
    return switch (this) {
      case SCORECAM, ABLATIONCAM, RISE, IIA, IIA_RELEASED -> true;
      default -> false;
    };
  }

  /**
   * What people call a method.
   *
   * @param name as it stands in files
   * @return its title, or the name itself where it is none of these
   */
  public static String title(String name) {
    return Named.find(ExplanationMethod.class, name).map(method -> method.title).orElse(name);
  }

  /** All names. */
  public static List<String> optionNames() {
    return Named.names(ExplanationMethod.class);
  }

  /**
   * Reads an option's value.
   *
   * @param text a name
   * @throws IllegalArgumentException if there is no such method
   */
  public static ExplanationMethod parse(String text) {
    return Named.find(ExplanationMethod.class, text)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    Text.format(
                        "%s is not a method; choose from %s",
                        text, String.join(", ", optionNames()))));
  }
}
