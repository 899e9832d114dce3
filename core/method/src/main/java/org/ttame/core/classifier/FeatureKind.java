package org.ttame.core.classifier;

/** The layout of a layer's output. */
public enum FeatureKind {
  /** A convolutional feature map, {@code [B, h, w, C]}. */
  MAP,
  /**
   * A sequence of tokens, {@code [B, p + h·w, C]}: p tokens that stand for no place (class,
   * distillation, registers), then the patches row by row.
   */
  TOKENS
}
