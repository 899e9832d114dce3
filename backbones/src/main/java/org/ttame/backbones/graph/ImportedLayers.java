package org.ttame.backbones.graph;

import java.io.IOException;
import org.ttame.backbones.architecture.Architecture;

/** A graph of no family, which knows how to write itself. */
public interface ImportedLayers extends Architecture.Imported {
  /**
   * Writes the graph.
   *
   * @param writer what writes it, without weights or with them
   * @throws IOException if a weight cannot be had
   */
  BackboneGraph write(LayerWriter writer) throws IOException;

  /**
   * What a parameter is, so that it can be drawn anew.
   *
   * @return its role
   * @throws IllegalArgumentException if the graph has none of that name
   */
  Role role(String name);

  /** What a parameter does to what it meets. */
  enum Role {
    /** A convolution's or product's weight. */
    WEIGHT,
    /** What is added after a weight. */
    BIAS,
    /** What a normalisation multiplies by. */
    SCALE,
    /** What a normalisation adds. */
    SHIFT,
    /** A constant of the graph's arithmetic, which nothing has trained as far as can be seen. */
    FIXED
  }
}
