package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.Text;

/** README's first command, with all its defaults, and what a user does next. */
class SampleIT {
  @TempDir Path folder;

  @Test
  void theSampleTrainsExplainsAndBeatsItsControls() throws IOException {
    Jar jar = new Jar(folder);
    Jar.Result trained = jar.run("train");
    assertThat(trained.code()).as("%s", trained).isZero();
    Path run = folder.resolve("runs/sample-vgg");
    JsonNode methods =
        new ObjectMapper().readTree(run.resolve("report/metrics.json").toFile()).path("methods");
    double drop = value(methods, "ttame", "ad", 50);
    assertThat(drop)
        .isLessThan(value(methods, "untrained", "ad", 50))
        .isLessThan(value(methods, "random", "ad", 50));
    assertThat(value(methods, "ttame", "pointing", 0))
        .isGreaterThan(value(methods, "untrained", "pointing", 0))
        .isGreaterThan(value(methods, "random", "pointing", 0));
    assertThat(run.resolve("report/heatmaps.png")).isNotEmptyFile();
    assertThat(trained.err()).doesNotContain("WARN").doesNotContain("assumed").doesNotContain("\r");

    Jar.Result explained =
        jar.run(
            "explain",
            "--run",
            "runs/sample-vgg",
            "--images",
            "runs/sample-vgg/sample/scenes/test",
            "--limit",
            "2");
    assertThat(explained.code()).as("%s", explained).isZero();
    try (var files = Files.list(folder.resolve("ttame-maps"))) {
      assertThat(files).hasSize(6);
    }
  }

  private static double value(JsonNode methods, String method, String name, double threshold) {
    for (JsonNode entry : methods) {
      if (entry.path("method").asText().equals(method)) {
        for (JsonNode metric : entry.path("metrics")) {
          if (metric.path("metric").asText().equals(name)
              && metric.path("threshold").asDouble() == threshold) {
            return metric.path("value").asDouble();
          }
        }
      }
    }
    throw new AssertionError(Text.format("no %s(%s) of %s", name, threshold, method));
  }
}
