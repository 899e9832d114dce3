package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.source.BackboneException;
import org.ttame.core.classifier.Assumption;

/** What a graph does with its image and its scores decides what it is fed and how it is read. */
class InnerStandardisationTest {
  @TempDir Path folder;

  private static final long[] PLANES = {1, 3, 1, 1};
  private static final float[] MEAN = {0.485f, 0.456f, 0.406f};
  private static final float[] STD = {0.229f, 0.224f, 0.225f};
  private static final float[] HALF = {0.5f, 0.5f, 0.5f};
  private static final List<Double> NONE = List.of(0.0, 0.0, 0.0);
  private static final List<Double> UNIT = List.of(1.0, 1.0, 1.0);
  private static final List<Double> BYTES = Collections.nCopies(3, 1 / 255.0);

  /** Of numbers of up to 2.7 in float32. */
  private static final double TOLERANCE = 2e-6;

  /** What graphs do, and what is told: ONNX Runtime gives the standardised pixel for that. */
  @Test
  void whatTheImageIsFedIsToldHoweverItIsWritten() throws Exception {
    told(UNIT, InnerStandardisationTest::standardised);
    told(
        BYTES,
        (onnx, image) ->
            standardised(onnx, onnx.node("Mul", List.of(image, onnx.number(1 / 255f)))));
    told(
        NONE,
        BYTES,
        new float[] {0.4f, 0.5f, 0.6f},
        new float[] {1 / 255f, 1 / 255f, 1 / 255f},
        (onnx, image) -> onnx.node("Sub", List.of(image, shaped(onnx, PLANES, 102, 127.5f, 153))));
    told(
        NONE,
        BYTES,
        HALF,
        HALF,
        (onnx, image) -> {
          String small = onnx.node("Mul", List.of(image, onnx.number(1 / 127.5f)));
          return onnx.node("Add", List.of(small, onnx.number(-1)));
        });
    told(
        UNIT,
        (onnx, image) -> {
          String last = onnx.node("Transpose", List.of(image), "perm", new long[] {0, 2, 3, 1});
          String centred = onnx.node("Sub", List.of(last, onnx.numbers(MEAN)));
          String scaled = onnx.node("Div", List.of(centred, onnx.numbers(STD)));
          return onnx.node("Transpose", List.of(scaled), "perm", new long[] {0, 3, 1, 2});
        });
    told(
        UNIT,
        (onnx, image) -> {
          String rows = onnx.node("Reshape", List.of(image, onnx.integers(-1, 3, 81)));
          String centred = onnx.node("Sub", List.of(rows, shaped(onnx, new long[] {3, 1}, MEAN)));
          String scaled = onnx.node("Div", List.of(centred, shaped(onnx, new long[] {3, 1}, STD)));
          return onnx.node("Reshape", List.of(scaled, onnx.integers(-1, 3, 9, 9)));
        });
  }

  /** Each channel by itself, as torchvision's {@code transform_input} does it, or exchanged. */
  @Test
  void channelsAreFollowedOneByOne() throws Exception {
    told(
        List.of(0.485, 0.456, 0.406),
        List.of(0.229, 0.224, 0.225),
        HALF,
        HALF,
        (onnx, image) -> {
          List<String> parts = new ArrayList<>();
          for (int c = 0; c < 3; c++) {
            String one = onnx.node("Gather", List.of(image, onnx.index(c)), "axis", 1);
            String plane = onnx.node("Unsqueeze", List.of(one, onnx.integers(1)));
            String scaled = onnx.node("Mul", List.of(plane, onnx.number(STD[c] / 0.5f)));
            parts.add(onnx.node("Add", List.of(scaled, onnx.number((MEAN[c] - 0.5f) / 0.5f))));
          }
          return onnx.node("Concat", parts, "axis", 1);
        });
    told(
        BYTES,
        (onnx, image) -> {
          List<String> parts = new ArrayList<>();
          for (String one : onnx.nodes("Split", List.of(image), 3, "axis", 1)) {
            int c = parts.size();
            String centred = onnx.node("Sub", List.of(one, onnx.number(255 * MEAN[c])));
            parts.add(onnx.node("Div", List.of(centred, onnx.number(255 * STD[c]))));
          }
          return onnx.node("Concat", parts, "axis", 1);
        });
    for (boolean gather : new boolean[] {true, false}) {
      told(
          BYTES,
          (onnx, image) -> {
            String small = onnx.node("Mul", List.of(image, onnx.number(1 / 255f)));
            String swapped =
                onnx.node(
                    "Sub",
                    List.of(
                        reversed(onnx, small, gather),
                        shaped(onnx, PLANES, MEAN[2], MEAN[1], MEAN[0])));
            return onnx.node(
                "Div", List.of(reversed(onnx, swapped, !gather), shaped(onnx, PLANES, STD)));
          });
    }
  }

  /** A convolution of single pixels that mixes no channels. */
  @Test
  void aDiagonalConvolutionStandardises() throws Exception {
    for (int groups : new int[] {1, 3}) {
      told(
          BYTES,
          (onnx, image) -> {
            float[] weight = new float[9 / groups];
            float[] bias = new float[3];
            for (int c = 0; c < 3; c++) {
              weight[groups == 1 ? 4 * c : c] = 1 / (255 * STD[c]);
              bias[c] = -MEAN[c] / STD[c];
            }
            String diagonal = shaped(onnx, new long[] {3, 3 / groups, 1, 1}, weight);
            return onnx.node("Conv", List.of(image, diagonal, onnx.numbers(bias)), "group", groups);
          });
    }
  }

  private static String shaped(OnnxWriter onnx, long[] shape, float... values) {
    return onnx.node("Reshape", List.of(onnx.numbers(values), onnx.integers(shape)));
  }

  private static String standardised(OnnxWriter onnx, String image) {
    String centred = onnx.node("Sub", List.of(image, shaped(onnx, PLANES, MEAN)));
    return onnx.node("Div", List.of(centred, shaped(onnx, PLANES, STD)));
  }

  private static String reversed(OnnxWriter onnx, String image, boolean gather) {
    return gather
        ? onnx.node("Gather", List.of(image, onnx.integers(2, 1, 0)), "axis", 1)
        : onnx.node(
            "Slice",
            List.of(
                image, onnx.integers(-1), onnx.integers(-4), onnx.integers(1), onnx.integers(-1)));
  }

  /** A standardisation by ImageNet's values of images that need none but a scale. */
  private void told(List<Double> inputStd, SmallNetwork.Body standardisation) throws Exception {
    told(NONE, inputStd, MEAN, STD, standardisation);
  }

  /** Fed what is told of a pixel from 0 to 1, the graph gives (pixel − mean) / std. */
  private void told(
      List<Double> inputMean,
      List<Double> inputStd,
      float[] mean,
      float[] std,
      SmallNetwork.Body standardisation)
      throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", 2, 3, 9, 9);
    String inner = standardisation.write(onnx, "image");
    String flat = onnx.node("Flatten", List.of(convolved(onnx, inner)));
    onnx.output(onnx.node("MatMul", List.of(flat, onnx.weight(0, 1, 4 * 49, 5))), "logits");
    onnx.output(inner, "inner");
    Path file = folder.resolve("told.onnx");
    onnx.write(file, 1);
    BackboneInfo info = Backbones.inspect(file);
    assertThat(settings(info)).doesNotContain(Assumption.Setting.STANDARDISATION);
    assertThat(info.inputSpec().mean()).isEqualTo(inputMean);
    assertThat(info.inputSpec().std()).isEqualTo(inputStd);
    float[] images = new float[2 * 9 * 9 * 3];
    for (int i = 0; i < images.length; i++) {
      double pixel = i % 256 / 255.0;
      images[i] = (float) ((pixel - inputMean.get(i % 3)) / inputStd.get(i % 3));
    }
    try (OnnxOracle oracle = new OnnxOracle(file);
        INDArray batch = Nd4j.create(images, new long[] {2, 9, 9, 3}, 'c');
        INDArray got = oracle.run(batch).get("inner").permute(0, 2, 3, 1).dup('c')) {
      float[] values = got.data().asFloat();
      for (int i = 0; i < values.length; i++) {
        double pixel = i % 256 / 255.0;
        assertThat((double) values[i])
            .isCloseTo((pixel - mean[i % 3]) / std[i % 3], within(TOLERANCE / std[i % 3]));
      }
    }
  }

  /**
   * A learned normalisation, convolutions that mix channels or are of rows, an image that is read
   * in two ways, and scales that are not those of pixels.
   */
  @Test
  void whatIsNotCertainIsNotTold() throws Exception {
    for (SmallNetwork.Body body :
        List.<SmallNetwork.Body>of(
            (onnx, image) -> SmallNetwork.norm(onnx, image, 3),
            (onnx, image) -> onnx.node("Conv", List.of(image, onnx.weight(2, 0.2, 3, 3, 1, 1))),
            (onnx, image) -> {
              String row = onnx.node("Reshape", List.of(image, onnx.integers(0, 3, -1)));
              row = onnx.node("Conv", List.of(row, onnx.weight(2, 0.2, 3, 1, 1)), "group", 3);
              return onnx.node("Reshape", List.of(row, onnx.integers(0, 3, 11, 11)));
            },
            (onnx, image) -> onnx.node("Sub", List.of(standardised(onnx, image), image)),
            (onnx, image) -> {
              List<String> both = List.of(standardised(onnx, image), image);
              String six = onnx.node("Concat", both, "axis", 1);
              return onnx.node("Conv", List.of(six, onnx.weight(0, 1, 3, 6, 1, 1)));
            },
            (onnx, image) -> onnx.node("Mul", List.of(image, onnx.number(1))),
            (onnx, image) -> onnx.node("Mul", List.of(image, onnx.number(1 / 65535f))),
            (onnx, image) -> onnx.node("Div", List.of(image, shaped(onnx, PLANES, STD))),
            (onnx, image) -> onnx.node("Mul", List.of(image, onnx.number(0))))) {
      assertThat(settings(inspect((onnx, image) -> convolved(onnx, body.write(onnx, image)))))
          .contains(Assumption.Setting.STANDARDISATION);
    }
  }

  /** Images in [-1, 1] that a graph brings to [0, 255], or to [0, 1] and on, are neither. */
  @Test
  void meansBelowZeroTellNothing() throws Exception {
    for (SmallNetwork.Body body :
        List.<SmallNetwork.Body>of(
            (onnx, image) -> {
              String more = onnx.node("Add", List.of(image, onnx.number(1)));
              return convolved(onnx, onnx.node("Mul", List.of(more, onnx.number(127.5f))));
            },
            (onnx, image) -> {
              String half = onnx.node("Mul", List.of(image, onnx.number(0.5f)));
              String unit = onnx.node("Add", List.of(half, onnx.number(0.5f)));
              String centred = onnx.node("Sub", List.of(unit, onnx.numbers(0.45f)));
              return convolved(onnx, onnx.node("Div", List.of(centred, onnx.number(0.22f))));
            })) {
      assertThat(settings(inspect(body))).contains(Assumption.Setting.STANDARDISATION);
    }
  }

  /** A constant less the image, or one for each row, is no standardisation. */
  @Test
  void otherArithmeticIsNone() throws Exception {
    for (SmallNetwork.Body body :
        List.<SmallNetwork.Body>of(
            (onnx, image) ->
                convolved(
                    onnx, onnx.node("Sub", List.of(onnx.weight(0.5, 0.1, 1, 3, 1, 1), image))),
            (onnx, image) ->
                convolved(
                    onnx,
                    onnx.node("Mul", List.of(image, onnx.weight(2, 0.1, SmallNetwork.SIDE, 1)))))) {
      assertThat(settings(inspect(body))).contains(Assumption.Setting.STANDARDISATION);
    }
  }

  /** Of what a hard sigmoid gives, nobody can tell the logits. */
  @Test
  void scoresWithoutLogitsAreRefused() throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", 2, 3, 9, 9);
    String flat = onnx.node("Flatten", List.of(convolved(onnx, "image")));
    String logits = onnx.node("MatMul", List.of(flat, onnx.weight(0, 1, 4 * 49, 5)));
    onnx.output(onnx.node("HardSigmoid", List.of(logits)), "scores");
    Path file = folder.resolve("independent.onnx");
    onnx.write(file, 1);
    assertThatThrownBy(() -> Backbones.inspect(file))
        .isInstanceOf(BackboneException.class)
        .hasMessageContaining("HardSigmoid")
        .hasMessageContaining("no logits");
  }

  private BackboneInfo inspect(SmallNetwork.Body body) throws Exception {
    return Backbones.inspect(SmallNetwork.network(folder, "body", body));
  }

  private static List<Assumption.Setting> settings(BackboneInfo info) {
    return info.assumptions().stream().map(Assumption::setting).toList();
  }

  private static String convolved(OnnxWriter onnx, String image) {
    return onnx.node("Conv", List.of(image, onnx.weight(0, 0.2, 4, 3, 3, 3)));
  }
}
