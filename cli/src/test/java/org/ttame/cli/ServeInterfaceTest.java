package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.image.PngWriter;
import org.ttame.core.image.RgbImage;

/** The server against {@code /openapi.json}, its own description. */
class ServeInterfaceTest {
  private static final List<String> METHODS =
      List.of("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS");

  @TempDir static Path folder;
  private static Served served;
  private static JsonNode description;
  private static byte[] scene;

  @BeforeAll
  static void start() throws Exception {
    Path run = Served.train(folder);
    served = Served.of(run);
    scene = Files.readAllBytes(Served.scenes(run, 1).get(0));
    description = Served.json(served.get("openapi.json"));
  }

  @AfterAll
  static void stop() {
    if (served != null) {
      served.close();
    }
  }

  @Test
  void everyPathAnswersAsDescribed() throws Exception {
    assertThat(names(description.get("paths")))
        .containsExactlyInAnyOrder(
            "/v1/explain", "/v1/predict", "/v1/model", "/healthz", "/metrics");
    for (String path : names(description.get("paths"))) {
      for (String method : names(description.at("/paths").get(path))) {
        check(path, method, ask(path, method, scene), 200);
      }
      for (String method : METHODS) {
        if (!description.at("/paths").get(path).has(method.toLowerCase(Locale.ROOT))) {
          assertThat(ask(path, method, scene).statusCode()).as(method + path).isEqualTo(405);
        }
      }
    }
    for (String type : names(description.at("/paths/~1v1~1explain/post/responses/200/content"))) {
      HttpResponse<byte[]> answer = served.post("v1/explain", scene, "Accept", type);
      assertThat(answer.headers().firstValue("Content-Type")).hasValue(type);
    }
  }

  @Test
  void refusalsAreDescribedToo() throws Exception {
    byte[] large = PngWriter.encode(RgbImage.wrap(300, 300, new byte[270_000]));
    check("/v1/explain", "post", served.post("v1/explain?class=-1", scene), 400);
    check("/v1/explain", "post", served.post("v1/explain", scene, "Accept", "text/html"), 406);
    check("/v1/explain", "post", served.post("v1/explain", new byte[40]), 415);
    check("/v1/predict", "post", served.post("v1/predict?top=many", scene), 400);
    check("/v1/predict", "post", served.post("v1/predict", large), 413);
    check("/v1/predict", "post", served.post("v1/predict", scene, "X", "a".repeat(9000)), 431);
    check("/v1/model", "get", served.get("v1/model", "Origin", "http://evil.example"), 403);
    check("/healthz", "get", served.get("healthz", "Sec-Fetch-Site", "cross-site"), 403);
  }

  /** The parameters that are described are those that there are. */
  @Test
  void everyParameterIsTaken() throws Exception {
    for (String path : List.of("/v1/explain", "/v1/predict")) {
      for (JsonNode parameter : description.at("/paths").get(path).at("/post/parameters")) {
        JsonNode schema = parameter.get("schema");
        String name = parameter.get("name").asText();
        String value = schema.has("default") ? schema.get("default").asText() : "gradcam";
        HttpResponse<byte[]> answer =
            served.post(path.substring(1) + "?" + name + "=" + value, scene);
        assertThat(answer.statusCode()).as(path + " " + name).isEqualTo(200);
      }
    }
  }

  private static HttpResponse<byte[]> ask(String path, String method, byte[] body)
      throws Exception {
    String upper = method.toUpperCase(Locale.ROOT);
    HttpRequest.BodyPublisher publisher =
        upper.equals("GET")
            ? HttpRequest.BodyPublishers.noBody()
            : HttpRequest.BodyPublishers.ofByteArray(body);
    return HttpClient.newHttpClient()
        .send(
            served.request(path.substring(1)).method(upper, publisher).build(),
            HttpResponse.BodyHandlers.ofByteArray());
  }

  private static void check(String path, String method, HttpResponse<byte[]> answer, int expected)
      throws IOException {
    String place = path + " " + answer.statusCode();
    assertThat(answer.statusCode()).as(path).isEqualTo(expected);
    JsonNode response =
        description.at("/paths").get(path).get(method).get("responses").get("" + expected);
    assertThat(response).as(place + " is described").isNotNull();
    String type = answer.headers().firstValue("Content-Type").orElseThrow().split(";", -1)[0];
    assertThat(names(response.get("content"))).as(place).contains(type);
    if (type.equals("application/json")) {
      valid(Served.json(answer), response.at("/content/application~1json/schema"), place);
    }
  }

  /** As much of JSON schema as the description uses. */
  private static void valid(JsonNode value, JsonNode given, String place) {
    JsonNode schema =
        given.has("$ref") ? description.at(given.get("$ref").asText().substring(1)) : given;
    switch (schema.path("type").asText()) {
      case "object" -> {
        assertThat(value.isObject()).as(place).isTrue();
        List<String> required = new ArrayList<>();
        schema.get("required").forEach(name -> required.add(name.asText()));
        // Nothing is left out, and nothing is there that is not described.
        assertThat(names(value)).as(place).containsExactlyInAnyOrderElementsOf(required);
        assertThat(names(schema.get("properties"))).as(place).hasSameElementsAs(required);
        names(value)
            .forEach(
                name ->
                    valid(value.get(name), schema.get("properties").get(name), place + "." + name));
      }
      case "array" -> {
        assertThat(value.isArray()).as(place).isTrue();
        assertThat(value.size()).as(place).isGreaterThanOrEqualTo(schema.path("minItems").asInt());
        value.forEach(item -> valid(item, schema.get("items"), place + "[]"));
      }
      case "string" -> {
        assertThat(value.isTextual()).as(place).isTrue();
        assertThat(value.asText().length())
            .as(place)
            .isGreaterThanOrEqualTo(schema.path("minLength").asInt());
      }
      case "integer" -> assertThat(value.isIntegralNumber()).as(place).isTrue();
      case "number" -> assertThat(value.isNumber()).as(place).isTrue();
      case "boolean" -> assertThat(value.isBoolean()).as(place).isTrue();
      default -> throw new AssertionError(place + ": a schema without a type: " + schema);
    }
    if (value.isNumber()) {
      assertThat(value.asDouble())
          .as(place)
          .isBetween(
              schema.path("minimum").asDouble(Double.NEGATIVE_INFINITY),
              schema.path("maximum").asDouble(Double.POSITIVE_INFINITY));
    }
  }

  private static List<String> names(JsonNode object) {
    List<String> names = new ArrayList<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }
}
