package org.ttame.backbones.graph;

import java.util.List;

/**
 * A constant of a backbone's graph. Names follow torchvision; layouts are those the graph computes
 * with:
 *
 * <ul>
 *   <li>convolutions {@code [kh, kw, in, out]} (YXIO), batch normalisation folded in, always with a
 *       bias
 *   <li>linear layers {@code [in, out]}; the first one after a flattened map reads it in the order
 *       height, width, channel
 *   <li>a ViT's patch embedding {@code [patch·patch·3, width]} over row, column, channel; its query
 *       projection scaled by 1/√head width; its positions with the class token added to the first;
 *       its perceptron's layers scaled by 1/√2 each, see {@link VitGraph}
 * </ul>
 *
 * @param name its name
 * @param shape its shape
 */
public record Parameter(String name, List<Long> shape) {
  public Parameter {
    shape = List.copyOf(shape);
  }

  /** Number of values. */
  public long size() {
    return shape.stream().reduce(1L, Math::multiplyExact);
  }

  @Override
  public String toString() {
    return name + shape;
  }
}
