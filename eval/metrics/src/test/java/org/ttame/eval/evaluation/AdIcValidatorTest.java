package org.ttame.eval.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.core.attention.Variant;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.image.ImageException;
import org.ttame.core.image.InputSpec;
import org.ttame.core.masking.Masking;
import org.ttame.eval.Lcg;
import org.ttame.eval.LinearClassifier;
import org.ttame.eval.explain.TtameExplainer;
import org.ttame.eval.metric.AdIc;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.metric.PixelKeeping;
import org.ttame.training.Validation;
import org.ttame.training.data.Batch;

class AdIcValidatorTest {
  private static final int SIDE = 8;
  private static final int IMAGES = 7;

  @TempDir Path folder;
  private FrozenClassifier classifier;
  private AttentionMechanism mechanism;

  @BeforeEach
  void build() throws IOException {
    TestImages.write(folder, IMAGES, SIDE, 77);
    float[] weights = new Lcg(2).next(SIDE * SIDE * 3 * 3);
    for (int i = 0; i < weights.length; i++) {
      weights[i] -= 0.5f;
    }
    classifier = LinearClassifier.of(InputSpec.imageNet(SIDE), weights, new float[3]);
    mechanism =
        AttentionMechanism.create(
            AttentionSpec.of(classifier.defaultLayers(), 3, Variant.PROPOSED), 11);
  }

  @AfterEach
  void close() {
    mechanism.close();
    classifier.close();
  }

  @Test
  void findsWhatAnEvaluationFindsInTwoPasses() throws IOException {
    AdIcValidator validator =
        new AdIcValidator(() -> TestImages.open(folder, 3), PixelKeeping.EXACT);
    Validation validation = validator.validate(classifier, mechanism, Masking.CNN);
    assertThat(classifier.passes().forward()).isEqualTo(2 * IMAGES);
    assertThat(validation.images()).isEqualTo(IMAGES);

    AdIc metric = new AdIc(classifier, Masking.CNN, PixelKeeping.EXACT, List.of(15.0));
    try (TtameExplainer ttame = new TtameExplainer("ttame", classifier, mechanism);
        ImageStream images = TestImages.open(folder, 3)) {
      MethodResult method =
          new Evaluation(classifier, List.of(ttame), List.of(metric))
              .run(images, records -> {})
              .method("ttame");
      assertThat(method.forwardPasses()).isEqualTo(1);
      assertThat(method.backwardPasses()).isZero();
      assertThat(validation.ad15())
          .isCloseTo(method.summary(MetricKey.at("ad", 15)).mean(), within(1e-9));
      assertThat(validation.ic15())
          .isCloseTo(method.summary(MetricKey.at("ic", 15)).mean(), within(1e-9));
      assertThat(validation.metrics()).containsOnlyKeys("ad_15", "ic_15");
    }
  }

  @Test
  void countsUnreadableImagesAndRefusesToMeasureNone() throws IOException {
    Path broken = Files.writeString(folder.resolve("broken.png"), "no image");
    AdIcValidator validator =
        new AdIcValidator(() -> TestImages.open(folder, 3), PixelKeeping.EXACT);
    assertThat(validator.validate(classifier, mechanism, Masking.CNN).images()).isEqualTo(IMAGES);
    List<Batch.BadImage> told = new ArrayList<>();
    try (ImageStream images = TestImages.open(folder, 1).onSkipped(told::add)) {
      // The first batch holds nothing but the broken image.
      assertThat(images.next().names()).containsExactly("image-00.png");
      assertThat(images.skipped().total()).isEqualTo(1);
      assertThat(told).hasSize(1);
      assertThat(told.get(0).kind()).isEqualTo(ImageException.Kind.NOT_AN_IMAGE);
    }
    AdIcValidator none = new AdIcValidator(() -> TestImages.open(broken, 3), PixelKeeping.EXACT);
    assertThatThrownBy(() -> none.validate(classifier, mechanism, Masking.CNN))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("None of the validation images");
  }
}
