package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.Backbones;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.MapExplainer;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.npz.Npz;
import org.ttame.training.run.RunFolder;

/** What leaves a run by {@code export}: attention weights that begin another, and graphs. */
class ExportTest {
  @TempDir static Path folder;
  private static Path run;

  @BeforeAll
  static void train() {
    run = folder.resolve("run");
    Ttame.ok(
        "train",
        "--run",
        run.toString(),
        "--max-steps",
        "3",
        "--limit",
        "16",
        "--report",
        "0",
        "--threads",
        "1");
  }

  private static Path out(String name) {
    return folder.resolve(name);
  }

  @Test
  void exportsWhatInitReadsBackExactly() throws IOException {
    Path exported = out("attention.npz");
    Ttame.ok("export", "--run", run.toString(), "--out", exported.toString());
    Path second = out("second");
    Ttame.Result result =
        Ttame.ok(
            "train",
            "--run",
            second.toString(),
            "--init",
            exported.toString(),
            "--max-steps",
            "1",
            "--limit",
            "4",
            "--report",
            "0",
            "--max-lr",
            "1e-30",
            "--weight-decay",
            "0");
    assertThat(result.out()).contains("1 steps");
    Map<String, INDArray> before = Npz.read(exported);
    Map<String, INDArray> after = Npz.read(second.resolve("checkpoints/epoch-1/attention.npz"));
    assertThat(after.keySet()).isEqualTo(before.keySet());
    before.forEach(
        (name, array) -> {
          if (!name.contains("running")) {
            assertThat(after.get(name).dup('c').data().asFloat())
                .as(name)
                .isEqualTo(array.dup('c').data().asFloat());
          }
        });
  }

  /** No step is taken, for want of images; the state before the first is what init made of it. */
  @Test
  void initKeepsEveryBit() throws IOException {
    Path exported = out("all.npz");
    Ttame.ok("export", "--run", run.toString(), "--out", exported.toString());
    Path text = Files.writeString(out("text.jpg"), "This is not a picture.\n");
    String second = out("no-step").toString();
    Ttame.Result result =
        Ttame.run(
            "train",
            "--weights",
            run.resolve("sample/vgg.onnx").toString(),
            "--data",
            text.toString(),
            "--init",
            exported.toString(),
            "--run",
            second);
    assertThat(result.code()).isEqualTo(1);
    Path again = out("again.npz");
    Ttame.ok("export", "--run", second, "--checkpoint", "step-0", "--out", again.toString());
    Map<String, INDArray> before = Npz.read(exported);
    Map<String, INDArray> after = Npz.read(again);
    assertThat(after.keySet()).isEqualTo(before.keySet());
    assertThat(before).containsKeys("branch.0.bn.running_mean", "fusion.weight");
    before.forEach(
        (name, array) -> {
          assertThat(after.get(name).shape()).as(name).isEqualTo(array.shape());
          assertThat(after.get(name).dup('c').data().asFloat())
              .as(name)
              .isEqualTo(array.dup('c').data().asFloat());
        });
  }

  @Test
  void exportsAGraphThatGivesTheSameMaps() throws IOException {
    comparesGraphWithExplainer(run, "sample/vgg.onnx");
  }

  @Test
  void exportsAGraphOfTokensThatGivesTheSameMaps() throws IOException {
    Path tokens = out("tokens");
    Ttame.ok(
        "train",
        "--backbone",
        "vit_b_16",
        "--run",
        tokens.toString(),
        "--max-steps",
        "1",
        "--limit",
        "4",
        "--report",
        "0");
    comparesGraphWithExplainer(tokens, "sample/vit.onnx");
  }

  private static void comparesGraphWithExplainer(Path trainedRun, String weights)
      throws IOException {
    Path file = trainedRun.resolve("attention.sd");
    String name = trainedRun.toString();
    Ttame.ok("export", "--run", name, "--format", "samediff", "--out", file.toString());
    SameDiff graph = SameDiff.load(file.toFile(), false);
    RunFolder opened = RunFolder.open(trainedRun);
    int[][] classes = {{3, 1}, {9, 0}};
    try (FrozenClassifier classifier =
            Backbones.load(trainedRun.resolve(weights), BackboneOptions.defaults());
        AttentionMechanism mechanism = opened.mechanism(classifier, opened.preferred());
        MapExplainer explainer = new MapExplainer(classifier, mechanism)) {
      int side = classifier.inputSpec().height();
      try (INDArray images = Nd4j.randn(2, side, side, 3);
          ClassifierOutput output = classifier.forward(images, mechanism.spec().features());
          INDArray expected = explainer.rawMaps(output.features(), classes)) {
        Map<String, INDArray> inputs = new HashMap<>();
        inputs.put("classes", Nd4j.createFromArray(classes));
        for (int i = 0; i < output.features().size(); i++) {
          inputs.put("feature." + i, output.features().get(i));
        }
        assertThat(graph.inputs()).containsExactlyInAnyOrderElementsOf(inputs.keySet());
        INDArray maps = graph.output(inputs, "maps").get("maps");
        assertThat(maps.shape())
            .containsExactly(2, 2, mechanism.mapHeight(), mechanism.mapWidth())
            .isEqualTo(expected.shape());
        assertThat(expected.stdNumber().doubleValue()).isGreaterThan(1e-3);
        assertThat(maps.sub(expected).amaxNumber().doubleValue()).isLessThan(1e-5);
      }
    }
  }
}
