package org.ttame.eval.explain;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.classifier.AttentionBlock;
import org.ttame.core.classifier.LinearLayer;
import org.ttame.core.classifier.Transformer;
import org.ttame.core.engine.GraphResult;
import org.ttame.core.engine.GraphRunner;

/**
 * Relevance backwards through one block of a transformer, as a graph of its own: activations and
 * weights come in as values, so that one graph serves all blocks. GELU, normalisations and softmax
 * pass relevance on unchanged.
 */
final class BlockRelevance implements AutoCloseable {
  /** The relevance of the block's input, {@code [B, T, D]}. */
  static final String INPUT = "input_relevance";

  /** mean over heads of relu(∇A ⊙ R_A), {@code [B, T, T]}. */
  static final String ATTENTION = "attention_relevance";

  private static final String GRADIENT = "gradient";
  private static final String OUTPUT = "relevance";

  private final Transformer transformer;
  private final DataType type;
  private final SameDiff graph = SameDiff.create();
  private final RelevanceRules rules = new RelevanceRules(graph);
  private final GraphRunner runner;

  /** Writes the graph of a transformer's blocks. */
  BlockRelevance(Transformer transformer, DataType type) {
    this.transformer = transformer;
    this.type = type;
    write();
    runner = GraphRunner.of(graph);
  }

  /** The block's variables whose values {@link #run} reads. */
  static List<String> variables(AttentionBlock block) {
    return List.of(
        block.input(),
        block.query().input(),
        block.query().output(),
        block.key().output(),
        block.value().output(),
        block.probabilities(),
        block.out().input(),
        block.out().output(),
        block.middle(),
        block.expand().input(),
        block.contract().input(),
        block.contract().output());
  }

  /**
   * Sends relevance of a block's output, {@code [B, T, D]}, through it: {@link #INPUT} and {@link
   * #ATTENTION}, which the caller closes. {@code pass} has the values of {@link #variables} and the
   * gradient at the block's probabilities, {@code weights} its constants.
   */
  GraphResult run(AttentionBlock block, SameDiff weights, GraphResult pass, INDArray relevance) {
    Map<String, INDArray> values = new HashMap<>();
    values.put(OUTPUT, relevance);
    values.put(GRADIENT, pass.gradient(block.probabilities()));
    values.put("x", pass.output(block.input()));
    values.put("normed", pass.output(block.query().input()));
    values.put("q", pass.output(block.query().output()));
    values.put("k", pass.output(block.key().output()));
    values.put("v", pass.output(block.value().output()));
    values.put("a", pass.output(block.probabilities()));
    values.put("joined", pass.output(block.out().input()));
    values.put("attended", pass.output(block.out().output()));
    values.put("middle", pass.output(block.middle()));
    values.put("entered", pass.output(block.expand().input()));
    values.put("hidden", pass.output(block.contract().input()));
    values.put("left", pass.output(block.contract().output()));
    values.put("wq", weight(weights, block.query()));
    values.put("wk", weight(weights, block.key()));
    values.put("wv", weight(weights, block.value()));
    values.put("wo", weight(weights, block.out()));
    values.put("w1", weight(weights, block.expand()));
    values.put("w2", weight(weights, block.contract()));
    return runner.run(values, List.of(INPUT, ATTENTION));
  }

  private static INDArray weight(SameDiff weights, LinearLayer layer) {
    return weights.getVariable(layer.weight()).getArr();
  }

  private void write() {
    int width = transformer.width();
    int hidden = transformer.hidden();
    SDVariable middle = stream("middle");
    RelevanceRules.Shares ends = rules.sum(stream(OUTPUT), middle, stream(rows("left", width)));
    SDVariable activated =
        rules.linear(flat(ends.second()), rows("hidden", hidden), place("w2", hidden, width));
    SDVariable perceptron =
        rules.linear(activated, rows("entered", width), place("w1", width, hidden));
    SDVariable half = ends.first().add(stream(perceptron));
    RelevanceRules.Shares starts = rules.sum(half, stream("x"), stream(rows("attended", width)));
    SDVariable attention = attention(flat(starts.second()));
    starts.first().add(INPUT, stream(attention));
  }

  /** From the relevance of the output projection's rows to that of the normalised input's. */
  private SDVariable attention(SDVariable r) {
    int width = transformer.width();
    int heads = transformer.heads();
    int tokens = transformer.tokens();
    SDVariable context = heads(rules.linear(r, rows("joined", width), place("wo", width, width)));
    SDVariable a = place("a", -1, heads, tokens, tokens);
    RelevanceRules.Shares mixed = rules.product(context, a, heads(rows("v", width)));
    SDVariable gradient = place(GRADIENT, -1, heads, tokens, tokens);
    graph.nn().relu(gradient.mul(mixed.first()), 0).mean(1).rename(ATTENTION);
    SDVariable keys = graph.permute(heads(rows("k", width)), 0, 1, 3, 2);
    RelevanceRules.Shares scores = rules.product(mixed.first(), heads(rows("q", width)), keys);
    SDVariable normed = rows("normed", width);
    return rules
        .linear(joined(scores.first()), normed, place("wq", width, width))
        .add(
            rules.linear(
                joined(graph.permute(scores.second(), 0, 1, 3, 2)),
                normed,
                place("wk", width, width)))
        .add(rules.linear(joined(mixed.second()), normed, place("wv", width, width)));
  }

  private SDVariable place(String name, long... shape) {
    return graph.placeHolder(name, type, shape);
  }

  private SDVariable rows(String name, int width) {
    return place(name, -1, width);
  }

  private SDVariable stream(String name) {
    return place(name, -1, transformer.tokens(), transformer.width());
  }

  private SDVariable stream(SDVariable rows) {
    return graph.reshape(rows, -1, transformer.tokens(), transformer.width());
  }

  private SDVariable flat(SDVariable stream) {
    return graph.reshape(stream, -1, transformer.width());
  }

  /** Rows to {@code [B, H, T, D/H]}. */
  private SDVariable heads(SDVariable rows) {
    int heads = transformer.heads();
    int part = transformer.width() / heads;
    return graph.permute(graph.reshape(rows, -1, transformer.tokens(), heads, part), 0, 2, 1, 3);
  }

  /** And back. */
  private SDVariable joined(SDVariable heads) {
    return flat(graph.permute(heads, 0, 2, 1, 3));
  }

  @Override
  public void close() {
    runner.close();
  }
}
