package org.ttame.services;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.Backbones;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.image.CropPlan;
import org.ttame.core.image.InputSpec;
import org.ttame.core.image.PngWriter;
import org.ttame.core.image.Preprocessing;
import org.ttame.core.image.RgbImage;
import org.ttame.core.image.Standardizer;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.explain.SaliencyMaps;
import org.ttame.training.sample.SampleData;

class PhotoExplainerTest {
  @TempDir Path folder;

  /** Twice as wide as high, a bright blob left of the middle. */
  private static RgbImage photograph() {
    byte[] samples = new byte[120 * 240 * 3];
    for (int y = 0; y < 120; y++) {
      for (int x = 0; x < 240; x++) {
        boolean bright = Math.hypot(x - 95, y - 60) < 25;
        for (int c = 0; c < 3; c++) {
          samples[(y * 240 + x) * 3 + c] =
              (byte) (bright ? 230 - 20 * c : 40 + (x * 7 + y * 3) % 50);
        }
      }
    }
    return RgbImage.wrap(240, 120, samples);
  }

  @Test
  void explainsAPhotographAtItsOwnSize() throws IOException {
    Path weights = weights();
    Path file = folder.resolve("photo.png");
    PngWriter.write(photograph(), file);
    try (PhotoExplainer explainer =
        PhotoExplainer.of(weights, BackboneOptions.defaults(), ExplanationMethod.GRADCAM)) {
      PhotoExplanation explanation = explainer.explain(file);
      assertThat(explanation.map()).hasSize(120 * 240);
      assertThat(explanation.overlay().width()).isEqualTo(240);
      assertThat(explanation.overlay().height()).isEqualTo(120);
      assertThat(explanation.label()).isEqualTo(String.valueOf(explanation.classIndex()));
      assertThat(explanation.method()).isEqualTo("gradcam");
      // The same as the parts by hand, standardisation included.
      try (FrozenClassifier classifier = Backbones.load(weights, BackboneOptions.defaults())) {
        Preprocessing preprocessing = new Preprocessing(classifier.inputSpec());
        float[] pixels = new float[preprocessing.length()];
        preprocessing.write(photograph(), preprocessing.testPlan(photograph()), pixels, 0);
        InputSpec input = classifier.inputSpec();
        try (INDArray unit = Nd4j.create(pixels, input.shape(1), 'c');
            INDArray images = new Standardizer(input).apply(unit);
            ClassifierOutput output = classifier.forward(images, List.of())) {
          assertThat(explanation.classIndex()).isEqualTo(output.predictedClasses()[0]);
        }
      }
      int other = explanation.classIndex() == 0 ? 1 : 0;
      assertThat(explainer.explain(file, other).probability())
          .isLessThan(explanation.probability());
      assertThatThrownBy(() -> explainer.explain(file, 1000)).hasMessageContaining("class 1000");
      assertThatThrownBy(() -> explainer.explain(file, -1)).hasMessageContaining("class -1");
    }
  }

  /** A map that rises from left to right does so over the crop, and the rest stays untouched. */
  @Test
  void placesTheMapWhereTheClassifierLooked() {
    RgbImage photograph = photograph();
    CropPlan crop = CropPlan.centre(240, 120, InputSpec.imageNet(56));
    SaliencyMaps ramp = new SaliencyMaps(1, 4, new float[][] {{0, 1 / 3f, 2 / 3f, 1}});
    PhotoExplanation explanation = new PhotoExplanation(photograph, crop, ramp, "ramp", 0, "0", 1);
    float[] map = explanation.map();
    RgbImage overlay = explanation.overlay();
    // 240×120 becomes 128×64, of which columns 36 to 92 and rows 4 to 60 are seen.
    for (int x = 0; x < 240; x++) {
      double seen = (x + 0.5) * 64 / 120 - 36;
      double cell = Math.min(Math.max(seen / 56 * 4 - 0.5, 0), 3);
      boolean inside = seen >= 0 && seen <= 56;
      assertThat((double) map[60 * 240 + x])
          .as("column %d", x)
          .isCloseTo(inside ? cell / 3 : 0, within(1e-6));
      assertThat(map[2 * 240 + x]).as("above the crop").isZero();
      assertThat(overlay.rgb(x, 2)).isEqualTo(photograph.rgb(x, 2));
      if (!inside) {
        assertThat(overlay.rgb(x, 60)).isEqualTo(photograph.rgb(x, 60));
      }
    }
    assertThat(overlay.rgb(120, 60)).isNotEqualTo(photograph.rgb(120, 60));
  }

  @Test
  void saysThatAMethodNeedsARun() throws IOException {
    Path weights = weights();
    assertThatThrownBy(
            () -> PhotoExplainer.of(weights, BackboneOptions.defaults(), ExplanationMethod.TTAME))
        .hasMessageContaining("need a training run");
    assertThatThrownBy(() -> PhotoExplainer.ofRun(folder.resolve("none")))
        .hasMessageContaining("none");
  }

  private Path weights() throws IOException {
    return new SampleData(folder.resolve("sample")).backbone("vgg");
  }
}
