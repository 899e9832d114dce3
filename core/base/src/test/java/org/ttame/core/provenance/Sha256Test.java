package org.ttame.core.provenance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class Sha256Test {
  @TempDir Path folder;

  @Test
  void isTheStandardSum() throws IOException {
    Path file = folder.resolve("abc");
    Files.writeString(file, "abc");
    // FIPS 180-2, appendix B.1.
    assertThat(Sha256.of(file))
        .isEqualTo("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  }

  @Test
  void linesAreToldApart() {
    String one = new Sha256().line("a").line("bc").hex();
    assertThat(new Sha256().line("ab").line("c").hex()).isNotEqualTo(one);
    assertThat(new Sha256().line("a").line("bc").hex()).isEqualTo(one);
  }
}
