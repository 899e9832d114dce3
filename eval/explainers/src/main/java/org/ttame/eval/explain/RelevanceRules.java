package org.ttame.eval.explain;

import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/**
 * How relevance goes backwards through an operation (Chefer et al. 2021, with α = 1), written into
 * a graph. Each rule hands on the sum of what it gets, up to the guards of its divisions.
 *
 * <p>Relevance of an operation's output is R; that of each input has the input's shape.
 */
record RelevanceRules(SameDiff graph) {
  /** Keeps divisions finite. */
  static final double GUARD = 1e-9;

  /** Relevance of two inputs. */
  record Shares(SDVariable first, SDVariable second) {}

  /**
   * A linear layer without its bias: what has driven an output up shares its relevance, x⁺(S·w⁺ᵀ) +
   * x⁻(S·w⁻ᵀ) with S = R/(x⁺w⁺ + x⁻w⁻).
   *
   * @param r {@code [rows, out]}
   * @param x {@code [rows, in]}
   * @param w {@code [in, out]}
   * @return {@code [rows, in]}
   */
  SDVariable linear(SDVariable r, SDVariable x, SDVariable w) {
    SDVariable up = graph.nn().relu(x, 0);
    SDVariable down = x.sub(up);
    SDVariable more = graph.nn().relu(w, 0);
    SDVariable less = w.sub(more);
    SDVariable s = divide(r, graph.mmul(up, more).add(graph.mmul(down, less)));
    return up.mul(graph.mmul(s, more, false, true, false))
        .add(down.mul(graph.mmul(s, less, false, true, false)));
  }

  /**
   * A product of two stacks of matrices: each operand gets itself times its gradient of S =
   * R/(x·y), halved.
   *
   * @param r {@code [..., n, m]}
   * @param x {@code [..., n, k]}
   * @param y {@code [..., k, m]}
   */
  Shares product(SDVariable r, SDVariable x, SDVariable y) {
    SDVariable s = divide(r, graph.mmul(x, y));
    return new Shares(
        x.mul(graph.mmul(s, y, false, true, false)).mul(0.5),
        y.mul(graph.mmul(x, s, true, false, false)).mul(0.5));
  }

  /**
   * A sum: elementwise in proportion to the summands, then each image's relevance split in
   * proportion to the summands' absolute totals.
   *
   * @param r {@code [B, T, D]}
   * @param x a summand, of that shape
   * @param y the other
   */
  Shares sum(SDVariable r, SDVariable x, SDVariable y) {
    SDVariable s = divide(r, x.add(y));
    SDVariable first = x.mul(s);
    SDVariable second = y.mul(s);
    SDVariable firstTotal = first.sum(true, 1, 2);
    SDVariable secondTotal = second.sum(true, 1, 2);
    SDVariable total = graph.math().abs(firstTotal).add(graph.math().abs(secondTotal));
    SDVariable unit = divide(r.sum(true, 1, 2), total);
    return new Shares(
        first.mul(unit.mul(graph.math().sign(firstTotal))),
        second.mul(unit.mul(graph.math().sign(secondTotal))));
  }

  /** a/b, away from zero by the guard; nothing where b is zero. */
  private SDVariable divide(SDVariable a, SDVariable b) {
    return a.mul(graph.math().sign(b)).div(graph.math().abs(b).add(GUARD));
  }
}
