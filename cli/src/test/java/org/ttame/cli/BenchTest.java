package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ttame.core.engine.EngineChoice;
import org.ttame.training.sample.SampleData;

/** {@code bench} works and says what it measured; how much that is, is nobody's business here. */
class BenchTest {
  @TempDir static Path folder;
  private static SampleData sample;

  @BeforeAll
  static void unpack() throws IOException {
    sample = new SampleData(folder.resolve("sample"));
  }

  @AfterEach
  void forgetTheEngine() {
    System.clearProperty(EngineChoice.PROPERTY);
  }

  @ParameterizedTest
  @ValueSource(strings = {"vgg", "resnet", "vit"})
  void measuresEveryKindOfWork(String family) throws IOException {
    Path out = folder.resolve(family + ".json");
    Ttame.Result result =
        Ttame.run(
            "bench",
            "--weights",
            sample.backbone(family).toString(),
            "--work",
            "forward,explain,gradient,step",
            "--batch-sizes",
            "2,3",
            "--repeats",
            "2",
            "--warmup",
            "0",
            "--profile",
            "--out",
            out.toString());
    assertThat(result.code()).as("%s", result).isZero();
    assertThat(result.out()).contains("sgemm").contains("peak resident memory");
    Schemas.requireValid("bench", out);
    JsonNode rows = new ObjectMapper().readTree(Files.readString(out)).get("measured");
    assertThat(rows).hasSize(8);
    for (JsonNode row : rows) {
      assertThat(row.get("min_s").asDouble()).isPositive();
      assertThat(row.get("median_s").asDouble())
          .isBetween(row.get("min_s").asDouble(), row.get("max_s").asDouble());
      assertThat(row.get("gflop").asDouble()).isPositive();
      long brief =
          row.get("operations").findValues("ms").stream().filter(ms -> ms.asDouble() < 1).count();
      assertThat(brief).isPositive();
      assertThat(result.out()).contains(brief + " below 1 ms each");
    }
    // The same work on three images instead of two.
    assertThat(rows.get(4).get("gflop").asDouble() / rows.get(0).get("gflop").asDouble())
        .isBetween(1.45, 1.55);
  }

  @Test
  void comparesBeginningAndEndAndFilesWithMemory() throws IOException {
    Path out = folder.resolve("endurance.json");
    Ttame.Result result =
        Ttame.run(
            "bench",
            "--weights",
            sample.backbone("vgg").toString(),
            "--batch-sizes",
            "2",
            "--repeats",
            "1",
            "--endurance",
            "20",
            "--images",
            sample.images("test").path(0).getParent().toString(),
            "--limit",
            "6",
            "--out",
            out.toString());
    assertThat(result.code()).as("%s", result).isZero();
    Schemas.requireValid("bench", out);
    ObjectNode record = (ObjectNode) new ObjectMapper().readTree(Files.readString(out));
    assertThat(record.path("measured").findValuesAsText("endurance")).hasSize(3);
    assertThat(record.path("measured").findValuesAsText("files")).hasSize(2);
    assertThat(Schemas.faults("bench", record.deepCopy().put("unknown", 1))).hasSize(1);
    ((ObjectNode) record.path("measured").path(0)).remove("median_s");
    assertThat(Schemas.faults("bench", record)).isNotEmpty();
    assertThat(result.out())
        .contains("20 times; first 2 and last 2")
        .contains("images/s from 6 files");
  }

  @Test
  void worksInStepWithOthers() throws IOException {
    InputStream before = System.in;
    try (InputStream lines =
        new ByteArrayInputStream("run\nmemory\nrun\n".getBytes(StandardCharsets.UTF_8))) {
      System.setIn(lines);
      Ttame.Result result =
          Ttame.run(
              "bench",
              "--weights",
              sample.backbone("vgg").toString(),
              "--work",
              "forward",
              "--batch-sizes",
              "1",
              "--lockstep",
              "--quiet");
      assertThat(result.code()).as("%s", result).isZero();
      assertThat(result.out().lines()).hasSize(4).first().isEqualTo("ready");
      assertThat(result.out().lines().skip(1)).allMatch(line -> Double.parseDouble(line) > 0);
    } finally {
      System.setIn(before);
    }
  }

  /** All engines say the same of an image, within rounding. */
  @ParameterizedTest
  @ValueSource(strings = {"vgg", "resnet", "vit"})
  void enginesAgree(String family) throws IOException {
    JsonNode reference = null;
    for (String engine : new String[] {"samediff", "nd4j", "auto"}) {
      Path out = folder.resolve(family + "-" + engine);
      Ttame.Result result =
          Ttame.run(
              "predict",
              "--weights",
              sample.backbone(family).toString(),
              "--images",
              sample.images("test").path(0).toString(),
              "--logits",
              "--engine",
              engine,
              "--out",
              out.toString());
      assertThat(result.code()).as("%s", result).isZero();
      JsonNode logits =
          new ObjectMapper()
              .readTree(Files.readString(out.resolve("predictions.json")))
              .get("images")
              .get(0)
              .get("logits");
      if (reference == null) {
        reference = logits;
      }
      for (int i = 0; i < logits.size(); i++) {
        assertThat(logits.get(i).asDouble())
            .isCloseTo(reference.get(i).asDouble(), org.assertj.core.data.Offset.offset(1e-4));
      }
    }
  }

  @Test
  void refusesWhatItCannotDo() {
    assertThat(Ttame.run("bench").err()).contains("--weights FILE is missing");
    assertThat(Ttame.run("bench", "--weights", "x", "--work", "sleep").err())
        .contains("--work sleep is none of forward, explain, gradient, step");
    assertThat(Ttame.run("bench", "--weights", "x", "--batch-sizes", "0").code()).isEqualTo(2);
    assertThat(Ttame.run("predict", "--weights", "x", "--images", "y", "--engine", "warp").err())
        .contains("--engine warp is none of auto, nd4j, samediff");
  }
}
