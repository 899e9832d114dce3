package org.ttame.core.masking;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.image.InputSpec;
import org.ttame.core.image.ResizeRule;
import org.ttame.core.image.Standardizer;

class ImageMaskerTest {
  private static final List<Double> MEAN = List.of(0.485, 0.456, 0.406);
  private static final List<Double> STD = List.of(0.229, 0.224, 0.225);
  private static final InputSpec INPUT = new InputSpec(3, MEAN, STD);
  private final INDArray images =
      Nd4j.linspace(0, 1, 2 * 3 * 3 * 3, DataType.FLOAT).reshape(2, 3, 3, 3);
  private final INDArray maps = Nd4j.linspace(1, 0, 2 * 3 * 3, DataType.FLOAT).reshape(2, 3, 3);

  @ParameterizedTest
  @EnumSource(Masking.class)
  void followsItsEquation(Masking masking) {
    ImageMasker masker = new ImageMasker(masking, INPUT);
    INDArray masked = masker.mask(maps, images);
    SameDiff graph = SameDiff.create();
    ImageMasker.Masked inGraph =
        masker.append(
            graph,
            graph.placeHolder("e", DataType.FLOAT, 2, 3, 3),
            graph.placeHolder("i", DataType.FLOAT, 2, 3, 3, 3));
    String name = inGraph.images().name();
    INDArray fromGraph = graph.output(Map.of("e", maps, "i", images), name).get(name);
    for (int b = 0; b < 2; b++) {
      for (int y = 0; y < 3; y++) {
        for (int x = 0; x < 3; x++) {
          for (int c = 0; c < 3; c++) {
            double e = maps.getDouble(b, y, x);
            double i = images.getDouble(b, y, x, c);
            double expected =
                masking == Masking.CNN
                    ? (e * i - MEAN.get(c)) / STD.get(c)
                    : e * (i - MEAN.get(c)) / STD.get(c);
            assertThat(masked.getDouble(b, y, x, c)).isCloseTo(expected, within(1e-6));
            assertThat(fromGraph.getDouble(b, y, x, c)).isCloseTo(expected, within(1e-6));
          }
        }
      }
    }
  }

  @Test
  void aMapOfOnesChangesNothingAndBothMaskingsAgreeOnIt() {
    INDArray ones = Nd4j.ones(2, 3, 3);
    INDArray cnn = new ImageMasker(Masking.CNN, INPUT).mask(ones, images);
    INDArray vit = new ImageMasker(Masking.VIT, INPUT).mask(ones, images);
    assertThat(cnn.equalsWithEps(vit, 1e-6)).isTrue();
    assertThat(images.getDouble(1, 2, 2, 2)).isEqualTo(1);
  }

  @ParameterizedTest
  @EnumSource(Masking.class)
  void anySizeAndAnyChannelsInPlainArraysAndInAGraph(Masking masking) {
    for (int channels : new int[] {1, 2, 5}) {
      List<Double> mean = Stream.iterate(0.1, m -> m + 0.1).limit(channels).toList();
      List<Double> std = Stream.iterate(0.2, m -> m + 0.3).limit(channels).toList();
      InputSpec input = new InputSpec(2, 4, mean, std, ResizeRule.CROP, InputSpec.Stored.USUAL);
      try (INDArray unit = Nd4j.rand(DataType.FLOAT, input.shape(3));
          INDArray weights = Nd4j.rand(DataType.FLOAT, 3, 2, 4);
          INDArray ones = Nd4j.ones(DataType.FLOAT, 3, 2, 4)) {
        ImageMasker masker = new ImageMasker(masking, input);
        SameDiff graph = SameDiff.create();
        ImageMasker.Masked inGraph =
            masker.append(
                graph,
                graph.placeHolder("e", DataType.FLOAT, 3, 2, 4),
                graph.placeHolder("i", DataType.FLOAT, input.shape(3)));
        String name = inGraph.images().name();
        INDArray fromGraph = graph.output(Map.of("e", weights, "i", unit), name).get(name);
        INDArray masked = masker.mask(weights, unit);
        for (int p = 0; p < 3 * 2 * 4; p++) {
          double e = weights.getDouble(p);
          for (int c = 0; c < channels; c++) {
            double i = unit.getDouble(p * channels + c);
            double expected =
                masking == Masking.CNN
                    ? (e * i - mean.get(c)) / std.get(c)
                    : e * (i - mean.get(c)) / std.get(c);
            // Two roundings of numbers up to 5.
            assertThat(masked.getDouble(p * channels + c)).isCloseTo(expected, within(2e-6));
            assertThat(fromGraph.getDouble(p * channels + c)).isCloseTo(expected, within(2e-6));
          }
        }
        assertThat(masker.mask(ones, unit).data().asFloat())
            .containsExactly(new Standardizer(input).apply(unit).data().asFloat());
      }
    }
  }

  @Test
  void aMapOfZerosShowsBlackOrTheMean() {
    INDArray zeros = Nd4j.zeros(2, 3, 3);
    INDArray vit = new ImageMasker(Masking.VIT, INPUT).mask(zeros, images);
    assertThat(vit.amaxNumber().doubleValue()).isZero();
    INDArray cnn = new ImageMasker(Masking.CNN, INPUT).mask(zeros, images);
    assertThat(cnn.getDouble(0, 1, 1, 2)).isCloseTo(-0.406 / 0.225, within(1e-6));
  }

  @Test
  void saysWhatDoesNotFit() {
    assertThatThrownBy(() -> new ImageMasker(Masking.CNN, INPUT).mask(Nd4j.ones(2, 4, 3), images))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[2, 4, 3]");
    assertThatThrownBy(() -> Masking.parse("cnns")).hasMessageContaining("cnns");
  }
}
