package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import onnx.Onnx;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.shade.protobuf.ByteString;
import org.ttame.backbones.Backbones;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.core.attention.Variant;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.masking.Masking;
import org.ttame.eval.explain.Explainer;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.explain.MethodCatalog;
import org.ttame.eval.explain.MethodOptions;
import org.ttame.eval.metric.AdIc;
import org.ttame.eval.metric.ImageBatch;
import org.ttame.eval.metric.InsertionDeletion;
import org.ttame.eval.metric.Metric;
import org.ttame.eval.metric.PixelKeeping;
import org.ttame.eval.metric.Protocol;
import org.ttame.eval.metric.Road;
import org.ttame.eval.metric.ScoringBatch;
import org.ttame.training.Trainer;
import org.ttame.training.TrainingOptions;
import org.ttame.training.sample.SampleData;

/** Classifiers of grey images, and of images that no picture has: they take arrays. */
class ChannelsTest {
  private static final int SIDE = 64;
  private static final List<String> NAMES = List.of("a", "b");

  @TempDir static Path folder;

  /** The sample's network, whose first convolution sums its channels, or reads none but three. */
  @BeforeAll
  static void files() throws IOException {
    Path vgg = new SampleData(folder).backbone("vgg");
    Files.copy(vgg, folder.resolve("c3.onnx"));
    for (int channels : new int[] {1, 2, 4}) {
      Onnx.ModelProto.Builder model =
          Onnx.ModelProto.parseFrom(Files.readAllBytes(vgg)).toBuilder();
      Onnx.GraphProto.Builder graph = model.getGraphBuilder();
      graph
          .getInputBuilder(0)
          .getTypeBuilder()
          .getTensorTypeBuilder()
          .getShapeBuilder()
          .getDimBuilder(1)
          .setDimValue(channels);
      String name =
          graph.getNodeList().stream()
              .filter(node -> node.getOpType().equals("Conv"))
              .findFirst()
              .orElseThrow()
              .getInput(1);
      for (Onnx.TensorProto.Builder tensor : graph.getInitializerBuilderList()) {
        if (tensor.getName().equals(name)) {
          widen(tensor, channels);
        }
      }
      Files.write(folder.resolve("c" + channels + ".onnx"), model.build().toByteArray());
    }
    Path images = Files.createDirectories(folder.resolve("images"));
    for (int i = 0; i < 3; i++) {
      BufferedImage grey = new BufferedImage(80, 70, BufferedImage.TYPE_BYTE_GRAY);
      for (int pixel = 0; pixel < 80 * 70; pixel++) {
        grey.getRaster().setSample(pixel % 80, pixel / 80, 0, (pixel * (7 + i) + pixel / 80) % 256);
      }
      ImageIO.write(grey, "png", images.resolve(Text.format("grey-%d.png", i)).toFile());
    }
  }

  private static void widen(Onnx.TensorProto.Builder weight, int channels) {
    int plane = (int) (weight.getDims(2) * weight.getDims(3));
    ByteBuffer from = weight.getRawData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    int outputs = (int) weight.getDims(0);
    float[] values = new float[outputs * channels * plane];
    for (int i = 0; i < outputs * 3 * plane; i++) {
      int channel = i / plane % 3;
      int to = channels == 1 ? 0 : channel;
      if (to < channels) {
        values[(i / plane / 3 * channels + to) * plane + i % plane] += from.getFloat(4 * i);
      }
    }
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    weight.setDims(1, channels).setRawData(ByteString.copyFrom(bytes));
  }

  private static Ttame.Result run(String line) {
    return Ttame.run(line.replace("@", folder + "/").split(" +", -1));
  }

  private static Ttame.Result ok(String line) {
    return Ttame.ok(line.replace("@", folder + "/").split(" +", -1));
  }

  private static JsonNode predictions(String out) throws IOException {
    return new ObjectMapper()
        .readTree(folder.resolve(out).resolve("predictions.json").toFile())
        .path("images");
  }

  /** Of pictures without colour both networks compute the same. */
  @Test
  void aClassifierOfGreyImagesReadsPictures() throws IOException {
    String images = " --resize crop --images @images --logits --out @";
    ok("predict --weights @c3.onnx --mean 0.4,0.4,0.4 --std 0.3,0.3,0.3" + images + "p3");
    ok("predict --weights @c1.onnx --mean 0.4 --std 0.3" + images + "p1");
    for (int i = 0; i < 3; i++) {
      JsonNode colour = predictions("p3").get(i).path("logits");
      JsonNode grey = predictions("p1").get(i).path("logits");
      assertThat(grey).hasSizeGreaterThan(1).hasSameSizeAs(colour);
      for (int k = 0; k < grey.size(); k++) {
        assertThat(grey.get(k).asDouble()).isCloseTo(colour.get(k).asDouble(), within(1e-4));
      }
    }
    assertThat(ok("inspect @c1.onnx").out()).contains("pixels of 1 channel, resize rule crop");
    ok("train --weights @c1.onnx --data @images --run @run --max-steps 1 --report 0");
    ok("explain --run @run --images @images --method ttame,gradcam --out @maps");
    ok("evaluate --run @run --data @images --metrics ad,ic,road --out @numbers");
  }

  /** Every command says the same, and leaves nothing behind. */
  @Test
  void otherImagesArePointedToTheJavaApi() throws IOException {
    for (int channels : new int[] {2, 4}) {
      String weights = Text.format(" --weights @c%d.onnx", channels);
      String inspected = ok(Text.format("inspect @c%d.onnx", channels)).out();
      assertThat(inspected).contains("which pictures do not have: arrays only");
      for (String line :
          List.of(
              "predict --images @images --out @none",
              "explain --images @images --method gradcam --out @none",
              "evaluate --data @images --methods gradcam --out @none",
              "train --data @images --max-steps 1 --run @none",
              "lr-find --data @images --out @none",
              "search --data @images --val @images --out @none",
              "ablate --data @images --test @images --out @none",
              "serve --port 0")) {
        Ttame.Result refused = run(line + weights);
        assertThat(refused.code()).as("%s: %s", line, refused).isEqualTo(1);
        assertThat(refused.err())
            .contains(
                Text.format(
                    "ttame: The classifier takes images of %d channels, but pictures have three,"
                        + " or one: give it arrays through the Java API",
                    channels));
        assertThat(folder.resolve("none")).as(line).doesNotExist();
      }
    }
  }

  /** A fourth channel that the classifier ignores changes neither its maps nor their numbers. */
  @Test
  void programsGiveArraysOfAnyNumberOfChannels() throws IOException {
    float[] four = new float[2 * SIDE * SIDE * 4];
    float[] three = new float[2 * SIDE * SIDE * 3];
    for (int i = 0; i < four.length; i++) {
      four[i] = (i * 31 % 257 + i / 4 / SIDE) % 256 / 255f;
      if (i % 4 < 3) {
        three[i / 4 * 3 + i % 4] = four[i];
      }
    }
    double[][] of4 = measured("c4.onnx", four, 4);
    double[][] of3 = measured("c3.onnx", three, 3);
    for (int i = 0; i < of3.length; i++) {
      assertThat(of4[i]).hasSameSizeAs(of3[i]);
      for (int k = 0; k < of3[i].length; k++) {
        assertThat(of4[i][k]).as("%d, %d", i, k).isCloseTo(of3[i][k], within(1e-2));
      }
    }
  }

  /** AD, IC, insertion and deletion of each image's maps by two methods; ROAD and T-TAME work. */
  private static double[][] measured(String file, float[] unit, int channels) throws IOException {
    BackboneOptions options =
        BackboneOptions.defaults()
            .withStandardisation(
                Collections.nCopies(channels, 0.4), Collections.nCopies(channels, 0.3));
    ImageBatch batch =
        new ImageBatch(NAMES, SIDE, SIDE, channels, unit, List.of(List.of(), List.of()));
    try (FrozenClassifier classifier = Backbones.load(folder.resolve(file), options);
        MethodCatalog catalog = new MethodCatalog(classifier, MethodOptions.of(1, 4));
        INDArray images = Nd4j.create(unit, batch.shape(), 'c').sub(0.4).divi(0.3)) {
      AttentionSpec spec =
          AttentionSpec.of(classifier.defaultLayers(), classifier.classes(), Variant.PROPOSED);
      try (AttentionMechanism mechanism = AttentionMechanism.create(spec, 1);
          Trainer trainer = new Trainer(classifier, mechanism, TrainingOptions.defaults(), 1)) {
        trainer.train(Stream.of(Nd4j.create(unit, batch.shape(), 'c')).iterator());
        catalog.run(mechanism);
        Explainer ttame = catalog.explainer(ExplanationMethod.TTAME);
        assertThat(ttame.explain(images, new int[] {1, 2}, NAMES).map(0)).doesNotContain(Float.NaN);
      }
      double[][] values = new double[4][];
      try (ClassifierOutput output = classifier.forward(images, List.of())) {
        double[] confidences = output.probabilities(new int[] {1, 2});
        int at = 0;
        for (ExplanationMethod method :
            List.of(ExplanationMethod.GRADCAM, ExplanationMethod.GRADCAM_PLUS_PLUS)) {
          float[][] maps =
              catalog
                  .explainer(method)
                  .explain(images, new int[] {1, 2}, NAMES)
                  .upsampled(SIDE, SIDE);
          ScoringBatch scoring = new ScoringBatch(batch, new int[] {1, 2}, confidences, maps);
          Road road = new Road(classifier, List.of(50.0), Protocol.PAPER, 1);
          assertThat(road.score(scoring)[0]).doesNotContain(Double.NaN);
          for (Metric metric :
              List.of(
                  new AdIc(classifier, Masking.CNN, PixelKeeping.EXACT, List.of(50.0)),
                  new InsertionDeletion(classifier))) {
            values[at++] = metric.score(scoring)[1];
          }
        }
      }
      return values;
    }
  }
}
