package org.ttame.core.loss;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.core.attention.FusionRows;
import org.ttame.core.attention.GoldenCase;
import org.ttame.core.attention.TinyClassifier;
import org.ttame.core.attention.Variant;
import org.ttame.core.classifier.FeatureKind;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.engine.Precision;
import org.ttame.core.image.InputSpec;
import org.ttame.core.masking.Masking;

class MemoryTest {
  private static final int SIDE = 64;
  private static final List<FeatureLayer> LAYERS =
      List.of(
          new FeatureLayer("a", "a", FeatureKind.MAP, 64, 8, 8),
          new FeatureLayer("b", "b", FeatureKind.MAP, 96, 4, 4));

  /**
   * The masked images alone are 0.4 MB: leaked, they would come to 200 MB. No collection is asked
   * for: it would clear up behind a leak. The process settles first: compiled code, the plan's
   * buffers, the C library's pools.
   */
  @Test
  @Tag("memory")
  void stepsLeaveNothingBehind() {
    AttentionSpec spec = AttentionSpec.of(LAYERS, 10, Variant.PROPOSED);
    List<INDArray> features =
        List.of(TinyClassifier.wave(1, 8, 8, 8, 64), TinyClassifier.wave(2, 8, 4, 4, 96));
    INDArray images = TinyClassifier.wave(3, 8, SIDE, SIDE, 3);
    INDArray cotangent = TinyClassifier.wave(4, 8, SIDE, SIDE, 3);
    ClassSampler sampler = new ClassSampler(LossMode.PAPER, 10, 1);
    try (AttentionMechanism mechanism = AttentionMechanism.create(spec, 1);
        AttentionTrainingGraph graph =
            new AttentionTrainingGraph(
                mechanism,
                Masking.CNN,
                LossOptions.defaults(),
                InputSpec.imageNet(SIDE),
                Precision.FLOAT32)) {
      long before = 0;
      for (int i = 0; i < 1100; i++) {
        if (i == 600) {
          before = Pointer.physicalBytes();
        }
        int[][] psi = sampler.draw(new int[] {1, 2, 3, 4, 5, 6, 7, 8}, i);
        try (AttentionTrainingGraph.Forward forward = graph.forward(features, images, psi);
            StepGradients step = forward.backward(cotangent)) {
          mechanism.updateStatistics(step.batchStatistics());
          assertThat(step.area()).isPositive();
        }
      }
      assertThat(Pointer.physicalBytes() - before).isLessThan(60L << 20);
    }
  }

  @Test
  void whoOwnsArraysClosesThem() {
    GoldenCase golden = new GoldenCase("proposed.cnn.paper");
    List<INDArray> owned = new ArrayList<>();
    List<INDArray> features = golden.features(DataType.FLOAT);
    INDArray images = golden.get("input.images");
    INDArray cotangent = golden.get("input.cotangent");
    try (AttentionMechanism mechanism = golden.mechanism(DataType.FLOAT);
        AttentionTrainingGraph graph = golden.graph(mechanism);
        FusionRows rows = FusionRows.of(mechanism, golden.psi());
        AttentionTrainingGraph.Forward forward = graph.forward(features, images, golden.psi());
        StepGradients step = forward.backward(cotangent)) {
      owned.addAll(rows.rows());
      owned.addAll(List.of(rows.bias(), rows.index(), forward.maskedImages()));
      owned.addAll(step.gradients().values());
      owned.addAll(step.batchStatistics().values());
      owned.addAll(mechanism.parameters().values());
      owned.addAll(mechanism.statistics().values());
      Map<String, INDArray> copies = mechanism.toNpz();
      copies.values().forEach(INDArray::close);
      owned.addAll(copies.values());
    }
    assertThat(owned).allMatch(INDArray::wasClosed);
    assertThat(features).noneMatch(INDArray::wasClosed);
    assertThat(List.of(images, cotangent)).noneMatch(INDArray::wasClosed);
  }

  @Test
  void threeBatchSizesTakeTurns() {
    GoldenCase golden = new GoldenCase("proposed.cnn.paper");
    try (AttentionMechanism mechanism = golden.mechanism(DataType.FLOAT);
        AttentionTrainingGraph graph = golden.graph(mechanism)) {
      List<INDArray> features = golden.features(DataType.FLOAT);
      INDArray images = golden.get("input.images");
      double[] areas = new double[4];
      for (int round = 0; round < 3; round++) {
        for (int maps = 1; maps <= 3; maps++) {
          int count = maps;
          int[][] psi =
              java.util.Arrays.stream(golden.psi())
                  .map(row -> java.util.Arrays.copyOf(row, count))
                  .toArray(int[][]::new);
          try (AttentionTrainingGraph.Forward forward = graph.forward(features, images, psi)) {
            if (round == 0) {
              areas[maps] = forward.area();
            }
            assertThat(forward.area()).isEqualTo(areas[maps]);
          }
        }
      }
    }
  }
}
