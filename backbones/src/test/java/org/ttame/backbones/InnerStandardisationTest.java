package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.backbones.source.BackboneException;
import org.ttame.core.classifier.Assumption;

/** What a graph does with its image and its scores decides what it is fed and how it is read. */
class InnerStandardisationTest {
  @TempDir Path folder;

  @Test
  void pixelsFromZeroToOneAreToldByTheirMeans() throws Exception {
    BackboneInfo info =
        inspect(
            (onnx, image) -> {
              String centred =
                  onnx.node("Sub", List.of(image, onnx.weight(0.45, 0.02, 1, 3, 1, 1)));
              return convolved(
                  onnx, onnx.node("Div", List.of(centred, onnx.weight(0.23, 0.01, 1, 3, 1, 1))));
            });
    assertThat(info.inputSpec().mean()).containsExactly(0.0, 0.0, 0.0);
    assertThat(info.inputSpec().std()).containsExactly(1.0, 1.0, 1.0);
    assertThat(settings(info)).doesNotContain(Assumption.Setting.STANDARDISATION);
  }

  @Test
  void pixelsFromZeroTo255AreToldByTheirMeansOrTheirFactor() throws Exception {
    BackboneInfo caffe =
        inspect(
            (onnx, image) ->
                convolved(onnx, onnx.node("Sub", List.of(image, onnx.weight(115, 5, 1, 3, 1, 1)))));
    BackboneInfo scaled =
        inspect(
            (onnx, image) -> {
              String small = onnx.node("Mul", List.of(image, onnx.number(1 / 127.5f)));
              return convolved(onnx, onnx.node("Add", List.of(small, onnx.number(-1))));
            });
    for (BackboneInfo info : List.of(caffe, scaled)) {
      assertThat(info.inputSpec().std()).isEqualTo(Collections.nCopies(3, 1 / 255.0));
      assertThat(settings(info)).doesNotContain(Assumption.Setting.STANDARDISATION);
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
