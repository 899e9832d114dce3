package org.ttame.core.attention;

import org.ttame.core.Named;

/** The forms of the attention mechanism: the proposed one and the ablations of Table VI. */
public enum Variant implements Named {
  /** Convolution, batch normalisation, skip, ReLU in each branch. */
  PROPOSED(true, true),
  /** Without the skip connection. */
  NO_SKIP(false, true),
  /** Without skip connection and batch normalisation. */
  NO_SKIP_NO_BN(false, false),
  /** Sigmoid in place of the branches' ReLU; skip and batch normalisation stay. */
  SIGMOID(true, true),
  /** The proposed form on the last two of the selected maps. */
  TWO_MAPS(true, true),
  /** The proposed form on the last of the selected maps. */
  ONE_MAP(true, true),
  /** L-CAM: the fusion module alone, straight on the last of the selected maps. */
  LCAM(false, false);

  private final boolean skip;
  private final boolean batchNorm;

  Variant(boolean skip, boolean batchNorm) {
    this.skip = skip;
    this.batchNorm = batchNorm;
  }

  /**
   * Reads an option's value.
   *
   * @param text e.g. {@code no-skip-no-bn}
   * @throws IllegalArgumentException if there is none of that name
   */
  public static Variant parse(String text) {
    return Named.parse(Variant.class, "variant", text);
  }

  /**
   * How many maps it reads.
   *
   * @param selected how many were selected
   * @return how many of them, counted from the last, it keeps
   */
  public int mapsOf(int selected) {
    return switch (this) {
      case TWO_MAPS -> 2;
      case ONE_MAP, LCAM -> 1;
      default -> selected;
    };
  }

  /** Whether the maps pass through branches before they are fused. */
  public boolean hasBranches() {
    return this != LCAM;
  }

  /** Whether a branch adds its input before the activation. */
  public boolean hasSkip() {
    return skip;
  }

  /** Whether a branch normalises its convolution. */
  public boolean hasBatchNorm() {
    return batchNorm;
  }

  /** Whether a branch ends in a sigmoid; otherwise in a ReLU. */
  public boolean hasSigmoid() {
    return this == SIGMOID;
  }
}
