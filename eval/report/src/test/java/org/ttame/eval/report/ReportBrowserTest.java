package org.ttame.eval.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.Text;
import org.ttame.eval.metric.MetricKey;

/** The report as a person meets it, in a headless Chromium: {@code mvn verify -Pbrowser}. */
@Tag("browser")
class ReportBrowserTest {
  private static final Path PICTURES = Path.of("target", "report-pictures");
  private static final int DESKTOP = 1280;
  private static final int PHONE = 390;

  @TempDir static Path folder;
  private static Browser browser;
  private static Path page;

  @BeforeAll
  static void start() throws IOException {
    Files.createDirectories(PICTURES);
    Path output = folder.resolve("out");
    Fixture.gallery(output, 6);
    page = Fixture.report().write(output);
    browser = new Browser(Files.createDirectory(folder.resolve("profile")));
  }

  @AfterAll
  static void stop() throws IOException {
    if (browser != null) {
      browser.close();
    }
  }

  @BeforeEach
  void open() throws IOException {
    browser.size(DESKTOP, 900);
    browser.scheme("light");
    browser.open(page);
  }

  @AfterEach
  void nothingWasSaidOnTheConsole() throws IOException {
    assertThat(browser.console()).isEmpty();
  }

  @Test
  void loadsWholeAndAsksForNothingElse() throws IOException {
    assertThat(texts("return [...document.querySelectorAll('h2')].map(h => h.textContent)"))
        .containsExactly("Summary", "Scores", "Curves", "Gallery", "Provenance");
    assertThat(
            browser
                .run(
                    "return performance.getEntriesByType('resource').filter("
                        + "r => !r.name.startsWith('data:')).length")
                .asInt())
        .isZero();
    assertThat(
            texts(
                "return [...document.images].filter(i => !i.complete || !i.naturalWidth)"
                    + ".map(i => i.alt)"))
        .isEmpty();
    browser.screenshot(PICTURES.resolve("desktop.png"));
  }

  @Test
  void aHostileNameIsTextAndNothingElse() throws IOException {
    assertThat(browser.run("return document.title").asText())
        .isEqualTo("How well vgg16 is explained");
    assertThat(browser.run("return document.scripts.length").asInt()).isEqualTo(1);
    assertThat(browser.run("return document.querySelectorAll('style').length").asInt())
        .isEqualTo(1);
    assertThat(texts("return [...document.querySelectorAll('.card')].map(c => c.dataset.name)"))
        .contains(Fixture.HOSTILE);
    assertThat(
            texts("return [...document.querySelectorAll('.card h3 bdi')].map(b => b.textContent)"))
        .contains(Fixture.HOSTILE);
  }

  @Test
  void theSliderChangesTheHeatmapsOpacity() throws IOException {
    assertThat(opacities()).containsOnly("0.5");
    browser.run("document.getElementById('heat').focus()");
    for (int i = 0; i < 20; i++) {
      browser.press("ArrowRight");
    }
    assertThat(opacities()).containsOnly("0.7");
    assertThat(browser.run("return document.getElementById('heat-value').value").asText())
        .isEqualTo("70 %");
    assertThat(
            browser
                .run("return getComputedStyle(document.querySelector('.photo')).filter")
                .asText())
        .as("the photograph keeps its colours")
        .isEqualTo("none");
  }

  @Test
  void sortingReordersTheCards() throws IOException {
    List<Double> disagreement = numbers("disagreement");
    assertThat(disagreement).hasSize(6).isSortedAccordingTo((a, b) -> Double.compare(b, a));
    choose("order", "confidence up");
    assertThat(numbers("confidence")).isSorted();
    choose("order", "spread2 down");
    assertThat(numbers("spread2")).isSortedAccordingTo((a, b) -> Double.compare(b, a));
    choose("order", "name up");
    assertThat(texts("return [...document.querySelectorAll('.card')].map(c => c.dataset.name)"))
        .isSorted();
    assertThat(browser.run("return document.getElementById('announcement').textContent").asText())
        .isEqualTo("Ordered by name");
  }

  @Test
  void anotherScoreAndFewerMethodsAreShownOnRequest() throws IOException {
    choose("score", "2");
    assertThat(
            browser
                .run(
                    "const f = document.querySelector('figure[data-method=\"0\"]');"
                        + "return f.querySelector('.score').textContent"
                        + " === f.dataset.scores.split(' ')[2]")
                .asBoolean())
        .isTrue();
    browser.run("document.querySelector('.methods input[value=\"1\"]').click()");
    assertThat(
            texts(
                "return [...document.querySelectorAll('.views figure')]"
                    + ".filter(f => f.checkVisibility()).map(f => f.dataset.method ?? 'input')"))
        .contains("input", "0", "2")
        .doesNotContain("1");
  }

  @Test
  void aPictureIsEnlargedAndLeftByTheKeyboard() throws IOException {
    browser.run("document.querySelector('button.view').focus()");
    browser.run("document.activeElement.click()");
    assertThat(title()).contains("T-TAME");
    browser.press("ArrowRight");
    assertThat(title()).contains("Grad-CAM");
    browser.press("ArrowLeft");
    browser.press("ArrowLeft");
    assertThat(title()).contains("random");
    browser.screenshot(PICTURES.resolve("enlarged.png"));
    browser.press("Escape");
    assertThat(browser.run("return document.getElementById('enlarged').open").asBoolean())
        .isFalse();
  }

  @Test
  void aDesktopShowsTheScoresOfAllMetricsAtOnce() throws IOException {
    List<MetricKey> keys = new ArrayList<>();
    for (int keep : new int[] {100, 50, 15}) {
      keys.add(MetricKey.at("ad", keep));
      keys.add(MetricKey.at("ic", keep));
    }
    for (String name : List.of("morf", "lerf", "insertion", "deletion", "pointing", "energy")) {
      keys.add(MetricKey.of(name));
    }
    browser.open(Fixture.report(keys).write(folder.resolve("wide")));
    assertThat(
            texts(
                "return [...document.querySelectorAll('#scores .scroll')].map("
                    + "s => s.querySelectorAll('thead th').length + ' columns, '"
                    + " + Math.max(0, s.scrollWidth - s.clientWidth) + ' pixels too wide')"))
        .containsExactly("14 columns, 0 pixels too wide", "13 columns, 0 pixels too wide");
    browser.screenshot(PICTURES.resolve("wide.png"));
  }

  @Test
  void aPhoneScrollsDownOnly() throws IOException {
    browser.size(PHONE, 844);
    browser.open(page);
    assertThat(browser.run("return document.documentElement.scrollWidth").asInt())
        .isLessThanOrEqualTo(PHONE);
    // What stands over a table does not scroll away with it.
    assertThat(
            texts(
                "return [...document.querySelectorAll('caption > span')].filter("
                    + "s => s.getBoundingClientRect().right > innerWidth).map(s => s.textContent)"))
        .isEmpty();
    browser.screenshot(PICTURES.resolve("phone.png"));
    browser.run("document.getElementById('gallery').scrollIntoView()");
    browser.screenshot(PICTURES.resolve("phone-gallery.png"));
  }

  /** WCAG 2.1 asks for a contrast of 4.5 between text and what is behind it. */
  @Test
  void textIsLegibleByDayAndByNight() throws IOException {
    for (String scheme : List.of("light", "dark")) {
      browser.scheme(scheme);
      browser.open(page);
      assertThat(texts(Contrast.SCRIPT)).as(scheme).isEmpty();
      browser.screenshot(PICTURES.resolve(scheme + ".png"));
    }
    assertThat(
            browser
                .run("return getComputedStyle(document.body.parentElement).backgroundColor")
                .asText())
        .isEqualTo("rgb(20, 23, 26)");
  }

  @Test
  void everyControlAndPictureHasAName() throws IOException {
    assertThat(
            texts(
                "return [...document.querySelectorAll('input, select, button, img, [role=img],"
                    + " [role=region], dialog')].filter(e => !(e.alt || e.ariaLabel || e.textContent.trim()"
                    + " || e.labels?.[0]?.textContent.trim())).map(e => e.outerHTML)"))
        .isEmpty();
  }

  private static List<String> opacities() throws IOException {
    return texts(
        "return [...document.querySelectorAll('.heat')].map(h => getComputedStyle(h).opacity)");
  }

  private static String title() throws IOException {
    return browser.run("return document.getElementById('enlarged-title').textContent").asText();
  }

  private static void choose(String select, String value) throws IOException {
    browser.run(
        Text.format("const s = document.getElementById('%s'); s.value = '%s';", select, value)
            + "if (!s.value) throw new Error('no such option');"
            + "s.dispatchEvent(new Event('change', {bubbles: true}))");
  }

  private static List<Double> numbers(String key) throws IOException {
    return texts(
            Text.format(
                "return [...document.querySelectorAll('.card')].map(c => c.dataset['%s'])", key))
        .stream()
        .map(Double::valueOf)
        .toList();
  }

  private static List<String> texts(String script) throws IOException {
    return StreamSupport.stream(browser.run(script).spliterator(), false)
        .map(JsonNode::asText)
        .toList();
  }
}
