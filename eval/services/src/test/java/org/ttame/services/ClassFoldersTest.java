package org.ttame.services;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.training.data.ImageList;

/** Which class a folder stands for: never another one than its name says. */
class ClassFoldersTest {
  private static final List<String> NAMES =
      List.of("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine");

  @TempDir Path folder;

  private List<Integer> labels(List<String> classes, List<String> known, int count)
      throws IOException {
    Path made = Files.createTempDirectory(folder, "classes");
    for (String each : classes) {
      // Lists take a file for an image by its name.
      Files.writeString(Files.createDirectories(made.resolve(each)).resolve("a.jpg"), "");
    }
    ImageList images = ClassFolders.of(ImageList.of(made), known, count).images();
    return IntStream.range(0, images.size()).map(images::label).boxed().toList();
  }

  @Test
  void aFolderIsAClassByNameNumberOrAmongAsMany() throws IOException {
    assertThat(labels(List.of("nine", "one"), NAMES, 10)).containsExactly(9, 1);
    assertThat(labels(List.of("10", "2"), List.of(), 11)).containsExactly(10, 2);
    assertThat(labels(List.of("n1", "n2", "n3"), List.of(), 3)).containsExactly(0, 1, 2);
    assertThat(labels(List.of("n1", "n2"), List.of("tench", "shark"), 2)).containsExactly(0, 1);
  }

  @Test
  void otherwiseItHasNoClass() throws IOException {
    assertThat(labels(List.of("n1", "n2"), List.of(), 3)).containsExactly(-1, -1);
    assertThat(labels(List.of("Nine", "one"), NAMES, 10)).containsExactly(-1, -1);
    assertThat(labels(List.of("1", "2"), List.of(), 2)).containsExactly(-1, -1);
    assertThat(labels(List.of("bird", "cat"), List.of("crane", "crane"), 3))
        .containsExactly(-1, -1);
    // as many as classes, but a name contradicts the place
    assertThat(labels(List.of("ape", "bee"), List.of("bee", "monkey"), 2)).containsExactly(-1, -1);
  }
}
