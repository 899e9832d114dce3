package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.image.ImageReader;
import org.ttame.core.image.PngWriter;
import org.ttame.core.image.RgbImage;
import org.ttame.training.sample.SampleData;

/** What {@code explain} draws: the photograph in its own colours and size under the heatmap. */
class ExplainTest {
  private static final int WIDTH = 300;
  private static final int HEIGHT = 200;

  @TempDir static Path folder;
  private static Path weights;
  private static RgbImage photograph;

  @BeforeAll
  static void photograph() throws IOException {
    weights = new SampleData(folder.resolve("sample")).backbone("vgg");
    Files.createDirectories(folder.resolve("images"));
    photograph = RgbImage.of(WIDTH, HEIGHT, (x, y) -> x % 256 << 16 | y << 8 | (x * y) % 256);
    Files.write(folder.resolve("images/wide.png"), PngWriter.encode(photograph));
  }

  private static Ttame.Result explain(String images, String out, String... more) {
    String[] words = {
      "explain",
      "--weights",
      weights.toString(),
      "--images",
      folder.resolve(images).toString(),
      "--method",
      "gradcam",
      "--colormap",
      "jet",
      "--out",
      folder.resolve(out).toString()
    };
    String[] all = Arrays.copyOf(words, words.length + more.length);
    System.arraycopy(more, 0, all, words.length, more.length);
    return Ttame.ok(all);
  }

  private static RgbImage picture(String out) throws IOException {
    return new ImageReader().read(folder.resolve(out).resolve("wide.png"));
  }

  @Test
  void laysTheHeatmapOverThePhotographAtItsOwnSize() throws IOException {
    explain("images", "heat", "--opacity", "1");
    explain("images", "quarter", "--opacity", "0.25");
    explain("images", "plain", "--opacity", "0");
    explain("images", "standard");
    RgbImage heat = picture("heat");
    RgbImage quarter = picture("quarter");
    RgbImage standard = picture("standard");
    assertThat(heat.width()).isEqualTo(WIDTH);
    assertThat(heat.height()).isEqualTo(HEIGHT);
    assertThat(picture("plain").samples()).isEqualTo(photograph.samples());
    int drawn = 0;
    for (int i = 0; i < photograph.samples().length; i++) {
      int photo = photograph.samples()[i] & 255;
      int color = heat.samples()[i] & 255;
      assertThat(quarter.samples()[i] & 255)
          .isEqualTo((int) Math.round(0.75 * photo + 0.25 * color));
      assertThat(standard.samples()[i] & 255)
          .isEqualTo((int) Math.round(0.5 * photo + 0.5 * color));
      drawn += photo == color ? 0 : 1;
    }
    assertThat(drawn).isGreaterThan(WIDTH * HEIGHT);
    // Beside the central crop of 224/256 of the shorter side, the photograph is as it was.
    for (int y = 0; y < HEIGHT; y++) {
      for (int x : new int[] {0, 60, WIDTH - 61, WIDTH - 1}) {
        assertThat(heat.rgb(x, y)).isEqualTo(photograph.rgb(x, y));
      }
    }

    JsonNode settings =
        new ObjectMapper()
            .readTree(folder.resolve("quarter/wide.json").toFile())
            .path("provenance")
            .path("settings");
    assertThat(settings.path("opacity").asText()).isEqualTo("0.25");
    assertThat(settings.path("size").asText()).isEqualTo("original");
    assertThat(settings.path("colormap").asText()).isEqualTo("jet");
  }

  @Test
  void showsTheCropThatTheClassifierSeesWhereAskedFor() throws IOException {
    explain("images", "input", "--size", "input");
    RgbImage picture = picture("input");
    assertThat(picture.width()).isEqualTo(picture.height()).isGreaterThanOrEqualTo(224);
  }

  @Test
  void doesNotMergeShardsThatAreDrawnDifferently() throws IOException {
    Files.createDirectories(folder.resolve("two"));
    Files.write(folder.resolve("two/a.png"), PngWriter.encode(photograph));
    Files.write(folder.resolve("two/b.png"), PngWriter.encode(photograph));
    explain("two", "first", "--shard", "0/2", "--opacity", "0.3");
    explain("two", "second", "--shard", "1/2", "--opacity", "0.3", "--size", "input");
    Ttame.Result merged =
        Ttame.run(
            "merge",
            folder.resolve("first").toString(),
            folder.resolve("second").toString(),
            "--out",
            folder.resolve("merged").toString());
    assertThat(merged.code()).isEqualTo(1);
    assertThat(merged.err()).contains("size original").contains("input");
  }
}
