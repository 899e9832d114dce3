package org.ttame.cli.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.nio.charset.StandardCharsets;
import org.eclipse.jetty.util.Callback;
import org.ttame.eval.explain.PassListener;

/**
 * Server-sent events of one request: {@code progress} while passes are made, then {@code result} or
 * {@code error}. Something is sent at every tick, so that a client that has gone away is noticed.
 */
final class EventStream implements PassListener {
  private static final String STILL_THERE = ": still at work\n\n";

  private final Exchange exchange;
  private final Runnable gone;
  private long done;
  private long total;
  private long told;
  private boolean writing;
  private boolean ended;
  private String last;

  /** Begins; {@code gone} is called when the client has gone away. */
  EventStream(Exchange exchange, Runnable gone) {
    this.exchange = exchange;
    this.gone = gone;
    exchange.begin(200, Format.EVENTS.type());
    tick();
  }

  /** Remembers how far it is; waits for nobody. */
  @Override
  public synchronized void passed(long passes, long of) {
    done = passes;
    total = of;
  }

  /** Tells how far it is, and whether the stream continues. */
  synchronized boolean tick() {
    if (ended) {
      return false;
    }
    if (!writing && last == null) {
      String text = STILL_THERE;
      if (done != told) {
        told = done;
        text =
            event(
                "progress",
                JsonNodeFactory.instance.objectNode().put("done", done).put("total", total));
      }
      write(text, false);
    }
    return true;
  }

  /** Sends the last event. */
  synchronized void end(String name, JsonNode data) {
    last = event(name, data);
    if (!writing && !ended) {
      write(last, true);
    }
  }

  private static String event(String name, JsonNode data) {
    return "event: " + name + "\ndata: " + Exchange.text(data) + "\n\n";
  }

  private void write(String text, boolean isLast) {
    writing = true;
    ended = isLast;
    exchange.write(
        isLast,
        text.getBytes(StandardCharsets.UTF_8),
        isLast ? exchange.callback() : Callback.from(this::written, this::failed));
  }

  private synchronized void written() {
    writing = false;
    if (last != null && !ended) {
      write(last, true);
    }
  }

  private void failed(Throwable failure) {
    synchronized (this) {
      ended = true;
    }
    gone.run();
    exchange.callback().failed(failure);
  }
}
