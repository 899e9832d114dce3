package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import onnx.Onnx;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.shade.protobuf.ByteString;
import org.ttame.backbones.Backbones;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.MapExplainer;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.npz.Npz;
import org.ttame.core.provenance.Sha256;
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
    assertThat(result.out()).contains("1 step,");
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

  private static void exportsOnnx(Path trainedRun, Path out, String... more) {
    List<String> words =
        new ArrayList<>(List.of("export", "--run", trainedRun.toString(), "--format", "onnx"));
    words.addAll(List.of("--out", out.toString(), "--class", "input", "--map-size", "image"));
    words.addAll(List.of(more));
    Ttame.ok(words.toArray(String[]::new));
  }

  private static Map<String, String> metadata(Path file) throws IOException {
    Map<String, String> metadata = new HashMap<>();
    Onnx.ModelProto.parseFrom(Files.readAllBytes(file))
        .getMetadataPropsList()
        .forEach(entry -> metadata.put(entry.getKey(), entry.getValue()));
    return metadata;
  }

  /** The sample's own file with the mechanism in it, and what to do with a photograph. */
  @Test
  void exportsOneOnnxFile() throws IOException {
    Path file = out("explainer.onnx");
    exportsOnnx(run, file);
    Onnx.GraphProto graph = Onnx.ModelProto.parseFrom(Files.readAllBytes(file)).getGraph();
    assertThat(graph.getInputList())
        .extracting(Onnx.ValueInfoProto::getName)
        .containsExactly("input", "class");
    assertThat(graph.getOutputList())
        .extracting(Onnx.ValueInfoProto::getName)
        .containsExactly("logits", "explanation");
    assertThat(metadata(file))
        .containsEntry("ttame.run", "run")
        .containsEntry("ttame.checkpoint", "epoch-1")
        .containsEntry("ttame.classifier-sha256", Sha256.of(run.resolve("sample/vgg.onnx")))
        .containsEntry("ttame.height", "64")
        .containsEntry("ttame.mean", "[0.485,0.456,0.406]")
        .containsEntry("ttame.resize", "crop")
        .containsEntry("ttame.output-values", "logits")
        .containsEntry("ttame.classes", "input")
        .containsEntry("ttame.map-size", "image")
        .hasEntrySatisfying("ttame.labels", labels -> assertThat(labels).contains("ankle boot"));
    Path again = out("again.onnx");
    exportsOnnx(run, again);
    assertThat(again).hasSameBinaryContentAs(file);
  }

  /** A run on a backbone file has no graph to append to: the ONNX file is asked for, and judged. */
  @Test
  void exportsOnnxOfARunOnABackboneFile() throws IOException {
    Path onnx = Files.copy(run.resolve("sample/vgg.onnx"), out("original.onnx"));
    Path imported = out("imported.ttame");
    Ttame.ok("import", "--weights", onnx.toString(), "--out", imported.toString());
    Path on = out("on-backbone");
    String scenes = run.resolve("sample/scenes/train").toString();
    Ttame.ok(
        "train",
        "--weights",
        imported.toString(),
        "--data",
        scenes,
        "--limit",
        "8",
        "--run",
        on.toString(),
        "--max-steps",
        "1",
        "--report",
        "0");
    Path file = out("of-backbone.onnx");
    Ttame.Result without =
        Ttame.run("export", "--run", on.toString(), "--format", "onnx", "--out", file.toString());
    assertThat(without.code()).isEqualTo(1);
    assertThat(without.err()).contains(imported.toString(), "not an ONNX file", "--weights");

    exportsOnnx(on, file, "--weights", onnx.toString());
    assertThat(metadata(file)).containsEntry("ttame.classifier-sha256", Sha256.of(onnx));

    Onnx.ModelProto.Builder model = Onnx.ModelProto.parseFrom(Files.readAllBytes(onnx)).toBuilder();
    Path same = out("exported-again.onnx");
    Files.write(same, model.setProducerVersion("another").build().toByteArray());
    exportsOnnx(on, file, "--weights", same.toString());
    assertThat(metadata(file)).containsEntry("ttame.classifier-sha256", Sha256.of(same));

    byte[] before = Files.readAllBytes(file);
    Onnx.TensorProto.Builder weight =
        model.getGraphBuilder().getInitializerBuilderList().stream()
            .filter(each -> each.getRawData().size() > 64)
            .findFirst()
            .orElseThrow();
    byte[] values = weight.getRawData().toByteArray();
    values[1] ^= 1;
    weight.setRawData(ByteString.copyFrom(values));
    Path other = Files.write(out("other.onnx"), model.build().toByteArray());
    Ttame.Result refused =
        Ttame.run(
            "export",
            "--run",
            on.toString(),
            "--format",
            "onnx",
            "--out",
            file.toString(),
            "--weights",
            other.toString());
    assertThat(refused.code()).isEqualTo(1);
    assertThat(refused.err()).contains(other.toString(), "is not the classifier of the run");
    assertThat(file).hasBinaryContent(before);
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
