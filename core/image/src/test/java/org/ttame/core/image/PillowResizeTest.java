package org.ttame.core.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Resizing and cropping against Pillow and torchvision, to the bit. */
class PillowResizeTest {
  private static final Pattern RESIZED = Pattern.compile("(\\d+)x(\\d+)-to-(\\d+)x(\\d+)\\.png");
  private static final Pattern CROPPED = Pattern.compile("(\\d+)x(\\d+)-crop-(\\d+)-(\\d+)\\.png");
  private static final Pattern RULED =
      Pattern.compile("(\\d+)x(\\d+)-(crop|stretch|letterbox)-(\\d+)x(\\d+)-(RGB|L)\\.png");

  @TestFactory
  Stream<DynamicTest> samePixelsAsPillow() throws IOException {
    return Goldens.files("resize").stream()
        .map(file -> DynamicTest.dynamicTest(file.getFileName().toString(), () -> check(file)));
  }

  private static void check(Path file) throws IOException {
    String name = file.getFileName().toString();
    Matcher resized = RESIZED.matcher(name);
    Matcher cropped = CROPPED.matcher(name);
    Matcher ruled = RULED.matcher(name);
    RgbImage actual;
    if (resized.matches()) {
      actual = PillowResize.resize(source(resized), integer(resized, 3), integer(resized, 4));
    } else if (cropped.matches()) {
      InputSpec spec = InputSpec.imageNet(integer(cropped, 4));
      assertThat(InputSpec.enlarged(spec.height())).isEqualTo(integer(cropped, 3));
      actual = apply(source(cropped), spec);
    } else {
      assertThat(ruled.matches()).isTrue();
      int channels = ruled.group(6).equals("L") ? 1 : 3;
      InputSpec spec =
          new InputSpec(
              integer(ruled, 4),
              integer(ruled, 5),
              InputSpec.imageNetMean(channels),
              InputSpec.imageNetStd(channels),
              ResizeRule.parse(ruled.group(3)),
              InputSpec.Stored.USUAL);
      actual = throughPreprocessing(source(ruled), spec);
    }
    assertThat(Goldens.difference(actual, new ImageReader().read(file)))
        .isEqualTo(new Goldens.Difference(0, 0));
  }

  private static RgbImage source(Matcher name) {
    return Goldens.picture(integer(name, 1), integer(name, 2));
  }

  private static int integer(Matcher name, int group) {
    return Integer.parseInt(name.group(group));
  }

  private static RgbImage apply(RgbImage source, InputSpec spec) {
    return CropPlan.centre(source.width(), source.height(), spec).apply(source);
  }

  /** What a classifier is fed, as a picture again; grey in all three samples. */
  private static RgbImage throughPreprocessing(RgbImage source, InputSpec spec) {
    Preprocessing preprocessing = new Preprocessing(spec);
    float[] unit = new float[preprocessing.length()];
    preprocessing.write(source, preprocessing.testPlan(source), unit, 0);
    byte[] samples = new byte[3 * spec.pixels()];
    for (int i = 0; i < samples.length; i++) {
      samples[i] = (byte) Math.round(255 * unit[i * spec.channels() / 3]);
    }
    return RgbImage.wrap(spec.width(), spec.height(), samples);
  }

  @Test
  void aCropIsAPieceOfTheWhole() {
    RgbImage source = Goldens.picture(83, 47);
    RgbImage whole = PillowResize.resize(source, 61, 70);
    RgbImage piece = PillowResize.resize(source, 61, 70, 13, 29, 40, 31);
    for (int y = 0; y < 31; y++) {
      for (int x = 0; x < 40; x++) {
        assertThat(piece.rgb(x, y)).isEqualTo(whole.rgb(13 + x, 29 + y));
      }
    }
  }

  @Test
  void aConstantPictureStaysConstant() {
    byte[] samples = new byte[3 * 50 * 31];
    Arrays.fill(samples, (byte) 255);
    byte[] resized = PillowResize.resize(RgbImage.wrap(50, 31, samples), 7, 90).samples();
    assertThat(resized).containsOnly(255);
  }

  @Test
  void theSameSizeIsTheSamePicture() {
    RgbImage source = Goldens.picture(19, 23);
    assertThat(PillowResize.resize(source, 19, 23).samples()).isEqualTo(source.samples());
  }

  @Test
  void anEndlessStripCostsNoMoreThanItsCrop() {
    RgbImage strip = Goldens.picture(1, 1_000_000);
    RgbImage crop = apply(strip, InputSpec.imageNet(224));
    // 256 rows for each pixel: the crop shows the one or two in the middle.
    assertThat(crop.rgb(5, 0)).isEqualTo(crop.rgb(200, 0));
  }

  @Test
  void refusesWhatItCannotHold() {
    RgbImage source = Goldens.picture(2, 2);
    assertThatThrownBy(() -> PillowResize.resize(source, 0, 5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("0×5");
    assertThatThrownBy(() -> PillowResize.resize(source, 50_000, 50_000))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("50000×50000");
    assertThatThrownBy(() -> PillowResize.resize(source, 5, 5, 3, 0, 3, 5))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }
}
