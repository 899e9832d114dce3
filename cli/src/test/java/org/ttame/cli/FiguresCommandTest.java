package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.Text;

class FiguresCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir static Path folder;
  private static String vgg;
  private static String vit;

  @BeforeAll
  static void train() {
    vgg = train("vgg16");
    vit = train("vit_b_16");
  }

  private static String train(String backbone) {
    String run = folder.resolve(backbone).toString();
    Ttame.Result trained =
        Ttame.run(
            "train",
            "--backbone",
            backbone,
            "--run",
            run,
            "--max-steps",
            "1",
            "--limit",
            "8",
            "--report",
            "0",
            "--threads",
            "1");
    assertThat(trained.code()).as("%s", trained).isZero();
    return run;
  }

  private static Ttame.Result figures(String out, String... more) {
    List<String> words = new ArrayList<>(List.of("figures", "--threads", "1"));
    words.addAll(List.of("--out", folder.resolve(out).toString()));
    words.addAll(List.of(more));
    return Ttame.run(words.toArray(String[]::new));
  }

  @Test
  void allFiguresOfTwoClassifiers() throws IOException {
    Path out = folder.resolve("all");
    Ttame.Result said =
        figures(
            "all",
            "--runs",
            vgg + "," + vit,
            "--shown",
            "2",
            "--methods",
            "ttame,gradcam,transformer-lrp");
    assertThat(said.code()).as("%s", said).isZero();
    assertThat(said.err()).contains("transformer-lrp explains vision transformers");
    for (String name :
        List.of(
            "backbones",
            "methods-vgg",
            "methods-vit",
            "wrong-class",
            "several-classes",
            "misclassified",
            "road")) {
      for (String ending : List.of("png", "svg", "pdf")) {
        assertThat(out.resolve(Text.format("figures/%s.%s", name, ending))).isNotEmptyFile();
      }
    }
    JsonNode json = JSON.readTree(out.resolve("figures.json").toFile());
    Schemas.requireValid("figures", out.resolve("figures.json"));
    assertThat(json.path("figures")).hasSize(7);
    assertThat(json.path("missing")).isEmpty();
    assertThat(json.path("settings").path("seed").asText()).isEqualTo("42");
    assertThat(json.path("settings").path("checkpoint 2").asText()).contains("SHA-256");
    assertThat(json.path("runs").path("vit").path("backbone").path("sha256").asText()).hasSize(64);
    JsonNode several = named(json, "several-classes");
    // Two images of two classes each: a row a class, the input beside the first.
    assertThat(several.path("rows")).hasSize(4);
    assertThat(several.path("rows").get(0)).hasSize(3);
    assertThat(several.path("rows").get(0).get(1).get(1).asText()).startsWith("true");
    JsonNode mistakes = named(json, "misclassified");
    assertThat(mistakes.path("caption").asText()).contains("for which vgg predicts none");
    assertThat(mistakes.path("rows").get(1).get(1).get(1).asText()).isEqualTo("false, predicted");
    assertThat(named(json, "methods-vgg").path("columns")).hasSize(3);
    assertThat(named(json, "methods-vit").path("columns")).hasSize(4);
    String page = Files.readString(out.resolve("report.html"));
    assertThat(page).contains("id=\"backbones\"", "id=\"road\"", "id=\"provenance\"");
    assertThat(Files.readString(out.resolve("figures/backbones.svg"), StandardCharsets.UTF_8))
        .contains(">vgg<", ">vit<");

    Ttame.Result other = figures("all", "--runs", vgg, "--shown", "3");
    assertThat(other.code()).isEqualTo(1);
    assertThat(other.err())
        .contains("holds figures of other settings", "give another folder (--out)");
  }

  private static JsonNode named(JsonNode json, String name) {
    for (JsonNode figure : json.path("figures")) {
      if (figure.path("name").asText().equals(name)) {
        return figure;
      }
    }
    throw new AssertionError("no figure " + name);
  }

  @Test
  void whatIsNotFoundIsSaidAndBadImagesAreSkipped() throws IOException {
    Path images = Files.createDirectory(folder.resolve("images"));
    Path scenes = Path.of(vgg).resolve("sample/scenes/test");
    Files.copy(scenes.resolve("000000.jpg"), images.resolve("a <b>&.jpg"));
    Files.writeString(images.resolve("broken.jpg"), "not an image");
    Ttame.Result said =
        figures("some", "--runs", vgg, "--images", images.toString(), "--format", "svg");
    assertThat(said.code()).as("%s", said).isZero();
    assertThat(said.err())
        .contains(
            "the figure backbones is left out. It compares classifiers, and there is one run.")
        .contains("the figure several-classes is left out. No true class is known")
        .contains("the figure misclassified is left out. No true class is known")
        .contains("skipped: ");
    assertThat(said.out()).contains("1 image skipped: 1 not an image");
    JsonNode json = JSON.readTree(folder.resolve("some/figures.json").toFile());
    assertThat(json.path("skipped_images").asInt()).isEqualTo(1);
    assertThat(named(json, "methods").path("rows")).hasSize(1);
    assertThat(folder.resolve("some/figures/methods.png")).doesNotExist();
    assertThat(Files.readString(folder.resolve("some/figures/methods.svg")))
        .contains("a &lt;b&gt;&amp;.jpg");
  }

  @Test
  void roadNeedsNoRun() {
    Ttame.Result said = figures("road", "--figures", "road", "--format", "pdf");
    assertThat(said.code()).as("%s", said).isZero();
    assertThat(folder.resolve("road/figures/road.pdf")).isNotEmptyFile();
  }

  @Test
  void wrongUsageIsASentence() {
    assertUsage(figures("x"), "--runs DIR[,DIR…] is missing");
    assertUsage(figures("x", "--runs", vgg, "--figures", "backbones"), "give two runs or more");
    assertUsage(figures("x", "--runs", vgg, "--figures", "pie"), "--figures pie is not a figure");
    assertUsage(
        figures("x", "--runs", vgg, "--methods", "magic"), "--methods magic is not a method");
    assertUsage(figures("x", "--runs", vgg, "--format", "gif"), "none of png, svg, pdf");
    assertUsage(figures("x", "--runs", vgg, "--shown", "0"), "--shown 0");
    assertUsage(
        figures("x", "--runs", vgg + "," + vit, "--weights", "w.onnx"), "belongs to a single run");
  }

  private static void assertUsage(Ttame.Result result, String sentence) {
    assertThat(result.code()).as("%s", result).isEqualTo(2);
    assertThat(result.err()).contains(sentence);
  }

  @Test
  void whatCannotWorkIsASentence() {
    Ttame.Result none = figures("x", "--runs", folder.toString());
    assertThat(none.code()).isEqualTo(1);
    assertThat(none.err()).contains("holds no training run");
    Ttame.Result lrp = figures("x", "--runs", vgg, "--methods", "transformer-lrp");
    assertThat(lrp.code()).isEqualTo(1);
    assertThat(lrp.err()).contains("transformer-lrp explains vision transformers");
  }

  @Test
  void explainComparesMethodsAndClasses() throws IOException {
    Path out = folder.resolve("compared");
    String[] words = {
      "explain",
      "--run",
      vgg,
      "--images",
      vgg + "/sample/scenes/test",
      "--limit",
      "3",
      "--batch-size",
      "2",
      "--class",
      "top:2",
      "--method",
      "gradcam,ttame",
      "--compare",
      "--out",
      out.toString(),
      "--threads",
      "1"
    };
    Ttame.Result said = Ttame.run(words);
    assertThat(said.code()).as("%s", said).isZero();
    assertThat(said.out())
        .contains("000308.compare.png: Maps of Grad-CAM, T-TAME. Most probable classes: ")
        .contains("report.html: all of it on one page");
    try (var files = Files.list(out)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .containsExactlyInAnyOrder(
              "000270.compare.png", "000308.compare.png", "000346.compare.png", "report.html");
    }
    // Three images: two classes, each a row of the input and two methods.
    assertThat(Files.readString(out.resolve("report.html")).split("<img ", -1))
        .hasSize(1 + 3 * 2 * 3);
  }
}
