package org.ttame.eval.render;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.ttame.eval.render.ContactSheet.Cell;

class ContactSheetTest {
  @Test
  void writesLettersAsTheFontDrawsThem() {
    Canvas canvas = new Canvas(12, 9, 0);
    canvas.text("Tg", 0, 0, 1, 0xffffff);
    assertThat(art(canvas))
        .containsExactly(
            "#####.......",
            "..#.........",
            "..#....####.",
            "..#...#...#.",
            "..#...#...#.",
            "..#...#...#.",
            "..#....####.",
            "..........#.",
            ".......###..");
  }

  @Test
  void everyPrintableCharacterHasInkOfItsOwn() {
    List<String> glyphs =
        java.util.stream.IntStream.rangeClosed('!', '~')
            .mapToObj(
                c -> {
                  Canvas canvas = new Canvas(6, 9, 0);
                  canvas.text(Character.toString(c), 0, 0, 1, 1);
                  return String.join("\n", art(canvas));
                })
            .toList();
    assertThat(glyphs).doesNotHaveDuplicates().allMatch(glyph -> glyph.contains("#"));
  }

  @Test
  void bringsForeignTextIntoTheFont() {
    assertThat(BitmapFont.printable("crème brûlée №5 猫")).isEqualTo("creme brulee ?5 ?");
  }

  @Test
  void laysPicturesOutInRowsAndColumns() {
    ContactSheet sheet = new ContactSheet("heatmaps", List.of("input", "trained"));
    for (int row = 0; row < 3; row++) {
      sheet.add(
          List.of(
              new Cell(new Canvas(40, 30, 0xff0000), List.of("shirt 0.98", "box: shirt")),
              new Cell(new Canvas(40, 30, 0x00ff00), List.of("AD 3.1"))));
    }
    Canvas drawn = sheet.draw();
    assertThat(count(drawn, 0xff0000)).isEqualTo(3 * 40 * 30);
    assertThat(count(drawn, 0x00ff00)).isEqualTo(3 * 40 * 30);
    assertThat(count(drawn, 0x202020)).isPositive();
  }

  @Test
  void wrapsCaptionsAndCutsWhatCannotBeWrapped() {
    // Ten characters of two dots a pixel fit under a picture of 119 pixels.
    Canvas picture = new Canvas(119, 10, 0xff0000);
    ContactSheet words = new ContactSheet("t", List.of("a"));
    words.add(List.of(new Cell(picture, List.of("one two three"))));
    ContactSheet two = new ContactSheet("t", List.of("a"));
    two.add(List.of(new Cell(picture, List.of("one two", "three"))));
    assertThat(words.draw().height()).isEqualTo(two.draw().height());
    ContactSheet longWord = new ContactSheet("t", List.of("a"));
    longWord.add(List.of(new Cell(picture, List.of("abcdefghijk"))));
    ContactSheet cut = new ContactSheet("t", List.of("a"));
    cut.add(List.of(new Cell(picture, List.of("abcdefgh.."))));
    assertThat(longWord.draw().toImage().samples()).isEqualTo(cut.draw().toImage().samples());
  }

  @Test
  void refusesRowsThatDoNotFit() {
    ContactSheet sheet = new ContactSheet("t", List.of("a"));
    Cell small = new Cell(new Canvas(4, 4, 0), List.of());
    assertThatThrownBy(() -> sheet.add(List.of(small, small))).hasMessageContaining("got 2");
    sheet.add(List.of(small));
    assertThatThrownBy(() -> sheet.add(List.of(new Cell(new Canvas(5, 4, 0), List.of()))))
        .hasMessageContaining("5×4");
  }

  @Test
  void overlaysByOpacity() {
    Canvas image = Canvas.of(new float[] {1, 1, 1, 0, 0, 0}, 2, 1);
    float[] map = {0, 1};
    Canvas half = new HeatmapOverlay(ColorMap.JET, 0.5).draw(image, map);
    assertThat(half.rgb(0, 0)).isEqualTo(0x8080c0);
    assertThat(half.rgb(1, 0)).isEqualTo(0x400000);
    assertThat(new HeatmapOverlay(ColorMap.JET, 0).draw(image, map).rgb(0, 0)).isEqualTo(0xffffff);
    // Red has a luma of 76; it is grey under a heatmap of half opacity and red without one.
    Canvas red = Canvas.of(new float[] {1, 0, 0}, 1, 1);
    assertThat(new HeatmapOverlay(ColorMap.JET, 0.5).draw(red, new float[1]).rgb(0, 0))
        .isEqualTo(0x262666);
    assertThat(new HeatmapOverlay(ColorMap.JET, 0).draw(red, new float[1]).rgb(0, 0))
        .isEqualTo(0xff0000);
    assertThatThrownBy(() -> HeatmapOverlay.defaults().draw(image, new float[3]))
        .hasMessageContaining("2×1");
    assertThatThrownBy(() -> new HeatmapOverlay(ColorMap.JET, 1.5)).hasMessageContaining("1.5");
  }

  @Test
  void outlinesInsideTheRectangleAndEnlargesByWholePixels() {
    Canvas canvas = new Canvas(4, 3, 0);
    canvas.outline(1, 0, 4, 3, 1, 1);
    assertThat(art(canvas)).containsExactly(".###", ".#.#", ".###");
    assertThat(count(canvas.enlarged(3), 1)).isEqualTo(9 * 8);
    assertThat(canvas.toImage().rgb(1, 0)).isEqualTo(1);
  }

  private static int count(Canvas canvas, int rgb) {
    int count = 0;
    for (int y = 0; y < canvas.height(); y++) {
      for (int x = 0; x < canvas.width(); x++) {
        count += canvas.rgb(x, y) == rgb ? 1 : 0;
      }
    }
    return count;
  }

  private static List<String> art(Canvas canvas) {
    return java.util.stream.IntStream.range(0, canvas.height())
        .mapToObj(
            y -> {
              StringBuilder row = new StringBuilder();
              for (int x = 0; x < canvas.width(); x++) {
                row.append(canvas.rgb(x, y) != 0 ? '#' : '.');
              }
              return row.toString();
            })
        .toList();
  }
}
