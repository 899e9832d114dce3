package org.ttame.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.ttame.cli.serve.Limits;
import org.ttame.cli.serve.WebServer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.image.ImageLimits;
import org.ttame.services.PhotoService;
import org.ttame.services.TrainedRun;

/** A server of a run on the bundled sample, at a free port of this machine. */
final class Served implements AutoCloseable {
  static final ObjectMapper JSON = new ObjectMapper();

  /** More passes than any test waits for. */
  static final int ENDLESS = 1_000_000;

  private final FrozenClassifier classifier;
  final PhotoService service;
  final WebServer server;
  private final HttpClient http = HttpClient.newHttpClient();

  private Served(FrozenClassifier classifier, PhotoService service, WebServer server) {
    this.classifier = classifier;
    this.service = service;
    this.server = server;
  }

  /** Trains a run of a few steps. */
  static Path train(Path folder) {
    Path run = folder.resolve("run");
    Ttame.ok(
        "train",
        "--run",
        run.toString(),
        "--max-steps",
        "4",
        "--limit",
        "16",
        "--threads",
        "1",
        "--report",
        "0");
    return run;
  }

  /** The first test scenes of a run. */
  static List<Path> scenes(Path run, int count) throws IOException {
    try (var files = Files.list(run.resolve("sample/scenes/test"))) {
      return files.filter(file -> file.toString().endsWith(".jpg")).sorted().limit(count).toList();
    }
  }

  /** Serves with the usual limits. */
  static Served of(Path run) throws IOException {
    return of(run, Optional.empty(), 64, Limits.DEFAULT);
  }

  /**
   * Serves.
   *
   * @param token that requests must carry
   * @param waiting requests that may wait; of long ones two
   */
  static Served of(Path run, Optional<String> token, int waiting, Limits limits)
      throws IOException {
    TrainedRun trained = TrainedRun.of(run);
    FrozenClassifier classifier =
        trained.open(trained.weights(), trained.folder().classifier().options());
    PhotoService service =
        new PhotoService(
            classifier,
            new PhotoService.Options(
                Optional.of(trained),
                Optional.empty(),
                Optional.empty(),
                OptionalInt.of(ENDLESS),
                8,
                waiting,
                2,
                1,
                new ImageLimits(50_000, 10_000, limits.bodyBytes())));
    WebServer server =
        new WebServer(
            service, new WebServer.Settings("127.0.0.1", 0, token, "run", scenes(run, 3), limits));
    return new Served(classifier, service, server);
  }

  int port() {
    return server.port();
  }

  HttpRequest.Builder request(String path, String... headers) {
    HttpRequest.Builder builder = HttpRequest.newBuilder(URI.create(server.address() + path));
    return headers.length == 0 ? builder : builder.headers(headers);
  }

  HttpResponse<byte[]> get(String path, String... headers) throws Exception {
    return http.send(request(path, headers).build(), HttpResponse.BodyHandlers.ofByteArray());
  }

  HttpResponse<byte[]> post(String path, byte[] body, String... headers) throws Exception {
    return http.send(
        request(path, headers).POST(HttpRequest.BodyPublishers.ofByteArray(body)).build(),
        HttpResponse.BodyHandlers.ofByteArray());
  }

  static JsonNode json(HttpResponse<byte[]> response) throws IOException {
    return JSON.readTree(response.body());
  }

  /** The value of a counter. */
  long metric(String name) throws Exception {
    return new String(get("metrics").body(), StandardCharsets.UTF_8)
        .lines()
        .filter(line -> line.startsWith(name + " "))
        .mapToLong(line -> Long.parseLong(line.substring(name.length() + 1)))
        .findFirst()
        .orElseThrow();
  }

  /** A map's values, row by row. */
  static float[] map(JsonNode explanation) {
    List<Float> values = new ArrayList<>();
    explanation.get("map").forEach(row -> row.forEach(v -> values.add((float) v.asDouble())));
    float[] map = new float[values.size()];
    for (int i = 0; i < map.length; i++) {
      map[i] = values.get(i);
    }
    return map;
  }

  @Override
  public void close() {
    server.close();
    service.close();
    classifier.close();
  }
}
