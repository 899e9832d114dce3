package org.ttame.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ListSplitTest {
  @Test
  void drawsDisjointSetsOfTheSizesAskedFor() {
    ListSplit split = ListSplit.draw(50, 20, 15, 7);
    assertThat(split.validation()).hasSize(20).isSorted().doesNotHaveDuplicates();
    assertThat(split.test()).hasSize(15).isSorted().doesNotHaveDuplicates();
    assertThat(split.validation()).doesNotContainAnyElementsOf(split.test());
    assertThat(split.test()).allMatch(place -> place >= 0 && place < 50);
  }

  @Test
  void theSeedDecides() {
    assertThat(ListSplit.draw(50, 20, 15, 7)).isEqualTo(ListSplit.draw(50, 20, 15, 7));
    assertThat(ListSplit.draw(50, 20, 15, 7)).isNotEqualTo(ListSplit.draw(50, 20, 15, 8));
  }

  @Test
  void canTakeEverythingAndNotMore() {
    Set<Integer> all = new HashSet<>();
    ListSplit split = ListSplit.draw(9, 4, 5, 1);
    all.addAll(split.validation());
    all.addAll(split.test());
    assertThat(all).hasSize(9);
    assertThatThrownBy(() -> ListSplit.draw(9, 5, 5, 1)).hasMessageContaining("out of 9");
  }

  @Test
  void theListsNameTheSameImages(@TempDir Path folder) throws IOException {
    for (String name : new String[] {"a/1.png", "a/2 3.png", "b/4.png"}) {
      Path file = folder.resolve("data").resolve(name);
      Files.createDirectories(file.getParent());
      Files.createFile(file);
    }
    ImageList list = ImageList.of(folder.resolve("data"));
    Path file = folder.resolve("lists/test.txt");
    ListSplit.write(list, java.util.List.of(1, 2), file);
    ImageList read = ImageList.of(file);
    assertThat(read.size()).isEqualTo(2);
    assertThat(Files.isSameFile(read.path(0), list.path(1))).isTrue();
    assertThat(read.label(0)).isZero();
    assertThat(read.label(1)).isEqualTo(1);
  }
}
