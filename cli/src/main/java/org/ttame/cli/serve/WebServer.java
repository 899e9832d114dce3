package org.ttame.cli.serve;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.NetworkConnectionLimit;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.handler.ErrorHandler;
import org.eclipse.jetty.server.handler.GracefulHandler;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.image.InputSpec;
import org.ttame.core.provenance.BuildInfo;
import org.ttame.core.storage.InputFile;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.render.ColorMap;
import org.ttame.services.PhotoService;

/**
 * The page and the REST interface of a {@link PhotoService}. Nothing of a request is written to
 * disk.
 */
public final class WebServer implements AutoCloseable {
  private static final String PREDICT = "/v1/predict";
  private static final String EXPLAIN = "/v1/explain";
  private static final String MODEL = "/v1/model";
  private static final String HEALTH = "/healthz";
  private static final String METRICS = "/metrics";

  /** Threads that decode and draw: each may hold a photograph's pixels several times over. */
  private static final int MOST_DECODING = 4;

  private final PhotoService service;
  private final Settings settings;
  private final Access access;
  private final Metrics metrics = new Metrics();
  private final Pages pages;
  private final ExecutorService decoding;
  private final ScheduledExecutorService ticking;
  private final Api api;
  private final Server server;
  private final ServerConnector connector;

  /**
   * Where and for whom.
   *
   * @param host to listen at
   * @param port to listen at; 0 for any that is free
   * @param token that requests must carry, if any
   * @param title of the page: what is served, e.g. a run's name
   * @param examples photographs to try, JPEG files
   * @param limits what a client may ask
   */
  public record Settings(
      String host,
      int port,
      Optional<String> token,
      String title,
      List<Path> examples,
      Limits limits) {
    public Settings {
      Objects.requireNonNull(host, "host");
      Objects.requireNonNull(token, "token");
      Objects.requireNonNull(title, "title");
      Objects.requireNonNull(limits, "limits");
      examples = List.copyOf(examples);
    }
  }

  /**
   * Starts to listen.
   *
   * @param service does the work; stays the caller's
   * @throws IOException if it cannot listen there, or an example cannot be read
   * @throws IllegalArgumentException if others could reach it and there is no token
   */
  public WebServer(PhotoService service, Settings settings) throws IOException {
    this.service = service;
    this.settings = settings;
    if (settings.token().isEmpty() && !Access.isLoopback(settings.host())) {
      throw new IllegalArgumentException(needsToken(settings.host()));
    }
    access = new Access(settings.host(), settings.token());
    pages = new Pages(settings.examples());
    int cores = Runtime.getRuntime().availableProcessors();
    decoding = Executors.newFixedThreadPool(Math.min(MOST_DECODING, cores), named("ttame-decode"));
    ticking = Executors.newSingleThreadScheduledExecutor(named("ttame-tick"));
    api = new Api(service, settings.limits(), metrics, decoding, ticking);
    QueuedThreadPool threads = new QueuedThreadPool(16, 4);
    threads.setName("ttame-http");
    server = new Server(threads);
    connector = new ServerConnector(server, 1, 1, new HttpConnectionFactory(http()));
    connector.setHost(settings.host());
    connector.setPort(settings.port());
    connector.setIdleTimeout(settings.limits().idle().toMillis());
    server.addConnector(connector);
    server.addBean(new NetworkConnectionLimit(settings.limits().connections(), connector));
    server.setStopTimeout(settings.limits().drain().toMillis());
    server.setHandler(new GracefulHandler(new Router()));
    server.setErrorHandler(new SentenceErrors(metrics));
    try {
      server.start();
    } catch (Exception e) {
      close();
      if (e instanceof IOException failure) {
        throw new IOException(
            Text.format(
                "Cannot listen on %s, port %d: %s; choose another host (option 'host') or port"
                    + " (option 'port')",
                settings.host(), settings.port(), cause(failure)),
            e);
      }
      throw new IllegalStateException(e);
    }
  }

  /** Why a server that others can reach needs a token. */
  public static String needsToken(String host) {
    return Text.format(
        "%s is reachable from other machines: give a token that requests must send", host);
  }

  /**
   * Whether only this machine can reach an address.
   *
   * @throws IOException if there is no such address
   */
  public static boolean isLoopback(String host) throws IOException {
    return Access.isLoopback(host);
  }

  private static String cause(IOException failure) {
    return failure.getCause() == null ? failure.getMessage() : failure.getCause().getMessage();
  }

  private HttpConfiguration http() {
    HttpConfiguration http = new HttpConfiguration();
    http.setSendServerVersion(false);
    http.setRequestHeaderSize(settings.limits().headerBytes());
    http.setUseInputDirectByteBuffers(false);
    http.setUseOutputDirectByteBuffers(false);
    return http;
  }

  private static ThreadFactory named(String name) {
    AtomicInteger count = new AtomicInteger();
    return work -> {
      Thread thread = new Thread(work, name + "-" + count.incrementAndGet());
      thread.setDaemon(true);
      return thread;
    };
  }

  /** Where it listens, e.g. {@code http://127.0.0.1:7860/}. */
  public String address() {
    String host = settings.host().contains(":") ? "[" + settings.host() + "]" : settings.host();
    return Text.format("http://%s:%d/", host, connector.getLocalPort());
  }

  /** The port it listens at. */
  public int port() {
    return connector.getLocalPort();
  }

  /** Lets the answers that are being made go out, takes no new requests, and ends. */
  @Override
  public void close() {
    try {
      server.stop();
    } catch (Exception e) {
      // Whoever is still waiting has waited as long as the limits say.
      server.getConnectors();
    }
    decoding.shutdown();
    ticking.shutdown();
  }

  /** Waits until the server has ended. */
  public void join() throws InterruptedException {
    server.join();
    decoding.awaitTermination(1, TimeUnit.SECONDS);
  }

  /** Finds who answers. */
  private final class Router extends Handler.Abstract {
    private final Map<String, String> methods =
        Map.of(PREDICT, "POST", EXPLAIN, "POST", MODEL, "GET", HEALTH, "GET", METRICS, "GET");

    @Override
    public boolean handle(Request request, Response response, Callback callback) {
      String path = Request.getPathInContext(request);
      Optional<Pages.Asset> asset = pages.find(path);
      String route = methods.containsKey(path) ? path : asset.isPresent() ? "page" : "other";
      Exchange exchange = new Exchange(request, response, callback, metrics, route);
      Exchange.ALWAYS.forEach(exchange::header);
      try {
        access.requireSameSite(request);
        if (asset.isEmpty() && !methods.containsKey(path)) {
          throw new Problem(
              404,
              "There is nothing here; the page is at / and the interface is described at"
                  + " /openapi.json");
        }
        requireMethod(request, methods.getOrDefault(path, "GET"));
        if (asset.isPresent()) {
          exchange.send(200, asset.get().type(), asset.get().bytes());
        } else {
          answer(path, exchange);
        }
      } catch (RuntimeException e) {
        exchange.fail(e);
      }
      return true;
    }

    private void answer(String path, Exchange exchange) {
      if (!path.equals(HEALTH)) {
        access.requireToken(exchange.request());
      }
      switch (path) {
        case PREDICT -> api.predict(exchange);
        case EXPLAIN -> api.explain(exchange);
        case MODEL -> exchange.send(200, model());
        case METRICS ->
            exchange.send(
                200,
                "text/plain; version=0.0.4; charset=utf-8",
                metrics.text(service.status(), api.held()).getBytes(StandardCharsets.UTF_8));
        default -> exchange.send(200, JsonNodeFactory.instance.objectNode().put("status", "ok"));
      }
    }

    private void requireMethod(Request request, String method) {
      boolean head = method.equals("GET") && request.getMethod().equals("HEAD");
      if (!request.getMethod().equals(method) && !head) {
        throw new Problem(
            405,
            Text.format("This path takes %s", method),
            Map.of("Allow", method.equals("GET") ? "GET, HEAD" : method));
      }
    }
  }

  /** What is served, for the page and for programs. */
  private ObjectNode model() {
    FrozenClassifier classifier = service.classifier();
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("title", settings.title());
    json.put("classifier", classifier.name());
    json.put("classes", classifier.classes());
    ArrayNode labels = json.putArray("labels");
    service.labels().forEach(labels::add);
    json.put("output", classifier.spec().output().kind().optionName());
    InputSpec input = classifier.inputSpec();
    ObjectNode size = json.putObject("input");
    size.put("height", input.height());
    size.put("width", input.width());
    size.put("channels", input.channels());
    size.put("resize", input.resize().optionName());
    ArrayNode methods = json.putArray("methods");
    for (ExplanationMethod method : service.methods()) {
      methods
          .addObject()
          .put("name", method.optionName())
          .put("title", ExplanationMethod.title(method.optionName()))
          .put("long", method.takesManyPasses())
          .put("control", method.isControl());
    }
    json.put("default_method", service.defaultMethod().optionName());
    ObjectNode limits = json.putObject("limits");
    limits.put("body_bytes", settings.limits().bodyBytes());
    limits.put("pixels", service.options().limits().maxPixels());
    limits.put("batch", service.options().batchSize());
    ArrayNode examples = json.putArray("examples");
    pages.examples().forEach(examples::add);
    ArrayNode colors = json.putArray("colors");
    ColorMap.VIRIDIS.steps().forEach(color -> colors.add(Text.format("#%06x", color)));
    json.put("version", BuildInfo.current().version());
    return json;
  }

  /**
   * What the server itself refuses, such as headers that are too large, is refused as elsewhere.
   */
  private static final class SentenceErrors extends ErrorHandler {
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

  /** What is served as it is: the page, what it is made of, and photographs to try. */
  private static final class Pages {
    /** The folder of the photographs to try. */
    static final String EXAMPLES = "/examples/";

    private static final int MOST_BYTES = 4 << 20;

    private final Map<String, Asset> assets = new LinkedHashMap<>();
    private final List<String> examples = new ArrayList<>();

    /** A type and the bytes. */
    @SuppressWarnings("ArrayRecordComponent") // passed on, never compared
    record Asset(String type, byte[] bytes) {}

    /** Reads everything, with the files to try. */
    Pages(List<Path> photographs) throws IOException {
      put("/", "index.html", "text/html; charset=utf-8");
      put("/page.css", "page.css", "text/css; charset=utf-8");
      put("/page.js", "page.js", "text/javascript; charset=utf-8");
      put("/icon.svg", "icon.svg", "image/svg+xml");
      put("/openapi.json", "openapi.json", Exchange.JSON);
      for (Path photograph : photographs) {
        try (InputStream in = InputFile.open(photograph)) {
          String path = EXAMPLES + examples.size() + ".jpg";
          assets.put(path, new Asset("image/jpeg", in.readNBytes(MOST_BYTES)));
          examples.add(path);
        }
      }
    }

    private void put(String path, String resource, String type) {
      try (InputStream in = Pages.class.getResourceAsStream(resource)) {
        assets.put(path, new Asset(type, in.readAllBytes()));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    Optional<Asset> find(String path) {
      return Optional.ofNullable(assets.get(path));
    }

    /** Paths of the photographs to try. */
    List<String> examples() {
      return List.copyOf(examples);
    }
  }
}
