package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtSession;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import onnx.Onnx;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.source.BackboneException;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.classifier.Assumption.Setting;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.OutputKind;
import org.ttame.core.image.ImageSize;
import org.ttame.core.image.InputSpec;

/** Images and answers of every form, with what ONNX Runtime says of the same file. */
class InputsAndOutputsTest {
  private static final int HEIGHT = 9;
  private static final int WIDTH = 12;

  /** Rounding of float32 in another order of summation. */
  private static final double CLOSE = 2e-5;

  @TempDir Path folder;

  /** Makes a file's classifier of an image's name; returns its output's. */
  private interface Body {
    String of(OnnxWriter onnx, String image);
  }

  private Path file(String name, Body body, long... shape) throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", shape);
    onnx.output(body.of(onnx, "image"), "logits");
    Path file = folder.resolve(name + ".onnx");
    onnx.write(file, 3);
    return file;
  }

  private Path edited(Path file, UnaryOperator<Onnx.ModelProto.Builder> edit) throws Exception {
    Onnx.ModelProto.Builder model = Onnx.ModelProto.parseFrom(Files.readAllBytes(file)).toBuilder();
    return Files.write(file, edit.apply(model).build().toByteArray());
  }

  /** Scores of channels-first images: a convolution, an activation, a product. */
  private static String scores(OnnxWriter onnx, String image, int channels, int classes) {
    String map =
        onnx.node(
            "Conv",
            List.of(image, onnx.weight(0, 0.3, 4, channels, 3, 3)),
            "strides",
            new long[] {2, 2});
    String flat = onnx.node("Flatten", List.of(onnx.node("Relu", List.of(map))));
    int values = 4 * ((HEIGHT - 3) / 2 + 1) * ((WIDTH - 3) / 2 + 1);
    return onnx.node("MatMul", List.of(flat, onnx.weight(0, 0.2, values, classes)));
  }

  private static INDArray images(int channels) {
    return Nd4j.rand(org.nd4j.linalg.api.buffer.DataType.FLOAT, 2, HEIGHT, WIDTH, channels);
  }

  /** The first output of a file for values as they lie. */
  private static float[] onnxRuntime(Path file, OnnxTensorMaker maker) throws Exception {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (OrtSession session = environment.createSession(file.toString());
        OnnxTensor input = maker.make(environment);
        OrtSession.Result result = session.run(Map.of("image", input))) {
      FloatBuffer buffer = ((OnnxTensor) result.get(0)).getFloatBuffer();
      float[] values = new float[buffer.remaining()];
      buffer.get(values);
      return values;
    }
  }

  private interface OnnxTensorMaker {
    OnnxTensor make(OrtEnvironment environment) throws Exception;
  }

  private static float[] onnxRuntime(Path file, INDArray array) throws Exception {
    try (INDArray dense = array.dup('c')) {
      FloatBuffer values = FloatBuffer.wrap(dense.data().asFloat());
      return onnxRuntime(file, e -> OnnxTensor.createTensor(e, values, array.shape()));
    }
  }

  /** Logits of the file and of what it is imported to agree with the expected ones. */
  private void agrees(Path file, INDArray images, float[] expected) throws Exception {
    Path imported = folder.resolve("imported.ttame");
    Backbones.importTo(file, imported, BackboneOptions.defaults());
    try (FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults());
        FrozenClassifier again = Backbones.load(imported, BackboneOptions.defaults());
        ClassifierOutput output = classifier.forward(images, List.of());
        ClassifierOutput same = again.forward(images, List.of())) {
      float[] logits = output.logits().dup('c').data().asFloat();
      assertThat(logits).hasSameSizeAs(expected);
      for (int i = 0; i < expected.length; i++) {
        assertThat((double) logits[i]).isCloseTo(expected[i], within(CLOSE * 10));
      }
      assertThat(same.logits().dup('c').data().asFloat()).containsExactly(logits);
      assertThat(again.inputSpec()).isEqualTo(classifier.inputSpec());
      assertThat(again.spec().output()).isEqualTo(classifier.spec().output());
      assertThat(again.spec().layers()).isEqualTo(classifier.spec().layers());
    }
  }

  @ParameterizedTest
  @CsvSource({"1", "3", "5"})
  void anyChannelsAndNoSquare(int channels) throws Exception {
    Path file =
        file(
            "plain", (onnx, image) -> scores(onnx, image, channels, 4), 2, channels, HEIGHT, WIDTH);
    try (INDArray images = images(channels);
        INDArray planes = images.permute(0, 3, 1, 2).dup('c')) {
      agrees(file, images, onnxRuntime(file, planes));
    }
    BackboneInfo info = Backbones.inspect(file);
    assertThat(info.inputSpec().imageSize()).isEqualTo(new ImageSize(HEIGHT, WIDTH));
    assertThat(info.inputSpec().channels()).isEqualTo(channels);
    assertThat(info.inputSpec().stored().layout()).isEqualTo(InputSpec.Layout.NCHW);
    BackboneOptions four =
        BackboneOptions.defaults()
            .withStandardisation(List.of(0.0, 0.0, 0.0, 0.0), List.of(1.0, 1.0, 1.0, 1.0));
    assertThatThrownBy(() -> Backbones.load(file, four))
        .isInstanceOf(BackboneException.class)
        .hasMessageContaining(channels == 1 ? "1 channel," : channels + " channels,")
        .hasMessageContaining("4 values");
  }

  /** Keras' layout: turned at once, computed with as it lies, or standardised first. */
  @ParameterizedTest
  @CsvSource({"3, false", "3, true", "1, true"})
  void channelsLast(int channels, boolean standardises) throws Exception {
    Path file =
        file(
            "last",
            (onnx, image) -> {
              String centred =
                  standardises
                      ? onnx.node("Sub", List.of(image, onnx.weight(110, 1, channels)))
                      : image;
              String planes =
                  onnx.node("Transpose", List.of(centred), "perm", new long[] {0, 3, 1, 2});
              return scores(onnx, planes, channels, 4);
            },
            2,
            HEIGHT,
            WIDTH,
            channels);
    BackboneInfo info = Backbones.inspect(file);
    assertThat(info.inputSpec().imageSize()).isEqualTo(new ImageSize(HEIGHT, WIDTH));
    assertThat(info.inputSpec().stored().layout()).isEqualTo(InputSpec.Layout.NHWC);
    assertThat(info.inputSpec().takesBytes()).isEqualTo(standardises);
    try (INDArray images = images(channels)) {
      agrees(file, images, onnxRuntime(file, images));
    }
  }

  @Test
  void bytes() throws Exception {
    Path file =
        file(
            "bytes",
            (onnx, image) -> {
              String real = onnx.node("Cast", List.of(image), "to", 1);
              return scores(onnx, onnx.node("Div", List.of(real, onnx.number(255))), 3, 4);
            },
            2,
            3,
            HEIGHT,
            WIDTH);
    edited(
        file,
        model -> {
          model
              .getGraphBuilder()
              .getInputBuilder(0)
              .getTypeBuilder()
              .getTensorTypeBuilder()
              .setElemType(2);
          return model;
        });
    BackboneInfo info = Backbones.inspect(file);
    assertThat(info.inputSpec().stored().type()).isEqualTo(InputSpec.Type.UINT8);
    assertThat(info.inputSpec().takesBytes()).isTrue();
    byte[] samples = new byte[2 * 3 * HEIGHT * WIDTH];
    new java.util.Random(5).nextBytes(samples);
    float[] expected =
        onnxRuntime(
            file,
            e ->
                OnnxTensor.createTensor(
                    e,
                    ByteBuffer.allocateDirect(samples.length).put(samples).flip(),
                    new long[] {2, 3, HEIGHT, WIDTH},
                    OnnxJavaType.UINT8));
    float[] levels = new float[samples.length];
    for (int i = 0; i < levels.length; i++) {
      levels[i] = samples[i] & 0xFF;
    }
    try (INDArray planes = Nd4j.create(levels, new long[] {2, 3, HEIGHT, WIDTH}, 'c');
        INDArray images = planes.permute(0, 2, 3, 1).dup('c')) {
      agrees(file, images, expected);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "Softmax,    4, PROBABILITIES",
    "LogSoftmax, 4, PROBABILITIES",
    "Sigmoid,    4, MULTI_LABEL",
    "Sigmoid,    1, ONE_LOGIT",
    "Identity,   1, ONE_LOGIT",
    "Identity,   4, LOGITS",
    "Squeezed,   1, ONE_LOGIT",
  })
  void whatTheGraphEndsInTellsWhatItMeans(String end, int width, OutputKind kind) throws Exception {
    Path file =
        file(
            "end",
            (onnx, image) -> {
              String scores = scores(onnx, image, 3, width);
              return end.equals("Squeezed")
                  ? onnx.node(
                      "Sigmoid", List.of(onnx.node("Squeeze", List.of(scores, onnx.integers(1)))))
                  : onnx.node(end, List.of(scores));
            },
            2,
            3,
            HEIGHT,
            WIDTH);
    try (INDArray images = images(3);
        INDArray planes = images.permute(0, 3, 1, 2).dup('c');
        FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults());
        ClassifierOutput output = classifier.forward(images, List.of())) {
      assertThat(classifier.spec().output().kind()).isEqualTo(kind);
      assertThat(classifier.classes()).isEqualTo(Math.max(2, width));
      float[] said = onnxRuntime(file, planes);
      double[][] psi = output.probabilities();
      for (int i = 0; i < said.length; i++) {
        int b = i / width;
        int k = i % width;
        double expected =
            switch (end) {
              case "LogSoftmax" -> Math.exp(said[i]);
              case "Identity" ->
                  kind == OutputKind.LOGITS ? psi[b][k] : 1 / (1 + Math.exp(-said[i]));
              default -> said[i];
            };
        double actual = kind == OutputKind.ONE_LOGIT ? psi[b][1] : psi[b][k];
        assertThat(actual).isCloseTo(expected, within(CLOSE));
        if (kind == OutputKind.LOGITS) {
          assertThat(output.logits().getDouble(b, k)).isCloseTo(said[i], within(CLOSE * 10));
        }
      }
    }
  }

  /** A softmax that is no operator: log p has the same softmax. */
  @Test
  void probabilitiesThatNobodyRecognises() throws Exception {
    Path file =
        file(
            "hidden",
            (onnx, image) -> {
              String power = onnx.node("Exp", List.of(scores(onnx, image, 3, 4)));
              String sum = onnx.node("ReduceSum", List.of(power, onnx.integers(1)), "keepdims", 1);
              return onnx.node("Div", List.of(power, sum));
            },
            2,
            3,
            HEIGHT,
            WIDTH);
    BackboneOptions told = BackboneOptions.defaults().withOutputKind(OutputKind.PROBABILITIES);
    try (INDArray images = images(3);
        INDArray planes = images.permute(0, 3, 1, 2).dup('c');
        FrozenClassifier classifier = Backbones.load(file, told);
        ClassifierOutput output = classifier.forward(images, List.of())) {
      float[] said = onnxRuntime(file, planes);
      for (int i = 0; i < said.length; i++) {
        assertThat(output.probabilities()[i / 4][i % 4]).isCloseTo(said[i], within(CLOSE));
      }
    }
  }

  @Test
  void aWordThatContradictsTheGraphIsRefused() throws Exception {
    Path soft =
        file(
            "soft",
            (onnx, image) -> onnx.node("Softmax", List.of(scores(onnx, image, 3, 4))),
            2,
            3,
            HEIGHT,
            WIDTH);
    assertThatThrownBy(
            () ->
                Backbones.load(
                    soft, BackboneOptions.defaults().withOutputKind(OutputKind.MULTI_LABEL)))
        .isInstanceOf(BackboneException.class)
        .hasMessageContaining("Softmax")
        .hasMessageContaining("mutually exclusive");
    Path imported = folder.resolve("soft.ttame");
    Backbones.importTo(soft, imported, BackboneOptions.defaults());
    assertThatThrownBy(
            () ->
                Backbones.load(
                    imported, BackboneOptions.defaults().withOutputKind(OutputKind.MULTI_LABEL)))
        .hasMessageContaining("probabilities")
        .hasMessageContaining("option 'output-kind'");
  }

  /** A softmax over one class says nothing; a probability that no Sigmoid made is no logit. */
  @Test
  void aSingleScoreThatIsNoLogitIsRefused() throws Exception {
    for (String end : List.of("Softmax", "Identity")) {
      Path file =
          file(
              "single",
              (onnx, image) -> onnx.node(end, List.of(scores(onnx, image, 3, 1))),
              2,
              3,
              HEIGHT,
              WIDTH);
      BackboneOptions told = BackboneOptions.defaults().withOutputKind(OutputKind.PROBABILITIES);
      assertThatThrownBy(() -> Backbones.load(file, told))
          .isInstanceOf(BackboneException.class)
          .hasMessageContaining(end.equals("Softmax") ? "always 1" : "output of a Sigmoid");
    }
  }

  @Test
  void freeSizesAreWhatIsGiven() throws Exception {
    Path file =
        file(
            "free",
            (onnx, image) -> {
              String map = onnx.node("Conv", List.of(image, onnx.weight(0, 0.3, 4, 3, 3, 3)));
              String pooled = onnx.node("GlobalAveragePool", List.of(map));
              String flat = onnx.node("Flatten", List.of(pooled));
              return onnx.node("MatMul", List.of(flat, onnx.weight(0, 0.5, 4, 3)));
            },
            1,
            3,
            HEIGHT,
            WIDTH);
    edited(
        file,
        model -> {
          var shape =
              model
                  .getGraphBuilder()
                  .getInputBuilder(0)
                  .getTypeBuilder()
                  .getTensorTypeBuilder()
                  .getShapeBuilder();
          shape.getDimBuilder(2).setDimParam("h");
          shape.getDimBuilder(3).setDimParam("w");
          return model;
        });
    BackboneOptions given = BackboneOptions.defaults().withSize(new ImageSize(20, 30));
    assertThat(Backbones.inspect(file, given).inputSpec().imageSize())
        .isEqualTo(new ImageSize(20, 30));
    BackboneInfo assumed = Backbones.inspect(file);
    assertThat(assumed.inputSpec().imageSize()).isEqualTo(ImageSize.square(224));
    assertThat(assumed.assumptions())
        .extracting(assumption -> assumption.setting())
        .contains(Setting.SIDE, Setting.RESIZE);
    edited(
        file,
        model -> {
          model
              .getGraphBuilder()
              .getInputBuilder(0)
              .getTypeBuilder()
              .getTensorTypeBuilder()
              .getShapeBuilder()
              .getDimBuilder(2)
              .setDimValue(HEIGHT);
          return model;
        });
    BackboneInfo square = Backbones.inspect(file);
    assertThat(square.inputSpec().imageSize()).isEqualTo(ImageSize.square(HEIGHT));
    assertThat(square.assumptions())
        .extracting(assumption -> assumption.setting())
        .contains(Setting.SIDE);
  }

  @Test
  void labelsOfTheFileAreRead() throws Exception {
    for (String text :
        List.of(
            "{0: 'cat', 1: 'dog', 2: 'tench, Tinca'}",
            "{\"0\": \"cat\", \"1\": \"dog\", \"2\": \"tench, Tinca\"}",
            "['cat', 'dog', 'tench, Tinca']")) {
      Path file = file("named", (onnx, image) -> scores(onnx, image, 3, 3), 2, 3, HEIGHT, WIDTH);
      edited(
          file,
          model ->
              model.addMetadataProps(
                  Onnx.StringStringEntryProto.newBuilder().setKey("names").setValue(text)));
      try (FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults())) {
        assertThat(classifier.spec().output().labels())
            .containsExactly("cat", "dog", "tench, Tinca");
      }
    }
  }
}
