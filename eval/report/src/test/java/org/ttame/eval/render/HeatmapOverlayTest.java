package org.ttame.eval.render;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.ttame.core.image.RgbImage;
import org.ttame.eval.metric.Box;

class HeatmapOverlayTest {
  /** By hand: half of each, rounded; the photograph's colour is never taken from it. */
  @Test
  void overlaysByOpacityAndKeepsThePhotographsColours() {
    RgbImage image = RgbImage.of(new float[] {1, 1, 1, 0, 0, 0}, 2, 1);
    float[] map = {0, 1};
    RgbImage half = new HeatmapOverlay(ColorMap.JET, 0.5).draw(image, map);
    assertThat(half.rgb(0, 0)).isEqualTo(0x8080c0);
    assertThat(half.rgb(1, 0)).isEqualTo(0x400000);
    assertThat(new HeatmapOverlay(ColorMap.JET, 0).draw(image, map).rgb(0, 0)).isEqualTo(0xffffff);
    RgbImage red = RgbImage.of(new float[] {1, 0, 0}, 1, 1);
    assertThat(new HeatmapOverlay(ColorMap.JET, 0.5).draw(red, new float[1]).rgb(0, 0))
        .isEqualTo(0x800040);
    assertThat(new HeatmapOverlay(ColorMap.JET, 0.25).draw(red, new float[1]).rgb(0, 0))
        .isEqualTo(0xbf0020);
    assertThat(new HeatmapOverlay(ColorMap.JET, 0).draw(red, new float[1]).rgb(0, 0))
        .isEqualTo(0xff0000);
    assertThatThrownBy(() -> HeatmapOverlay.defaults().draw(image, new float[3]))
        .hasMessageContaining("2×1");
    assertThatThrownBy(() -> new HeatmapOverlay(ColorMap.JET, 1.5)).hasMessageContaining("1.5");
  }

  @Test
  void framesLieInsideTheirBoxesAndAreCutAtThePicturesEdge() {
    RgbImage black = RgbImage.of(12, 10, (x, y) -> 0);
    RgbImage framed =
        BoxOutlines.draw(black, List.of(new Box(3, 0.5, 0, 4, 4), new Box(1, 4.5, 1, 9, 9)), 3, 2);
    assertThat(art(framed))
        .containsExactly(
            ".#######....",
            ".#######....",
            ".##...##.+++",
            ".##...##.+++",
            ".##...##.++.",
            ".##...##.++.",
            ".#######.++.",
            ".#######.++.",
            ".........++.",
            ".........++.");
  }

  private static List<String> art(RgbImage image) {
    return IntStream.range(0, image.height())
        .mapToObj(
            y -> {
              StringBuilder row = new StringBuilder();
              for (int x = 0; x < image.width(); x++) {
                row.append(
                    switch (image.rgb(x, y)) {
                      case 0 -> '.';
                      case 0xffffff -> '#';
                      case 0xa0a0a0 -> '+';
                      default -> '?';
                    });
              }
              return row.toString();
            })
        .toList();
  }
}
