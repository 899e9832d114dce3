package org.ttame.core.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Set;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.factory.Nd4j;

class NativeBinaryTest {
  private static final Set<String> AVX512 =
      Set.of("avx2", "fma", "avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl");

  @Test
  void takesTheWidestVectorsTheProcessorHas() {
    assertThat(NativeBinary.choose(null, AVX512).displayName()).isEqualTo("onednn-avx512");
    assertThat(NativeBinary.choose(null, Set.of("avx2", "fma", "avx512f")).displayName())
        .isEqualTo("onednn-avx2");
    assertThat(NativeBinary.choose(null, Set.of("sse2")))
        .isEqualTo(new NativeBinary("", "the processor has neither AVX2 nor AVX-512", true));
    assertThat(NativeBinary.choose(null, Set.of()).slow()).isTrue();
  }

  @Test
  void theUserHasTheLastWord() {
    assertThat(NativeBinary.choose("plain", AVX512).extension()).isEmpty();
    assertThatThrownBy(() -> NativeBinary.choose("sse9", AVX512))
        .hasMessageContaining("sse9")
        .hasMessageContaining("onednn-avx2");
  }

  @Test
  void nd4jAddsUp() {
    assertThat(Nd4j.ones(3, 4).sumNumber().doubleValue()).isEqualTo(12);
  }
}
