package org.ttame.backbones.graph;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.enums.DataFormat;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.architecture.VitArchitecture;
import org.ttame.core.classifier.AttentionBlock;
import org.ttame.core.classifier.Transformer;
import org.ttame.core.masking.Masking;

/**
 * Writes a vision transformer. The residual stream is {@code [B, T, D]}; linear layers work on its
 * rows, {@code [B·T, D]}.
 *
 * <p>Three scalings are in the weights rather than in the graph, where each would be a pass over
 * memory. The query projection carries 1/√(head width). The perceptron's first layer carries 1/√2,
 * so that it gives u = x/√2, and its second layer another 1/√2: GELU(x) = x·½(1 + erf(x/√2)) = (u +
 * u·erf(u))/√2. The class token is added to the first position; the graph puts a row of zeros in
 * front of the patches. All are exact up to rounding.
 *
 * <p>GELU is composed from erf (the library's own is an approximation) and layer normalisation from
 * single steps (the library's has no eps).
 */
final class VitGraph {
  private final VitArchitecture vit;
  private final LayerWriter writer;
  private final SameDiff graph;
  private final SDVariable average;

  private VitGraph(VitArchitecture vit, LayerWriter writer) {
    this.vit = vit;
    this.writer = writer;
    this.graph = writer.graph();
    this.average = writer.filled("average", 1.0 / vit.width(), vit.width(), 1);
  }

  static BackboneGraph write(VitArchitecture vit, LayerWriter writer) throws IOException {
    return new VitGraph(vit, writer).write();
  }

  private BackboneGraph write() throws IOException {
    int width = vit.width();
    SDVariable x = embed(writer.input(vit.size(), vit.channels()));
    List<String> nodes = new ArrayList<>();
    List<AttentionBlock> blocks = new ArrayList<>();
    for (int i = 0; i < vit.depth(); i++) {
      String node = "encoder.layers.encoder_layer_" + i;
      SDVariable normed = norm(node + ".ln_1", x, -1, vit.tokens(), width);
      writer.tokens(node + ".ln_1", normed, width, vit.grid());
      SDVariable y = x.add(node + ".attended", attention(node + ".self_attention", normed));
      String input = x.name();
      x = y.add(node, perceptron(node + ".mlp", norm(node + ".ln_2", y, -1, width)));
      writer.tokens(node, x, width, vit.grid());
      nodes.add(node);
      blocks.add(block(node, input, y.name()));
    }
    SDVariable first =
        graph.stridedSlice(
            "class_token_out",
            x,
            new long[] {0, 0, 0},
            new long[] {0, 1, width},
            new long[] {1, 1, 1},
            0b001,
            0b001,
            0,
            0,
            0b010);
    SDVariable token = norm("encoder.ln", first, -1, width);
    SDVariable logits = writer.linear("heads.head", token, width, vit.classes());
    Transformer transformer =
        new Transformer(
            vit.grid(),
            width,
            vit.heads(),
            vit.mlp(),
            blocks,
            LayerWriter.named("heads.head", token.name()));
    return writer.finish(
        logits, nodes, nodes.get(nodes.size() - 1) + ".ln_1", Masking.VIT, transformer);
  }

  /** The names that {@link #attention} and {@link #perceptron} give. */
  private static AttentionBlock block(String node, String input, String middle) {
    String attention = node + ".self_attention";
    String perceptron = node + ".mlp";
    return new AttentionBlock(
        input,
        LayerWriter.named(attention + ".query", attention + ".rows"),
        LayerWriter.named(attention + ".key", attention + ".rows"),
        LayerWriter.named(attention + ".value", attention + ".rows"),
        attention + ".probabilities",
        LayerWriter.named(attention + ".out_proj", attention + ".joined"),
        middle,
        LayerWriter.named(perceptron + ".0", perceptron + ".rows"),
        LayerWriter.named(perceptron + ".3", perceptron + ".1"),
        node);
  }

  /** Image {@code [B, S, S, 3]} to tokens {@code [B, T, D]}. */
  private SDVariable embed(SDVariable image) throws IOException {
    int values = vit.patch() * vit.patch() * 3;
    SDVariable patches = graph.cnn().spaceToDepth("patches", image, vit.patch(), DataFormat.NHWC);
    SDVariable rows = graph.reshape("patch_rows", patches, -1, values);
    SDVariable embedded = writer.linear("conv_proj", rows, values, vit.width());
    SDVariable sequence =
        graph.reshape("patch_tokens", embedded, -1, vit.tokens() - 1, vit.width());
    SDVariable margins =
        graph.constant(
            "class_token_place", Nd4j.createFromArray(new int[][] {{0, 0}, {1, 0}, {0, 0}}));
    SDVariable padded = graph.nn().pad("with_class_token", sequence, margins, 0);
    return padded.add(
        "encoder.input", writer.weight("encoder.pos_embedding", 1, vit.tokens(), vit.width()));
  }

  /**
   * (x − mean) / √(var + eps) · weight + bias over the last axis. Means are products with a column
   * of 1/D: the library's reductions of rows take six times as long.
   */
  private SDVariable norm(String layer, SDVariable x, long... shape) throws IOException {
    SDVariable rows = graph.reshape(layer + ".rows", x, -1, vit.width());
    SDVariable centred = rows.sub(layer + ".centred", graph.mmul(layer + ".mean", rows, average));
    SDVariable variance = graph.mmul(layer + ".variance", centred.mul(centred), average);
    SDVariable scale = graph.math().rsqrt(variance.add(vit.normEps()));
    SDVariable weight = writer.weight(layer + ".weight", vit.width());
    SDVariable bias = writer.weight(layer + ".bias", vit.width());
    SDVariable normed = centred.mul(scale).mul(weight).add(bias);
    return graph.reshape(layer, normed, shape);
  }

  /** {@code [B, T, D]} to {@code [B, T, D]}. */
  private SDVariable attention(String layer, SDVariable x) throws IOException {
    int width = vit.width();
    SDVariable rows = graph.reshape(layer + ".rows", x, -1, width);
    SDVariable queries = heads(layer + ".query", rows, 0, 2, 1, 3);
    SDVariable keys = heads(layer + ".key", rows, 0, 2, 3, 1);
    SDVariable values = heads(layer + ".value", rows, 0, 2, 1, 3);
    SDVariable scores = graph.mmul(layer + ".scores", queries, keys);
    SDVariable probabilities = graph.nn().softmax(layer + ".probabilities", scores, -1);
    SDVariable context = graph.mmul(layer + ".context", probabilities, values);
    SDVariable joined =
        graph.reshape(layer + ".joined", graph.permute(context, 0, 2, 1, 3), -1, width);
    SDVariable out = writer.linear(layer + ".out_proj", joined, width, width);
    return graph.reshape(layer, out, -1, vit.tokens(), width);
  }

  /** Rows to {@code [B, heads, T, head width]}, or another order of those axes. */
  private SDVariable heads(String layer, SDVariable rows, int... order) throws IOException {
    SDVariable projected = writer.linear(layer, rows, vit.width(), vit.width());
    SDVariable split = graph.reshape(projected, -1, vit.tokens(), vit.heads(), vit.headWidth());
    return graph.permute(layer + ".heads", split, order);
  }

  private SDVariable perceptron(String layer, SDVariable x) throws IOException {
    SDVariable rows = graph.reshape(layer + ".rows", x, -1, vit.width());
    SDVariable u = writer.linear(layer + ".0", rows, vit.width(), vit.mlp());
    SDVariable gelu = u.add(layer + ".1", u.mul(graph.math().erf(u)));
    SDVariable out = writer.linear(layer + ".3", gelu, vit.mlp(), vit.width());
    return graph.reshape(layer, out, -1, vit.tokens(), vit.width());
  }
}
