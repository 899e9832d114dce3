package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.BackboneOptions;
import org.ttame.backbones.Backbones;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.core.attention.ClassChoice;
import org.ttame.core.attention.MapExplainer;
import org.ttame.core.attention.Variant;
import org.ttame.core.npz.Npz;
import org.ttame.training.Trainer;
import org.ttame.training.TrainingOptions;
import org.ttame.training.sample.SampleData;

/** README's Java, run as written there. */
class ReadmeTest {
  private static final Path README = Path.of("..", "README.md");
  private static final Path SOURCE =
      Path.of("src", "test", "java", "org", "ttame", "cli", "ReadmeTest.java");

  @TempDir Path folder;

  @Test
  void showsTheCodeThatRunsHere() throws IOException {
    assertThat(unindented(Files.readString(README))).contains(snippet(Files.readString(SOURCE)));
  }

  @Test
  void trainsExplainsSavesAndLoads() throws IOException {
    Path onnx = new SampleData(folder).backbone("vgg");
    Path npz = folder.resolve("attention.npz");
    Iterator<INDArray> batches = Stream.generate(() -> Nd4j.rand(2, 64, 64, 3)).limit(2).iterator();
    INDArray images = Nd4j.randn(2, 64, 64, 3);
    // README begins
    var classifier = Backbones.load(onnx, BackboneOptions.defaults());
    var spec = AttentionSpec.of(classifier.defaultLayers(), classifier.classes(), Variant.PROPOSED);
    var mechanism = AttentionMechanism.create(spec, 42);
    try (var trainer = new Trainer(classifier, mechanism, TrainingOptions.defaults(), 2)) {
      trainer.train(batches); // of [B, S, S, 3], values in [0, 1]
    }
    Npz.write(npz, mechanism.toNpz());
    var explainer = new MapExplainer(classifier, AttentionMechanism.fromNpz(spec, Npz.read(npz)));
    var map = explainer.explain(images, ClassChoice.fixed(3)).map(0, 0); // [h, w] in [0, 1]
    // README ends
    assertThat(map.shape()).containsExactly(16, 16);
    assertThat(map.minNumber().doubleValue()).isZero();
    assertThat(map.maxNumber().doubleValue()).isEqualTo(1);
    explainer.close();
    mechanism.close();
    classifier.close();
  }

  private static String snippet(String source) {
    int from = source.indexOf("// README begins\n") + "// README begins\n".length();
    return unindented(source.substring(from, source.indexOf("    // README ends", from)));
  }

  private static String unindented(String text) {
    return text.lines().map(String::strip).reduce("", (all, line) -> all + line + "\n");
  }
}
