package org.ttame.eval.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.image.RgbImage;
import org.ttame.core.provenance.BuildInfo;
import org.ttame.eval.figure.Figure;
import org.ttame.eval.figure.FigureFiles;
import org.ttame.eval.figure.FigureKind;
import org.ttame.eval.figure.FigureSet;
import org.ttame.eval.figure.FigureSet.Missing;
import org.ttame.eval.figure.RoadFigure;
import org.ttame.eval.render.ColorMap;
import org.ttame.eval.render.FigureFormat;
import org.ttame.eval.render.FigureSheet;
import org.ttame.eval.render.Panel;
import org.ttame.training.data.SkippedCount;

/** The page of figures as a person meets it, in a headless Chromium. */
@Tag("browser")
class FigurePageBrowserTest {
  private static final Path PICTURES = Path.of("target", "report-pictures");
  private static final int DESKTOP = 1280;
  private static final int PHONE = 390;

  @TempDir static Path folder;
  private static Browser browser;
  private static Path page;

  @BeforeAll
  static void start() throws IOException {
    Files.createDirectories(PICTURES);
    Panel panel =
        new Panel(RgbImage.of(120, 120, (x, y) -> 0x336699), List.of(Fixture.HOSTILE, "bag 0.98"));
    List<Optional<Panel>> row = Collections.nCopies(6, Optional.of(panel));
    List<Optional<Panel>> next = new ArrayList<>(row);
    next.set(0, Optional.empty());
    List<String> heads = List.of("input", "T-TAME", "Grad-CAM", "IIA", Fixture.HOSTILE, "vit");
    Figure wide =
        new Figure(
            FigureKind.METHODS.optionName(),
            "methods",
            Fixture.HOSTILE,
            "Chosen from " + Fixture.HOSTILE,
            new FigureSheet(heads, List.of(row, next), Optional.of(ColorMap.JET)));
    FigureSet set =
        new FigureSet(
            List.of(wide, RoadFigure.draw(42, ColorMap.VIRIDIS)),
            List.of(new Missing(FigureKind.BACKBONES, "There is one run.")),
            new SkippedCount(),
            new BuildInfo("1.2.3", "0123456789abcdef", false, "1.0.0-M2.1"),
            Map.of(),
            Map.of("images", Fixture.HOSTILE));
    page = FigureFiles.write(folder.resolve("out"), set, EnumSet.of(FigureFormat.SVG));
    browser = new Browser(Files.createDirectory(folder.resolve("profile")));
  }

  @AfterAll
  static void stop() throws IOException {
    if (browser != null) {
      browser.close();
    }
  }

  @AfterEach
  void nothingWasSaidOnTheConsole() throws IOException {
    assertThat(browser.console()).isEmpty();
  }

  private static void open(Path what, int width, String scheme) throws IOException {
    browser.size(width, 900);
    browser.scheme(scheme);
    browser.open(what);
  }

  @Test
  void picturesAreWholeAndAHostileNameIsText() throws IOException {
    open(page, DESKTOP, "light");
    assertThat(browser.run("return document.title").asText()).isEqualTo("Figures");
    assertThat(texts("return [...document.querySelectorAll('h2')].map(h => h.textContent)"))
        .containsExactly(
            FigureKind.METHODS.title(), FigureKind.ROAD.title(), "Not shown", "Provenance");
    assertThat(
            texts(
                "return [...document.images].filter(i => !i.complete || !i.naturalWidth || !i.alt)"
                    + ".map(i => i.alt)"))
        .isEmpty();
    assertThat(browser.run("return document.images.length").asInt()).isEqualTo(11 + 11);
    assertThat(texts("return [...document.querySelectorAll('h3 bdi')].map(b => b.textContent)"))
        .containsExactly(Fixture.HOSTILE);
    browser.screenshot(PICTURES.resolve("figures-desktop.png"));
  }

  @Test
  void aPhoneScrollsDownOnly() throws IOException {
    open(page, PHONE, "light");
    assertThat(browser.run("return document.documentElement.scrollWidth").asInt())
        .isLessThanOrEqualTo(PHONE);
    browser.screenshot(PICTURES.resolve("figures-phone.png"));
  }

  @Test
  void textIsLegibleByDayAndByNight() throws IOException {
    for (String scheme : List.of("light", "dark")) {
      open(page, DESKTOP, scheme);
      assertThat(texts(Contrast.SCRIPT)).as(scheme).isEmpty();
    }
  }

  /** The SVG alone: the letters of each line end where its picture's column does, or before. */
  @Test
  void linesOfTheSvgFitTheirColumns() throws IOException {
    open(folder.resolve("out/figures/road.svg"), DESKTOP, "light");
    assertThat(
            texts(
                "const width = document.documentElement.viewBox.baseVal.width;"
                    + "return [...document.querySelectorAll('text')].filter("
                    + "t => t.getBBox().x + t.getBBox().width > width + 1).map(t => t.textContent)"))
        .isEmpty();
  }

  private static List<String> texts(String script) throws IOException {
    return StreamSupport.stream(browser.run(script).spliterator(), false)
        .map(JsonNode::asText)
        .toList();
  }
}
