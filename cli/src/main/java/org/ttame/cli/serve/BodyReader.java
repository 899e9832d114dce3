package org.ttame.cli.serve;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Request;
import org.ttame.core.Text;

/**
 * Takes a request's body as it comes, without a thread that waits for it, within {@link Limits}.
 */
final class BodyReader implements Runnable {
  private final Request request;
  private final Limits limits;
  private final AtomicLong held;
  private final CompletableFuture<byte[]> body = new CompletableFuture<>();
  private final ByteArrayOutputStream taken = new ByteArrayOutputStream();
  private final long began = System.nanoTime();

  private BodyReader(Request request, Limits limits, AtomicLong held) {
    this.request = request;
    this.limits = limits;
    this.held = held;
  }

  /**
   * Reads the body, or fails with a {@link Problem}. {@code held} counts the bytes of all bodies;
   * those of this one are added, and stay where it comes whole.
   */
  static CompletableFuture<byte[]> read(Exchange exchange, Limits limits, AtomicLong held) {
    BodyReader reader = new BodyReader(exchange.request(), limits, held);
    if (exchange.request().getLength() > limits.bodyBytes()) {
      reader.fail(reader.tooLarge());
    } else {
      exchange.askForBody();
      reader.run();
    }
    return reader.body;
  }

  @Override
  public void run() {
    while (true) {
      Content.Chunk chunk = request.read();
      if (chunk == null) {
        request.demand(this);
        return;
      }
      if (Content.Chunk.isFailure(chunk)) {
        fail(problem(chunk.getFailure()));
        return;
      }
      boolean last = chunk.isLast();
      Problem problem = take(chunk);
      chunk.release();
      if (problem != null) {
        fail(problem);
        return;
      }
      if (last) {
        body.complete(taken.toByteArray());
        return;
      }
    }
  }

  private Problem take(Content.Chunk chunk) {
    byte[] bytes = new byte[chunk.remaining()];
    chunk.getByteBuffer().get(bytes);
    if (taken.size() + (long) bytes.length > limits.bodyBytes()) {
      return tooLarge();
    }
    taken.writeBytes(bytes);
    if (held.addAndGet(bytes.length) > limits.heldBytes()) {
      return new Problem(
          429, "Too many uploads at the same time; try again later", Map.of("Retry-After", "1"));
    }
    return Duration.ofNanos(System.nanoTime() - began).compareTo(limits.bodyTime()) > 0
        ? tooSlow()
        : null;
  }

  private void fail(Problem problem) {
    held.addAndGet(-taken.size());
    body.completeExceptionally(problem);
  }

  private Problem problem(Throwable failure) {
    if (failure instanceof TimeoutException) {
      return tooSlow();
    }
    return new Problem(
        400,
        failure instanceof EOFException
            ? "The body ended early; send it again"
            : "The body could not be read; send it again");
  }

  private static Problem tooSlow() {
    return new Problem(408, "The body arrived too slowly; send it again", closing());
  }

  private Problem tooLarge() {
    return new Problem(
        413,
        Text.format(
            "the photograph is larger than the limit of %d bytes; send a smaller file",
            limits.bodyBytes()),
        closing());
  }

  /** What is left of the body is not waited for. */
  private static Map<String, String> closing() {
    return Map.of(HttpHeader.CONNECTION.asString(), "close");
  }
}
