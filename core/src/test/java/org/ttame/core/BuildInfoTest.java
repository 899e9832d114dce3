package org.ttame.core;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class BuildInfoTest {
  @Test
  void namesCommitAndLocalChanges() {
    assertThat(BuildInfo.of("1", "abc", "false").commit()).isEqualTo("abc");
    assertThat(BuildInfo.of("1", "abc", "true").commit()).isEqualTo("abc-dirty");
  }

  @Test
  void admitsABuildOutsideGit() {
    assertThat(BuildInfo.of("1", "${git.commit.id.full}", "${git.dirty}").commit())
        .isEqualTo("unknown");
    assertThat(BuildInfo.of("1", null, null).commit()).isEqualTo("unknown");
  }

  @Test
  void theBuildFillsInTheVersion() {
    assertThat(BuildInfo.current().version()).matches("\\d+\\.\\d+\\.\\d+.*");
  }
}
