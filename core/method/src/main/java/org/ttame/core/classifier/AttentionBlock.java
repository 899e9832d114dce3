package org.ttame.core.classifier;

import java.util.Objects;

/**
 * The names of a pre-norm transformer block's variables in the graph. With h = H heads of width D/H
 * and a perceptron p:
 *
 * <pre>
 *   middle = input + out(softmax(query·keyᵀ)·value)   of the normalised input
 *   output = middle + contract(gelu(expand))          of the normalised middle
 * </pre>
 *
 * <p>Constant factors may hide in weights, as 1/√(D/H) in the query's.
 *
 * @param input the residual stream, {@code [B, T, D]}
 * @param query from the normalised input; rows of {@code B·T}
 * @param key likewise
 * @param value likewise
 * @param probabilities the attention after softmax, {@code [B, H, T, T]}
 * @param out from the heads' joined contexts
 * @param middle the residual stream after attention, {@code [B, T, D]}
 * @param expand the perceptron's first layer, from the normalised middle
 * @param contract its second, from the activated first
 * @param output the residual stream, {@code [B, T, D]}
 */
public record AttentionBlock(
    String input,
    LinearLayer query,
    LinearLayer key,
    LinearLayer value,
    String probabilities,
    LinearLayer out,
    String middle,
    LinearLayer expand,
    LinearLayer contract,
    String output) {
  public AttentionBlock {
    Objects.requireNonNull(input, "input");
    Objects.requireNonNull(query, "query");
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(value, "value");
    Objects.requireNonNull(probabilities, "probabilities");
    Objects.requireNonNull(out, "out");
    Objects.requireNonNull(middle, "middle");
    Objects.requireNonNull(expand, "expand");
    Objects.requireNonNull(contract, "contract");
    Objects.requireNonNull(output, "output");
  }
}
