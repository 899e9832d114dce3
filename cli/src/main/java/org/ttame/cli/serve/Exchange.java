package org.ttame.cli.serve;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/** One request and the one answer that it gets. */
final class Exchange {
  static final String JSON = "application/json";
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final byte[] NOTHING = new byte[0];

  /** How long a body is still taken after its answer. */
  private static final Duration MOST_DISCARDING = Duration.ofSeconds(30);

  private final Request request;
  private final Response response;
  private final Callback callback;
  private final Metrics metrics;
  private final String route;
  private final AtomicBoolean answered = new AtomicBoolean();
  private volatile boolean asked;
  private volatile long sent;

  /** An exchange; {@code route} is what metrics call what was asked for. */
  Exchange(Request request, Response response, Callback callback, Metrics metrics, String route) {
    this.request = request;
    this.response = response;
    this.callback = callback;
    this.metrics = metrics;
    this.route = route;
  }

  Request request() {
    return request;
  }

  /** Whoever waits for a word before the body, {@code Expect: 100-continue}, gets it now. */
  void askForBody() {
    asked = true;
  }

  /** Adds a header of the answer. */
  void header(String name, String value) {
    response.getHeaders().put(name, value);
  }

  /** Answers; an exchange that has been answered already stays as it is. */
  void send(int status, String type, byte[] body) {
    if (begin(status, type)) {
      response.getHeaders().put(HttpHeader.CONTENT_LENGTH, body.length);
      boolean head = request.getMethod().equals("HEAD");
      sent = System.nanoTime();
      write(true, head ? NOTHING : body, Callback.from(this::discard, callback::failed));
    }
  }

  /**
   * Takes what the client still sends, and drops it: closing the connection before would reset it,
   * and the answer could be lost on its way. A client that waits for a word before it sends gets
   * the answer in its place and sends nothing.
   */
  private void discard() {
    boolean waits = request.getHeaders().contains(HttpHeader.EXPECT) && !asked;
    while (!waits && System.nanoTime() - sent < MOST_DISCARDING.toNanos()) {
      Content.Chunk chunk = request.read();
      if (chunk == null) {
        request.demand(this::discard);
        return;
      }
      chunk.release();
      if (chunk.isLast() || Content.Chunk.isFailure(chunk)) {
        break;
      }
    }
    callback.succeeded();
  }

  void send(int status, JsonNode body) {
    send(status, JSON, text(body).getBytes(StandardCharsets.UTF_8));
  }

  /** Answers with what went wrong. */
  void fail(Throwable failure) {
    Problem problem = Problem.of(failure);
    if (!answered.get()) {
      problem.headers().forEach(this::header);
    }
    send(problem.status(), error(problem));
  }

  /**
   * Begins an answer that comes in parts, which {@link #write} sends; false if one was given
   * before.
   */
  boolean begin(int status, String type) {
    if (!answered.compareAndSet(false, true)) {
      return false;
    }
    response.setStatus(status);
    response.getHeaders().put(HttpHeader.CONTENT_TYPE, type);
    metrics.count(route, status, request.getBeginNanoTime());
    return true;
  }

  void write(boolean last, byte[] part, Callback written) {
    response.write(last, ByteBuffer.wrap(part), written);
  }

  /** The end of an answer in parts. */
  Callback callback() {
    return callback;
  }

  static JsonNode error(Problem problem) {
    return JsonNodeFactory.instance.objectNode().put("error", problem.getMessage());
  }

  static String text(JsonNode json) {
    try {
      return MAPPER.writeValueAsString(json);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Headers that every answer has. */
  static final Map<String, String> ALWAYS =
      Map.of(
          "Content-Security-Policy",
          "default-src 'self'; img-src 'self' blob:; object-src 'none'; base-uri 'none';"
              + " form-action 'none'; frame-ancestors 'none'",
          "X-Content-Type-Options",
          "nosniff",
          "Referrer-Policy",
          "no-referrer",
          "Cross-Origin-Resource-Policy",
          "same-origin",
          "Cross-Origin-Opener-Policy",
          "same-origin",
          "Cache-Control",
          "no-store");
}
