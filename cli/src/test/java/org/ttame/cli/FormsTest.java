package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import onnx.Onnx;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.Text;
import org.ttame.training.sample.SampleData;

/**
 * Every command on classifiers of unusual form: grey images of 48×80 pixels with channels last and
 * independent classes, and a single logit. The sample's ResNet, with nodes before and behind it.
 */
class FormsTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir static Path folder;

  @BeforeAll
  static void files() throws IOException {
    SampleData sample = new SampleData(folder);
    byte[] resnet = Files.readAllBytes(sample.backbone("resnet"));
    Onnx.ModelProto.Builder labels = Onnx.ModelProto.parseFrom(resnet).toBuilder();
    grey(labels.getGraphBuilder());
    String scores = labels.getGraphBuilder().getOutput(0).getName();
    end(labels.getGraphBuilder(), node("Sigmoid", List.of(scores), "sigmoids"));
    Files.write(folder.resolve("labels.onnx"), labels.build().toByteArray());
    Onnx.ModelProto.Builder one = Onnx.ModelProto.parseFrom(resnet).toBuilder();
    one.getGraphBuilder().addInitializer(integers("third", 2));
    end(
        one.getGraphBuilder(),
        node("Gather", List.of(scores, "third"), "one")
            .addAttribute(
                Onnx.AttributeProto.newBuilder()
                    .setName("axis")
                    .setType(Onnx.AttributeProto.AttributeType.INT)
                    .setI(1)));
    Files.write(folder.resolve("one.onnx"), one.build().toByteArray());
    Path images = Files.createDirectories(folder.resolve("images"));
    for (int i = 0; i < 2; i++) {
      Files.copy(sample.images("test").path(i), images.resolve(Text.format("scene-%d.jpg", i)));
    }
  }

  /** Puts a transpose and a copy to three channels in front. */
  private static void grey(Onnx.GraphProto.Builder graph) {
    Onnx.ValueInfoProto.Builder input = graph.getInputBuilder(0);
    String image = input.getName();
    input.setName("grey");
    Onnx.TensorShapeProto.Builder shape =
        input.getTypeBuilder().getTensorTypeBuilder().getShapeBuilder();
    long[] sizes = {48, 80, 1};
    for (int i = 0; i < sizes.length; i++) {
      shape.getDimBuilder(i + 1).setDimValue(sizes[i]);
    }
    Onnx.AttributeProto.Builder perm =
        Onnx.AttributeProto.newBuilder()
            .setName("perm")
            .setType(Onnx.AttributeProto.AttributeType.INTS)
            .addAllInts(List.of(0L, 3L, 1L, 2L));
    Onnx.AttributeProto.Builder axis =
        Onnx.AttributeProto.newBuilder()
            .setName("axis")
            .setType(Onnx.AttributeProto.AttributeType.INT)
            .setI(1);
    graph.addNode(0, node("Transpose", List.of("grey"), "planes").addAttribute(perm));
    graph.addNode(
        1, node("Concat", List.of("planes", "planes", "planes"), image).addAttribute(axis));
  }

  private static void end(Onnx.GraphProto.Builder graph, Onnx.NodeProto.Builder node) {
    graph.addNode(node);
    graph.clearOutput();
    graph.addOutput(Onnx.ValueInfoProto.newBuilder().setName(node.getOutput(0)));
  }

  private static Onnx.NodeProto.Builder node(String type, List<String> inputs, String output) {
    return Onnx.NodeProto.newBuilder()
        .setOpType(type)
        .setName(output)
        .addAllInput(inputs)
        .addOutput(output);
  }

  private static Onnx.TensorProto.Builder integers(String name, long... values) {
    Onnx.TensorProto.Builder tensor =
        Onnx.TensorProto.newBuilder().setName(name).setDataType(7).addDims(values.length);
    Arrays.stream(values).forEach(tensor::addInt64Data);
    return tensor;
  }

  private static Ttame.Result ok(String line) {
    Ttame.Result result =
        Ttame.run(
            Arrays.stream(line.trim().split(" +", -1))
                .map(w -> w.startsWith("@") ? folder.resolve(w.substring(1)).toString() : w)
                .toArray(String[]::new));
    assertThat(result.code()).as("%s", result).isZero();
    return result;
  }

  private static JsonNode json(String file) throws IOException {
    return JSON.readTree(folder.resolve(file).toFile());
  }

  private static void everything(String name) throws IOException {
    ok(
        "train --weights @"
            + name
            + ".onnx --data @images --run @"
            + name
            + " --epochs 1"
            + " --batch-size 2 --threads 1");
    ok(
        "explain --run @"
            + name
            + " --images @images --out @"
            + name
            + "-maps --rise-masks 10"
            + " --method ttame,gradcam,gradcam++,scorecam,ablationcam,rise --format npy,png,json");
    ok(
        "evaluate --run @"
            + name
            + " --data @images --out @"
            + name
            + "-numbers"
            + " --methods ttame,gradcam --metrics ad,ic,road,insertion --road-percentages 50");
    JsonNode rows = json(name + "-numbers/metrics.json");
    assertThat(rows.toString()).contains("road").contains("insertion");
    ok(
        "sanity --run @"
            + name
            + " --data @images --limit 1 --checks backbone,mechanism --methods ttame,gradcam"
            + " --shown 1 --out @"
            + name
            + "-sanity");
    assertThat(folder.resolve(name + "-sanity/sanity.json")).exists();
    ok(
        "figures --runs @"
            + name
            + " --images @images --figures methods,several-classes --methods ttame,gradcam"
            + " --format svg --out @"
            + name
            + "-figures");
    assertThat(folder.resolve(name + "-figures/figures/methods.svg")).exists();
    ok(
        "lr-find --weights @"
            + name
            + ".onnx --data @images --steps 3 --batch-size 2 --out @"
            + name
            + "-lr");
  }

  @Test
  void greyOblongsOfIndependentClassesWithChannelsLast() throws IOException {
    JsonNode found = JSON.readTree(ok("inspect @labels.onnx --json").out());
    assertThat(found.at("/input/height").asInt()).isEqualTo(48);
    assertThat(found.at("/input/width").asInt()).isEqualTo(80);
    assertThat(found.at("/input/channels").asInt()).isEqualTo(1);
    assertThat(found.at("/input/layout").asText()).isEqualTo("NHWC");
    assertThat(found.at("/output/kind").asText()).isEqualTo("multi-label");
    assertThat(found.path("layers").size()).isPositive();
    assertThat(found.path("assumed").toString()).contains("standardisation").contains("resize");
    ok("predict --weights @labels.onnx --images @images --out @p1 --logits --top 10");
    for (JsonNode image : json("p1/predictions.json").path("images")) {
      double sum = 0;
      for (JsonNode top : image.path("top")) {
        double z = image.path("logits").get(top.path("index").asInt()).asDouble();
        assertThat(top.path("probability").asDouble())
            .isCloseTo(1 / (1 + Math.exp(-z)), within(1e-6));
        sum += top.path("probability").asDouble();
      }
      assertThat(sum).isNotCloseTo(1, within(1e-3));
    }
    everything("labels");
    JsonNode backbone = json("labels/run.json").path("backbone");
    assertThat(backbone.at("/output/kind").asText()).isEqualTo("multi-label");
    assertThat(backbone.at("/input/width").asInt()).isEqualTo(80);
  }

  @Test
  void aSingleLogitAndBothItsClasses() throws IOException {
    ok(
        "predict --weights @one.onnx --images @images --out @p2 --logits --top 2 --output-kind auto");
    for (JsonNode image : json("p2/predictions.json").path("images")) {
      double z = image.path("logits").get(1).asDouble();
      assertThat(image.path("logits").get(0).asDouble()).isZero();
      for (JsonNode top : image.path("top")) {
        double sign = top.path("index").asInt() == 1 ? 1 : -1;
        assertThat(top.path("probability").asDouble())
            .isCloseTo(1 / (1 + Math.exp(-sign * z)), within(1e-6));
      }
    }
    everything("one");
    for (int c = 0; c < 2; c++) {
      ok(
          "explain --run @one --images @images --out @class"
              + c
              + " --class "
              + c
              + " --method ttame,gradcam,scorecam --format npy --resize crop");
    }
  }
}
