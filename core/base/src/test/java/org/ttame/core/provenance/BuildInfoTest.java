package org.ttame.core.provenance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Properties;
import org.junit.jupiter.api.Test;

class BuildInfoTest {
  @Test
  void theBuildNamesItsVersion() {
    assertThat(BuildInfo.current().version()).matches("\\d+\\.\\d+.*");
    assertThat(BuildInfo.current().commit()).matches("[0-9a-f]{40}|unknown");
    assertThat(BuildInfo.current().nd4j()).matches("\\d+\\.\\d+.*");
  }

  @Test
  void whatNoBuildFilledInIsUnknown() {
    Properties properties = new Properties();
    properties.setProperty("version", "1.2");
    properties.setProperty("commit", "${git.commit.id.full}");
    properties.setProperty("dirty", "${git.dirty}");
    assertThat(BuildInfo.of(properties))
        .isEqualTo(new BuildInfo("1.2", "unknown", false, "unknown"));
    assertThat(BuildInfo.of(new Properties()).describe()).isEqualTo("unknown (commit unknown)");
  }

  @Test
  void describesALongCommitShortly() {
    assertThat(new BuildInfo("1.2", "0123456789abcdef0123", true, "2").describe())
        .isEqualTo("1.2 (commit 0123456789, with local changes)");
  }
}
