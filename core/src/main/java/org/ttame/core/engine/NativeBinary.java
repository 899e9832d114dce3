package org.ttame.core.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.ttame.core.Text;

/**
 * The ND4J native library that fits this processor.
 *
 * <p>ND4J ships the same kernels in several builds; the plain one has no oneDNN and convolves four
 * to eight times slower. JavaCPP takes the first build it finds on the class path, which on a
 * machine without AVX-512 may be one that dies of an illegal instruction. {@link #select()}
 * therefore tells JavaCPP which to take. It must be called before the first ND4J class is loaded.
 *
 * @param extension the JavaCPP platform extension, e.g. {@code -onednn-avx2}; empty for the plain
 *     build
 * @param reason why this build was chosen, a phrase
 * @param slow whether a faster build exists that this processor cannot run (or was not found)
 */
public record NativeBinary(String extension, String reason, boolean slow) {
  /** Overrides the choice: {@code -Dttame.native=onednn-avx512|onednn-avx2|plain}. */
  public static final String OVERRIDE = "ttame.native";

  private static final String JAVACPP_EXTENSION = "org.bytedeco.javacpp.platform.extension";
  private static final String NATIVE_OPS = "native.ops";
  private static final Path CPUINFO = Path.of("/proc/cpuinfo");

  /** The subsets of AVX-512 that the {@code -onednn-avx512} build was compiled for. */
  private static final Set<String> AVX512 =
      Set.of("avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl");

  /**
   * Chooses the build and tells JavaCPP; tells ND4J to give closed arrays' memory back at once
   * ({@link PromptNativeOps}), where its backend is the processor; and has the C library return it
   * to the system ({@link GlibcHeap}). Properties that are set already stay.
   *
   * @return the choice
   */
  public static NativeBinary select() {
    NativeBinary choice = choose(System.getProperty(OVERRIDE), processorFlags());
    if (System.getProperty(JAVACPP_EXTENSION) == null) {
      System.setProperty(JAVACPP_EXTENSION, choice.extension());
    }
    if (System.getProperty(NATIVE_OPS) == null && onlyProcessor()) {
      // By name: this class must not load ND4J.
      System.setProperty(NATIVE_OPS, NativeBinary.class.getPackageName() + ".PromptNativeOps");
    }
    GlibcHeap.keepLargeArraysApart();
    return choice;
  }

  private static boolean onlyProcessor() {
    ClassLoader loader = NativeBinary.class.getClassLoader();
    return loader.getResource("nd4j-native.properties") != null
        && loader.getResource("nd4j-jcublas.properties") == null;
  }

  /**
   * The rule behind {@link #select()}.
   *
   * @param override the user's wish, or null
   * @param flags the processor's feature flags as Linux names them; empty where unknown
   * @return the choice
   * @throws IllegalArgumentException if the wish names no build
   */
  static NativeBinary choose(String override, Set<String> flags) {
    if (override != null && !override.isBlank()) {
      return switch (override.toLowerCase(Locale.ROOT)) {
        case "onednn-avx512" -> new NativeBinary("-onednn-avx512", "asked for", false);
        case "onednn-avx2" -> new NativeBinary("-onednn-avx2", "asked for", false);
        case "plain" -> new NativeBinary("", "asked for", true);
        default ->
            throw new IllegalArgumentException(
                Text.format(
                    "-D%s=%s names no native build; use onednn-avx512, onednn-avx2 or plain",
                    OVERRIDE, override));
      };
    }
    if (flags.containsAll(AVX512)) {
      return new NativeBinary("-onednn-avx512", "the processor has AVX-512", false);
    }
    if (flags.contains("avx2") && flags.contains("fma")) {
      return new NativeBinary("-onednn-avx2", "the processor has AVX2 and no AVX-512", false);
    }
    String why =
        flags.isEmpty()
            ? "the processor's features could not be read"
            : "the processor has neither AVX2 nor AVX-512";
    return new NativeBinary("", why, true);
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
