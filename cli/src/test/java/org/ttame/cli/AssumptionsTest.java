package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Consumer;
import onnx.Onnx;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.Text;
import org.ttame.training.sample.SampleData;

/** What a classifier's file leaves open is said once, recorded, and the same in later commands. */
class AssumptionsTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String MEAN = "assumed: mean [0.485, 0.456, 0.406]";
  private static final String IMAGENET =
      "--mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 --resize crop";

  @TempDir static Path folder;

  @BeforeAll
  static void files() throws IOException {
    SampleData sample = new SampleData(folder);
    Path resnet = sample.backbone("resnet");
    change(resnet, "free.onnx", AssumptionsTest::free);
    change(sample.backbone("vit"), "vit-free.onnx", AssumptionsTest::free);
    change(
        resnet,
        "embedding.onnx",
        graph -> {
          String embedding = last(graph).getInput(0);
          graph.addOutput(0, Onnx.ValueInfoProto.newBuilder().setName(embedding));
        });
    change(
        resnet,
        "heads.onnx",
        graph -> {
          graph.addNode(last(graph).toBuilder().setName("twin").setOutput(0, "other"));
          graph.addOutput(Onnx.ValueInfoProto.newBuilder().setName("other"));
          rename(graph, graph.getOutput(0).getName(), "one");
        });
    Path images = Files.createDirectories(folder.resolve("images"));
    for (int i = 0; i < 2; i++) {
      Files.copy(sample.images("test").path(i), images.resolve(Text.format("scene-%d.jpg", i)));
    }
  }

  private static void change(Path file, String name, Consumer<Onnx.GraphProto.Builder> edit)
      throws IOException {
    Onnx.ModelProto.Builder model = Onnx.ModelProto.parseFrom(Files.readAllBytes(file)).toBuilder();
    edit.accept(model.getGraphBuilder());
    Files.write(folder.resolve(name), model.build().toByteArray());
  }

  private static void free(Onnx.GraphProto.Builder graph) {
    Onnx.TensorShapeProto.Builder shape =
        graph.getInputBuilder(0).getTypeBuilder().getTensorTypeBuilder().getShapeBuilder();
    shape.getDimBuilder(2).setDimParam("height");
    shape.getDimBuilder(3).setDimParam("width");
  }

  private static Onnx.NodeProto last(Onnx.GraphProto.Builder graph) {
    return graph.getNode(graph.getNodeCount() - 1);
  }

  private static void rename(Onnx.GraphProto.Builder graph, String from, String to) {
    graph.getOutputBuilder(0).setName(to);
    for (Onnx.NodeProto.Builder node : graph.getNodeBuilderList()) {
      if (node.getOutput(0).equals(from)) {
        node.setOutput(0, to);
      }
    }
  }

  private static Ttame.Result run(String line) {
    return Ttame.run(
        Arrays.stream(line.trim().split(" +", -1))
            .map(word -> word.startsWith("@") ? folder.resolve(word.substring(1)).toString() : word)
            .toArray(String[]::new));
  }

  private static Ttame.Result ok(String line) {
    Ttame.Result result = run(line);
    assertThat(result.code()).as("%s", result).isZero();
    return result;
  }

  private static Ttame.Result refused(String line) {
    Ttame.Result result = run(line);
    assertThat(result.code()).as("%s", result).isEqualTo(1);
    return result;
  }

  private static JsonNode json(String file) throws IOException {
    return JSON.readTree(folder.resolve(file).toFile());
  }

  private static String images(String out) throws IOException {
    return json(out + "/predictions.json").path("images").toString();
  }

  @Test
  void aFreeSizeIsAssumedAloudOrGiven() throws IOException {
    Ttame.Result silent = ok("predict --weights @free.onnx --images @images --out @p1");
    assertThat(silent.err())
        .containsOnlyOnce(MEAN)
        .containsOnlyOnce("assumed: images of 224×224 pixels")
        .contains("--input-size");
    assertThat(json("p1/predictions.json").at("/provenance/backbone/assumed").asText())
        .contains("224×224")
        .contains("mean");
    assertThat(ok("inspect @free.onnx").out()).contains("assumed   ").contains("224×224");
    Ttame.Result said =
        ok("predict --weights @free.onnx --images @images --out @p2 --input-size 64 " + IMAGENET);
    assertThat(said.err()).doesNotContain("assumed");
    ok("predict --weights @resnet.onnx --images @images --out @p3");
    assertThat(images("p2")).isEqualTo(images("p3")).isNotEqualTo(images("p1"));
    assertThat(refused("predict --weights @resnet.onnx --images @images --input-size 32").err())
        .contains("64×64")
        .contains("--input-size 32 cannot change");
    assertThat(run("predict --weights @free.onnx --images @images --input-size 64x").code())
        .isEqualTo(2);
  }

  @Test
  void runsAndImportedFilesKeepWhatWasAssumed() throws IOException {
    Ttame.Result trained =
        ok(
            "train --weights @free.onnx --data @images --run @run --input-size 64 --epochs 1"
                + " --batch-size 2 --threads 1");
    assertThat(trained.err()).containsOnlyOnce(MEAN);
    JsonNode backbone = json("run/run.json").path("backbone");
    assertThat(backbone.at("/input/height").asInt()).isEqualTo(64);
    assertThat(backbone.at("/input/width").asInt()).isEqualTo(64);
    assertThat(backbone.path("assumed").toString()).isEqualTo("[\"standardisation\",\"resize\"]");
    Ttame.Result later = ok("predict --run @run --images @images --out @p4");
    assertThat(later.err()).doesNotContain("assumed");
    assertThat(json("p4/predictions.json").at("/provenance/backbone/assumed").asText())
        .contains("mean [0.485");
    ok("predict --weights @resnet.onnx --images @images --out @p5");
    assertThat(images("p4")).isEqualTo(images("p5"));
    assertThat(ok("inspect @run").out()).contains("backbone.assumed");

    assertThat(ok("import --weights @free.onnx --out @free.ttame").err())
        .contains(MEAN)
        .contains("224×224");
    Ttame.Result imported = ok("predict --weights @free.ttame --images @images --out @p6");
    assertThat(imported.err()).doesNotContain("assumed");
    assertThat(ok("inspect @free.ttame").out()).contains("assumed   ").contains("224×224");
    ok("predict --weights @free.onnx --images @images --out @p7");
    assertThat(images("p6")).isEqualTo(images("p7"));
  }

  @Test
  void positionEmbeddingsTellTheSize() throws IOException {
    Ttame.Result told = ok("predict --weights @vit-free.onnx --images @images --out @p8");
    assertThat(told.err()).contains(MEAN).doesNotContain("assumed: images");
    ok("predict --weights @vit.onnx --images @images --out @p9");
    assertThat(images("p8")).isEqualTo(images("p9"));
    assertThat(refused("predict --weights @vit-free.onnx --images @images --input-size 96").err())
        .contains("64×64");
  }

  @Test
  void aSecondOutputIsNotTakenInSilence() throws IOException {
    ok("predict --weights @resnet.onnx --images @images --out @p10");
    Ttame.Result named = ok("predict --weights @embedding.onnx --images @images --out @p11");
    assertThat(named.err()).contains("assumed: the output ").contains("--output");
    assertThat(images("p11")).isEqualTo(images("p10"));
    assertThat(ok("inspect @embedding.onnx").out())
        .containsPattern("outputs .*\\[B, \\d+\\], .*10");
    Ttame.Result none = refused("predict --weights @embedding.onnx --images @images --output no");
    assertThat(none.err()).contains("no output \"no\"").contains("[B, 10]");

    Ttame.Result open = refused("predict --weights @heads.onnx --images @images");
    assertThat(open.err())
        .contains("--output")
        .contains("one [B, 10], other [B, 10]")
        .doesNotContain("foreseen");
    Ttame.Result said =
        ok("predict --weights @heads.onnx --images @images --output other --out @p12 " + IMAGENET);
    assertThat(said.err()).doesNotContain("assumed");
    assertThat(images("p12")).isEqualTo(images("p10"));
    ok(
        "train --weights @heads.onnx --data @images --run @heads --output other --epochs 1"
            + " --batch-size 2 --threads 1");
    ok("predict --run @heads --images @images --out @p13");
    assertThat(images("p13")).isEqualTo(images("p10"));
    Ttame.Result another = run("predict --run @heads --images @images --output one");
    assertThat(another.code()).isEqualTo(2);
    assertThat(another.err()).contains("--output one").contains("other");
  }
}
