package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.npz.Npy;
import org.ttame.core.npz.Npz;

/**
 * A run and an imported file that the first stage's program wrote, before records said what a
 * classifier means: they load, and give the numbers that program gave. Last bits differ by the
 * order in which images are standardised.
 */
class FirstStageTest {
  private static final double CLOSE = 1e-5;

  @TempDir private Path folder;

  @BeforeEach
  void copy() throws IOException, URISyntaxException {
    Path from = Path.of(FirstStageTest.class.getResource("/first-stage").toURI());
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Path to = folder.resolve(from.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(to);
        } else {
          Files.copy(file, to);
        }
      }
    }
  }

  @Test
  void itsMapsAreTheSame() throws IOException {
    Path out = folder.resolve("maps");
    Ttame.ok(
        "explain",
        "--run",
        path("run"),
        "--images",
        path("scenes"),
        "--format",
        "npy",
        "--out",
        out.toString());
    for (String name : List.of("000000.npy", "000001.npy")) {
      try (INDArray expected = Npy.read(folder.resolve("expected").resolve(name));
          INDArray found = Npy.read(out.resolve(name))) {
        same(name, expected, found);
      }
    }
  }

  @Test
  void itsMetricsAreTheSame() throws IOException {
    Path out = folder.resolve("metrics");
    Ttame.ok(
        "evaluate",
        "--run",
        path("run"),
        "--data",
        path("scenes"),
        "--methods",
        "ttame,gradcam",
        "--metrics",
        "ad,ic,road",
        "--out",
        out.toString());
    Map<String, Double> expected = values(folder.resolve("expected").resolve("metrics.csv"));
    Map<String, Double> found = values(out.resolve("metrics.csv"));
    assertThat(found.keySet()).isEqualTo(expected.keySet()).hasSizeGreaterThan(40);
    // Percent; a pixel that changes places with its equal moves a mean of eight images by less.
    expected.forEach(
        (name, value) -> assertThat(found.get(name)).as(name).isCloseTo(value, within(0.01)));
  }

  @Test
  void itGoesOnToTheSameEnd() throws IOException {
    Ttame.ok(
        "train",
        "--run",
        path("run"),
        "--resume",
        "--weights",
        path("classifier.onnx"),
        "--data",
        path("scenes"));
    Map<String, INDArray> expected = Npz.read(folder.resolve("expected").resolve("resumed.npz"));
    Map<String, INDArray> found =
        Npz.read(folder.resolve("run/checkpoints/epoch-12/attention.npz"));
    assertThat(found.keySet()).isEqualTo(expected.keySet());
    expected.forEach((name, array) -> same(name, array, found.get(name)));
    assertThat(Files.readAllLines(folder.resolve("run/steps.jsonl"))).hasSize(24);
  }

  @Test
  void itsImportedClassifierAnswersTheSame() throws IOException {
    Path out = folder.resolve("predictions");
    Ttame.ok(
        "predict",
        "--weights",
        path("classifier.ttame"),
        "--images",
        path("scenes"),
        "--logits",
        "--out",
        out.toString());
    ObjectMapper json = new ObjectMapper();
    JsonNode expected = json.readTree(folder.resolve("expected/logits.json").toFile());
    JsonNode found = json.readTree(out.resolve("predictions.json").toFile());
    String list = expected.fieldNames().next();
    assertThat(found.path(list)).hasSameSizeAs(expected.path(list));
    for (int image = 0; image < expected.path(list).size(); image++) {
      JsonNode right = expected.path(list).get(image).path("logits");
      JsonNode ours = found.path(list).get(image).path("logits");
      assertThat(ours.size()).isEqualTo(right.size()).isEqualTo(7);
      for (int k = 0; k < right.size(); k++) {
        assertThat(ours.get(k).asDouble()).isCloseTo(right.get(k).asDouble(), within(CLOSE));
      }
    }
  }

  private String path(String name) {
    return folder.resolve(name).toString();
  }

  private static void same(String name, INDArray expected, INDArray found) {
    assertThat(found.shape()).as(name).containsExactly(expected.shape());
    double scale = Math.max(1, expected.amaxNumber().doubleValue());
    assertThat(found.sub(expected).amaxNumber().doubleValue())
        .as(name)
        .isLessThanOrEqualTo(CLOSE * scale);
  }

  private static Map<String, Double> values(Path csv) throws IOException {
    Map<String, Double> values = new HashMap<>();
    List<String> lines = Files.readAllLines(csv);
    for (String line : lines.subList(1, lines.size())) {
      String[] cells = line.split(",", -1);
      values.put(cells[0] + " " + cells[1] + " " + cells[2], Double.valueOf(cells[3]));
    }
    return values;
  }
}
