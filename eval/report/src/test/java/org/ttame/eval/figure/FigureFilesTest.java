package org.ttame.eval.figure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.image.ImageException;
import org.ttame.core.image.RgbImage;
import org.ttame.core.provenance.BuildInfo;
import org.ttame.eval.figure.FigureSet.Missing;
import org.ttame.eval.output.Provenance;
import org.ttame.eval.render.ColorMap;
import org.ttame.eval.render.FigureFormat;
import org.ttame.eval.render.FigureSheet;
import org.ttame.eval.render.Panel;
import org.ttame.training.data.SkippedCount;

class FigureFilesTest {
  private static final String HOSTILE =
      "b\"'><script>document.title='owned'</script></style>{{head}}\u202egnp.exe";

  @TempDir Path out;

  private static FigureSet set() {
    Panel photo = new Panel(RgbImage.of(120, 120, (x, y) -> 0x336699), List.of(HOSTILE));
    Panel map = new Panel(RgbImage.of(120, 120, (x, y) -> 0x993366), List.of("bag 0.98", ""));
    Figure figure =
        new Figure(
            FigureKind.MISCLASSIFIED.optionName(),
            "misclassified",
            "",
            "Chosen from " + HOSTILE,
            new FigureSheet(
                List.of("input", HOSTILE),
                List.of(List.of(Optional.of(photo), Optional.of(map))),
                Optional.of(ColorMap.VIRIDIS)));
    SkippedCount skipped = new SkippedCount();
    skipped.add(ImageException.Kind.NOT_AN_IMAGE);
    BuildInfo build = new BuildInfo("1.2.3", "0123456789abcdef", false, "1.0.0-M2.1");
    return new FigureSet(
        List.of(figure),
        List.of(new Missing(FigureKind.BACKBONES, "There is one run.")),
        skipped,
        build,
        Map.of(HOSTILE, new Provenance(build, Map.of("sha256", "00ff"), Map.of("run", HOSTILE))),
        Map.of("seed", "42"));
  }

  @Test
  void everythingIsWritten() throws IOException {
    FigureFiles.write(out, set(), EnumSet.allOf(FigureFormat.class));
    for (String ending : List.of("png", "svg", "pdf")) {
      assertThat(out.resolve("figures/misclassified." + ending)).isNotEmptyFile();
    }
    JsonNode json = new ObjectMapper().readTree(out.resolve("figures.json").toFile());
    JsonNode figure = json.path("figures").get(0);
    assertThat(figure.path("caption").asText()).isEqualTo("Chosen from " + HOSTILE);
    assertThat(figure.path("rows").get(0).get(1).get(0).asText()).isEqualTo("bag 0.98");
    assertThat(figure.path("files").get(2).asText()).isEqualTo("figures/misclassified.pdf");
    assertThat(json.path("missing").get(0).path("figure").asText()).isEqualTo("backbones");
    assertThat(json.path("skipped_images").asInt()).isEqualTo(1);
    assertThat(json.path("settings").path("seed").asText()).isEqualTo("42");
    assertThat(json.path("runs").path(HOSTILE).path("backbone").path("sha256").asText())
        .isEqualTo("00ff");
  }

  @Test
  void thePageHasThePicturesAndNothingOfAHostileName() throws IOException {
    Path page = FigureFiles.write(out, set(), Set.of(FigureFormat.PDF));
    String html = Files.readString(page);
    assertThat(html.split("<img ", -1)).hasSize(3);
    assertThat(html)
        .contains("Mistakes", "There is one run.", "figures/misclassified.pdf")
        .doesNotContain("misclassified.png")
        .doesNotContain("<script>document")
        .contains("&lt;script&gt;document")
        .doesNotContain("</style>{{head}}");
  }

  @Test
  void figuresOfOtherSettingsAreNotReplaced() throws IOException {
    assertThatCode(() -> FigureFiles.requireSame(out, Map.of("seed", "1")))
        .doesNotThrowAnyException();
    FigureFiles.write(out, set(), Set.of(FigureFormat.SVG));
    assertThatCode(() -> FigureFiles.requireSame(out, Map.of("seed", "42")))
        .doesNotThrowAnyException();
    assertThatThrownBy(() -> FigureFiles.requireSame(out, Map.of("seed", "43")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("seed was 42, now it is 43; give another folder (option 'out')");
    Files.writeString(out.resolve("figures.json"), "{");
    assertThatThrownBy(() -> FigureFiles.requireSame(out, Map.of()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("is no record of figures");
  }
}
