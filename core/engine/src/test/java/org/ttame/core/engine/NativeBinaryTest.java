package org.ttame.core.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.sun.jna.Platform;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.bytedeco.javacpp.Loader;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;

class NativeBinaryTest {
  private static final Set<String> AVX512 =
      Set.of("avx2", "fma", "avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl");

  @Test
  void takesTheWidestVectorsTheProcessorHas() {
    assertThat(choose(null, AVX512).displayName()).isEqualTo("onednn-avx512");
    assertThat(choose(null, Set.of("avx2", "fma", "avx512f")).displayName())
        .isEqualTo("onednn-avx2");
    assertThat(choose(null, Set.of("sse2")))
        .isEqualTo(new NativeBinary("", "the processor has neither AVX2 nor AVX-512", true));
    assertThat(choose(null, Set.of()).slow()).isTrue();
    assertThat(choose(null, AVX512))
        .isEqualTo(new NativeBinary("-onednn-avx512", "the processor has AVX-512", false));
  }

  @Test
  void theUserHasTheLastWord() {
    assertThat(choose("plain", AVX512).extension()).isEmpty();
    assertThatThrownBy(() -> choose("sse9", AVX512))
        .hasMessageContaining("sse9")
        .hasMessageContaining("onednn-avx2");
  }

  /** What a build leaves out that depends on {@code nd4j-native} with one classifier, or none. */
  @Test
  void takesWhatTheClassPathHolds() {
    NativeBinary wider = choose(null, AVX512, "-onednn-avx512/");
    assertThat(wider.displayName()).isEqualTo("onednn-avx2");
    assertThat(wider.reason()).contains("AVX-512", "lacks", "-onednn-avx512");
    assertThat(wider.slow()).isFalse();

    NativeBinary plain = choose(null, AVX512, "-onednn-");
    assertThat(plain.displayName()).isEqualTo("plain");
    assertThat(plain.reason()).contains("lacks", "-onednn-avx512");
    assertThat(plain.slow()).isTrue();

    NativeBinary none = choose(null, AVX512, "nd4jcpu");
    assertThat(none.reason()).contains("lacks all of ND4J's builds", "-onednn-avx512");
    assertThat(none.slow()).isTrue();

    NativeBinary indirect = choose(null, AVX512, "dnnl/");
    assertThat(indirect.displayName()).isEqualTo("onednn-avx512");
    assertThat(indirect.reason()).contains("lacks oneDNN itself", "org.bytedeco:dnnl");
    assertThat(indirect.slow()).isTrue();

    assertThatThrownBy(() -> choose("onednn-avx2", AVX512, "-onednn-avx2/"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("lacks")
        .hasMessageContaining("-onednn-avx2");
  }

  /** A JVM of its own without the jars of oneDNN: what is said is what is loaded. */
  @Test
  void saysWhatIsLoadedWhereJarsAreMissing() throws Exception {
    String jars =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(jar -> !jar.contains("-onednn-avx"))
            .collect(Collectors.joining(File.pathSeparator));
    assertThat(said(jars, Map.of()))
        .contains("chosen plain slow true", "libnd4jcpu.so")
        .doesNotContain("avx512/", "avx2/");
  }

  /** OpenMP prints what it has read; it reads when it is loaded. */
  @Test
  void openMpHearsHowToWait() throws Exception {
    assumeThat(Platform.isLinux()).isTrue();
    String jars = System.getProperty("java.class.path");
    assertThat(said(jars, Map.of("OMP_DISPLAY_ENV", "verbose")))
        .containsPattern("GOMP_SPINCOUNT = '" + (CoreShortage.watch() ? "300000" : "100") + "'");
    assertThat(said(jars, Map.of("OMP_DISPLAY_ENV", "verbose", "GOMP_SPINCOUNT", "77")))
        .containsPattern("GOMP_SPINCOUNT = '77'");
  }

  /** Prints the choice, what is loaded, and where from. */
  static final class Loading {
    private Loading() {}

    public static void main(String[] args) {
      NativeBinary chosen = NativeBinary.select();
      NativeBinary loaded = chosen.loaded();
      System.out.println(
          Text.format(
              "chosen %s %s %s %s",
              chosen.displayName(),
              chosen.slow() ? "slow" : "fast",
              loaded.equals(chosen),
              Loader.getLoadedLibraries().get("nd4jcpu")));
    }
  }

  private static String said(String classPath, Map<String, String> environment) throws Exception {
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            classPath,
            Loading.class.getName());
    builder.environment().keySet().removeAll(Set.of("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"));
    builder.environment().putAll(environment);
    Process process = builder.redirectErrorStream(true).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(out).isZero();
    return out;
  }

  private static NativeBinary choose(String wish, Set<String> flags) {
    return NativeBinary.choose(wish, flags, path -> true);
  }

  /** As if the class path lacked what has this in its path. */
  private static NativeBinary choose(String wish, Set<String> flags, String missing) {
    return NativeBinary.choose(wish, flags, path -> !path.contains(missing));
  }

  @Test
  void nd4jAddsUp() {
    assertThat(Nd4j.ones(3, 4).sumNumber().doubleValue()).isEqualTo(12);
  }
}
