package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.Text;
import org.ttame.core.npz.Npy;
import org.ttame.training.sample.SampleData;

/** What a run was trained with is what every command on it works with. */
class RunSettingsTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String HALF = "--mean 0.5,0.5,0.5 --std 0.5,0.5,0.5";

  @TempDir static Path folder;

  @BeforeAll
  static void train() throws IOException {
    SampleData sample = new SampleData(folder);
    Files.move(sample.backbone("vgg"), folder.resolve("a.onnx"));
    Path images = Files.createDirectories(folder.resolve("images"));
    for (int i = 0; i < 4; i++) {
      Files.copy(sample.images("test").path(i), images.resolve(Text.format("scene-%d.jpg", i)));
    }
    String names = String.join("\n", sample.labels());
    Files.writeString(folder.resolve("names.txt"), names + "\n");
    Files.writeString(folder.resolve("others.txt"), names.toUpperCase(java.util.Locale.ROOT));
    String common = " --weights @a.onnx --data @images --batch-size 4 --epochs 1 --threads 1";
    ok("train --run @run --labels @names.txt " + HALF + common);
    ok("train --run @lcam --variant lcam " + common);
  }

  private static Ttame.Result run(String line) {
    return Ttame.run(
        Arrays.stream(line.trim().split(" +", -1))
            .map(word -> word.startsWith("@") ? folder.resolve(word.substring(1)).toString() : word)
            .toArray(String[]::new));
  }

  private static Ttame.Result ok(String line) {
    Ttame.Result result = run(line);
    assertThat(result.code()).as("%s", result).isZero();
    return result;
  }

  private static JsonNode json(String file) throws IOException {
    return JSON.readTree(folder.resolve(file).toFile());
  }

  private static List<Double> probabilities(String out) throws IOException {
    return json(out + "/predictions.json").findValues("probability").stream()
        .map(JsonNode::asDouble)
        .toList();
  }

  @Test
  void theRunsStandardisationIsTaken() throws IOException {
    Ttame.Result said = ok("predict --run @run --images @images --out @p1");
    ok("predict --weights @a.onnx --images @images --out @p2 " + HALF);
    ok("predict --weights @a.onnx --images @images --out @p3");
    assertThat(probabilities("p1"))
        .isEqualTo(probabilities("p2"))
        .isNotEqualTo(probabilities("p3"));
    assertThat(said.err()).doesNotContain("assumed");
    assertThat(json("p1/predictions.json").at("/provenance/backbone/std").asText())
        .isEqualTo("[0.5, 0.5, 0.5]");
  }

  @Test
  void mapsAndMeasuresTakeIt() throws IOException {
    ok("explain --run @run --images @images --method ttame,gradcam --out @x1 --format npy,json");
    ok(
        "explain --weights @a.onnx --images @images --method gradcam --out @x2 --format npy "
            + HALF);
    try (INDArray here = Npy.read(find("x1", "scene-0", "gradcam", ".npy"));
        INDArray there = Npy.read(find("x2", "scene-0", ".npy"))) {
      assertThat(here).isEqualTo(there);
    }
    ok("predict --run @run --images @images --out @p4");
    double expected = probabilities("p4").get(0);
    JsonNode said = JSON.readTree(find("x1", "scene-0", "ttame", ".json").toFile());
    assertThat(said.path("probability").asDouble()).isCloseTo(expected, within(1e-6));
    ok("evaluate --run @run --data @images --methods gradcam --metrics ad --out @e1");
    assertThat(json("e1/metrics.json").at("/provenance/backbone/mean").asText())
        .isEqualTo("[0.5, 0.5, 0.5]");
    ok("sanity --run @run --data @images --methods gradcam --checks backbone --out @s1 --shown 0");
    assertThat(json("s1/sanity.json").at("/provenance/backbone/mean").asText())
        .isEqualTo("[0.5, 0.5, 0.5]");
    ok("figures --runs @run --images @images --figures methods --out @f1 --format svg");
    assertThat(folder.resolve("f1/figures.json")).content().contains("\"[0.5, 0.5, 0.5]\"");
  }

  private static Path find(String out, String... parts) throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve(out))) {
      return files
          .filter(file -> Stream.of(parts).allMatch(file.getFileName().toString()::contains))
          .findFirst()
          .orElseThrow();
    }
  }

  @Test
  void whatIsGivenAgainAndEqualIsFine() {
    ok(
        "predict --run @run --images @images --out @p5 --labels @names.txt --input-size 64x64 "
            + HALF);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "predict --images @images --mean 0.5,0.5,0.4 --std 0.5,0.5,0.5 | --mean",
        "explain --images @images --mean 0.5,0.5,0.5 --std 0.5,0.5,0.4 | --std",
        "evaluate --data @images --mean 0,0,0 --std 1,1,1              | --mean",
        "evaluate --data @images --masking vit                         | --masking vit",
        "sanity --data @images --mean 0,0,0 --std 1,1,1                | --mean",
        "export --out @no.npz --mean 0,0,0 --std 1,1,1                 | --mean",
        "inspect --mean 0,0,0 --std 1,1,1                              | --mean",
        "train --resume --mean 0,0,0 --std 1,1,1                       | --mean",
        "predict --images @images --input-size 96                      | --input-size 96",
        "predict --images @images --resize stretch                     | --resize stretch",
        "predict --images @images --output other                       | --output other",
        "predict --images @images --labels @others.txt                 | --labels",
      })
  void whatIsGivenAgainAndDifferentIsRefused(String line, String names) {
    Ttame.Result refused = run(line + " --run @run");
    assertThat(refused.code()).as("%s", refused).isEqualTo(2);
    assertThat(refused.err()).contains(names).contains("is not what the run in");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "predict --images @images --out @n1",
        "explain --images @images --out @n2",
        "evaluate --data @images --methods ttame --metrics ad --out @n3",
        "sanity --data @images --checks mechanism --out @n4",
        "export --out @n5.npz",
        "train --resume",
      })
  void anotherFileUnderTheSameNameIsRefused(String line) throws IOException {
    Path moved = folder.resolve("moved");
    Files.createDirectories(moved);
    Path other = moved.resolve("a.onnx");
    if (!Files.exists(other)) {
      // The same architecture: a byte of a weight differs, as after another epoch.
      byte[] bytes = Files.readAllBytes(folder.resolve("a.onnx"));
      bytes[bytes.length / 2] ^= 1;
      Files.write(other, bytes);
    }
    Ttame.Result refused =
        run(
            line
                + " --run @run --weights @moved/a.onnx --threads 1"
                + (line.startsWith("train") ? " --data @images" : ""));
    assertThat(refused.code()).as("%s", refused).isEqualTo(1);
    assertThat(refused.err())
        .containsPattern("a.onnx \\(SHA-256 [0-9a-f]{12}…\\) is not the classifier of the run in")
        .containsPattern("trained on a.onnx \\(SHA-256 [0-9a-f]{12}…\\)")
        .contains("--weights");
  }

  @Test
  void anImportOfTheFileIsTheSameClassifier() throws IOException {
    ok("import --weights @a.onnx --out @a.ttame");
    ok("predict --run @run --images @images --out @p6");
    ok("predict --run @run --weights @a.ttame --images @images --out @p7");
    assertThat(probabilities("p7")).isEqualTo(probabilities("p6"));
  }

  @Test
  void aSecondRunHasToBeOfTheSameClassifier() {
    Ttame.Result refused =
        run("explain --run @run --lcam-run @lcam --method ttame,lcam --images @images --out @n6");
    assertThat(refused.code()).as("%s", refused).isEqualTo(1);
    assertThat(refused.err()).contains("lcam").contains("the mean was").contains("the std was");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "/backbone/input/std     | null             | \"backbone.input.std\"",
        "/backbone/input/std     | [0.5,0.5]        | \"backbone.input.std\"",
        "/backbone/input/std     | [0.5,0.5,0]      | \"backbone.input.std\"",
        "/backbone/input/std     | [0.5,0.5,-1]     | \"backbone.input.std\"",
        "/backbone/input/std     | [0.5,0.5,\"NaN\"]| \"backbone.input.std\"",
        "/backbone/input/mean    | \"0.5\"          | \"backbone.input.mean\"",
        "/backbone/input/height | 0           | \"backbone.input.height\"",
        "/backbone/input/resize | \"foo\"       | \"backbone.input.resize\"",
        "/backbone/output/kind  | \"foo\"       | \"backbone.output.kind\"",
        "/backbone/output/classes | 1         | \"backbone.output.classes\"",
        "/backbone/sha256  | \"abc\"          | \"backbone.sha256\"",
        "/masking          | \"foo\"          | \"masking\"",
        "/attention/variant| \"foo\"          | \"attention.variant\"",
        "/layers           | []               | \"layers\"",
      })
  void aDamagedRecordIsNoticed(String pointer, String value, String field) throws IOException {
    Path copy = folder.resolve("copy");
    Files.createDirectories(copy);
    ObjectNode record = (ObjectNode) json("run/run.json");
    int slash = pointer.lastIndexOf('/');
    ObjectNode parent = (ObjectNode) record.at(pointer.substring(0, slash));
    parent.set(pointer.substring(slash + 1), JSON.readTree(value));
    Files.writeString(copy.resolve("run.json"), record.toString());
    Ttame.Result refused = run("predict --run @copy --images @images --out @n7");
    assertThat(refused.code()).as("%s", refused).isEqualTo(1);
    assertThat(refused.err().lines().collect(Collectors.toList()))
        .anyMatch(line -> line.contains("run.json' is damaged") && line.contains(field));
    assertThat(refused.err()).doesNotContain("foreseen");
  }

  /** Format 1: squares of three channels, logits, nothing of outputs or assumptions. */
  @Test
  void anOldRecordIsRead() throws IOException {
    Path old = Files.createDirectories(folder.resolve("old"));
    ObjectNode record = (ObjectNode) json("run/run.json");
    ObjectNode backbone = (ObjectNode) record.path("backbone");
    JsonNode input = backbone.remove("input");
    backbone.set("side", input.path("height"));
    backbone.set("mean", input.path("mean"));
    backbone.set("std", input.path("std"));
    backbone.set("classes", backbone.remove("output").path("classes"));
    backbone.remove(List.of("assumed", "masking", "default_layers", "cam_layer"));
    record.put("format", 1);
    ((ObjectNode) backbone.path("provenance")).remove("output");
    Files.writeString(old.resolve("run.json"), record.toString());
    assertThat(ok("predict --run @old --images @images --out @p8").err())
        .doesNotContain("assumed:");
    ok("predict --run @run --images @images --out @p9");
    assertThat(probabilities("p8")).isEqualTo(probabilities("p9"));
  }
}
