package org.ttame.eval.output;

import static org.assertj.core.api.Assertions.assertThat;
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
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.image.ImageReader;
import org.ttame.core.image.RgbImage;
import org.ttame.core.npz.Npy;
import org.ttame.core.provenance.BuildInfo;
import org.ttame.eval.Lcg;
import org.ttame.eval.explain.SaliencyMaps;
import org.ttame.eval.metric.ImageBatch;
import org.ttame.eval.output.ExplanationWriter.Explained;
import org.ttame.eval.output.ExplanationWriter.Options;
import org.ttame.eval.render.ColorMap;
import org.ttame.eval.render.HeatmapOverlay;

class ExplanationWriterTest {
  private static final int SIDE = 64;
  private static final Provenance PROVENANCE =
      new Provenance(BuildInfo.current(), Map.of("name", "tiny"), Map.of("seed", "1"));

  @TempDir Path folder;

  @Test
  void writesMapPictureAndRecord() throws IOException {
    float[][] values = {{0, 0.25f, 0.5f, 1, 0, 0}, {1, 0, 0, 0, 0, 0}};
    List<Path> written = write(false, EnumSet.allOf(MapFormat.class), values);
    assertThat(written)
        .containsExactly(folder.resolve("out/birds/wren"), folder.resolve("out/owl"));
    try (INDArray map = Npy.read(folder.resolve("out/birds/wren.npy"))) {
      assertThat(map.shape()).containsExactly(2, 3);
      assertThat(map.data().asFloat()).containsExactly(values[0]);
    }
    RgbImage picture = new ImageReader().read(folder.resolve("out/owl.png"));
    assertThat(picture.width()).isEqualTo(256);
    // Half of a grey image, half of the colour of the map's value in that corner.
    assertThat(picture.rgb(0, 0)).isEqualTo(half(0x808080, ColorMap.JET.rgb(1)));
    assertThat(picture.rgb(255, 255)).isEqualTo(half(0x808080, ColorMap.JET.rgb(0)));

    JsonNode json = new ObjectMapper().readTree(folder.resolve("out/owl.json").toFile());
    assertThat(json.get("image").asText()).isEqualTo("owl.png");
    assertThat(json.get("class").asInt()).isEqualTo(2);
    assertThat(json.get("label").asText()).isEqualTo("owl");
    assertThat(json.get("probability").asDouble()).isEqualTo(0.75);
    assertThat(json.get("method").asText()).isEqualTo("ttame");
    assertThat(json.get("passes").asDouble()).isEqualTo(1);
    assertThat(json.at("/provenance/backbone/name").asText()).isEqualTo("tiny");
  }

  @Test
  void namesMethodAndClassWhereThereAreSeveral() throws IOException {
    write(true, EnumSet.of(MapFormat.NPY), new float[][] {{0, 1, 0, 0, 0, 0}, {1, 0, 0, 0, 0, 0}});
    try (Stream<Path> files = Files.walk(folder)) {
      assertThat(files.filter(Files::isRegularFile).map(file -> folder.relativize(file).toString()))
          .containsExactlyInAnyOrder("out/birds/wren.ttame.c0.npy", "out/owl.ttame.c2.npy");
    }
  }

  @Test
  void neverGivesTwoImagesOneName() {
    OutputNames names = new OutputNames();
    assertThat(names.of("a/b.c.jpg")).isEqualTo("a/b.c");
    assertThat(names.of("cat.jpg")).isEqualTo("cat");
    assertThat(names.of("cat.png")).isEqualTo("cat.png");
    assertThat(names.of("cat.jpg")).isEqualTo("cat");
    assertThat(names.of("cat.png.gif")).isEqualTo("cat.png.gif");
    assertThat(names.of(".hidden")).isEqualTo(".hidden");
    assertThat(names.of("v1.0/noending")).isEqualTo("v1.0/noending");
    assertThatThrownBy(() -> names.of("../up.jpg")).hasMessageContaining("'../up.jpg'");
    assertThatThrownBy(() -> names.of("/etc/x.jpg")).hasMessageContaining("/etc/x.jpg");
  }

  @Test
  void parsesFormats() {
    assertThat(MapFormat.parse("npy, PNG")).containsExactly(MapFormat.PNG, MapFormat.NPY);
    assertThatThrownBy(() -> MapFormat.parse("npy,,png"))
        .hasMessage("\"\" is not a format; use png, npy and json, separated by commas");
  }

  private List<Path> write(boolean qualified, Set<MapFormat> formats, float[][] values)
      throws IOException {
    HeatmapOverlay overlay = new HeatmapOverlay(ColorMap.JET, 0.5);
    ExplanationWriter writer =
        new ExplanationWriter(
            new Options(
                folder.resolve("out"),
                formats,
                overlay,
                Optional.empty(),
                qualified,
                List.of("wren", "x", "owl")),
            PROVENANCE,
            new OutputNames());
    float[] unit = new Lcg(1).next(2 * SIDE * SIDE * 3);
    java.util.Arrays.fill(unit, SIDE * SIDE * 3, unit.length, 128 / 255f);
    ImageBatch images = ImageBatch.of(List.of("birds/wren.jpg", "owl.png"), SIDE, unit);
    return writer.write(
        images,
        new Explained(
            "ttame",
            new SaliencyMaps(2, 3, values),
            new int[] {0, 2},
            new double[] {0.5, 0.75},
            1,
            0));
  }

  private static int half(int a, int b) {
    int result = 0;
    for (int shift = 16; shift >= 0; shift -= 8) {
      result |= (int) Math.round(((a >> shift & 255) + (b >> shift & 255)) / 2.0) << shift;
    }
    return result;
  }
}
