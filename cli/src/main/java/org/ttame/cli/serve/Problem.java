package org.ttame.cli.serve;

import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.ttame.core.classifier.NonFiniteException;
import org.ttame.core.image.ImageException;

/** A request that gets no answer but a status and a sentence. */
final class Problem extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final Logger LOG = LoggerFactory.getLogger(Problem.class);

  private final int status;
  private final transient Map<String, String> headers;

  Problem(int status, String sentence) {
    this(status, sentence, Map.of());
  }

  /**
   * A problem: a status of HTTP, a sentence for whoever asked, and the headers that belong to the
   * status.
   */
  Problem(int status, String sentence, Map<String, String> headers) {
    super(sentence, null, false, false);
    this.status = status;
    this.headers = headers;
  }

  int status() {
    return status;
  }

  Map<String, String> headers() {
    return headers;
  }

  /** What went wrong, in HTTP's terms. */
  static Problem of(Throwable failure) {
    if (failure instanceof CompletionException && failure.getCause() != null) {
      return of(failure.getCause());
    }
    if (failure instanceof Problem problem) {
      return problem;
    }
    if (failure instanceof ImageException image) {
      return new Problem(status(image.kind()), image.getMessage());
    }
    if (failure instanceof RejectedExecutionException) {
      return new Problem(429, failure.getMessage(), Map.of("Retry-After", "1"));
    }
    if (failure instanceof CancellationException) {
      return new Problem(503, "The work was stopped before it finished; try again");
    }
    if (failure instanceof IllegalArgumentException) {
      return new Problem(400, failure.getMessage());
    }
    if (failure instanceof NonFiniteException) {
      return new Problem(500, failure.getMessage());
    }
    LOG.warn("A request failed", failure);
    return failure instanceof OutOfMemoryError
        ? new Problem(
            503, "The server does not have enough memory for this image; send a smaller one")
        : new Problem(500, "The server failed; its log says why");
  }

  private static int status(ImageException.Kind kind) {
    return switch (kind) {
      case TOO_LARGE -> 413;
      case NOT_AN_IMAGE, UNSUPPORTED -> 415;
      default -> 400;
    };
  }
}
