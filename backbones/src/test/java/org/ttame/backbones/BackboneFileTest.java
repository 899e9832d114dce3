package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.source.BackboneException;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;

/** A backbone written to its own file and loaded again is the same backbone. */
class BackboneFileTest {
  private static final BackboneOptions OPTIONS = BackboneOptions.defaults();

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "vgg_bn-torch2.15-dynamo-opset18",
        "resnet-torch1.13-script-opset16",
        "vit-torch2.15-script-opset17"
      })
  void computesTheSameBits(String member) throws Exception {
    Path onnx = Members.unpack(member, folder);
    Path file = folder.resolve("backbone.ttame");
    Backbones.importTo(onnx, file, OPTIONS);
    try (FrozenClassifier original = Backbones.load(onnx, OPTIONS);
        FrozenClassifier reloaded = Backbones.load(file, OPTIONS);
        INDArray images = Nd4j.rand(2, 32, 32, 3);
        ClassifierOutput expected = original.forward(images, original.defaultLayers());
        ClassifierOutput actual = reloaded.forward(images, reloaded.defaultLayers())) {
      assertThat(Members.floats(actual.logits())).isEqualTo(Members.floats(expected.logits()));
      assertThat(actual.features()).isEqualTo(expected.features());
      assertThat(reloaded.name()).isEqualTo(original.name());
      assertThat(reloaded.layers()).isEqualTo(original.layers());
      assertThat(reloaded.inputSpec()).isEqualTo(original.inputSpec());
      assertThat(reloaded.provenance())
          .containsEntry("imported-sha256", original.provenance().get("sha256"))
          .containsEntry("imported-file", onnx.getFileName().toString())
          .containsEntry("opset", original.provenance().get("opset"));
    }
  }

  @Test
  void keepsAStandardisationGivenAtImport() throws Exception {
    Path file = folder.resolve("backbone.ttame");
    Path onnx = Members.unpack("vgg-torch2.15-script-opset9", folder);
    List<Double> mean = List.of(0.1, 0.2, 0.3);
    List<Double> std = List.of(0.5, 0.6, 0.7);
    Backbones.importTo(onnx, file, OPTIONS.withStandardisation(mean, std));
    BackboneInfo info = Backbones.inspect(file);
    assertThat(info.inputSpec().mean()).isEqualTo(mean);
    assertThat(info.inputSpec().std()).isEqualTo(std);
  }

  @Test
  void noticesEveryChangedBlock() throws Exception {
    Path file = folder.resolve("backbone.ttame");
    Backbones.importTo(Members.unpack("vgg-torch2.15-script-opset9", folder), file, OPTIONS);
    byte[] good = Files.readAllBytes(file);
    for (int position = 16; position < good.length - 64; position += good.length / 40) {
      byte[] bad = good.clone();
      bad[position] ^= 0x10;
      Path damaged = Files.write(folder.resolve("damaged.ttame"), bad);
      boolean padding = good[position] == 0 && loads(damaged);
      if (!padding) {
        assertThatThrownBy(() -> Backbones.load(damaged, OPTIONS))
            .isInstanceOf(BackboneException.class)
            .hasMessageContaining("damaged.ttame is damaged")
            .hasMessageContaining("repeat the import");
      }
    }
  }

  private static boolean loads(Path file) {
    try {
      Backbones.load(file, OPTIONS).close();
      return true;
    } catch (java.io.IOException e) {
      return false;
    }
  }

  @Test
  void saysThatItIsCutShortOrTooLong() throws Exception {
    Path file = folder.resolve("backbone.ttame");
    Backbones.importTo(Members.unpack("vgg-torch2.15-script-opset9", folder), file, OPTIONS);
    byte[] good = Files.readAllBytes(file);
    for (int length : new int[] {9, 100, good.length / 2, good.length - 1}) {
      Path cut = Files.write(folder.resolve("cut.ttame"), Arrays.copyOf(good, length));
      assertThatThrownBy(() -> Backbones.load(cut, OPTIONS))
          .isInstanceOf(BackboneException.class)
          .hasMessageContaining("cut.ttame is cut short");
    }
    Path longer = Files.write(folder.resolve("long.ttame"), Arrays.copyOf(good, good.length + 5));
    assertThatThrownBy(() -> Backbones.load(longer, OPTIONS))
        .isInstanceOf(BackboneException.class)
        .hasMessageContaining("long.ttame is damaged: 5 bytes follow its last array");
  }

  @Test
  void aFailedImportLeavesTheOldFile() throws Exception {
    Path file = Files.writeString(folder.resolve("backbone.ttame"), "old");
    Path onnx = Members.unpack("vgg-torch2.15-script-opset9", folder);
    Files.write(onnx, Arrays.copyOf(Files.readAllBytes(onnx), (int) Files.size(onnx) / 2));
    assertThatThrownBy(() -> Backbones.importTo(onnx, file, OPTIONS))
        .isInstanceOf(BackboneException.class);
    assertThat(file).hasContent("old");
    assertThat(folder.toFile().list()).noneMatch(name -> name.endsWith(".part"));
  }

  /** SameDiff's own format is open to users of the Java API, for graphs below 2 GB. */
  @Test
  void theGraphItselfCanBeSavedBySameDiff() throws Exception {
    Path onnx = Members.unpack("vit-torch2.15-script-opset17", folder);
    Path saved = folder.resolve("graph.fb");
    try (FrozenClassifier classifier = Backbones.load(onnx, OPTIONS);
        INDArray images = Nd4j.rand(2, 32, 32, 3);
        ClassifierOutput expected = classifier.forward(images, List.of())) {
      classifier.graph().save(saved.toFile(), false);
      SameDiff graph = SameDiff.load(saved.toFile(), false);
      INDArray actual =
          graph.outputSingle(Map.of(classifier.inputName(), images), classifier.logitsName());
      assertThat(Members.difference(actual, expected.logits())).isLessThan(1e-6);
    }
  }
}
