package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.cli.serve.Limits;
import org.ttame.cli.serve.WebServer;
import org.ttame.core.image.ImageReader;
import org.ttame.core.image.PngWriter;
import org.ttame.core.image.RgbImage;
import org.ttame.core.npz.Npy;
import org.ttame.services.PhotoExplainer;

/** The REST interface of {@code ttame serve}, on loopback. */
class ServeTest {
  /** Of one photograph alone and in a batch of eight: sums of other orders. */
  private static final float ROUNDING = 1e-5f;

  @TempDir static Path folder;
  private static Path run;
  private static Served served;
  private static byte[] scene;

  @BeforeAll
  static void start() throws Exception {
    run = Served.train(folder);
    served = Served.of(run);
    scene = Files.readAllBytes(Served.scenes(run, 1).get(0));
  }

  @AfterAll
  static void stop() {
    if (served != null) {
      served.close();
    }
  }

  @Test
  void answersAsTheCommandsDo() throws Exception {
    Path list = folder.resolve("list.txt");
    List<Path> scenes = Served.scenes(run, 3);
    Files.write(list, scenes.stream().map(Path::toString).toList());
    for (String method : List.of("ttame", "gradcam++", "scorecam", "iia")) {
      Path out = folder.resolve("maps-" + method);
      Ttame.ok(
          "explain",
          "--run",
          run.toString(),
          "--images",
          list.toString(),
          "--method",
          method,
          "--out",
          out.toString(),
          "--threads",
          "1");
      for (Path file : scenes) {
        byte[] photograph = Files.readAllBytes(file);
        String name = file.getFileName().toString().replace(".jpg", "");
        JsonNode command;
        INDArray expected;
        try (var files = Files.walk(out)) {
          List<Path> written = files.filter(f -> f.toString().contains(name + ".")).toList();
          command = Served.JSON.readTree(ending(written, ".json").toFile());
          expected = Npy.read(ending(written, ".npy"));
        }
        HttpResponse<byte[]> response =
            served.post("v1/explain?method=" + method.replace("+", "%2B"), photograph);
        assertThat(response.statusCode()).as("%s", text(response)).isEqualTo(200);
        JsonNode said = Served.json(response);
        for (String field : List.of("class", "label", "method", "passes", "backward_passes")) {
          assertThat(said.get(field)).as(field).isEqualTo(command.get(field));
        }
        assertThat(said.get("probability").asDouble())
            .isCloseTo(command.get("probability").asDouble(), within((double) ROUNDING));
        assertThat(said.get("height").asLong()).isEqualTo(expected.size(0));
        assertThat(said.get("width").asLong()).isEqualTo(expected.size(1));
        assertThat(said.get("milliseconds").asDouble()).isPositive();
        assertThat(Served.map(said))
            .containsExactly(expected.dup('c').data().asFloat(), within(ROUNDING));
      }
    }
  }

  private static Path ending(List<Path> files, String ending) {
    return files.stream().filter(f -> f.toString().endsWith(ending)).findFirst().orElseThrow();
  }

  @Test
  void theMapComesAsAcceptAsks() throws Exception {
    JsonNode json = Served.json(served.post("v1/explain?class=sandal", scene));
    assertThat(json.get("label").asText()).isEqualTo("sandal");
    HttpResponse<byte[]> npy =
        served.post("v1/explain?class=name:sandal", scene, "Accept", "application/x-npy");
    assertThat(npy.headers().firstValue("Content-Type")).hasValue("application/x-npy");
    assertThat(npy.headers().firstValue("TTAME-Class")).hasValue(json.get("class").asText());
    try (INDArray map =
        Npy.read(new ByteArrayInputStream(npy.body()), npy.body().length, "answer")) {
      assertThat(map.shape())
          .containsExactly(json.get("height").asLong(), json.get("width").asLong());
      assertThat(map.data().asFloat()).containsExactly(Served.map(json), within(ROUNDING));
    }
    HttpResponse<byte[]> png =
        served.post("v1/explain", scene, "Accept", "text/html;q=0.9, image/png;q=0.8, */*;q=0.1");
    assertThat(png.headers().firstValue("Content-Type")).hasValue("image/png");
    Path file = folder.resolve("photograph.jpg");
    Files.write(file, scene);
    try (PhotoExplainer explainer = PhotoExplainer.ofRun(run)) {
      RgbImage expected = explainer.explain(file).overlay();
      assertThat(new ImageReader().decode(png.body(), "answer").samples())
          .isEqualTo(expected.samples());
    }
    RgbImage bare =
        new ImageReader()
            .decode(
                served.post("v1/explain?opacity=0", scene, "Accept", "image/*").body(), "answer");
    assertThat(bare.samples()).isEqualTo(new ImageReader().decode(scene, "scene").samples());
    String events =
        text(served.post("v1/explain?method=scorecam", scene, "Accept", "text/event-stream"));
    assertThat(events).contains("event: result\ndata: {\"class\":");
    assertThat(served.post("v1/explain", scene, "Accept", "text/html").statusCode()).isEqualTo(406);
    assertThat(served.post("v1/predict", scene, "Accept", "image/png").statusCode()).isEqualTo(406);
  }

  @Test
  void predictionsAreOrdered() throws Exception {
    JsonNode said = Served.json(served.post("v1/predict?top=99", scene));
    double[] probabilities = new double[10];
    assertThat(said.get("top")).hasSize(10);
    for (int i = 0; i < probabilities.length; i++) {
      probabilities[i] = said.get("top").get(i).get("probability").asDouble();
      assertThat(i == 0 || probabilities[i] <= probabilities[i - 1]).isTrue();
    }
    assertThat(Arrays.stream(probabilities).sum()).isCloseTo(1, within(1e-9));
    assertThat(said.get("class")).isEqualTo(said.get("top").get(0).get("class"));
    assertThat(Served.json(served.post("v1/predict", scene)).get("top")).hasSize(5);
  }

  @Test
  void whatCannotBeAnsweredIsSaidInASentence() throws Exception {
    byte[] damaged = Arrays.copyOf(scene, scene.length / 2);
    byte[] large = PngWriter.encode(RgbImage.wrap(300, 300, new byte[270_000]));
    refused(400, "10 is not a class", served.post("v1/explain?class=10", scene));
    refused(
        400,
        "neither an index from 0 to 9 nor the name of a class",
        served.post("v1/explain?class=cat", scene));
    refused(400, "magic is not a method", served.post("v1/explain?method=magic", scene));
    refused(400, "does not explain", served.post("v1/explain?method=lcam", scene));
    refused(400, "does not explain", served.post("v1/explain?method=transformer-lrp", scene));
    refused(400, "opacity must be a number", served.post("v1/explain?opacity=2", scene));
    refused(400, "not a colour map", served.post("v1/explain?colormap=pink", scene));
    refused(400, "no parameter klass", served.post("v1/explain?klass=1", scene));
    refused(400, "given twice", served.post("v1/explain?class=1&class=2", scene));
    refused(400, "top must be a number", served.post("v1/predict?top=0", scene));
    refused(400, "empty", served.post("v1/predict", new byte[0]));
    refused(400, "the photograph", served.post("v1/predict", damaged));
    refused(413, "more than the limit of 50000", served.post("v1/predict", large));
    refused(415, "not an image", served.post("v1/predict", "hello".getBytes(UTF)));
    refused(
        415,
        "type application/json",
        served.post("v1/predict", scene, "Content-Type", "application/json"));
    refused(415, "type gzip", served.post("v1/predict", scene, "Content-Encoding", "gzip"));
    refused(404, "nothing here", served.get("v2/predict"));
    refused(400, "cannot be answered", served.get("page.js/../../etc/passwd"));
    refused(405, "takes POST", served.get("v1/explain"));
    refused(405, "takes GET", served.post("v1/model", scene));
    assertThat(served.get("v1/explain").headers().firstValue("Allow")).hasValue("POST");
  }

  private static final java.nio.charset.Charset UTF = StandardCharsets.UTF_8;

  private static void refused(int status, String part, HttpResponse<byte[]> response)
      throws Exception {
    assertThat(response.statusCode()).as("%s", text(response)).isEqualTo(status);
    assertThat(response.headers().firstValue("Content-Type")).hasValue("application/json");
    JsonNode body = Served.json(response);
    assertThat(body).hasSize(1);
    assertThat(body.get("error").asText()).contains(part).doesNotContain("\n", "Exception");
  }

  @Test
  void boundsHoldBeforeAnythingIsDone() throws Exception {
    try (Served small = Served.of(run, Optional.empty(), 64, Limits.DEFAULT.withBodyBytes(1000))) {
      refused(413, "1000 bytes", small.post("v1/predict", new byte[1001]));
      // Of a body whose length nobody says.
      HttpRequest unknown =
          small
              .request("v1/predict")
              .POST(
                  HttpRequest.BodyPublishers.ofInputStream(
                      () -> new ByteArrayInputStream(new byte[100_000])))
              .build();
      assertThat(
              HttpClient.newHttpClient()
                  .send(unknown, HttpResponse.BodyHandlers.ofByteArray())
                  .statusCode())
          .isEqualTo(413);
      assertThat(small.metric("ttame_body_bytes")).isZero();
    }
    refused(431, "too long", served.get("healthz", "X-Long", "a".repeat(9000)));
    assertThat(raw("GET /%ff%00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
        .startsWith("HTTP/1.1 400");
    assertThat(raw("NONSENSE\r\n\r\n")).startsWith("HTTP/1.1 400");
  }

  /** What comes back on a connection of one's own. */
  private static String raw(String request) throws Exception {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), served.port())) {
      socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
    }
  }

  /** A client that hears nothing before it has sent everything still gets its answer. */
  @Test
  void anAnswerReachesWhoSendsOnToTheEnd() throws Exception {
    byte[] part = new byte[1 << 16];
    int parts = 640; // 40 MiB: beyond the limit, and more than both ends of a connection hold
    for (String head :
        List.of(
            "413 POST /v1/predict HTTP/1.1\r\n",
            "413 POST /v1/explain HTTP/1.1\r\nContent-Type: image/png\r\n",
            "400 POST /v1/explain?class=cat HTTP/1.1\r\n",
            "415 POST /v1/predict HTTP/1.1\r\nContent-Type: text/plain\r\n",
            "404 POST /nowhere HTTP/1.1\r\n",
            "405 POST /v1/model HTTP/1.1\r\n",
            "403 POST /v1/predict HTTP/1.1\r\nOrigin: null\r\n")) {
      for (boolean chunked : new boolean[] {false, true}) {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), served.port())) {
          OutputStream out = socket.getOutputStream();
          String length =
              chunked ? "Transfer-Encoding: chunked" : "Content-Length: " + parts * part.length;
          String lines = head.substring(4) + "Host: localhost\r\n" + length + "\r\n\r\n";
          out.write(lines.getBytes(StandardCharsets.ISO_8859_1));
          for (int i = 0; i < parts; i++) {
            out.write(chunked ? "10000\r\n".getBytes(UTF) : new byte[0]);
            out.write(part);
            out.write(chunked ? "\r\n".getBytes(UTF) : new byte[0]);
          }
          out.write(chunked ? "0\r\n\r\n".getBytes(UTF) : new byte[0]);
          // The connection is in order, unless the answer said that it closes.
          out.write(
              "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                  .getBytes(UTF));
          String said = new String(socket.getInputStream().readAllBytes(), UTF);
          assertThat(said).startsWith("HTTP/1.1 " + head.substring(0, 3)).contains("{\"error\":");
          assertThat(said).contains(head.startsWith("413") ? "Connection: close" : "\"ok\"");
        }
      }
    }
    assertThat(served.metric("ttame_body_bytes")).isZero();
  }

  /** Who asks before sending hears the refusal, not that it may go on. */
  @Test
  void aRefusedBodyIsNotAskedFor() throws Exception {
    String ask = "Expect: 100-continue\r\nConnection: close\r\nContent-Length: ";
    String predict = "POST /v1/predict HTTP/1.1\r\nHost: localhost\r\n" + ask;
    assertThat(raw(predict + "60000000\r\n\r\n"))
        .startsWith("HTTP/1.1 413")
        .doesNotContain("100 Continue");
    assertThat(raw("POST /nowhere HTTP/1.1\r\nHost: localhost\r\n" + ask + "9\r\n\r\n"))
        .startsWith("HTTP/1.1 404")
        .doesNotContain("100 Continue");
    assertThat(raw(predict + "5\r\n\r\nhello")).startsWith("HTTP/1.1 415").contains("not an image");
  }

  @Test
  void otherSitesGetNothing() throws Exception {
    assertThat(served.get("v1/model", "Origin", "http://evil.example").statusCode()).isEqualTo(403);
    assertThat(served.get("v1/model", "Origin", "null").statusCode()).isEqualTo(403);
    assertThat(served.get("v1/model", "Sec-Fetch-Site", "cross-site").statusCode()).isEqualTo(403);
    String own = "http://127.0.0.1:" + served.port();
    assertThat(served.get("v1/model", "Origin", own).statusCode()).isEqualTo(200);
    // A name that was rebound to this machine.
    assertThat(raw("GET /v1/model HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"))
        .startsWith("HTTP/1.1 403");
    assertThat(raw("GET /v1/model HTTP/1.1\r\nHost: localhost:1\r\nConnection: close\r\n\r\n"))
        .startsWith("HTTP/1.1 200");
    HttpResponse<byte[]> preflight =
        HttpClient.newHttpClient()
            .send(
                served
                    .request("v1/explain", "Origin", own)
                    .method("OPTIONS", HttpRequest.BodyPublishers.noBody())
                    .build(),
                HttpResponse.BodyHandlers.ofByteArray());
    assertThat(preflight.statusCode()).isEqualTo(405);
    assertThat(preflight.headers().map().keySet())
        .noneMatch(name -> name.toLowerCase(java.util.Locale.ROOT).startsWith("access-control"));
  }

  @Test
  void thePageAllowsNothingButItself() throws Exception {
    HttpResponse<byte[]> page = served.get("");
    assertThat(page.headers().firstValue("Content-Security-Policy").orElseThrow())
        .contains("default-src 'self'");
    assertThat(text(page))
        .doesNotContain("http:", "https:", " style=", "onclick")
        .doesNotContainPattern("<script[^>]*>[^<]");
    assertThat(text(served.get("page.js"))).doesNotContain("innerHTML", "http:", "https:");
    assertThat(text(served.get("page.css"))).doesNotContain("url(", "@import");
    JsonNode model = Served.json(served.get("v1/model"));
    assertThat(model.get("default_method").asText()).isEqualTo("ttame");
    assertThat(model.get("examples")).hasSize(3);
    HttpResponse<byte[]> example = served.get(model.get("examples").get(0).asText().substring(1));
    assertThat(example.body()).isEqualTo(scene);
  }

  @Test
  void theTokenOpensWhatItGuards() throws Exception {
    try (Served guarded = Served.of(run, Optional.of("open sesame"), 64, Limits.DEFAULT)) {
      for (String path : List.of("v1/model", "metrics")) {
        refused(401, "Bearer TOKEN", guarded.get(path));
        refused(401, "Bearer TOKEN", guarded.get(path, "Authorization", "Bearer open"));
        refused(401, "Bearer TOKEN", guarded.get(path, "Authorization", "Basic open sesame"));
        assertThat(guarded.get(path, "Authorization", "Bearer open sesame").statusCode())
            .isEqualTo(200);
      }
      refused(401, "Bearer TOKEN", guarded.post("v1/predict", scene));
      assertThat(guarded.get("v1/model").headers().firstValue("WWW-Authenticate"))
          .hasValue("Bearer realm=\"ttame\"");
      assertThat(
              guarded.post("v1/predict", scene, "authorization", "bearer open sesame").statusCode())
          .isEqualTo(200);
      assertThat(guarded.get("healthz").statusCode()).isEqualTo(200);
      assertThat(guarded.get("").statusCode()).isEqualTo(200);
    }
  }

  @Test
  void othersMayNotReachItWithoutAToken() {
    Ttame.Result refused = Ttame.run("serve", "--run", run.toString(), "--host", "0.0.0.0");
    assertThat(refused.code()).isEqualTo(2);
    assertThat(refused.err()).contains("0.0.0.0 is reachable from other machines", "--token");
    assertThatThrownBy(
            () ->
                new WebServer(
                    served.service,
                    new WebServer.Settings(
                        "0.0.0.0", 0, Optional.empty(), "x", List.of(), Limits.DEFAULT)))
        .hasMessageContaining("give a token");
    Ttame.Result taken =
        Ttame.run("serve", "--run", run.toString(), "--threads", "1", "--port", "" + served.port());
    assertThat(taken.code()).isEqualTo(1);
    assertThat(taken.err()).contains("Cannot listen on 127.0.0.1", "(--port)");
  }

  @Test
  void closingAStreamEndsItsWorkAndShortRequestsDoNotWaitForIt() throws Exception {
    long cancelled = served.metric("ttame_cancelled_total");
    HttpClient client = HttpClient.newHttpClient();
    HttpResponse<InputStream> stream =
        client.send(
            served
                .request("v1/explain?method=rise", "Accept", "text/event-stream")
                .POST(HttpRequest.BodyPublishers.ofByteArray(scene))
                .build(),
            HttpResponse.BodyHandlers.ofInputStream());
    StringBuilder events = new StringBuilder();
    Pattern progress =
        Pattern.compile("event: progress\ndata: \\{\"done\":(\\d+),\"total\":1000000}");
    while (!progress.matcher(events).find()) {
      events.append((char) stream.body().read());
    }
    assertThat(served.post("v1/predict", scene).statusCode()).isEqualTo(200);
    JsonNode between = Served.json(served.post("v1/explain?method=gradcam", scene));
    assertThat(between.get("passes").asDouble()).isEqualTo(1);
    assertThat(served.service.status().busyLong()).isTrue();
    // Two more may wait, a third may not.
    List<java.util.concurrent.CompletableFuture<HttpResponse<InputStream>>> waiting =
        java.util.stream.IntStream.range(0, 2)
            .mapToObj(
                i ->
                    client.sendAsync(
                        served
                            .request("v1/explain?method=rise", "Accept", "text/event-stream")
                            .POST(HttpRequest.BodyPublishers.ofByteArray(scene))
                            .build(),
                        HttpResponse.BodyHandlers.ofInputStream()))
            .toList();
    while (served.service.status().waitingLong() < 2) {
      Thread.sleep(5);
    }
    HttpResponse<byte[]> full = served.post("v1/explain?method=rise", scene);
    refused(429, "2 explanations of many passes are waiting already", full);
    assertThat(full.headers().firstValue("Retry-After")).isPresent();
    stream.body().close();
    for (var other : waiting) {
      other.get().body().close();
    }
    while (served.service.status().busyLong() || served.service.status().waitingLong() > 0) {
      Thread.sleep(5);
    }
    while (served.metric("ttame_cancelled_total") < cancelled + 3) {
      Thread.sleep(5);
    }
    assertThat(served.metric("ttame_body_bytes")).isZero();
  }

  @Test
  void metricsAreInPrometheusFormat() throws Exception {
    served.post("v1/predict", scene);
    HttpResponse<byte[]> response = served.get("metrics");
    assertThat(response.headers().firstValue("Content-Type").orElseThrow())
        .startsWith("text/plain; version=0.0.4");
    assertThat(text(response))
        .contains("ttame_responses_total{path=\"/v1/predict\",status=\"200\"}")
        .contains("# TYPE ttame_passes_total counter");
    assertThat(text(response).lines())
        .allMatch(
            line ->
                line.matches(
                    "# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\\{([a-z]+=\"[^\"]*\",?)+})? -?[0-9.]+"));
    assertThat(served.metric("ttame_batched_requests_total")).isPositive();
  }

  private static String text(HttpResponse<byte[]> response) {
    return new String(response.body(), StandardCharsets.UTF_8);
  }
}
