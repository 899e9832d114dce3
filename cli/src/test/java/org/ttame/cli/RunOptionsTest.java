package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunOptionsTest {
  @TempDir Path folder;

  @Test
  void aRunThatNamesNoSeedOfItsImagesTookEveryKth() throws IOException {
    Files.writeString(folder.resolve("command.properties"), "limit=60\n");
    assertThat(resumedSeed()).contains("spread");
  }

  @Test
  void aRunOfTodayKeepsItsDraw() throws IOException {
    RunOptions.write(folder, Map.of("limit", "60"));
    assertThat(resumedSeed()).contains("0");
    RunOptions.write(folder, Map.of("limit", "60", "limit-seed", "7"));
    assertThat(resumedSeed()).contains("7");
  }

  private Optional<String> resumedSeed() throws IOException {
    return RunOptions.resumed(folder, new Arguments(Map.of(), List.of()))
        .text(CommonOptions.LIMIT_SEED);
  }
}
