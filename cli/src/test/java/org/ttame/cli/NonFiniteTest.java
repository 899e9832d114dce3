package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ttame.backbones.BackboneFile;
import org.ttame.backbones.onnx.OnnxBackbone;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.Text;
import org.ttame.core.image.InputSpec;
import org.ttame.training.sample.SampleData;

/** A classifier whose weights are finite and whose answers are not: float32 overflows. */
class NonFiniteTest {
  @TempDir static Path folder;

  @BeforeAll
  static void classifier() throws IOException {
    SampleData sample = new SampleData(folder);
    try (OnnxBackbone source =
        OnnxBackbone.read(sample.backbone("vgg"), BackboneOptions.defaults())) {
      BackboneFile.write(
          folder.resolve("huge.ttame"),
          source.architecture(),
          InputSpec.imageNet(source.architecture().size().height()),
          source.output(),
          Map.of(),
          List.of(),
          (name, shape) -> source.load(name, shape).muli(1e30));
    }
    Path images = Files.createDirectories(folder.resolve("images"));
    for (int i = 0; i < 2; i++) {
      Files.copy(sample.images("test").path(i), images.resolve(Text.format("scene-%d.jpg", i)));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "predict --images @images --out @p",
        "explain --images @images --method gradcam --out @x",
        "explain --images @images --method rise --rise-masks 4 --out @y",
        "evaluate --data @images --methods gradcam --out @e",
        "sanity --data @images --methods gradcam --checks backbone --out @s",
        "train --data @images --run @r --batch-size 2 --epochs 1",
        "lr-find --data @images --out @l --batch-size 2 --steps 2",
      })
  void isRefusedWithItsNameAndTheImages(String line) {
    String[] words =
        Arrays.stream((line + " --weights @huge.ttame --threads 1").split(" "))
            .map(word -> word.startsWith("@") ? folder.resolve(word.substring(1)).toString() : word)
            .toArray(String[]::new);
    Ttame.Result result = Ttame.run(words);
    assertThat(result.code()).as("%s", result).isEqualTo(1);
    assertThat(result.err())
        .containsPattern("vgg\\S* gives logits of \\S*scene-\\d.jpg, \\S*scene-\\d.jpg that hold")
        .contains("overflow float32")
        .doesNotContain("foreseen");
    assertThat(result.out()).doesNotContain("NaN");
  }
}
