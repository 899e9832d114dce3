package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.Text;
import org.ttame.core.image.ImageReader;
import org.ttame.core.image.RgbImage;

/** The example scripts, on a few images. */
@DisabledOnOs(OS.WINDOWS)
class ExamplesIT {
  @TempDir Path folder;

  @Test
  void trainsEvaluatesAndComparesTwoRuns() throws Exception {
    String said = run("compare-runs.sh", 0, "out");
    assertThat(said)
        .contains("| T-TAME |")
        .contains("| released |")
        .contains("T-TAME minus each other method, image by image");
    Path metrics = folder.resolve("out/metrics/metrics.json");
    JsonNode json = new ObjectMapper().readTree(metrics.toFile());
    assertThat(json.path("images").asInt()).isEqualTo(6);
    assertThat(json.path("methods")).hasSize(3);
    assertThat(json.at("/differences/0/less").asText()).isEqualTo("random");

    String rows = Files.readString(folder.resolve("out/metrics/per-image.csv"));
    assertThat(run("compare-runs.sh", 0, "out"))
        .endsWith(said.substring(said.indexOf("| method |")));
    assertThat(Files.readString(folder.resolve("out/metrics/per-image.csv"))).isEqualTo(rows);
    assertThat(run("compare-runs.sh", 2)).contains("usage: compare-runs.sh OUT");
  }

  @Test
  void measuresEveryMethodOfAFamily() throws Exception {
    String said = run("compare-methods.sh", 0, "out");
    for (String method : List.of("T-TAME", "RISE", "Ablation-CAM", "Transformer LRP", "L-CAM")) {
      assertThat(said).contains("| " + method);
    }
    assertThat(measured("vgg16")).contains("lcam", "iia-released").hasSize(11);
    assertThat(measured("vit_b_16"))
        .contains("transformer-lrp")
        .doesNotContain("lcam", "iia-released")
        .hasSize(10);
    assertThat(run("compare-methods.sh", 2)).contains("usage: compare-methods.sh OUT");
  }

  /** Each was built by a Maven of its own, on one of our parts and the natives. */
  @Test
  void programsOutsideRun() throws Exception {
    Jar.Result trained =
        new Jar(folder).run("train", "--max-steps", "2", "--threads", "1", "--out", "run");
    assertThat(trained.code()).as("%s", trained).isZero();
    Path scene = folder.resolve("run/sample/scenes/test");
    try (Stream<Path> scenes = Files.list(scene)) {
      scene = scenes.sorted().findFirst().orElseThrow();
    }
    assertThat(program("engine", "RunGraph")).contains("11.0000,   14.0000");
    assertThat(program("images", "ReadPhotograph", scene.toString())).contains("[1, 224, 224, 3]");
    Path heatmap = folder.resolve("heatmap.png");
    assertThat(
            program(
                "photograph",
                "ExplainPhotograph",
                folder.resolve("run").toString(),
                scene.toString(),
                heatmap.toString()))
        .matches("(?s).*[a-z]+ 0\\.\\d+\\R?");
    RgbImage photograph = new ImageReader().read(scene);
    RgbImage drawn = new ImageReader().read(heatmap);
    assertThat(drawn.width()).isEqualTo(photograph.width());
    assertThat(drawn.height()).isEqualTo(photograph.height());
  }

  private String program(String project, String main, String... words) throws Exception {
    Path built = Path.of("target", "examples", project, "target").toAbsolutePath();
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-cp");
    command.add(
        built.resolve("classes")
            + File.pathSeparator
            + Files.readString(built.resolve("classpath")));
    command.add(main);
    command.addAll(List.of(words));
    Path output = folder.resolve(project + ".txt");
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
    String said = Files.readString(output);
    assertThat(process.exitValue()).as(said).isZero();
    return said;
  }

  private List<String> measured(String backbone) throws Exception {
    Path metrics = folder.resolve(Text.format("out/%s/metrics/metrics.json", backbone));
    JsonNode json = new ObjectMapper().readTree(metrics.toFile());
    assertThat(json.path("images").asInt()).isEqualTo(6);
    return json.path("methods").findValuesAsText("method");
  }

  private String run(String script, int expected, String... words) throws Exception {
    List<String> line = new java.util.ArrayList<>();
    line.add("sh");
    line.add(Path.of("examples", script).toAbsolutePath().toString());
    line.addAll(List.of(words));
    File said = folder.resolve("said.txt").toFile();
    ProcessBuilder builder =
        new ProcessBuilder(line)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(said);
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    builder.environment().put("TTAME", java + " -Xmx2g -jar " + System.getProperty("ttame.jar"));
    builder.environment().put("TRAIN", "--max-steps 3 --limit 16 --threads 1");
    builder.environment().put("LIMIT", "6");
    builder.environment().put("BACKBONES", "vgg16 vit_b_16");
    builder.environment().put("MASKS", "5");
    Process process = builder.start();
    assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
    String text = Files.readString(said.toPath());
    assertThat(process.exitValue()).as(text).isEqualTo(expected);
    return text;
  }
}
