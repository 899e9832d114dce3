package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.cli.serve.Limits;
import org.ttame.cli.serve.WebServer;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.image.ImageLimits;
import org.ttame.services.ClassifierChoice;
import org.ttame.services.PhotoService;
import org.ttame.services.SampleInputs;
import org.ttame.services.TrainedRun;
import org.ttame.training.data.ImageList;
import org.ttame.training.run.RunFolder;

/** {@code ttame serve}. */
final class ServeCommand implements Command {
  private static final OptionSpec HOST =
      OptionSpec.of(
          "host",
          "ADDRESS",
          "127.0.0.1",
          "address to listen on; any but a loopback address needs --token");
  private static final OptionSpec PORT =
      OptionSpec.of("port", "N", "7860", "port to listen on; 0 picks a free one");
  private static final OptionSpec TOKEN =
      OptionSpec.of(
          "token",
          "T",
          "token that requests must send as 'Authorization: Bearer T'; in a --config file it stays"
              + " out of the process list");
  private static final OptionSpec QUEUE =
      OptionSpec.of(
          "queue", "N", "64", "requests that may wait; further ones are answered with 429");
  private static final OptionSpec MAX_BYTES =
      OptionSpec.of("max-bytes", "N", "33554432", "refuse photographs of more than N bytes");
  private static final OptionSpec MAX_PIXELS =
      OptionSpec.of(
          CommonOptions.MAX_PIXELS.name(),
          "N",
          "50000000",
          "refuse photographs of more than N pixels (width × height) before decoding them");

  /** Methods of many passes that may wait. */
  private static final int WAITING_LONG = 8;

  /** Photographs of the sample to try. */
  private static final int EXAMPLES = 12;

  private static final int HIGHEST_PORT = 65_535;

  @Override
  public CommandSpec spec() {
    return new CommandSpec(
        "serve",
        "serves a web page and a REST interface that explain photographs",
        null,
        List.of(
            CommonOptions.RUN,
            CommonOptions.WEIGHTS,
            HOST,
            PORT,
            TOKEN,
            MethodArguments.CHECKPOINT,
            CommonOptions.LABELS,
            MethodArguments.LAYER,
            MethodArguments.RISE_MASKS,
            QUEUE,
            MAX_BYTES,
            MAX_PIXELS),
        OptionSpec.all(
            List.of(CommonOptions.BACKBONE),
            CommonOptions.CLASSIFIER,
            List.of(CommonOptions.BATCH_SIZE),
            CommonOptions.COMPUTING_ROUNDED),
        "ttame serve --run runs/vgg16",
        List.of(
            "Ctrl-C and SIGTERM let requests in progress finish; the exit code is then 130 or 143.",
            "Without --run and --weights it serves the bundled sample in runs/sample-vgg, and"
                + " trains it first if that is missing or unfinished.",
            "Try it: curl --data-binary @dog.jpg"
                + " 'http://127.0.0.1:7860/v1/explain?class=predicted'. /openapi.json describes the"
                + " interface."));
  }

  @Override
  public Job parse(Arguments arguments) throws UsageException {
    boolean given = arguments.has(CommonOptions.RUN) || arguments.has(CommonOptions.WEIGHTS);
    Optional<ClassifierChoice> choice =
        given ? Optional.of(ClassifierArguments.parse(arguments)) : Optional.empty();
    if (!arguments.has(CommonOptions.RUN) && arguments.has(MethodArguments.CHECKPOINT)) {
      throw new UsageException("--checkpoint belongs to --run DIR");
    }
    String host = arguments.text(HOST).orElseThrow();
    int port = arguments.requiredInteger(PORT, 0);
    if (port > HIGHEST_PORT) {
      throw new UsageException(
          Text.format("--port %d is not a port number; the largest is %d", port, HIGHEST_PORT));
    }
    Optional<String> token = arguments.text(TOKEN);
    if (token.isPresent() && token.get().isBlank()) {
      throw new UsageException("--token is empty");
    }
    requireReachableOnlyWithToken(host, token);
    Limits limits = Limits.DEFAULT.withBodyBytes(arguments.requiredInteger(MAX_BYTES, 1));
    ImageLimits images = images(arguments, limits);
    Engine.Settings engine = Engine.Settings.parse(arguments);
    Serving serving =
        new Serving(
            new WebServer.Settings(host, port, token, "", List.of(), limits),
            new PhotoService.Options(
                Optional.empty(),
                arguments.path(CommonOptions.LABELS),
                arguments.text(MethodArguments.LAYER),
                MethodArguments.riseMasks(arguments),
                arguments.requiredInteger(CommonOptions.BATCH_SIZE, 1),
                arguments.requiredInteger(QUEUE, 1),
                WAITING_LONG,
                1,
                images),
            engine);
    Optional<TrainedRun> run =
        arguments.has(CommonOptions.RUN)
            ? Optional.of(MethodArguments.run(arguments))
            : Optional.empty();
    return console -> {
      if (choice.isPresent()) {
        serving.serve(choice.get(), run, List.of(), console);
      } else {
        serving.sample(ClassifierArguments.options(arguments), console);
      }
    };
  }

  private static void requireReachableOnlyWithToken(String host, Optional<String> token)
      throws UsageException {
    try {
      if (token.isEmpty() && !WebServer.isLoopback(host)) {
        throw new UsageException("--host " + WebServer.needsToken(host) + " (--token T)");
      }
    } catch (IOException e) {
      throw new UsageException(Text.format("--host %s is not an address of this machine", host));
    }
  }

  private static ImageLimits images(Arguments arguments, Limits limits) throws UsageException {
    try {
      return new ImageLimits(
          arguments.requiredInteger(MAX_PIXELS, 1),
          ImageLimits.DEFAULT.maxSide(),
          limits.bodyBytes());
    } catch (IllegalArgumentException e) {
      throw new UsageException("--max-pixels, --max-bytes: " + e.getMessage());
    }
  }

  /** Settings, but for what is served. */
  private record Serving(
      WebServer.Settings web, PhotoService.Options work, Engine.Settings engine) {

    /** Serves the bundled sample, trained first where it has not been. */
    void sample(BackboneOptions known, Console console) throws Exception {
      Path run = SampleInputs.run();
      if (!isTrained(run)) {
        console.note(
            Text.format(
                "training the bundled sample into %s first; this takes about a minute", run));
        train(run, console);
        if (!isTrained(run)) {
          return; // stopped on the way
        }
      }
      Path scenes = run.resolve(SampleInputs.FOLDER).resolve("scenes").resolve("test");
      ImageList list = ImageList.of(scenes);
      List<Path> examples =
          IntStream.range(0, Math.min(EXAMPLES, list.size()))
              .mapToObj(i -> list.path(i * (list.size() / Math.min(EXAMPLES, list.size()))))
              .toList();
      serve(
          new ClassifierChoice(Optional.empty(), Optional.of(run), known),
          Optional.of(TrainedRun.of(run)),
          examples,
          console);
    }

    private static boolean isTrained(Path run) throws IOException {
      return Files.exists(run.resolve(RunFolder.RECORD))
          && RunFolder.open(run).record().path("status").asText().equals("finished");
    }

    private void train(Path run, Console console) throws Exception {
      Map<String, String> options = new HashMap<>();
      options.put("run", run.toString());
      options.put("report", "0");
      if (Files.exists(run.resolve(RunFolder.RECORD))) {
        options.put("resume", "true");
      }
      engine.device().ifPresent(device -> options.put(CommonOptions.DEVICE.name(), device));
      engine.engine().ifPresent(name -> options.put(CommonOptions.ENGINE.name(), name));
      options.put(CommonOptions.PRECISION.name(), engine.precision().optionName());
      engine.threads().ifPresent(n -> options.put(CommonOptions.THREADS.name(), String.valueOf(n)));
      new TrainCommand().parse(new Arguments(options, List.of())).run(console);
    }

    void serve(
        ClassifierChoice choice, Optional<TrainedRun> run, List<Path> examples, Console console)
        throws Exception {
      int threads = Engine.start(engine, console).threads();
      PhotoService.Options options =
          new PhotoService.Options(
              run,
              work.labels(),
              work.layer(),
              work.riseMasks(),
              work.batchSize(),
              work.waiting(),
              work.waitingLong(),
              threads,
              work.limits());
      try (FrozenClassifier classifier = choice.load(console);
          PhotoService service = new PhotoService(classifier, options);
          WebServer server =
              new WebServer(
                  service,
                  new WebServer.Settings(
                      web.host(),
                      web.port(),
                      web.token(),
                      title(choice, classifier),
                      examples,
                      web.limits()))) {
        console.result(server.address());
        console.note("press Ctrl-C to stop");
        StopHook.during(
            server::close,
            () -> {
              server.join();
              return null;
            });
      }
    }

    private static String title(ClassifierChoice choice, FrozenClassifier classifier) {
      return choice
          .run()
          .map(run -> run.toAbsolutePath().normalize().getFileName().toString())
          .orElse(classifier.name());
    }
  }
}
