package org.ttame.eval.render;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import javax.xml.parsers.DocumentBuilderFactory;
import org.apache.pdfbox.Loader;
import org.apache.pdfbox.cos.COSName;
import org.apache.pdfbox.pdmodel.PDDocument;
import org.apache.pdfbox.pdmodel.PDResources;
import org.apache.pdfbox.pdmodel.graphics.image.PDImageXObject;
import org.apache.pdfbox.text.PDFTextStripper;
import org.junit.jupiter.api.Test;
import org.ttame.core.image.RgbImage;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;

class FigureSheetTest {
  private static final String HOSTILE = "a<b>&\"'</text>]]>\u202egnp.exe\u0007\ud800";
  private static final int RED = 0xff0000;
  private static final int GREEN = 0x00ff00;
  private static final int BLUE = 0x0000ff;

  private static final FigureSheet SHEET =
      new FigureSheet(
          List.of("input", "T-TAME"),
          List.of(
              List.of(panel(RED, "boot.jpg", "true: boot"), panel(GREEN, "boot 0.98")),
              List.of(Optional.empty(), panel(BLUE, HOSTILE))),
          Optional.of(ColorMap.VIRIDIS));

  private static Optional<Panel> panel(int rgb, String... lines) {
    return Optional.of(new Panel(RgbImage.of(8, 8, (x, y) -> rgb), List.of(lines)));
  }

  @Test
  void pixelsShowEveryPictureAtItsPlace() {
    RgbImage canvas = SHEET.toImage();
    // 118 points a picture, three pixels a point.
    long square = 354 * 354;
    assertThat(count(canvas, RED)).isEqualTo(square);
    assertThat(count(canvas, GREEN)).isEqualTo(square);
    assertThat(count(canvas, BLUE)).isEqualTo(square);
    assertThat(first(canvas, RED)[0]).isEqualTo(18);
    assertThat(first(canvas, GREEN)).isEqualTo(new int[] {18 + 372, first(canvas, RED)[1]});
    assertThat(first(canvas, BLUE)[0]).isEqualTo(first(canvas, GREEN)[0]);
    assertThat(count(canvas, 0x1a1a1a)).as("ink of letters").isPositive();
  }

  @Test
  void svgHasTheTextAndThePictures() throws Exception {
    String svg = SHEET.toSvg(HOSTILE, "How & why");
    Document document = parse(svg);
    NodeList texts = document.getElementsByTagName("text");
    List<String> words = new ArrayList<>();
    for (int i = 0; i < texts.getLength(); i++) {
      words.add(texts.item(i).getTextContent());
    }
    assertThat(words)
        .contains("input", "T-TAME", "boot.jpg", "true: boot", "boot 0.98")
        .contains("a<b>&\"'</text>]]>?gnp.exe??");
    // Three pictures and the scale.
    assertThat(document.getElementsByTagName("image").getLength()).isEqualTo(4);
    assertThat(document.getElementsByTagName("desc").item(0).getTextContent())
        .isEqualTo("How & why");
    assertThat(svg).doesNotContain("\u202e").doesNotContain("\u0007");
  }

  @Test
  void pdfOpensWithTheTextAndThePictures() throws IOException {
    byte[] pdf = SHEET.toPdf("boots", "How & why");
    try (PDDocument document = Loader.loadPDF(pdf)) {
      assertThat(document.getNumberOfPages()).isEqualTo(1);
      assertThat(document.getDocumentInformation().getTitle()).isEqualTo("boots");
      assertThat(document.getDocumentInformation().getSubject()).isEqualTo("How & why");
      assertThat(new PDFTextStripper().getText(document))
          .contains("input", "T-TAME", "boot.jpg", "true: boot", "boot 0.98")
          .contains("a<b>&\"'</text>]]>?gnp.exe??");
      PDResources resources = document.getPage(0).getResources();
      List<PDImageXObject> pictures = new ArrayList<>();
      for (COSName name : resources.getXObjectNames()) {
        pictures.add((PDImageXObject) resources.getXObject(name));
      }
      assertThat(pictures).hasSize(4);
      assertThat(pictures.stream().filter(picture -> picture.getWidth() == 8)).hasSize(3);
      assertThat(pictures.get(0).getImage().getRGB(3, 3) & 0xffffff).isEqualTo(RED);
      for (COSName name : resources.getFontNames()) {
        assertThat(resources.getFont(name).isEmbedded()).isTrue();
      }
    }
  }

  @Test
  void equalFiguresAreEqualFiles() {
    assertThat(SHEET.toPdf("a", "b")).isEqualTo(SHEET.toPdf("a", "b"));
  }

  @Test
  void allThreeAreOfTheSameSize() throws Exception {
    RgbImage canvas = SHEET.toImage();
    Document svg = parse(SHEET.toSvg("a", "b"));
    double width = points(svg, "width");
    double height = points(svg, "height");
    assertThat(canvas.width() / 3.0).isCloseTo(width, within(1.0));
    assertThat(canvas.height() / 3.0).isCloseTo(height, within(1.0));
    try (PDDocument pdf = Loader.loadPDF(SHEET.toPdf("a", "b"))) {
      assertThat(pdf.getPage(0).getMediaBox().getWidth()).isEqualTo((float) width);
      assertThat(pdf.getPage(0).getMediaBox().getHeight()).isEqualTo((float) height);
    }
  }

  @Test
  void manyColumnsFitThePage() {
    List<String> heads = List.of("a", "b", "c", "d", "e", "f", "g", "h");
    List<Optional<Panel>> row = heads.stream().map(head -> panel(RED, "x")).toList();
    FigureSheet sheet = new FigureSheet(heads, List.of(row), Optional.empty());
    assertThat(sheet.toImage().width()).isEqualTo(504 * 3);
    assertThat(sheet.pictures()).isEqualTo(8);
  }

  @Test
  void aLongNarrowTableIsFoldedWhereARowBegins() {
    List<Optional<Panel>> first = List.of(panel(RED, "x"), panel(GREEN, "y"));
    List<Optional<Panel>> second = List.of(Optional.empty(), panel(BLUE, "z"));
    FigureSheet sheet =
        new FigureSheet(
            List.of("input", "map"),
            List.of(first, second, second, first, second, second),
            Optional.empty());
    RgbImage canvas = sheet.toImage();
    assertThat(canvas.width()).isGreaterThan(4 * 330);
    assertThat(canvas.rgb(canvas.width() - 18 - 5, 100)).isEqualTo(GREEN);
    assertThat(sheet.toSvg("a", "b").split("<image ", -1)).hasSize(9);
    // No row may begin a table but the first.
    List<List<Optional<Panel>>> whole = List.of(first, second, second, second, second);
    RgbImage tall = new FigureSheet(List.of("input", "map"), whole, Optional.empty()).toImage();
    assertThat(tall.width()).isEqualTo(3 * (2 * 118 + 3 * 6));
  }

  @Test
  void whatCannotBeDrawnIsRefused() {
    assertThatThrownBy(
            () ->
                new FigureSheet(
                    List.of("a"), List.of(List.of(panel(1), panel(1))), Optional.empty()))
        .hasMessage("A row of 2 pictures does not fit 1 columns");
    assertThatThrownBy(() -> new FigureSheet(List.of("a"), List.of(), Optional.empty()))
        .hasMessageContaining("a row at least");
  }

  private static double points(Document svg, String attribute) {
    return Double.parseDouble(svg.getDocumentElement().getAttribute(attribute).replace("pt", ""));
  }

  private static Document parse(String svg) throws Exception {
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)));
  }

  private static long count(RgbImage canvas, int rgb) {
    long count = 0;
    for (int y = 0; y < canvas.height(); y++) {
      for (int x = 0; x < canvas.width(); x++) {
        count += canvas.rgb(x, y) == rgb ? 1 : 0;
      }
    }
    return count;
  }

  private static int[] first(RgbImage canvas, int rgb) {
    for (int y = 0; y < canvas.height(); y++) {
      for (int x = 0; x < canvas.width(); x++) {
        if (canvas.rgb(x, y) == rgb) {
          return new int[] {x, y};
        }
      }
    }
    throw new AssertionError("no such colour");
  }
}
