package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Scanner;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.Predictions;
import org.ttame.core.npz.Npz;

/** The paper's three networks at full size, random weights, against ONNX Runtime. */
@Tag("fullsize")
class FullSizeTest {
  /** The project's bound: of the largest absolute value, logits and maps alike. */
  private static final double TOLERANCE = 1e-4;

  private static final int SIDE = 224;

  @TempDir static Path folder;

  enum Network {
    vgg16(138_357_544),
    resnet50(25_557_032),
    vit_b_16(86_567_656);

    private final long parameters;

    Network(long parameters) {
      this.parameters = parameters;
    }

    Path write() throws IOException {
      Path file = folder.resolve(name() + ".onnx");
      if (!Files.exists(file)) {
        switch (this) {
          case vgg16 -> FullSizeNetworks.vgg16(file);
          case resnet50 -> FullSizeNetworks.resnet50(file);
          case vit_b_16 -> FullSizeNetworks.vitB16(file);
        }
      }
      return file;
    }
  }

  @ParameterizedTest
  @EnumSource
  void agreesWithOnnxRuntime(Network network) throws Exception {
    Path file = network.write();
    assertThat(Backbones.inspect(file).architecture().parameterCount())
        .isEqualTo(network.parameters);
    try (INDArray images = Nd4j.randn(1, SIDE, SIDE, 3);
        FrozenClassifier classifier =
            Backbones.load(file, BackboneOptions.defaults().withName(network.name()));
        OnnxOracle oracle = new OnnxOracle(file)) {
      Map<String, INDArray> expected = oracle.run(images);
      List<FeatureLayer> layers =
          classifier.layers(expected.keySet().stream().filter(n -> !n.equals("logits")).toList());
      try (ClassifierOutput output = classifier.forward(images, layers)) {
        compare(network.name(), output, layers, expected, "");
      }
      expected.values().forEach(INDArray::close);
    }
  }

  /** Real exports of torchvision, where {@code src/test/python/full_size.py} has made some. */
  @ParameterizedTest
  @ValueSource(strings = {"vgg16", "resnet50", "vit_b_16"})
  void agreesWithTorchvision(String network) throws Exception {
    String made = System.getProperty("ttame.fullsize");
    assumeTrue(made != null, "-Dttame.fullsize=FOLDER names no folder of exports");
    Path file = Path.of(made, network + ".onnx");
    Map<String, INDArray> golden = Npz.read(Path.of(made, network + ".npz"));
    try (INDArray images = Members.images(golden.get("input"));
        FrozenClassifier classifier =
            Backbones.load(file, BackboneOptions.defaults().withName(network))) {
      List<FeatureLayer> layers =
          classifier.layers(
              golden.keySet().stream()
                  .filter(key -> key.startsWith("node."))
                  .map(key -> key.substring("node.".length()))
                  .toList());
      try (ClassifierOutput output = classifier.forward(images, layers)) {
        compare(network + " (torchvision)", output, layers, golden, "node.");
      }
    } finally {
      golden.values().forEach(INDArray::close);
    }
  }

  private static void compare(
      String network,
      ClassifierOutput output,
      List<FeatureLayer> layers,
      Map<String, INDArray> expected,
      String prefix) {
    INDArray logits = expected.get("logits");
    double worst = Members.difference(output.logits(), logits);
    assertThat(worst).as("logits").isLessThan(TOLERANCE);
    assertThat(Predictions.topClasses(output.logits(), 5))
        .isDeepEqualTo(Predictions.topClasses(logits, 5));
    double worstMap = 0;
    for (int i = 0; i < layers.size(); i++) {
      try (INDArray map =
          Members.feature(expected.get(prefix + layers.get(i).node()), layers.get(i))) {
        double difference = Members.difference(output.features().get(i), map);
        assertThat(difference).as(layers.get(i).node()).isLessThan(TOLERANCE);
        worstMap = Math.max(worstMap, difference);
      }
    }
    System.out.printf(
        Locale.ROOT,
        "%s: logits differ by %.1e, maps by %.1e of their largest value%n",
        network,
        worst,
        worstMap);
  }

  /** Peak resident memory of a fresh program that loads VGG-16, under 2.5 times the file. */
  @Test
  void loadsVgg16InLittleMemory() throws Exception {
    Path onnx = Network.vgg16.write();
    Path imported = folder.resolve("vgg16.ttame");
    Backbones.importTo(onnx, imported, BackboneOptions.defaults());
    double[] fromOnnx = load(onnx);
    double[] fromFile = load(imported);
    double bytes = Files.size(onnx);
    System.out.printf(
        Locale.ROOT,
        "vgg16, %.0f MB: peak %.0f MB (%.2f of the file) in %.2f s from ONNX, %.0f MB in %.2f s from a backbone file%n",
        bytes / 1e6,
        fromOnnx[0] / 1e6,
        fromOnnx[0] / bytes,
        fromOnnx[1],
        fromFile[0] / 1e6,
        fromFile[1]);
    assertThat(fromOnnx[0]).isLessThan(2.5 * bytes);
    assertThat(fromFile[0]).isLessThan(2.5 * bytes);
  }

  private static double[] load(Path file) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(LoadProbe.class.getName());
    command.add(file.toString());
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(out).isZero();
    try (Scanner words = new Scanner(out)) {
      assertThat(words.next()).isEqualTo("vgg16");
      return new double[] {Double.parseDouble(words.next()), Double.parseDouble(words.next())};
    }
  }
}
