package org.ttame.core.engine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.bytedeco.javacpp.Loader;
import org.nd4j.linalg.cpu.nativecpu.bindings.Nd4jCpu;
import org.ttame.core.Text;

/**
 * The ND4J native library that fits this processor.
 *
 * <p>ND4J ships the same kernels in several builds; the plain one has no oneDNN and convolves four
 * to eight times slower. JavaCPP takes the first build it finds on the class path, which on a
 * machine without AVX-512 may be one that dies of an illegal instruction. {@link #select()}
 * therefore tells JavaCPP which to take. It must be called before the first ND4J class is loaded.
 *
 * <p>What is chosen is what the class path holds; what ND4J then took, {@link #loaded()} says.
 *
 * @param extension the JavaCPP platform extension, e.g. {@code -onednn-avx2}; empty for the plain
 *     build
 * @param reason why this build was chosen, a phrase
 * @param slow whether a faster one exists: that this processor cannot run, or that the class path
 *     does not hold
 */
public record NativeBinary(String extension, String reason, boolean slow) {
  /** Overrides the choice: {@code -Dttame.native=onednn-avx512|onednn-avx2|plain}. */
  public static final String OVERRIDE = "ttame.native";

  private static final String JAVACPP_EXTENSION = "org.bytedeco.javacpp.platform.extension";

  private static final String JAVACPP_CACHE = "org.bytedeco.javacpp.cachedir";

  /** Remembers that the extension was set here, not by the user. */
  private static final String CHOSEN = "ttame.native.chosen";

  private static final String NATIVE_OPS = "native.ops";
  private static final String ONEDNN_AVX512 = "-onednn-avx512";
  private static final String ONEDNN_AVX2 = "-onednn-avx2";
  private static final Path CPUINFO = Path.of("/proc/cpuinfo");

  /** The subsets of AVX-512 that the {@code -onednn-avx512} build was compiled for. */
  private static final Set<String> AVX512 =
      Set.of("avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl");

  private static final String BINDINGS = "org/nd4j/linalg/cpu/nativecpu/bindings/";
  private static final String ONEDNN = "org/bytedeco/dnnl/";

  /**
   * Chooses the build and tells JavaCPP; tells ND4J to give closed arrays' memory back at once
   * ({@link PromptNativeOps}), where its backend is the processor; has the C library return it to
   * the system ({@link GlibcHeap}), and OpenMP's threads wait without keeping others off their core
   * ({@link WaitingThreads}). Properties and variables that are set already stay.
   *
   * @return the choice
   * @throws IllegalArgumentException if {@value #OVERRIDE} names no build or one that the class
   *     path does not hold, or {@code OMP_NUM_THREADS} is no number of threads from 1 to {@link
   *     ComputingThreads#most()}
   * @throws UncheckedIOException if there is no folder to unpack native libraries into
   */
  public static NativeBinary select() {
    ComputingThreads.checkVariable(System.getenv(ComputingThreads.VARIABLE));
    ClassLoader loader = NativeBinary.class.getClassLoader();
    NativeBinary choice = select(loader, System.getProperty(OVERRIDE), processorFlags());
    if (System.getProperty(NATIVE_OPS) == null && onlyProcessor(loader)) {
      // By name: this class must not load ND4J.
      System.setProperty(NATIVE_OPS, NativeBinary.class.getPackageName() + ".PromptNativeOps");
    }
    requireFolder();
    GlibcHeap.keepLargeArraysApart();
    WaitingThreads.shareCores();
    return choice;
  }

  /** JavaCPP and JNA would say it too, with stack traces. */
  private static void requireFolder() {
    try {
      Loader.getCacheDir();
    } catch (IOException e) {
      throw new UncheckedIOException(
          new IOException(
              Text.format(
                  "native libraries cannot be unpacked: no folder can be made in '%s' or '%s'; name"
                      + " one that can be written by java -D%s=DIR",
                  System.getProperty("user.home"),
                  System.getProperty("java.io.tmpdir"),
                  JAVACPP_CACHE),
              e));
    }
  }

  private static NativeBinary select(ClassLoader loader, String override, Set<String> flags) {
    String given = System.getProperty(JAVACPP_EXTENSION);
    if (given != null && !given.equals(System.getProperty(CHOSEN))) {
      return new NativeBinary(
          given, Text.format("-D%s says so", JAVACPP_EXTENSION), given.isEmpty());
    }
    NativeBinary choice =
        onlyProcessor(loader)
            ? choose(override, flags, path -> loader.getResource(path) != null)
            : choose(override, flags, path -> true);
    System.setProperty(JAVACPP_EXTENSION, choice.extension());
    System.setProperty(CHOSEN, choice.extension());
    return choice;
  }

  private static boolean onlyProcessor(ClassLoader loader) {
    return loader.getResource("nd4j-native.properties") != null
        && loader.getResource("nd4j-jcublas.properties") == null;
  }

  /**
   * The rule behind {@link #select()}: of the builds that the processor can run the fastest that is
   * there.
   *
   * @param override the user's wish, or null
   * @param flags the processor's feature flags as Linux names them; empty where unknown
   * @param present whether the class path holds a resource
   * @return the choice
   * @throws IllegalArgumentException if the wish names no build, or one that is not there
   */
  static NativeBinary choose(String override, Set<String> flags, Predicate<String> present) {
    if (override != null && !override.isBlank()) {
      String extension = extension(override.toLowerCase(Locale.ROOT));
      if (!present.test(library(extension))) {
        throw new IllegalArgumentException(
            Text.format(
                "-D%s=%s names a build that the class path lacks; add %s",
                OVERRIDE, override, artifact(extension)));
      }
      return withOneDnn(new NativeBinary(extension, "asked for", extension.isEmpty()), present);
    }
    List<String> runnable = new ArrayList<>();
    if (flags.containsAll(AVX512)) {
      runnable.add(ONEDNN_AVX512);
    }
    if (flags.contains("avx2") && flags.contains("fma")) {
      runnable.add(ONEDNN_AVX2);
    }
    runnable.add("");
    String wanted = runnable.get(0);
    String why =
        switch (wanted) {
          case ONEDNN_AVX512 -> "the processor has AVX-512";
          case ONEDNN_AVX2 -> "the processor has AVX2 and no AVX-512";
          default ->
              flags.isEmpty()
                  ? "the processor's features could not be read"
                  : "the processor has neither AVX2 nor AVX-512";
        };
    Optional<String> found =
        runnable.stream().filter(extension -> present.test(library(extension))).findFirst();
    if (found.isEmpty()) {
      return new NativeBinary(
          "", "the class path lacks all of ND4J's builds; add " + artifact(wanted), true);
    }
    if (!found.get().equals(wanted)) {
      why += ", but the class path lacks its build; add " + artifact(wanted);
    }
    return withOneDnn(new NativeBinary(found.get(), why, found.get().isEmpty()), present);
  }

  private static String extension(String name) {
    return switch (name) {
      case "onednn-avx512", "onednn-avx2" -> "-" + name;
      case "plain" -> "";
      default ->
          throw new IllegalArgumentException(
              Text.format(
                  "-D%s=%s names no native build; use onednn-avx512, onednn-avx2 or plain",
                  OVERRIDE, name));
    };
  }

  /** Convolutions through ND4J alone take up to twice as long, whatever its build. */
  private static NativeBinary withOneDnn(NativeBinary choice, Predicate<String> present) {
    return choice.slow || present.test(ONEDNN + platform() + "/" + jni("dnnl"))
        ? choice
        : new NativeBinary(
            choice.extension,
            Text.format(
                "%s, but the class path lacks oneDNN itself; add org.bytedeco:dnnl, classifier %s",
                choice.reason, platform()),
            true);
  }

  private static String library(String extension) {
    return BINDINGS + platform() + extension + "/" + jni("nd4jcpu");
  }

  private static String artifact(String extension) {
    return Text.format("org.nd4j:nd4j-native, classifier %s%s", platform(), extension);
  }

  private static String jni(String name) {
    return System.mapLibraryName("jni" + name);
  }

  /** JavaCPP's name of the platform, as {@code linux-x86_64}, without starting JavaCPP. */
  public static String platform() {
    return System.getProperty("org.bytedeco.javacpp.platform", Loader.Detector.getPlatform());
  }

  /**
   * The build that ND4J has loaded, which it does now if it has not; this choice where they are the
   * same.
   */
  public NativeBinary loaded() {
    if (!onlyProcessor(NativeBinary.class.getClassLoader())) {
      return this;
    }
    String path = Loader.load(Nd4jCpu.class).replace('\\', '/');
    String folder = path.substring(0, path.lastIndexOf('/'));
    String name = folder.substring(folder.lastIndexOf('/') + 1);
    String actual = name.startsWith(platform()) ? name.substring(platform().length()) : extension;
    return actual.equals(extension)
        ? this
        : new NativeBinary(
            actual,
            Text.format(
                "ND4J had loaded it or found no other; chosen was %s, as %s",
                displayName(), reason),
            actual.isEmpty());
  }

  /** How threads that have done their part wait for the others, a phrase. */
  public static String waiting() {
    return WaitingThreads.describe();
  }

  /** A name for people: {@code onednn-avx2}, or {@code plain}. */
  public String displayName() {
    return extension.isEmpty() ? "plain" : extension.substring(1);
  }

  private static Set<String> processorFlags() {
    if (!Files.isReadable(CPUINFO)) {
      return Set.of();
    }
    try (var lines = Files.lines(CPUINFO)) {
      return lines
          .filter(line -> line.startsWith("flags"))
          .findFirst()
          .map(line -> line.substring(line.indexOf(':') + 1).trim().split("\\s+"))
          .map(words -> Arrays.stream(words).collect(Collectors.toUnmodifiableSet()))
          .orElse(Set.of());
    } catch (IOException e) {
      return Set.of();
    }
  }
}
