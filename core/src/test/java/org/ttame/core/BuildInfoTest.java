package org.ttame.core;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class BuildInfoTest {
  @Test
  void namesCommitAndLocalChanges() {
    assertThat(BuildInfo.of("1", "abc", "false", "2").commit()).isEqualTo("abc");
    assertThat(BuildInfo.of("1", "abc", "true", "2").commit()).isEqualTo("abc-dirty");
  }

  @Test
  void admitsABuildOutsideGit() {
    assertThat(BuildInfo.of("1", "${git.commit.id.full}", "${git.dirty}", "2").commit())
        .isEqualTo("unknown");
    assertThat(BuildInfo.of("1", null, null, "2").commit()).isEqualTo("unknown");
  }

  @Test
  void theBuildFillsInTheVersion() {
    assertThat(BuildInfo.current().version()).matches("\\d+\\.\\d+\\.\\d+.*");
    assertThat(BuildInfo.current().nd4j()).startsWith("1.0.0");
  }
}
