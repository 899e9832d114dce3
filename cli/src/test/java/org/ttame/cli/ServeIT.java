package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code ttame serve} as a user starts it and ends it. */
class ServeIT {
  @TempDir Path folder;

  @Test
  void servesTheSampleAndEndsInOrder() throws Exception {
    Jar jar = new Jar(folder);
    // A few steps, in the folder that README's first command makes: serve finds it.
    Jar.Result trained =
        jar.run("train", "--max-steps", "4", "--limit", "16", "--threads", "1", "--report", "0");
    assertThat(trained.code()).as("%s", trained).isZero();
    Path out = folder.resolve("out");
    Process process = jar.startTelling(out, "serve", "--port", "0", "--threads", "1");
    try {
      while (Files.size(out) == 0 || !Files.readString(out).endsWith("\n")) {
        assertThat(process.isAlive()).as("the server ended by itself").isTrue();
        Thread.sleep(20);
      }
      URI address = URI.create(Files.readString(out).strip());
      assertThat(address.toString()).matches("http://127\\.0\\.0\\.1:\\d+/");
      List<Path> before = files();
      HttpClient client = HttpClient.newHttpClient();
      byte[] scene =
          client
              .send(
                  HttpRequest.newBuilder(address.resolve("/examples/0.jpg")).build(),
                  HttpResponse.BodyHandlers.ofByteArray())
              .body();
      HttpRequest.BodyPublisher body = HttpRequest.BodyPublishers.ofByteArray(scene);
      HttpResponse<InputStream> stream =
          client.send(
              HttpRequest.newBuilder(address.resolve("/v1/explain?method=scorecam"))
                  .header("Accept", "text/event-stream")
                  .POST(body)
                  .build(),
              HttpResponse.BodyHandlers.ofInputStream());
      assertThat(stream.statusCode()).isEqualTo(200);
      process.destroy(); // SIGTERM
      // What was asked before is still answered.
      assertThat(new String(stream.body().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8))
          .contains("event: result");
      assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
      assertThat(process.exitValue()).isEqualTo(Main.TERMINATED);
      assertThat(files()).isEqualTo(before);
    } finally {
      process.destroyForcibly();
    }
  }

  private List<Path> files() throws Exception {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).sorted().toList();
    }
  }
}
