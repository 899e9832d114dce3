package org.ttame.eval.explain;

/** What a method meets that leaves a map poorer than asked for. Each kind is counted. */
public enum MapWarning {
  /** A map had the same value everywhere, often zero. Whoever made it. */
  FLAT_MAP("maps were constant: nothing stands out, and scores depend only on how ties are broken"),

  /** A map made elsewhere had values that maps do not have. */
  OUTSIDE("maps had values outside [0, 1] and were min-max scaled"),

  /** A score, weight or sum was NaN or infinite. */
  NOT_FINITE("scores or sums were not finite and were ignored"),

  /** A channel that should mask an image was the same everywhere. */
  FLAT_CHANNEL("channels were constant and masked out the whole image"),

  /** The gradient of a class's score is zero all over the layer that a method reads. */
  NO_INFLUENCE(
      "maps were empty, as the class's logit has no gradient at any place of the layer that was"
          + " read; give another with option 'layer'");

  private final String sentence;

  MapWarning(String sentence) {
    this.sentence = sentence;
  }

  /** What happened, and what became of it; a count before it makes a sentence. */
  public String sentence() {
    return sentence;
  }
}
