package org.ttame.core.classifier;

/** The layout of a layer's output. */
public enum FeatureKind {
  /** A convolutional feature map, {@code [B, h, w, C]}. */
  MAP,
  /**
   * A sequence of tokens, {@code [B, 1 + h·w, C]}: the class token, then the patches row by row.
   */
  TOKENS
}
