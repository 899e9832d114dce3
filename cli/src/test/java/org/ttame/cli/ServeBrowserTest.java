package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.cli.serve.Limits;
import org.ttame.core.image.ImageReader;
import org.ttame.core.image.PngWriter;
import org.ttame.core.image.RgbImage;
import org.ttame.core.npz.Npy;
import org.ttame.eval.report.Browser;

/** The page of {@code ttame serve} as a person meets it, in a headless Chromium. */
@Tag("browser")
class ServeBrowserTest {
  private static final Path PICTURES = Path.of("target", "serve-pictures");
  private static final String SHOWN = "return document.querySelectorAll('.card[data-done]').length";

  @TempDir static Path folder;
  private static Served served;
  private static Browser browser;
  private static Path downloads;
  private static Path wide;

  @BeforeAll
  static void start() throws Exception {
    Files.createDirectories(PICTURES);
    Path run = Served.train(folder);
    served = Served.of(run);
    RgbImage scene = new ImageReader().read(Served.scenes(run, 1).get(0));
    wide = folder.resolve("wide <b>photo.png");
    PngWriter.write(twice(scene), wide);
    downloads = Files.createDirectory(folder.resolve("downloads"));
    browser = new Browser(Files.createDirectory(folder.resolve("profile")));
    browser.saveTo(downloads);
  }

  /** The scene beside itself: twice as wide as high. */
  private static RgbImage twice(RgbImage scene) {
    int row = 3 * scene.width();
    byte[] samples = new byte[2 * row * scene.height()];
    for (int y = 0; y < scene.height(); y++) {
      System.arraycopy(scene.samples(), y * row, samples, 2 * y * row, row);
      System.arraycopy(scene.samples(), y * row, samples, (2 * y + 1) * row, row);
    }
    return RgbImage.wrap(2 * scene.width(), scene.height(), samples);
  }

  @AfterAll
  static void stop() throws IOException {
    if (browser != null) {
      browser.close();
    }
    if (served != null) {
      served.close();
    }
  }

  @BeforeEach
  void open() throws Exception {
    browser.size(1280, 900);
    browser.scheme("light");
    browser.requests();
    browser.open(URI.create(served.server.address()));
    await("return !document.getElementById('app').hidden");
  }

  @AfterEach
  void nothingWasSaidOnTheConsoleAndNothingLeftTheMachine() throws IOException {
    assertThat(browser.console()).isEmpty();
    List<String> requests = browser.requests();
    assertThat(requests).hasSizeGreaterThan(4);
    assertThat(requests)
        .allMatch(
            address ->
                address.startsWith(served.server.address())
                    || address.startsWith("blob:" + served.server.address()));
  }

  @Test
  void anExampleIsExplainedByOneMethodAndByFour() throws Exception {
    click("#example-list button");
    await(SHOWN + " == 1");
    assertThat(text(".card h2")).isEqualTo("T-TAME");
    assertThat(text(".card .cost")).matches("1 pass · \\d+\u00a0ms");
    assertThat(count("#class-list .class")).isEqualTo(5);
    assertThat(number("return document.querySelector('.class .bar span').offsetWidth"))
        .isGreaterThan(
            number("return document.querySelectorAll('.class .bar span')[4].offsetWidth"));
    for (String method : List.of("gradcam", "scorecam", "iia")) {
      click("#method-list input[value=" + method + "]");
    }
    await(SHOWN + " == 4");
    assertThat(text(".card[data-method=scorecam] .cost")).startsWith("129 passes · ");
    assertThat(text(".card[data-method=iia] .cost")).startsWith("111 passes + 100 back · ");
    browser.screenshot(PICTURES.resolve("light.png"));
    browser.scheme("dark");
    assertThat(browser.run("return getComputedStyle(document.body).color").asText())
        .isEqualTo("rgb(232, 231, 227)");
    browser.screenshot(PICTURES.resolve("dark.png"));
    browser.size(390, 844);
    assertThat(number("return document.documentElement.scrollWidth")).isEqualTo(390);
    browser.screenshot(PICTURES.resolve("phone.png"));
  }

  @Test
  void aDroppedPhotographIsExplained() throws Exception {
    browser.run(
        """
        fetch('examples/1.jpg').then(answer => answer.blob()).then(blob => {
          const files = new DataTransfer();
          files.items.add(new File([blob], 'dropped.jpg', {type: 'image/jpeg'}));
          document.body.dispatchEvent(
              new DragEvent('drop', {dataTransfer: files, bubbles: true, cancelable: true}));
        });
        """);
    await(SHOWN + " == 1");
    assertThat(browser.run("return document.querySelector('.picture img').alt").asText())
        .startsWith("dropped.jpg, under the map of T-TAME for ");
  }

  /** The map lies where the classifier looked, and the slider says how much of it is seen. */
  @Test
  void aChosenPhotographsMapCoversWhatWasSeen() throws Exception {
    browser.choose("#file", wide);
    await(SHOWN + " == 1");
    JsonNode said = Served.json(served.post("v1/explain", Files.readAllBytes(wide)));
    double width = said.at("/photograph/width").asDouble();
    double left = said.at("/photograph/seen/left").asDouble();
    // The canvas is clear beside the crop, and not within it.
    JsonNode row =
        browser.run(
            "const c = document.querySelector('.picture canvas');"
                + " const d = c.getContext('2d').getImageData(0, c.height / 2, c.width, 1).data;"
                + " return [...Array(c.width).keys()].map(x => d[4 * x + 3])");
    int edge = (int) Math.round(left / width * row.size());
    assertThat(row.get(edge - 2).asInt()).isZero();
    assertThat(row.get(edge + 2).asInt()).isEqualTo(255);
    browser.run("document.getElementById('opacity').focus()");
    for (int i = 0; i < 20; i++) {
      browser.press("ArrowRight");
    }
    assertThat(
            browser.run("return document.querySelector('.picture canvas').style.opacity").asText())
        .isEqualTo("0.7");
    assertThat(text("#opacity-value")).isEqualTo("70 %");
    // The name is text, whatever it says.
    assertThat(count("main b:not(#drop b)")).isZero();
  }

  @Test
  void anyClassCanBeChosenByMouseAndByKeyboard() throws Exception {
    click("#example-list button");
    await(SHOWN + " == 1");
    String first = text(".card .what");
    browser.run("document.querySelector('#class-list input').focus()");
    browser.press("ArrowDown");
    await(
        SHOWN
            + " == 1 && document.querySelector('.card .what').textContent != "
            + Served.JSON.writeValueAsString(first));
    assertThat(text(".card .what")).startsWith(text(".class:has(:checked) .name"));
    browser.run(
        "const f = document.getElementById('other-field'); f.value = 'bag';"
            + " f.dispatchEvent(new Event('change'))");
    await("return document.querySelector('.card[data-done] .what')?.textContent.startsWith('bag')");
    browser.run(
        "const f = document.getElementById('other-field'); f.value = 'cat';"
            + " f.dispatchEvent(new Event('change'))");
    assertThat(text("#problem-text")).startsWith("There is no class “cat”");
  }

  @Test
  void whatIsSavedIsWhatWasShown() throws Exception {
    browser.choose("#file", wide);
    await(SHOWN + " == 1");
    JsonNode said = Served.json(served.post("v1/explain", Files.readAllBytes(wide)));
    for (int kind = 0; kind < 3; kind++) {
      browser.run("document.querySelectorAll('.saves button')[" + kind + "].click()");
    }
    JsonNode json = Served.JSON.readTree(downloaded(".json").toFile());
    assertThat(Served.map(json)).isEqualTo(Served.map(said));
    try (InputStream in = Files.newInputStream(downloaded(".npy"));
        INDArray map = Npy.read(in, Files.size(downloaded(".npy")), "map.npy")) {
      assertThat(map.data().asFloat()).containsExactly(Served.map(said), within(1e-7f));
    }
    RgbImage png = new ImageReader().read(downloaded(".png"));
    RgbImage drawn =
        new ImageReader()
            .decode(
                served.post("v1/explain", Files.readAllBytes(wide), "Accept", "image/png").body(),
                "drawn");
    assertThat(png.width()).isEqualTo(drawn.width());
    // Within the crop as the server draws it, but for the rounding of single and double precision.
    int x = png.width() / 2;
    for (int y = 10; y < png.height() - 10; y++) {
      for (int shift = 0; shift <= 16; shift += 8) {
        assertThat(png.rgb(x, y) >> shift & 255)
            .isCloseTo(drawn.rgb(x, y) >> shift & 255, within(2));
      }
    }
  }

  private static Path downloaded(String ending) throws Exception {
    for (int i = 0; ; i++) {
      try (Stream<Path> files = Files.list(downloads)) {
        Optional<Path> file = files.filter(f -> f.toString().endsWith(ending)).findFirst();
        if (file.isPresent() && Files.size(file.get()) > 0) {
          return file.get();
        }
      }
      assertThat(i).as("polls for a file " + ending).isLessThan(1200);
      Thread.sleep(50);
    }
  }

  @Test
  void anErrorIsSaidAndTheNextPhotographWorks() throws Exception {
    Path broken = folder.resolve("broken.jpg");
    Files.writeString(broken, "this is no photograph");
    browser.choose("#file", broken);
    await("return !document.getElementById('problem').hidden");
    assertThat(text("#problem-text")).contains("broken.jpg: not an image");
    // Chromium tells of the refused request on its console.
    assertThat(browser.console()).hasSize(1).first().asString().contains("415");
    click("#problem-close");
    click("#example-list button");
    await(SHOWN + " == 1");
    assertThat(browser.run("return document.getElementById('problem').hidden").asBoolean())
        .isTrue();
    browser.open(URI.create(served.server.address()));
    await("return !document.getElementById('app').hidden");
    assertThat(count(".card")).isZero();
  }

  @Test
  void aLongMethodShowsHowFarItIsAndCanBeStopped() throws Exception {
    click("#example-list button");
    await(SHOWN + " == 1");
    click("#method-list input[value=rise]");
    await("return document.querySelector('.work progress')?.max == " + Served.ENDLESS);
    assertThat(text(".work span")).matches("\\d+ of " + Served.ENDLESS);
    click(".work button");
    await("return document.querySelector('.card.failed')");
    assertThat(text(".card.failed .what")).isEqualTo("Stopped");
    while (served.service.status().busyLong()) {
      Thread.sleep(5);
    }
  }

  @Test
  void aGuardedServerAsksForItsToken() throws Exception {
    try (Served guarded =
        Served.of(folder.resolve("run"), Optional.of("open sesame"), 64, Limits.DEFAULT)) {
      browser.open(URI.create(guarded.server.address()));
      await("return !document.getElementById('token').hidden");
      browser.run(
          "document.getElementById('token-field').value = 'open sesame';"
              + " document.querySelector('#token button').click()");
      await("return !document.getElementById('app').hidden");
      browser.open(URI.create("about:blank"));
      browser.open(URI.create(guarded.server.address() + "#token=open%20sesame"));
      await("return !document.getElementById('app').hidden");
      assertThat(browser.run("return location.hash").asText()).isEmpty();
      assertThat(browser.console()).allMatch(line -> line.contains("401"));
      browser.requests();
      open();
    }
  }

  private static void click(String selector) throws IOException {
    browser.run("document.querySelector('" + selector + "').click()");
  }

  private static String text(String selector) throws IOException {
    return browser.run("return document.querySelector('" + selector + "').textContent").asText();
  }

  private static int count(String selector) throws IOException {
    return browser.run("return document.querySelectorAll('" + selector + "').length").asInt();
  }

  private static double number(String body) throws IOException {
    return browser.run(body).asDouble();
  }

  /** Asks again and again; how often is bounded, how long is not. */
  private static void await(String condition) throws Exception {
    for (int i = 0; ; i++) {
      JsonNode value = browser.run(condition);
      if (value.asBoolean() || value.isObject()) {
        return;
      }
      assertThat(i).as(() -> condition + ", but the page says: " + said()).isLessThan(1200);
      Thread.sleep(50);
    }
  }

  private static String said() {
    try {
      return browser.run("return document.body.innerText").asText() + browser.console();
    } catch (IOException e) {
      return e.getMessage();
    }
  }
}
