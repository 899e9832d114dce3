package org.ttame.core.classifier;

import java.util.Locale;
import java.util.Objects;
import org.ttame.core.Text;

/**
 * A setting of a classifier that neither its file nor the user said, and that decides numbers; or,
 * of {@link Setting#OWN_BATCH}, something that holds for it and costs time. Said once, and recorded
 * with whatever depends on it.
 *
 * @param setting which
 * @param value what was taken, for people
 * @param recorded whether it was made before and is only taken over, from a run or an imported file
 */
public record Assumption(Setting setting, String value, boolean recorded) {
  /** What can be assumed. */
  public enum Setting {
    /** Mean and std. */
    STANDARDISATION("option 'mean' and option 'std'"),
    /** Height and width of its images. */
    SIDE("option 'input-size'"),
    /** How pictures are brought to that size. */
    RESIZE("option 'resize'"),
    /** Which of several outputs has the logits. */
    OUTPUT("option 'output'"),
    /** That its graph runs at one batch size only; no option can change that. */
    OWN_BATCH("");

    private final String option;

    Setting(String option) {
      this.option = option;
    }

    /** The name used by files. */
    public String fileName() {
      return name().toLowerCase(Locale.ROOT);
    }

    /**
     * Reads a file's name.
     *
     * @param text e.g. {@code side}
     * @return the setting
     * @throws IllegalArgumentException if there is none of that name
     */
    public static Setting parse(String text) {
      for (Setting setting : values()) {
        if (setting.fileName().equals(text)) {
          return setting;
        }
      }
      throw new IllegalArgumentException("\"" + text + "\" is nothing that can be assumed");
    }
  }

  public Assumption {
    Objects.requireNonNull(setting, "setting");
    Objects.requireNonNull(value, "value");
  }

  /** For the user: what was assumed, and which option says otherwise. */
  public String sentence() {
    if (setting == Setting.OWN_BATCH) {
      return value;
    }
    return Text.format(
        "assumed: %s; the file does not say, give %s if that is wrong", value, setting.option);
  }
}
