package org.ttame.eval.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.Backbones;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.classifier.AttentionBlock;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.Transformer;
import org.ttame.core.engine.GraphResult;
import org.ttame.training.sample.SampleData;

/** What Transformer LRP hands on: by hand where it is small, in total where it is not. */
class RelevanceTest {
  @TempDir static Path folder;

  /**
   * x = (1, −2), both weights −1 and 3: 1·3 and −2·−1 drive the output up, with 3 of 5 and 2 of 5.
   */
  @Test
  void linearLayersShareByWhatDrivesUp() {
    SameDiff graph = SameDiff.create();
    SDVariable x = constant(graph, "x", new float[][] {{1, -2, 4}});
    SDVariable w = constant(graph, "w", new float[][] {{3}, {-1}, {-7}});
    SDVariable r = constant(graph, "r", new float[][] {{10}});
    INDArray shares = new RelevanceRules(graph).linear(r, x, w).eval();
    assertThat(shares.toFloatVector()).containsExactly(new float[] {6, 4, 0}, within(1e-5f));
  }

  /** x·y = 2·3 + (−1)·4 = 2, S = R/2 = 5: x gets (2·3, −1·4)·5/2, and so does y. */
  @Test
  void productsShareByHalves() {
    SameDiff graph = SameDiff.create();
    SDVariable x = constant(graph, "x", new float[][] {{2, -1}});
    SDVariable y = constant(graph, "y", new float[][] {{3}, {4}});
    SDVariable r = constant(graph, "r", new float[][] {{10}});
    RelevanceRules.Shares shares = new RelevanceRules(graph).product(r, x, y);
    assertThat(shares.first().eval().toFloatVector()).containsExactly(15, -10);
    assertThat(shares.second().eval().ravel().toFloatVector()).containsExactly(15, -10);
  }

  /**
   * S = (6/2, 4/4): the summands get (9, 3) and (−3, 1), in total 12 and −2 of 10; scaled to the
   * absolute totals' share, 12/14 and 2/14 of 10.
   */
  @Test
  void sumsShareByAbsoluteTotals() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.constant("x", Nd4j.createFromArray(new float[][][] {{{3, 3}}}));
    SDVariable y = graph.constant("y", Nd4j.createFromArray(new float[][][] {{{-1, 1}}}));
    SDVariable r = graph.constant("r", Nd4j.createFromArray(new float[][][] {{{6, 4}}}));
    RelevanceRules.Shares shares = new RelevanceRules(graph).sum(r, x, y);
    float part = 10f / 14;
    assertThat(shares.first().eval().ravel().toFloatVector())
        .containsExactly(new float[] {9 * part, 3 * part}, within(1e-4f));
    assertThat(shares.second().eval().ravel().toFloatVector())
        .containsExactly(new float[] {3 * part, -part}, within(1e-4f));
  }

  /** A zero that is divided by gives nothing, and no infinity. */
  @Test
  void zerosGiveNothing() {
    SameDiff graph = SameDiff.create();
    SDVariable x = constant(graph, "x", new float[][] {{0, 0}});
    SDVariable y = constant(graph, "y", new float[][] {{3}, {4}});
    SDVariable r = constant(graph, "r", new float[][] {{10}});
    RelevanceRules rules = new RelevanceRules(graph);
    assertThat(rules.product(r, x, y).second().eval().ravel().toFloatVector())
        .containsExactly(0, 0);
    assertThat(rules.linear(r, x, y).eval().toFloatVector()).containsExactly(0, 0);
  }

  /** Through all six blocks of the sample's ViT, one goes in and one comes out, for each image. */
  @Test
  void blocksConserveRelevance() throws IOException {
    SampleData sample = new SampleData(folder.resolve("sample"));
    try (FrozenClassifier classifier =
            Backbones.load(sample.backbone("vit"), BackboneOptions.defaults());
        INDArray images = MapAgreement.images(2, 64, 8)) {
      Transformer transformer = classifier.transformer().orElseThrow();
      List<AttentionBlock> blocks = transformer.blocks();
      List<String> outputs = new ArrayList<>();
      blocks.forEach(block -> outputs.addAll(BlockRelevance.variables(block)));
      List<String> attentions = blocks.stream().map(AttentionBlock::probabilities).toList();
      INDArray relevance = Nd4j.zeros(DataType.FLOAT, 2, transformer.tokens(), transformer.width());
      relevance.putScalar(0, 0, 5, 1);
      relevance.putScalar(1, 3, 7, 1);
      try (BlockRelevance rules = new BlockRelevance(transformer, DataType.FLOAT);
          GraphResult pass =
              classifier.logitGradients(
                  Map.of(classifier.inputName(), images), new int[] {3, 7}, outputs, attentions)) {
        for (int l = blocks.size() - 1; l >= 0; l--) {
          try (INDArray output = relevance;
              GraphResult through = rules.run(blocks.get(l), classifier.graph(), pass, output)) {
            relevance = through.detachOutput(BlockRelevance.INPUT);
            assertThat(relevance.sum(1, 2).toFloatVector())
                .as(Arrays.toString(relevance.shape()))
                .containsExactly(new float[] {1, 1}, within(2e-3f));
          }
        }
      }
      relevance.close();
    }
  }

  private static SDVariable constant(SameDiff graph, String name, float[][] values) {
    return graph.constant(name, Nd4j.createFromArray(values));
  }
}
