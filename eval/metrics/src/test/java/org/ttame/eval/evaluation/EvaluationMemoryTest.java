package org.ttame.eval.evaluation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Iterator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.core.attention.Variant;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.image.InputSpec;
import org.ttame.core.masking.Masking;
import org.ttame.eval.Lcg;
import org.ttame.eval.LinearClassifier;
import org.ttame.eval.explain.Explainer;
import org.ttame.eval.explain.RandomMapsExplainer;
import org.ttame.eval.explain.TtameExplainer;
import org.ttame.eval.metric.AdIc;
import org.ttame.eval.metric.ImageBatch;
import org.ttame.eval.metric.PixelKeeping;

/** Memory depends on the batch, not on how many there are. */
class EvaluationMemoryTest {
  private static final int SIDE = 64;
  private static final int BATCH = 8;

  /** A batch's images alone are 0.4 MB and are masked six times: leaked, 160 batches are 380 MB. */
  @Test
  @Tag("memory")
  void aHundredAndSixtyBatchesLeaveNothingBehind() {
    float[] weights = new Lcg(2).next(SIDE * SIDE * 3 * 3);
    try (FrozenClassifier classifier =
            LinearClassifier.of(InputSpec.imageNet(SIDE), weights, new float[3]);
        AttentionMechanism mechanism =
            AttentionMechanism.create(
                AttentionSpec.of(classifier.defaultLayers(), 3, Variant.PROPOSED), 1);
        Explainer ttame = new TtameExplainer("ttame", classifier, mechanism)) {
      Evaluation evaluation =
          new Evaluation(
              classifier,
              List.of(ttame, new RandomMapsExplainer(3, 3, 5)),
              List.of(
                  new AdIc(
                      classifier, Masking.CNN, PixelKeeping.EXACT, List.of(100.0, 50.0, 15.0))));
      evaluation.run(batches(120), records -> {});
      long before = Pointer.physicalBytes();
      EvaluationResult result = evaluation.run(batches(160), records -> {});
      assertThat(Pointer.physicalBytes() - before).isLessThan(60L << 20);
      assertThat(result.images()).isEqualTo(160 * BATCH);
    }
  }

  private static Iterator<ImageBatch> batches(int count) {
    float[] unit = new Lcg(21).next(BATCH * SIDE * SIDE * 3);
    return Stream.iterate(0, i -> i + 1)
        .limit(count)
        .map(
            i -> {
              List<String> names =
                  IntStream.range(0, BATCH).mapToObj(b -> Text.format("%d-%d", i, b)).toList();
              return ImageBatch.of(names, SIDE, unit);
            })
        .iterator();
  }
}
