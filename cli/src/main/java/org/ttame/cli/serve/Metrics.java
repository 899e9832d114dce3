package org.ttame.cli.serve;

import java.lang.management.ManagementFactory;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import org.ttame.core.Text;
import org.ttame.services.PhotoService;

/** Counters, in the text format of Prometheus. */
final class Metrics {
  private final Map<String, Long> answers = new TreeMap<>();
  private final Map<String, Long> methods = new TreeMap<>();
  private final Map<String, Long> nanos = new TreeMap<>();
  private final Map<String, Long> timed = new TreeMap<>();
  private final AtomicLong cancelled = new AtomicLong();

  /** An answer begins. */
  synchronized void count(String route, int status, long began) {
    answers.merge(Text.format("path=\"%s\",status=\"%d\"", route, status), 1L, Long::sum);
    nanos.merge(route, System.nanoTime() - began, Long::sum);
    timed.merge(route, 1L, Long::sum);
  }

  /** A method has explained. */
  synchronized void explained(String method) {
    methods.merge(method, 1L, Long::sum);
  }

  /** Somebody has lost interest. */
  void cancelled() {
    cancelled.incrementAndGet();
  }

  /** The text, with the status of the service and the bytes of bodies that are held. */
  synchronized String text(PhotoService.Status status, long held) {
    StringBuilder text = new StringBuilder();
    head(text, "ttame_responses_total", "counter", "Responses by path and status.");
    answers.forEach((labels, n) -> line(text, "ttame_responses_total{" + labels + "}", n));
    head(text, "ttame_response_seconds", "summary", "Time from request to response.");
    nanos.forEach(
        (route, n) -> {
          String labels = Text.format("{path=\"%s\"}", route);
          text.append(Text.format("ttame_response_seconds_sum%s %.6f\n", labels, n / 1e9));
          line(text, "ttame_response_seconds_count" + labels, timed.get(route));
        });
    head(text, "ttame_explanations_total", "counter", "Maps computed, by method.");
    methods.forEach(
        (method, n) -> line(text, "ttame_explanations_total{method=\"" + method + "\"}", n));
    single(
        text,
        "ttame_cancelled_total",
        "counter",
        "Requests whose client disconnected.",
        cancelled.get());
    single(
        text,
        "ttame_batches_total",
        "counter",
        "Network passes for short requests.",
        status.batches());
    single(
        text,
        "ttame_batched_requests_total",
        "counter",
        "Short requests answered by these passes.",
        status.images());
    head(
        text,
        "ttame_passes_total",
        "counter",
        "Images passed through the network, masked ones included.");
    line(text, "ttame_passes_total{direction=\"forward\"}", status.forward());
    line(text, "ttame_passes_total{direction=\"backward\"}", status.backward());
    head(text, "ttame_waiting", "gauge", "Requests waiting.");
    line(text, "ttame_waiting{kind=\"short\"}", status.waiting());
    line(text, "ttame_waiting{kind=\"long\"}", status.waitingLong());
    single(
        text,
        "ttame_long_running",
        "gauge",
        "Whether a method of many passes is running.",
        status.busyLong() ? 1 : 0);
    single(text, "ttame_body_bytes", "gauge", "Bytes of request bodies in memory.", held);
    single(
        text,
        "jvm_threads_current",
        "gauge",
        "Threads of the process.",
        ManagementFactory.getThreadMXBean().getThreadCount());
    single(
        text,
        "jvm_memory_heap_used_bytes",
        "gauge",
        "Java heap in use.",
        ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
    return text.toString();
  }

  private static void single(StringBuilder text, String name, String type, String help, long n) {
    head(text, name, type, help);
    line(text, name, n);
  }

  private static void head(StringBuilder text, String name, String type, String help) {
    text.append("# HELP ").append(name).append(' ').append(help).append('\n');
    text.append("# TYPE ").append(name).append(' ').append(type).append('\n');
  }

  private static void line(StringBuilder text, String name, long value) {
    text.append(name).append(' ').append(value).append('\n');
  }
}
