package org.ttame.core.classifier;

import java.util.Objects;

/**
 * The names of a linear layer's variables in the graph: output = input·weight + bias, on rows.
 *
 * @param input {@code [rows, in]}
 * @param weight a constant, {@code [in, out]}
 * @param output {@code [rows, out]}
 */
public record LinearLayer(String input, String weight, String output) {
  public LinearLayer {
    Objects.requireNonNull(input, "input");
    Objects.requireNonNull(weight, "weight");
    Objects.requireNonNull(output, "output");
  }
}
