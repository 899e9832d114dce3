package org.ttame.cli.serve;

import java.util.Locale;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.handler.ErrorHandler;
import org.eclipse.jetty.util.Callback;

/** What the server itself refuses, such as headers that are too large, is refused as elsewhere. */
final class SentenceErrors extends ErrorHandler {
  private final Metrics metrics;

  SentenceErrors(Metrics metrics) {
    this.metrics = metrics;
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) {
    Exchange exchange = new Exchange(request, response, callback, metrics, "other");
    Exchange.ALWAYS.forEach(exchange::header);
    int status = response.getStatus();
    exchange.send(status, Exchange.error(new Problem(status, sentence(status))));
    return true;
  }

  private static String sentence(int status) {
    return switch (status) {
      case 414, 431 -> "The headers or the address of this request are too long";
      case 503 -> "The server is shutting down; try again later";
      default ->
          "This request cannot be answered: "
              + HttpStatus.getMessage(status).toLowerCase(Locale.ROOT);
    };
  }
}
