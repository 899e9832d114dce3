package org.ttame.core.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutputFileTest {
  @TempDir Path folder;

  @Test
  void mostNamesStayAsTheyAre() {
    assertThat(OutputFile.place(folder, "birds/wren", ".npy"))
        .isEqualTo(folder.resolve("birds/wren.npy"));
    String longest = "w".repeat(251);
    assertThat(OutputFile.place(folder, longest, ".npy"))
        .isEqualTo(folder.resolve(longest + ".npy"));
  }

  @Test
  void longNamesAreCutAndToldApart() throws IOException {
    String beginning = "猫".repeat(82);
    Path one = OutputFile.place(folder, beginning + "11111", ".gradcam.c1.json");
    Path other = OutputFile.place(folder, beginning + "22222", ".gradcam.c1.json");
    assertThat(one).isNotEqualTo(other);
    for (Path file : new Path[] {one, other}) {
      String name = file.getFileName().toString();
      assertThat(name).startsWith("猫猫").endsWith(".gradcam.c1.json").doesNotContain("\uFFFD");
      assertThat(name.getBytes(StandardCharsets.UTF_8).length).isBetween(250, 255);
      AtomicFile.writeText(file, name);
      assertThat(file).hasContent(name);
    }
    assertThat(OutputFile.place(folder, beginning + "11111", ".gradcam.c1.json")).isEqualTo(one);
  }

  @Test
  void filesAndFoldersOfOneNameStandSideBySide() throws IOException {
    AtomicFile.writeText(OutputFile.place(folder, "x", ".json"), "of x.jpg");
    Path inner = OutputFile.place(folder, "x.json/y", ".npy");
    AtomicFile.writeText(inner, "of x.json/y.jpg");
    assertThat(folder.resolve("x.json")).hasContent("of x.jpg");
    assertThat(inner).isEqualTo(folder.resolve("x.json-2/y.npy")).exists();
    assertThat(OutputFile.place(folder, "x.json/y", ".npy")).isEqualTo(inner);

    Files.createDirectories(folder.resolve("z.json"));
    Path numbered = OutputFile.place(folder, "z", ".json");
    assertThat(numbered).isEqualTo(folder.resolve("z-2.json"));
    AtomicFile.writeText(numbered, "of z.jpg");
    assertThat(OutputFile.place(folder, "z", ".json")).isEqualTo(numbered);
  }
}
