package org.ttame.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.Text;

class ImageListTest {
  @TempDir Path folder;

  @Test
  void aFolderOfImagesWithSubfoldersInNameOrder() throws IOException {
    touch("b.jpg", "a.PNG", "notes.txt", ".hidden.jpg", "sub/deep/c.webp", "sub/a.jpeg", "z.bmp");
    ImageList list = ImageList.of(folder);
    assertThat(names(list))
        .containsExactly("a.PNG", "b.jpg", "sub/a.jpeg", "sub/deep/c.webp", "z.bmp");
    assertThat(list.labelled()).isFalse();
    assertThat(list.classNames()).isEmpty();
    assertThat(list.path(2)).isEqualTo(folder.resolve("sub/a.jpeg"));
    assertThat(list.describe()).isEqualTo("5 images of '" + folder + "'");
  }

  @Test
  void classFoldersAreNumberedByNameWithEmptyOnes() throws IOException {
    touch("dog/2.jpg", "dog/1.jpg", "cat/x/3.jpg", "readme.md");
    Files.createDirectories(folder.resolve("cow"));
    ImageList list = ImageList.of(folder);
    assertThat(list.classNames()).containsExactly("cat", "cow", "dog");
    assertThat(names(list)).containsExactly("cat/x/3.jpg", "dog/1.jpg", "dog/2.jpg");
    assertThat(IntStream.range(0, 3).map(list::label)).containsExactly(0, 2, 2);
    assertThat(list.describe()).isEqualTo("3 images in 3 class folders of '" + folder + "'");
  }

  @Test
  void oneSubfolderAloneIsNoClass() throws IOException {
    touch("images/1.jpg", "images/2.jpg");
    assertThat(ImageList.of(folder).labelled()).isFalse();
  }

  @Test
  void aListFileIsRelativeToItself() throws IOException {
    touch("lists/in/a b 7.jpg");
    Path file = folder.resolve("lists/val.txt");
    Path elsewhere = folder.resolve("x.jpg").toAbsolutePath();
    Files.writeString(
        file,
        "\uFEFFin/a b 7.jpg 12\r\n\n  in/a b 7.jpg\t3 \n../up.jpg\n" + elsewhere + " 0\nphoto 5\n");
    ImageList list = ImageList.of(file);
    assertThat(list.size()).isEqualTo(5);
    assertThat(list.path(0)).exists().hasFileName("a b 7.jpg");
    assertThat(IntStream.range(0, 5).map(list::label)).containsExactly(12, 3, -1, 0, 5);
    assertThat(list.path(3)).isEqualTo(elsewhere);
    // What is written about an image stays below the output folder.
    assertThat(list.name(2)).isEqualTo("up.jpg");
    assertThat(list.name(3)).isEqualTo(elsewhere.toString().substring(1));
  }

  @Test
  void aSingleImage() throws IOException {
    touch("a.jpg");
    ImageList list = ImageList.of(folder.resolve("a.jpg"));
    assertThat(names(list)).containsExactly("a.jpg");
    assertThat(list.path(0)).exists();
  }

  @Test
  void linksAreFollowedButNeverAround() throws IOException {
    touch("a/1.jpg", "other/2.jpg");
    Files.createSymbolicLink(folder.resolve("a/loop"), folder.toAbsolutePath());
    Files.createSymbolicLink(folder.resolve("a/more"), folder.resolve("other").toAbsolutePath());
    assertThat(names(ImageList.of(folder)))
        .containsExactly("a/1.jpg", "a/more/2.jpg", "other/2.jpg");
  }

  @Test
  void aDrawIsOfItsSeedAloneAndKeepsTheOrder() throws IOException {
    for (int i = 0; i < 10; i++) {
      touch("cat/" + i + ".jpg", "dog/" + i + ".jpg");
    }
    ImageList list = ImageList.of(folder);
    List<String> drawn = names(ImageDraw.of(6, "3").from(list));
    assertThat(drawn).hasSize(6).isSorted().doesNotHaveDuplicates();
    assertThat(names(ImageDraw.of(6, "3").from(list))).isEqualTo(drawn);
    assertThat(names(ImageDraw.of(6, "4").from(list))).isNotEqualTo(drawn);
    assertThat(ImageDraw.of(20, "3").from(list)).isSameAs(list);
    ImageList spread = ImageDraw.of(4, "spread").from(list);
    assertThat(names(spread)).containsExactly("cat/0.jpg", "cat/5.jpg", "dog/0.jpg", "dog/5.jpg");
    assertThat(IntStream.range(0, 4).map(spread::label)).containsExactly(0, 0, 1, 1);
    assertThatThrownBy(() -> ImageDraw.of(0, "3")).hasMessageContaining("got 0");
    assertThatThrownBy(() -> ImageDraw.of(4, "x"))
        .hasMessage("\"x\" is neither a whole number nor \"spread\"");
  }

  /** Every image is as likely as another: 2000 draws of 5 of 20 take each about 500 times. */
  @Test
  void drawsAreFair() throws IOException {
    for (int i = 10; i < 30; i++) {
      touch(i + ".jpg");
    }
    ImageList list = ImageList.of(folder);
    Map<String, Integer> taken = new HashMap<>();
    for (int seed = 0; seed < 2000; seed++) {
      names(ImageDraw.of(5, Integer.toString(seed)).from(list))
          .forEach(name -> taken.merge(name, 1, Integer::sum));
    }
    // The count's deviation is sqrt(2000 · ¼ · ¾) = 19; five of them.
    assertThat(taken.values()).hasSize(20).allMatch(count -> Math.abs(count - 500) < 97);
  }

  @Test
  void saysWhatIsWrongWithASource() throws IOException {
    assertThatThrownBy(() -> ImageList.of(folder)).hasMessageContaining("holds no image");
    assertThatThrownBy(() -> ImageList.of(folder.resolve("no")))
        .hasMessageEndingWith("no' does not exist");
    Path binary = folder.resolve("model.onnx");
    Files.write(binary, new byte[] {0, 1, 2, 3});
    assertThatThrownBy(() -> ImageList.of(binary)).hasMessageContaining("(line 1)");
    Files.write(binary, new byte[] {(byte) 0xC3, (byte) 0x28});
    assertThatThrownBy(() -> ImageList.of(binary)).hasMessageContaining("not UTF-8");
    Files.writeString(binary, "\n \n");
    assertThatThrownBy(() -> ImageList.of(binary)).hasMessageContaining("names no image");
  }

  @Test
  void holdsManyPathsInLittleMemory() {
    PathTable table = new PathTable();
    for (int i = 0; i < 100_000; i++) {
      table.add(Text.format("n%08d/n%08d_%d.JPEG", i / 1000, i / 1000, i));
    }
    assertThat(table.get(0)).isEqualTo("n00000000/n00000000_0.JPEG");
    assertThat(table.get(54_321)).isEqualTo("n00000054/n00000054_54321.JPEG");
    assertThatThrownBy(() -> table.get(100_000)).isInstanceOf(IndexOutOfBoundsException.class);
  }

  private void touch(String... names) throws IOException {
    for (String name : names) {
      Path file = folder.resolve(name);
      Files.createDirectories(file.getParent());
      Files.writeString(file, "");
    }
  }

  private static List<String> names(ImageList list) {
    return IntStream.range(0, list.size()).mapToObj(list::name).toList();
  }
}
