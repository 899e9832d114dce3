package org.ttame.services;

import org.ttame.core.image.CropPlan;

/**
 * A photograph as {@link PhotoService} takes it: decoded, cut and standardised. The photograph
 * itself is not kept.
 */
public final class PhotoInput {
  private final String name;
  private final CropPlan crop;
  private final float[] pixels;

  PhotoInput(String name, CropPlan crop, float[] pixels) {
    this.name = name;
    this.crop = crop;
    this.pixels = pixels;
  }

  /** What messages call it; methods that draw at random seed themselves by it. */
  public String name() {
    return name;
  }

  /** The part of the photograph that the classifier sees, and the photograph's size. */
  public CropPlan crop() {
    return crop;
  }

  /** Standardised values, {@code [H, W, C]}; not a copy. */
  float[] pixels() {
    return pixels;
  }
}
