package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.SmallNetwork.Body;
import org.ttame.backbones.source.BackboneException;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.OutputKind;

/** What an output is that ends in none of the usual ways: nested, changed, or one of several. */
class ScoresTest {
  private static final int SIDE = 9;

  /** Rounding of float32 in another order of summation. */
  private static final double CLOSE = 2e-5;

  @TempDir Path folder;

  private Path file(String name, Body body) throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", 2, 3, SIDE, SIDE);
    onnx.output(body.write(onnx, "image"), "logits");
    Path file = folder.resolve(name + ".onnx");
    onnx.write(file, 3);
    return file;
  }

  private static String scores(OnnxWriter onnx, String image, int classes) {
    String map = onnx.node("Conv", List.of(image, onnx.weight(0, 0.3, 4, 3, 3, 3)));
    String flat = onnx.node("Flatten", List.of(onnx.node("Relu", List.of(map))));
    return onnx.node("MatMul", List.of(flat, onnx.weight(0, 0.1, 4 * 49, classes)));
  }

  /** What was made of probabilities is none of the kinds that a graph tells by its end. */
  @Test
  void changedProbabilitiesAreNoLogits() throws Exception {
    Map<String, Body> ends = new LinkedHashMap<>();
    ends.put(
        "clipped",
        (onnx, scores) ->
            onnx.node(
                "Clip",
                List.of(
                    onnx.node("Softmax", List.of(scores)), onnx.number(1e-3f), onnx.number(1))));
    ends.put(
        "averaged",
        (onnx, scores) -> {
          String other = onnx.node("Mul", List.of(scores, onnx.number(-0.5f)));
          String sum =
              onnx.node(
                  "Add",
                  List.of(
                      onnx.node("Softmax", List.of(scores)), onnx.node("Softmax", List.of(other))));
          return onnx.node("Div", List.of(sum, onnx.number(2)));
        });
    ends.put(
        "two of one",
        (onnx, scores) -> {
          String one =
              onnx.node(
                  "Slice", List.of(scores, onnx.integers(0), onnx.integers(1), onnx.integers(1)));
          String yes = onnx.node("Sigmoid", List.of(one));
          String no = onnx.node("Sub", List.of(onnx.number(1), yes));
          return onnx.node("Concat", List.of(no, yes), "axis", 1);
        });
    ends.put(
        "in steps",
        (onnx, scores) -> {
          String power = onnx.node("Exp", List.of(scores));
          String sum = onnx.node("ReduceSum", List.of(power, onnx.integers(1)), "keepdims", 1);
          return onnx.node("Div", List.of(power, sum));
        });
    for (Map.Entry<String, Body> end : ends.entrySet()) {
      Path file =
          file("changed", (onnx, image) -> end.getValue().write(onnx, scores(onnx, image, 4)));
      for (BackboneOptions options :
          List.of(
              BackboneOptions.defaults(),
              BackboneOptions.defaults().withOutputKind(OutputKind.MULTI_LABEL))) {
        assertThatThrownBy(() -> Backbones.load(file, options))
            .as(end.getKey())
            .isInstanceOf(BackboneException.class)
            .hasMessageContaining("no logits")
            .hasMessageContaining("option 'output-kind' probabilities");
      }
      BackboneOptions told = BackboneOptions.defaults().withOutputKind(OutputKind.PROBABILITIES);
      try (INDArray images = Nd4j.rand(DataType.FLOAT, 2, SIDE, SIDE, 3);
          OnnxOracle oracle = new OnnxOracle(file);
          FrozenClassifier classifier = Backbones.load(file, told);
          ClassifierOutput output = classifier.forward(images, List.of())) {
        float[] said = Members.floats(oracle.run(images).get("logits"));
        int width = said.length / 2;
        for (int i = 0; i < said.length; i++) {
          // Clipped ones no longer add up to 1.
          assertThat(output.probabilities()[i / width][i % width])
              .as(end.getKey())
              .isCloseTo(said[i], within(end.getKey().equals("clipped") ? 4e-3 : CLOSE));
        }
      }
    }
  }

  /** Scores {@code [B, K, 1, 1]}, as convolutions end in; beside a list of them it is features. */
  @ParameterizedTest
  @ValueSource(strings = {"Identity", "Softmax", "LogSoftmax", "Sigmoid"})
  void scoresAmongAxesOfOne(String end) throws Exception {
    Path file =
        file(
            "nested",
            (onnx, image) -> {
              String map = onnx.node("Relu", List.of(convolved(onnx, image)));
              String pooled = onnx.node("GlobalAveragePool", List.of(map));
              String scores = onnx.node("Conv", List.of(pooled, onnx.weight(0, 2, 5, 4, 1, 1)));
              return end.endsWith("Softmax")
                  ? onnx.node(end, List.of(scores), "axis", 1)
                  : onnx.node(end, List.of(scores));
            });
    Path imported = folder.resolve("nested.ttame");
    Backbones.importTo(file, imported, BackboneOptions.defaults());
    try (INDArray images = Nd4j.rand(DataType.FLOAT, 2, SIDE, SIDE, 3);
        OnnxOracle oracle = new OnnxOracle(file);
        FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults());
        FrozenClassifier again = Backbones.load(imported, BackboneOptions.defaults());
        ClassifierOutput output = classifier.forward(images, List.of());
        ClassifierOutput same = again.forward(images, List.of())) {
      float[] said = Members.floats(oracle.run(images).get("logits"));
      for (int i = 0; i < said.length; i++) {
        double expected = end.equals("LogSoftmax") ? Math.exp(said[i]) : said[i];
        double actual =
            end.equals("Identity")
                ? output.logits().getDouble(i / 5, i % 5)
                : output.probabilities()[i / 5][i % 5];
        assertThat(actual).isCloseTo(expected, within(CLOSE));
      }
      assertThat(Members.floats(same.logits())).isEqualTo(Members.floats(output.logits()));
    }
  }

  @Test
  void pooledFeaturesAreNoSecondHead() throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", 2, 3, SIDE, SIDE);
    String pooled = onnx.node("GlobalAveragePool", List.of(convolved(onnx, "image")));
    String flat = onnx.node("Flatten", List.of(pooled));
    String scores = onnx.node("MatMul", List.of(flat, onnx.weight(0, 1, 4, 5)));
    onnx.output(pooled, "a");
    onnx.output(scores, "b");
    onnx.output(onnx.node("Softmax", List.of(scores)), "c");
    Path file = folder.resolve("features.onnx");
    onnx.write(file, 3);
    for (String name : List.of("a", "b", "c")) {
      BackboneOptions options = BackboneOptions.defaults().withOutput(name);
      assertThat(Backbones.inspect(file, options).output().classes())
          .isEqualTo(name.equals("a") ? 4 : 5);
    }
    assertThat(Backbones.inspect(file).provenance()).containsEntry("output", "b");
  }

  /** One list of scores under two names that tell is one answer. */
  @Test
  void scoresAndTheirProbabilitiesAreOneHead() throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", 2, 3, SIDE, SIDE);
    String scores = scores(onnx, "image", 5);
    onnx.output(scores, "scores");
    onnx.output(onnx.node("Softmax", List.of(scores)), "probabilities");
    onnx.output(scores(onnx, "image", 3), "other");
    Path file = folder.resolve("named.onnx");
    onnx.write(file, 3);
    assertThat(Backbones.inspect(file).provenance()).containsEntry("output", "scores");
  }

  private static String convolved(OnnxWriter onnx, String image) {
    return onnx.node("Conv", List.of(image, onnx.weight(0, 0.3, 4, 3, 3, 3)));
  }

  @Test
  void anInvertedProbabilityIsNoLogit() throws Exception {
    Path file =
        file(
            "inverted",
            (onnx, image) -> {
              String yes = onnx.node("Sigmoid", List.of(scores(onnx, image, 1)));
              return onnx.node("Sub", List.of(onnx.number(1), yes));
            });
    assertThatThrownBy(() -> Backbones.load(file, BackboneOptions.defaults()))
        .isInstanceOf(BackboneException.class)
        .hasMessageContaining("no logits; cut the graph before it");
  }

  /** Probabilities inside a network, behind which there is a layer, or that weigh values. */
  @Test
  void whatGatesIsNoProbability() throws Exception {
    Path file =
        file(
            "gated",
            (onnx, image) -> {
              String scores = scores(onnx, image, 4);
              String gate = onnx.node("Sigmoid", List.of(scores));
              return onnx.node("Mul", List.of(scores, gate));
            });
    try (FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults())) {
      assertThat(classifier.spec().output().kind()).isEqualTo(OutputKind.LOGITS);
    }
  }
}
