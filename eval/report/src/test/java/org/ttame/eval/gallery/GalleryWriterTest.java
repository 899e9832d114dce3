package org.ttame.eval.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.eval.Lcg;
import org.ttame.eval.explain.SaliencyMaps;
import org.ttame.eval.metric.Box;
import org.ttame.eval.metric.ImageBatch;

class GalleryWriterTest {
  private static final int SIDE = 6;
  private static final int IMAGES = 10;
  private static final float[] UNIT = new Lcg(3).next(IMAGES * SIDE * SIDE * 3);
  private static final float[] MAPS = new Lcg(4).next(IMAGES * 4);

  @TempDir Path output;

  @Test
  void keepsWhatTheMethodsSawSpreadOverTheList() throws IOException {
    write(new GalleryWriter(output, IMAGES, GalleryWriterTest::name, 4), 0, IMAGES, 3);
    GalleryFolder gallery = new GalleryFolder(output);
    List<GalleryFolder.Entry> entries = gallery.entries();
    assertThat(entries).extracting(GalleryFolder.Entry::number).containsExactly(0, 2, 5, 7);
    assertThat(entries.get(2).image()).isEqualTo("../a/<5>.png");
    assertThat(entries.get(2).boxes()).containsExactly(new Box(5, 0, 0, 3, 2.5));
    assertThat(gallery.map(entries.get(2), "ttame").orElseThrow().map(0))
        .containsExactly(Arrays.copyOfRange(MAPS, 20, 24));
    assertThat(gallery.map(entries.get(2), "rise")).isEmpty();
    int red = gallery.picture(entries.get(2)).rgb(0, 0) >> 16;
    assertThat(red / 255f).isCloseTo(UNIT[5 * SIDE * SIDE * 3], within(0.5f / 255));
  }

  @Test
  void aStoppedEvaluationGoesOnWithTheSameImages() throws IOException {
    write(new GalleryWriter(output, IMAGES, GalleryWriterTest::name, 4), 0, 5, 2);
    write(new GalleryWriter(output, IMAGES, GalleryWriterTest::name, 4), 5, IMAGES, 5);
    assertThat(new GalleryFolder(output).entries())
        .extracting(GalleryFolder.Entry::number)
        .containsExactly(0, 2, 5, 7);
  }

  @Test
  void asManyAsThereAreOrNone() throws IOException {
    write(new GalleryWriter(output, IMAGES, GalleryWriterTest::name, 0), 0, IMAGES, 5);
    assertThat(output.resolve(GalleryFolder.NAME)).doesNotExist();
    assertThat(new GalleryFolder(output).entries()).isEmpty();
    write(new GalleryWriter(output, IMAGES, GalleryWriterTest::name, 99), 0, IMAGES, 5);
    assertThat(new GalleryFolder(output).entries()).hasSize(IMAGES);
    assertThatThrownBy(() -> new GalleryWriter(output, 1, GalleryWriterTest::name, -1))
        .hasMessage("A gallery cannot have -1 images");
  }

  @Test
  void namesWhatIsBroken() throws IOException {
    write(new GalleryWriter(output, IMAGES, GalleryWriterTest::name, 1), 0, IMAGES, 5);
    GalleryFolder gallery = new GalleryFolder(output);
    GalleryFolder.Entry entry = gallery.entries().get(0);
    Files.writeString(output.resolve("gallery/00000.ttame.npy"), "no map");
    assertThatThrownBy(() -> gallery.map(entry, "ttame")).hasMessageContaining("00000.ttame.npy");
    Files.writeString(output.resolve("gallery/00000.json"), "{\"number\": 0, \"boxes\": 3}");
    assertThatThrownBy(gallery::entries)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("00000.json' does not describe a picture");
  }

  private static String name(int index) {
    return "../a/<" + index + ">.png";
  }

  private static void write(GalleryWriter writer, int from, int to, int size) throws IOException {
    int pixels = SIDE * SIDE * 3;
    for (int start = from; start < to; start += size) {
      int end = Math.min(to, start + size);
      List<String> names = new ArrayList<>();
      List<List<Box>> boxes = new ArrayList<>();
      float[][] maps = new float[end - start][];
      for (int i = start; i < end; i++) {
        names.add(name(i));
        boxes.add(List.of(new Box(i, 0, 0, 3, 2.5)));
        maps[i - start] = Arrays.copyOfRange(MAPS, 4 * i, 4 * i + 4);
      }
      float[] unit = Arrays.copyOfRange(UNIT, start * pixels, end * pixels);
      writer.explained(
          new ImageBatch(names, SIDE, unit, boxes), "ttame", new SaliencyMaps(2, 2, maps));
    }
  }
}
