package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.weights.WeightInit;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.lossfunctions.LossFunctions;
import org.ttame.core.provenance.Sha256;
import org.ttame.training.sample.SampleData;

/** What {@code import} writes serves wherever the original did. */
class ImportTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir static Path folder;
  private static SampleData sample;
  private static String scenes;

  @BeforeAll
  static void unpack() throws IOException {
    sample = new SampleData(folder.resolve("sample"));
    scenes = sample.images("test").path(0).getParent().toString();
  }

  private static String imported(String family) throws IOException {
    Path file = folder.resolve(family + ".ttame");
    if (!Files.exists(file)) {
      Ttame.ok("import", "--weights", sample.backbone(family).toString(), "--out", file.toString());
    }
    return file.toString();
  }

  @ParameterizedTest
  @ValueSource(strings = {"vgg", "resnet", "vit"})
  void predictsTheSameBits(String family) throws IOException {
    JsonNode original = predictions(sample.backbone(family).toString(), family + "-onnx");
    assertThat(original).hasSize(3);
    assertThat(original.get(0).path("logits")).hasSize(10);
    assertThat(predictions(imported(family), family + "-imported")).isEqualTo(original);
  }

  private static JsonNode predictions(String weights, String name) throws IOException {
    Path out = folder.resolve(name);
    Ttame.ok(
        "predict",
        "--weights",
        weights,
        "--images",
        scenes,
        "--limit",
        "3",
        "--logits",
        "--threads",
        "1",
        "--out",
        out.toString());
    return JSON.readTree(out.resolve("predictions.json").toFile()).path("images");
  }

  @Test
  void saysWhatItWroteAndInspectWhereItCameFrom() throws IOException {
    Path onnx = sample.backbone("vgg");
    Path file = folder.resolve("told.ttame");
    String told = Ttame.ok("import", "--weights", onnx.toString(), "--out", file.toString()).out();
    String sha256 = Sha256.of(onnx);
    assertThat(told)
        .startsWith(file + ": vgg, 10 classes, ")
        .containsPattern(" \\d{1,3}(,\\d{3})+ parameters, ")
        .contains(sha256);
    String parameters = told.replaceAll("(?s).* ([0-9,]+) parameters.*", "$1");
    assertThat(Ttame.ok("inspect", file.toString()).out())
        .containsPattern("(?m)^imported-file +vgg.onnx$")
        .containsPattern("(?m)^imported-sha256 +" + sha256 + "$")
        .containsPattern("(?m)^sha256 +" + Sha256.of(file) + "$")
        .containsPattern("(?m)^format +ONNX$")
        .containsOnlyOnce(parameters)
        .containsPattern("(?m)^parameters +" + parameters + "$")
        .contains("features.5");
    assertThat(Ttame.ok("inspect", onnx.toString()).out()).containsOnlyOnce(parameters);
  }

  @Test
  void isTrainedForAndExplained() throws IOException {
    String weights = imported("vgg");
    String run = folder.resolve("run").toString();
    Ttame.ok(
        "train",
        "--weights",
        weights,
        "--data",
        scenes,
        "--limit",
        "4",
        "--batch-size",
        "2",
        "--max-steps",
        "1",
        "--run",
        run);
    Path maps = folder.resolve("maps");
    Ttame.ok("explain", "--run", run, "--images", scenes, "--limit", "1", "--out", maps.toString());
    Ttame.ok(
        "explain",
        "--run",
        run,
        "--weights",
        weights,
        "--images",
        scenes,
        "--limit",
        "1",
        "--out",
        folder.resolve("maps-again").toString());
    try (Stream<Path> files = Files.list(maps)) {
      assertThat(files).hasSize(3);
    }
    assertThat(Ttame.ok("inspect", run).out())
        .containsPattern("(?m)^backbone.provenance.imported-file +vgg.onnx$")
        .containsPattern("(?m)^backbone.provenance.parameters +\\d{1,3}(,\\d{3})+$")
        .containsPattern("(?m)^attention.parameters +\\d{1,3}(,\\d{3})+$");
  }

  @Test
  void standardisationIsKept() throws IOException {
    Path file = folder.resolve("standard.ttame");
    Ttame.ok(
        "import",
        "--weights",
        sample.backbone("vgg").toString(),
        "--mean",
        "0.5,0.25,0.125",
        "--std",
        "1,2,4",
        "--out",
        file.toString());
    assertThat(Ttame.ok("inspect", file.toString()).out())
        .contains("[0.5, 0.25, 0.125]")
        .contains("[1.0, 2.0, 4.0]");
  }

  @Test
  void takesNetworksThatDl4jHasSaved() throws IOException {
    Path zip = folder.resolve("net.zip");
    saveNetwork(zip);
    Path file = folder.resolve("net.ttame");
    assertThat(Ttame.ok("import", "--zoo", zip.toString(), "--out", file.toString()).out())
        .startsWith(file + ": vgg, 4 classes, ")
        .contains(Sha256.of(zip));
    assertThat(predictions(file.toString(), "zoo")).isEqualTo(predictions(zip.toString(), "zip"));
    assertThat(Ttame.ok("inspect", file.toString()).out()).containsPattern("(?m)^format +DL4J$");
  }

  private static void saveNetwork(Path zip) throws IOException {
    MultiLayerNetwork network =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .seed(1)
                .weightInit(WeightInit.XAVIER)
                .activation(Activation.RELU)
                .list()
                .layer(new ConvolutionLayer.Builder(3, 3).padding(1, 1).nOut(8).build())
                .layer(new SubsamplingLayer.Builder().kernelSize(2, 2).stride(2, 2).build())
                .layer(new ConvolutionLayer.Builder(3, 3).padding(1, 1).nOut(8).build())
                .layer(new SubsamplingLayer.Builder().kernelSize(2, 2).stride(2, 2).build())
                .layer(new DenseLayer.Builder().nOut(16).build())
                .layer(new DenseLayer.Builder().nOut(16).build())
                .layer(
                    new OutputLayer.Builder(LossFunctions.LossFunction.MCXENT)
                        .nOut(4)
                        .activation(Activation.SOFTMAX)
                        .build())
                .setInputType(InputType.convolutionalFlat(16, 16, 3))
                .build());
    network.init();
    ModelSerializer.writeModel(network, zip.toFile(), false);
    network.close();
  }
}
