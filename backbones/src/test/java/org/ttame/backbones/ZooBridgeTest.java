package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.weights.WeightInit;
import org.deeplearning4j.util.ModelSerializer;
import org.deeplearning4j.zoo.model.ResNet50;
import org.deeplearning4j.zoo.model.VGG16;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions;
import org.nd4j.linalg.ops.transforms.Transforms;
import org.ttame.backbones.source.BackboneException;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;

/** Networks of the DL4J zoo, randomly initialised: the backbone gives the same probabilities. */
class ZooBridgeTest {
  /** Rounding through sixteen layers of wide sums. */
  private static final double TOLERANCE = 1e-4;

  private static final ZooBridge.Preprocessing RGB =
      new ZooBridge.Preprocessing(false, List.of(0.0, 0.0, 0.0), 255);

  @TempDir Path folder;

  @Test
  void vgg16() throws Exception {
    ComputationGraph network = vgg(32, 10);
    try (ZooBridge bridge = ZooBridge.of(network, "zoo", 32, RGB);
        FrozenClassifier classifier = Backbones.load(bridge, BackboneOptions.defaults());
        INDArray images = Nd4j.rand(2, 32, 32, 3).muli(2550)) {
      assertThat(classifier.layers().keySet())
          .contains("features.16", "features.23", "features.30");
      compare(network, images, images, classifier);
    } finally {
      network.close();
    }
  }

  /** The saved form, as the zoo's downloads are; its images are blue first, means off, unscaled. */
  @Test
  void savedVgg16WithItsPreprocessing() throws Exception {
    ComputationGraph network = vgg(32, 5);
    Path zip = folder.resolve("vgg16.zip");
    ModelSerializer.writeModel(network, zip.toFile(), false);
    Path file = folder.resolve("vgg16.ttame");
    Backbones.importTo(zip, file, BackboneOptions.defaults());
    try (FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults());
        INDArray unit = Nd4j.rand(2, 32, 32, 3);
        INDArray mean = Nd4j.createFromArray(123.68f, 116.779f, 103.939f)) {
      INDArray red255 = unit.mul(255).subi(mean);
      assertThat(classifier.inputSpec().mean().get(0) * 255).isEqualTo(123.68);
      assertThat(classifier.inputSpec().std().get(0) * 255).isEqualTo(1);
      compare(network, turned(red255), red255, classifier);
    } finally {
      network.close();
    }
  }

  /**
   * The zoo's own ResNet50: strides on the first 1×1, biases, unpadded stem pool, max pool head.
   */
  @Test
  void resnet50() throws Exception {
    ResNet50 zoo =
        ResNet50.builder()
            .numClasses(4)
            .inputShape(new int[] {3, 192, 192})
            .weightInit(new org.deeplearning4j.nn.weights.WeightInitRelu())
            .build();
    ComputationGraph network = zoo.init();
    try (ZooBridge bridge = ZooBridge.of(network, "zoo", 192, RGB);
        FrozenClassifier classifier = Backbones.load(bridge, BackboneOptions.defaults());
        INDArray images = Nd4j.rand(1, 192, 192, 3)) {
      assertThat(classifier.layers().keySet()).contains("layer2", "layer3", "layer4", "layer4.2");
      compare(network, images, images, classifier);
    } finally {
      network.close();
    }
  }

  /** A saved network may also be a plain list of layers. */
  @Test
  void savedListOfLayers() throws Exception {
    MultiLayerNetwork network = layers(16);
    Path zip = folder.resolve("layers.zip");
    ModelSerializer.writeModel(network, zip.toFile(), false);
    try (FrozenClassifier classifier = Backbones.load(zip, BackboneOptions.defaults());
        INDArray images = Nd4j.rand(2, 16, 16, 3);
        INDArray planes = turned(images).permute(0, 3, 1, 2).dup('c');
        INDArray expected = network.output(planes);
        ClassifierOutput output = classifier.forward(images, List.of());
        INDArray actual = Transforms.softmax(output.logits(), true)) {
      assertThat(classifier.provenance()).containsEntry("format", "DL4J");
      assertThat(classifier.provenance())
          .containsEntry("parameters", String.valueOf(network.numParams()));
      assertThat(expected.stdNumber().doubleValue()).isGreaterThan(1e-4);
      assertThat(Members.difference(actual, expected)).isLessThan(TOLERANCE);
    } finally {
      network.close();
    }
  }

  @Test
  void damagedZipsAreNamed() throws Exception {
    Path zip = folder.resolve("damaged.zip");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(zip))) {
      out.putNextEntry(new ZipEntry("configuration.json"));
      out.write("{ \"confs\" : ".getBytes(StandardCharsets.UTF_8));
      out.putNextEntry(new ZipEntry("coefficients.bin"));
    }
    assertThatThrownBy(() -> Backbones.load(zip, BackboneOptions.defaults()))
        .isInstanceOf(BackboneException.class)
        .hasMessageContaining("damaged.zip");
    byte[] whole = Files.readAllBytes(zip);
    Files.write(zip, Arrays.copyOf(whole, whole.length / 2));
    assertThatThrownBy(() -> Backbones.load(zip, BackboneOptions.defaults()))
        .isInstanceOf(BackboneException.class)
        .hasMessageContaining("damaged.zip");
  }

  @Test
  void refusesWithTheReason() throws Exception {
    ComputationGraph network =
        new ComputationGraph(
            new NeuralNetConfiguration.Builder()
                .weightInit(WeightInit.XAVIER)
                .graphBuilder()
                .addInputs("in")
                .addLayer(
                    "conv",
                    new ConvolutionLayer.Builder(3, 3).nOut(4).activation(Activation.TANH).build(),
                    "in")
                .addLayer(
                    "out",
                    new OutputLayer.Builder(LossFunctions.LossFunction.MCXENT).nOut(3).build(),
                    "conv")
                .setOutputs("out")
                .setInputTypes(InputType.convolutional(8, 8, 3))
                .build());
    network.init();
    assertThatThrownBy(() -> ZooBridge.of(network, "zoo", 8, RGB))
        .isInstanceOf(BackboneException.class)
        .hasMessageContaining("\"conv/activation\" has the activation")
        .hasMessageContaining("supported are VGG16 and ResNet50");
    network.close();
  }

  private static ComputationGraph vgg(int side, int classes) {
    return VGG16.builder().numClasses(classes).inputShape(new int[] {3, side, side}).build().init();
  }

  private static MultiLayerNetwork layers(int side) {
    NeuralNetConfiguration.ListBuilder list =
        new NeuralNetConfiguration.Builder().weightInit(WeightInit.XAVIER).list();
    for (int channels : new int[] {8, 16}) {
      list.layer(
          new ConvolutionLayer.Builder(3, 3)
              .padding(1, 1)
              .nOut(channels)
              .activation(Activation.RELU)
              .build());
      list.layer(new SubsamplingLayer.Builder().kernelSize(2, 2).stride(2, 2).build());
    }
    MultiLayerNetwork network =
        new MultiLayerNetwork(
            list.layer(new DenseLayer.Builder().nOut(24).activation(Activation.RELU).build())
                .layer(new DenseLayer.Builder().nOut(24).activation(Activation.RELU).build())
                .layer(
                    new OutputLayer.Builder(LossFunctions.LossFunction.MCXENT)
                        .nOut(5)
                        .activation(Activation.SOFTMAX)
                        .build())
                .setInputType(InputType.convolutionalFlat(side, side, 3))
                .build());
    network.init();
    return network;
  }

  /** Images with blue first. */
  private static INDArray turned(INDArray images) {
    INDArray channels = images.dup('c');
    for (int channel = 0; channel < 3; channel++) {
      channels
          .get(all(), all(), all(), point(channel))
          .assign(images.get(all(), all(), all(), point(2 - channel)));
    }
    return channels;
  }

  private static void compare(
      ComputationGraph network, INDArray theirs, INDArray ours, FrozenClassifier classifier) {
    try (INDArray planes = theirs.permute(0, 3, 1, 2).dup('c');
        INDArray expected = network.outputSingle(planes);
        ClassifierOutput output = classifier.forward(ours, List.of());
        INDArray actual = Transforms.softmax(output.logits(), true)) {
      assertThat(expected.stdNumber().doubleValue()).isGreaterThan(1e-4);
      assertThat(Members.difference(actual, expected)).isLessThan(TOLERANCE);
    }
  }

  private static org.nd4j.linalg.indexing.INDArrayIndex all() {
    return org.nd4j.linalg.indexing.NDArrayIndex.all();
  }

  private static org.nd4j.linalg.indexing.INDArrayIndex point(int index) {
    return org.nd4j.linalg.indexing.NDArrayIndex.point(index);
  }
}
