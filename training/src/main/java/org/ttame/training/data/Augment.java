package org.ttame.training.data;

import org.ttame.core.Named;

/** What is done to training images, {@code --augment}. */
public enum Augment implements Named {
  /** The centre crop, as at test time. */
  NONE,
  /** A random crop (the paper). */
  CROP,
  /** A random crop, mirrored with probability one half (the released code). */
  CROP_FLIP;

  /**
   * Finds one by its name on the command line.
   *
   * @param option e.g. {@code crop-flip}
   * @throws IllegalArgumentException quoting a name that is none
   */
  public static Augment parse(String option) {
    return Named.parse(Augment.class, "augmentation", option);
  }
}
