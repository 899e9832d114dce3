package org.ttame.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;
import org.ttame.core.engine.ComputingThreads;
import org.ttame.core.engine.EngineChoice;
import org.ttame.core.engine.NativeBinary;
import org.ttame.core.engine.Precision;

/**
 * ND4J, started with the native build that fits the processor, the number of threads asked for, and
 * without JavaCPP's limits.
 */
record Engine(NativeBinary binary, String backend, int threads) {
  private static final Path CPUINFO = Path.of("/proc/cpuinfo");

  /**
   * What the command line says about the engine.
   *
   * @param device {@code cpu} or {@code cuda}; empty for what this build was made for
   * @param engine how networks run; empty for the best there is
   * @param precision what convolutions and products are computed in
   * @param threads computing threads; empty for as many as physical cores
   */
  record Settings(
      Optional<String> device,
      Optional<String> engine,
      Precision precision,
      Optional<Integer> threads) {
    static Settings parse(Arguments arguments) throws UsageException {
      Optional<String> device = Optional.empty();
      if (arguments.has(CommonOptions.DEVICE)) {
        device = Optional.of(arguments.oneOf(CommonOptions.DEVICE, "cpu", "cuda"));
      }
      Optional<String> engine = Optional.empty();
      if (arguments.has(CommonOptions.ENGINE)) {
        engine = Optional.of(arguments.oneOf(CommonOptions.ENGINE, "auto", "nd4j", "samediff"));
      }
      Optional<Integer> threads = arguments.integer(CommonOptions.THREADS, 1);
      if (threads.isPresent() && threads.get() > ComputingThreads.most()) {
        throw new UsageException(
            Text.format(
                "--threads %d is more than the %d allowed here; one per core is best",
                threads.get(), ComputingThreads.most()));
      }
      return new Settings(device, engine, ClassifierArguments.precision(arguments), threads);
    }
  }

  /**
   * Loads ND4J. Call it from the thread that will compute: the number of OpenMP threads belongs to
   * the calling thread.
   *
   * @throws WorkFailedException if this build cannot compute on the device asked for
   */
  static Engine start(Settings settings, Console console) throws WorkFailedException {
    boolean cudaBuild = Engine.class.getResource("/nd4j-jcublas.properties") != null;
    requireDevice(settings.device(), cudaBuild);
    // JavaCPP would count native memory against -Xmx, and past it collect garbage and sleep.
    setUnlessGiven("org.bytedeco.javacpp.maxbytes", "0");
    setUnlessGiven("org.bytedeco.javacpp.maxphysicalbytes", "0");
    // What it has to say goes where the others' goes; logback.xml leaves out what is known.
    setUnlessGiven("org.bytedeco.javacpp.logger", "slf4j");
    settings.engine().ifPresent(engine -> System.setProperty(EngineChoice.PROPERTY, engine));
    if (!console.isVerbose()) {
      setUnlessGiven("org.nd4j.log.initialization", "false");
    }
    if (cudaBuild) {
      requireGpu(Nd4j::getBackend);
    }
    NativeBinary binary = load();
    if (binary.slow()) {
      console.warn(
          Text.format(
              "the slow native build is in use: %s. Convolutions take two to eight times longer.",
              binary.reason()));
    }
    requirePrecision(settings.precision(), console);
    int threads = settings.threads().orElseGet(Engine::physicalCores);
    ComputingThreads.use(threads);
    String backend = Nd4j.getEnvironment().isCPU() ? "CPU" : "CUDA";
    return new Engine(binary, backend, threads);
  }

  /** A jar holds the native libraries of one platform; elsewhere the JVM does not find its own. */
  private static NativeBinary load() throws WorkFailedException {
    try {
      return NativeBinary.select().loaded();
    } catch (UnsatisfiedLinkError e) {
      String platform = NativeBinary.platform();
      throw new WorkFailedException(
          Text.format(
              "the native libraries for %s cannot be loaded (%s); a jar made for another platform"
                  + " lacks them: build one with 'mvn -ntp -q -DskipTests -P%s"
                  + " -Djavacpp.platform=%s package'",
              platform,
              // What follows is the path of system libraries, where nothing of ours is.
              e.getMessage().replaceAll(" in java\\.library\\.path.*", ""),
              platform,
              platform));
    }
  }

  private static void requirePrecision(Precision precision, Console console)
      throws WorkFailedException {
    try {
      precision.requireSupport();
    } catch (UnsupportedOperationException e) {
      throw new WorkFailedException("--precision bfloat16: " + e.getMessage());
    }
    if (precision == Precision.BFLOAT16) {
      Precision.Hardware.here()
          .warning()
          .ifPresent(warning -> console.warn("--precision bfloat16: " + warning));
    }
  }

  /** The native build in words: which and why. */
  String describeBinary() {
    return Text.format("%s (%s)", binary.displayName(), binary.reason());
  }

  /** A build has one backend: ND4J allows only one on the class path. */
  static void requireDevice(Optional<String> device, boolean cudaBuild) throws WorkFailedException {
    if (device.isEmpty() || device.get().equals("cuda") == cudaBuild) {
      return;
    }
    throw new WorkFailedException(
        cudaBuild
            ? "--device cpu: this build computes on NVIDIA GPUs only; build without -Pcuda"
            : "--device cuda: this build computes on the processor only; build with 'mvn -ntp -q"
                + " -Pcuda -DskipTests package' for NVIDIA, or leave --device out");
  }

  /**
   * Starts ND4J on a GPU. Where it cannot, it prints the reason with its stack and throws another
   * one, which says nothing: the first line of what it printed goes into the message.
   */
  static void requireGpu(Runnable start) throws WorkFailedException {
    PrintStream err = System.err;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    try (PrintStream kept = new PrintStream(printed, true, StandardCharsets.UTF_8)) {
      System.setErr(kept);
      start.run();
    } catch (RuntimeException | LinkageError e) {
      Throwable cause = e;
      while (cause.getCause() != null) {
        cause = cause.getCause();
      }
      String thrown = Failures.sentence(cause);
      throw new WorkFailedException(
          Text.format(
              "this build computes on NVIDIA GPUs only, and none can be used here (%s): install a"
                  + " device and its driver, or take a build for the processor, made without"
                  + " -Pcuda",
              printed.toString(StandardCharsets.UTF_8).lines().findFirst().orElse(thrown)));
    } finally {
      System.setErr(err);
    }
  }

  private static void setUnlessGiven(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }

  /** Physical cores that this process may use: hyperthreads gain nothing in dense arithmetic. */
  static int physicalCores() {
    int available = Runtime.getRuntime().availableProcessors();
    try {
      return Files.isReadable(CPUINFO)
          ? Math.min(available, physicalCores(Files.readAllLines(CPUINFO), available))
          : available;
    } catch (IOException e) {
      return available;
    }
  }

  /** Counts distinct cores in the text of {@code /proc/cpuinfo}, if it numbers them. */
  static int physicalCores(List<String> cpuinfo, int otherwise) {
    Set<String> cores = new HashSet<>();
    String chip = "";
    for (String line : cpuinfo) {
      String lower = line.toLowerCase(Locale.ROOT);
      if (lower.startsWith("physical id")) {
        chip = lower;
      } else if (lower.startsWith("core id")) {
        cores.add(chip + lower);
      }
    }
    return cores.isEmpty() ? otherwise : cores.size();
  }
}
