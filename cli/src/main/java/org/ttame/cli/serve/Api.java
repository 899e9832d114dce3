package org.ttame.cli.serve;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.util.Fields;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;
import org.ttame.core.image.CropPlan;
import org.ttame.core.image.PngWriter;
import org.ttame.core.npz.Npy;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.explain.PassListener;
import org.ttame.eval.explain.SaliencyMaps;
import org.ttame.eval.render.ColorMap;
import org.ttame.eval.render.HeatmapOverlay;
import org.ttame.services.PhotoAnswer;
import org.ttame.services.PhotoExplanation;
import org.ttame.services.PhotoInput;
import org.ttame.services.PhotoService;

/**
 * {@code POST /v1/predict} and {@code POST /v1/explain}: a photograph in, its classes or a map out.
 */
final class Api {
  private static final String NAME = "the photograph";
  private static final int TOP = 5;
  private static final long TICK_MILLIS = 500;

  private final PhotoService service;
  private final Limits limits;
  private final Metrics metrics;
  private final Executor decoding;
  private final ScheduledExecutorService ticking;
  private final AtomicLong held = new AtomicLong();

  /**
   * The work of the two; photographs are decoded and answers drawn on {@code decoding}, streams
   * kept going by {@code ticking}.
   */
  Api(
      PhotoService service,
      Limits limits,
      Metrics metrics,
      Executor decoding,
      ScheduledExecutorService ticking) {
    this.service = service;
    this.limits = limits;
    this.metrics = metrics;
    this.decoding = decoding;
    this.ticking = ticking;
  }

  /** Bytes of photographs that are there now. */
  long held() {
    return held.get();
  }

  void predict(Exchange exchange) {
    Fields query = query(exchange.request(), List.of("top"));
    Format.of(exchange.request().getHeaders(), List.of(Format.JSON));
    int top = (int) number(query, "top", TOP, 1, 1_000_000);
    body(exchange)
        .thenAccept(body -> predict(exchange, top, body))
        .exceptionally(failure -> failed(exchange, failure));
  }

  private void predict(Exchange exchange, int top, byte[] body) {
    var unused =
        read(body)
            .thenCompose(service::predict)
            .whenCompleteAsync(
                (answer, failure) -> {
                  held.addAndGet(-body.length);
                  answer(exchange, failure, () -> exchange.send(200, json(answer, top)));
                },
                decoding);
  }

  /** What is asked of an explanation; without a class index that of the most probable class. */
  private record Wanted(
      OptionalInt classIndex, ExplanationMethod method, Format format, HeatmapOverlay overlay) {}

  private Wanted wanted(Request request) {
    Fields query = query(request, List.of("class", "method", "opacity", "colormap"));
    Format format =
        Format.of(
            request.getHeaders(), List.of(Format.JSON, Format.PNG, Format.NPY, Format.EVENTS));
    // A plus that nobody escaped stands for a space, and no method's name has one.
    String method = value(query, "method", service.defaultMethod().optionName()).replace(' ', '+');
    ExplanationMethod chosen = ExplanationMethod.parse(method);
    if (!service.methods().contains(chosen)) {
      throw new Problem(
          400,
          Text.format(
              "%s does not explain this classifier; /v1/model lists the methods that do", method));
    }
    return new Wanted(
        service.classOf(value(query, "class", "predicted")),
        chosen,
        format,
        new HeatmapOverlay(
            ColorMap.parse(value(query, "colormap", "viridis")),
            number(query, "opacity", HeatmapOverlay.DEFAULT_OPACITY, 0, 1)));
  }

  void explain(Exchange exchange) {
    Wanted wanted = wanted(exchange.request());
    body(exchange)
        .thenAccept(body -> explain(exchange, wanted, body))
        .exceptionally(failure -> failed(exchange, failure));
  }

  private void explain(Exchange exchange, Wanted wanted, byte[] body) {
    AtomicReference<CropPlan> crop = new AtomicReference<>();
    // The client may go before its work is there: it is cancelled as soon as it is.
    CompletableFuture<Void> gone = new CompletableFuture<>();
    exchange.request().addFailureListener(failure -> gone.complete(null));
    EventStream events =
        wanted.format() == Format.EVENTS
            ? new EventStream(exchange, () -> gone.complete(null))
            : null;
    ScheduledFuture<?> ticks =
        events == null
            ? null
            : ticking.scheduleAtFixedRate(
                events::tick, TICK_MILLIS, TICK_MILLIS, TimeUnit.MILLISECONDS);
    var unused =
        read(body)
            .thenCompose(
                photo -> {
                  crop.set(photo.crop());
                  CompletableFuture<PhotoAnswer> work =
                      service.explain(
                          photo,
                          wanted.classIndex(),
                          wanted.method(),
                          events == null ? PassListener.NONE : events);
                  var unusedEnd = gone.thenRun(() -> cancel(work));
                  return work;
                })
            .thenApplyAsync(
                answer -> new Drawn(answer, draw(wanted, answer, crop.get(), body)), decoding)
            .whenComplete(
                (drawn, failure) -> {
                  held.addAndGet(-body.length);
                  if (ticks != null) {
                    ticks.cancel(false);
                  }
                  if (failure == null) {
                    metrics.explained(wanted.method().optionName());
                  }
                  if (events == null) {
                    answer(exchange, failure, () -> send(exchange, wanted, drawn));
                  } else if (failure != null) {
                    events.end("error", Exchange.error(Problem.of(failure)));
                  } else {
                    events.end("result", drawn.json());
                  }
                });
  }

  private void cancel(CompletableFuture<PhotoAnswer> work) {
    if (work.cancel(false)) {
      metrics.cancelled();
    }
  }

  /** An answer, and its form: {@code json}, or the bytes of a file. */
  private record Drawn(PhotoAnswer answer, Object form) {
    ObjectNode json() {
      return (ObjectNode) form;
    }

    byte[] file() {
      return (byte[]) form;
    }
  }

  private void send(Exchange exchange, Wanted wanted, Drawn drawn) {
    if (wanted.format() == Format.JSON) {
      exchange.send(200, drawn.json());
      return;
    }
    PhotoAnswer.Explained map = drawn.answer().map().orElseThrow();
    exchange.header("TTAME-Class", String.valueOf(map.classIndex()));
    exchange.header(
        "TTAME-Probability", String.valueOf(drawn.answer().probabilities().get(map.classIndex())));
    exchange.header("TTAME-Method", map.method());
    exchange.header("TTAME-Passes", Text.format("%.0f", map.passes()));
    exchange.header("TTAME-Milliseconds", Text.format("%.1f", map.milliseconds()));
    exchange.send(200, wanted.format().type(), drawn.file());
  }

  private Object draw(Wanted wanted, PhotoAnswer answer, CropPlan crop, byte[] body) {
    PhotoAnswer.Explained map = answer.map().orElseThrow();
    return switch (wanted.format()) {
      case PNG -> png(wanted, answer, map, crop, body);
      case NPY -> npy(map.maps());
      default -> json(answer, map, crop);
    };
  }

  private byte[] png(
      Wanted wanted, PhotoAnswer answer, PhotoAnswer.Explained map, CropPlan crop, byte[] body) {
    try {
      return PngWriter.encode(
          new PhotoExplanation(
                  service.photograph(body, NAME),
                  crop,
                  map.maps(),
                  map.method(),
                  map.classIndex(),
                  service.label(map.classIndex()),
                  answer.probabilities().get(map.classIndex()))
              .overlay(wanted.overlay()));
    } catch (java.io.IOException e) {
      throw Problem.of(e);
    }
  }

  private static byte[] npy(SaliencyMaps maps) {
    try (INDArray map = Nd4j.create(maps.map(0), new long[] {maps.height(), maps.width()}, 'c')) {
      return Npy.encode(map);
    }
  }

  private ObjectNode json(PhotoAnswer answer, PhotoAnswer.Explained map, CropPlan crop) {
    ObjectNode json = named(answer, map.classIndex());
    json.put("method", map.method());
    json.put("passes", map.passes());
    json.put("backward_passes", map.backwardPasses());
    json.put("milliseconds", map.milliseconds());
    json.put("height", map.maps().height());
    json.put("width", map.maps().width());
    json.set("photograph", photograph(crop));
    ArrayNode rows = json.putArray("map");
    float[] values = map.maps().map(0);
    for (int y = 0; y < map.maps().height(); y++) {
      ArrayNode row = rows.addArray();
      for (int x = 0; x < map.maps().width(); x++) {
        row.add(values[y * map.maps().width() + x]);
      }
    }
    return json;
  }

  /** The photograph's size, and the part of it that the map covers, in its own pixels. */
  private static ObjectNode photograph(CropPlan crop) {
    double across = (double) crop.sourceWidth() / crop.resizedWidth();
    double down = (double) crop.sourceHeight() / crop.resizedHeight();
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("height", crop.sourceHeight());
    json.put("width", crop.sourceWidth());
    ObjectNode seen = json.putObject("seen");
    seen.put("left", crop.left() * across);
    seen.put("top", crop.top() * down);
    seen.put("width", crop.width() * across);
    seen.put("height", crop.height() * down);
    return json;
  }

  private ObjectNode json(PhotoAnswer answer, int top) {
    ObjectNode json = named(answer, answer.predicted());
    json.put("milliseconds", answer.milliseconds());
    ArrayNode classes = json.putArray("top");
    answer.top(top).forEach(k -> classes.add(named(answer, k)));
    return json;
  }

  private ObjectNode named(PhotoAnswer answer, int classIndex) {
    return JsonNodeFactory.instance
        .objectNode()
        .put("class", classIndex)
        .put("label", service.label(classIndex))
        .put("probability", answer.probabilities().get(classIndex));
  }

  private CompletableFuture<PhotoInput> read(byte[] body) {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return service.read(body, NAME);
          } catch (java.io.IOException e) {
            throw Problem.of(e);
          }
        },
        decoding);
  }

  /** The body; its bytes are held until they are taken off. */
  private CompletableFuture<byte[]> body(Exchange exchange) {
    Request request = exchange.request();
    requireImage(request);
    return BodyReader.read(exchange, limits, held)
        .thenApply(
            body -> {
              // From here on the client may have to wait.
              request.addIdleTimeoutListener(idle -> false);
              if (body.length == 0) {
                throw new Problem(400, "The body is empty; send the bytes of an image file");
              }
              return body;
            });
  }

  private static void requireImage(Request request) {
    String type = request.getHeaders().get(HttpHeader.CONTENT_TYPE);
    String bare = type == null ? "" : type.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
    // curl --data-binary calls whatever it sends a form.
    boolean fits =
        bare.isEmpty()
            || bare.startsWith("image/")
            || List.of("application/octet-stream", "application/x-www-form-urlencoded")
                .contains(bare);
    if (!fits || request.getHeaders().contains(HttpHeader.CONTENT_ENCODING)) {
      throw new Problem(
          415,
          Text.format(
              "A body of type %s is not accepted; send the bytes of an image file, unchanged, as"
                  + " image/jpeg or application/octet-stream",
              fits ? request.getHeaders().get(HttpHeader.CONTENT_ENCODING) : bare));
    }
  }

  private static Fields query(Request request, List<String> known) {
    Fields query = Request.extractQueryParameters(request);
    for (Fields.Field field : query) {
      if (!known.contains(field.getName())) {
        throw new Problem(
            400,
            Text.format(
                "There is no parameter %s; there are %s",
                field.getName(), String.join(", ", known)));
      }
      if (field.getValues().size() > 1) {
        throw new Problem(400, Text.format("%s is given twice", field.getName()));
      }
    }
    return query;
  }

  private static String value(Fields query, String name, String otherwise) {
    String value = query.getValue(name);
    return value == null ? otherwise : value;
  }

  private static double number(
      Fields query, String name, double otherwise, double least, double most) {
    String text = query.getValue(name);
    if (text == null) {
      return otherwise;
    }
    try {
      double number = Double.parseDouble(text);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Said below, in one place.
    }
    throw new Problem(
        400, Text.format("%s must be a number from %s to %s", name, shown(least), shown(most)));
  }

  private static String shown(double number) {
    return Optional.of(number)
        .filter(n -> n == Math.rint(n))
        .map(n -> Text.format("%.0f", n))
        .orElse(String.valueOf(number));
  }

  private static void answer(Exchange exchange, Throwable failure, Runnable send) {
    if (failure != null) {
      exchange.fail(failure);
      return;
    }
    try {
      send.run();
    } catch (RuntimeException e) {
      exchange.fail(e);
    }
  }

  private static Void failed(Exchange exchange, Throwable failure) {
    exchange.fail(failure);
    return null;
  }
}
