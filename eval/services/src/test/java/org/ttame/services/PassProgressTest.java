package org.ttame.services;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.ttame.core.ProgressListener;
import org.ttame.eval.explain.ExplanationMethod;

class PassProgressTest {
  private long now;

  /** Each image's passes are timed from its first ones. */
  @Test
  void passesOfAMethodAreTimed() {
    PassProgress passes = new PassProgress(ProgressListener.NONE, () -> now);
    assertThat(passes.detail(ExplanationMethod.RISE, 100, 4000)).isEqualTo("rise 100/4000 passes");
    now += 2_000_000_000L;
    assertThat(passes.detail(ExplanationMethod.RISE, 500, 4000))
        .isEqualTo("rise 500/4000 passes, 18 s");
    now += 60_000_000_000L;
    assertThat(passes.detail(ExplanationMethod.RISE, 100, 4000)).isEqualTo("rise 100/4000 passes");
    assertThat(passes.detail(ExplanationMethod.SCORECAM, 500, 512))
        .isEqualTo("scorecam 500/512 passes");
    now += 1_000_000_000L;
    assertThat(passes.detail(ExplanationMethod.SCORECAM, 512, 512))
        .isEqualTo("scorecam 512/512 passes");
  }
}
