package org.ttame.services;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunOptionsTest {
  @TempDir Path folder;

  @Test
  void aRunThatNamesNoSeedOfItsImagesTookEveryKth() throws IOException {
    Files.writeString(folder.resolve("command.properties"), "limit=60\n");
    assertThat(resumedSeed()).isEqualTo("spread");
  }

  @Test
  void aRunOfTodayKeepsItsDraw() throws IOException {
    RunOptions.write(folder, Map.of("limit", "60"));
    assertThat(resumedSeed()).isEqualTo("0");
    RunOptions.write(folder, Map.of("limit", "60", "limit-seed", "7"));
    assertThat(resumedSeed()).isEqualTo("7");
  }

  private String resumedSeed() throws IOException {
    return RunOptions.read(folder).get("limit-seed");
  }
}
