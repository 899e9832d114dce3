package org.ttame.training.data;

import java.util.Arrays;
import java.util.stream.Collectors;
import org.ttame.core.Text;

/** What is done to training images, {@code --augment}. */
public enum Augment {
  /** The centre crop, as at test time. */
  NONE("none"),
  /** A random crop (the paper). */
  CROP("crop"),
  /** A random crop, mirrored with probability one half (the released code). */
  CROP_FLIP("crop-flip");

  private final String option;

  Augment(String option) {
    this.option = option;
  }

  /** The name on the command line. */
  public String optionName() {
    return option;
  }

  /**
   * Finds one by its name on the command line.
   *
   * @param option e.g. {@code crop-flip}
   * @return it
   * @throws IllegalArgumentException quoting a name that is none
   */
  public static Augment parse(String option) {
    for (Augment augment : values()) {
      if (augment.option.equals(option)) {
        return augment;
      }
    }
    throw new IllegalArgumentException(
        Text.format(
            "'%s' is no augmentation; choose %s",
            option,
            Arrays.stream(values()).map(Augment::optionName).collect(Collectors.joining(", "))));
  }
}
