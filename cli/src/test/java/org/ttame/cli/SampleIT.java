package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
    double drop = drop50(methods, "ttame");
    assertThat(drop).isLessThan(drop50(methods, "untrained")).isLessThan(drop50(methods, "random"));
    assertThat(run.resolve("report/heatmaps.png")).isNotEmptyFile();
    assertThat(trained.err()).doesNotContain("WARN").doesNotContain("\r");

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

  private static double drop50(JsonNode methods, String method) {
    for (JsonNode entry : methods) {
      if (entry.path("method").asText().equals(method)) {
        for (JsonNode metric : entry.path("metrics")) {
          if (metric.path("metric").asText().equals("ad")
              && metric.path("threshold").asDouble() == 50) {
            return metric.path("value").asDouble();
          }
        }
      }
    }
    throw new AssertionError("no AD(50%) of " + method);
  }
}
