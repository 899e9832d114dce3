package org.ttame.eval.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.npz.Npy;

class MapFolderExplainerTest {
  private static final int SIDE = 4;

  @TempDir Path folder;
  private MapFolderExplainer maps;

  @BeforeEach
  void open() throws IOException {
    maps = new MapFolderExplainer("maps", folder);
  }

  @Test
  void usesUnitMapsAsTheyAreAndScalesOthers() throws IOException {
    write("a/unit.npy", new long[] {2, 2}, 0.25f, 0.25f, 0.25f, 0.5f);
    write("logits.npy", new long[] {1, 1, 1, 2}, -3, 5);
    write("exact.npy", new long[] {SIDE, SIDE}, new float[SIDE * SIDE]);
    SaliencyMaps read = explain("a/unit.jpg", "logits.png", "exact.jpeg");
    assertThat(read.height()).isEqualTo(SIDE);
    assertThat(read.map(0)[0]).isEqualTo(0.25f);
    assertThat(read.map(0)[15]).isEqualTo(0.5f);
    assertThat(read.map(1)).startsWith(0, 0.25f, 0.75f, 1);
    assertThat(read.map(2)).containsOnly(0);
    assertThat(maps.warnings()).containsEntry(MapWarning.OUTSIDE.sentence(), 1L);
  }

  /** Whatever the constant, inside [0,1] or not. */
  @Test
  void countsMapsInWhichNothingStandsOut() throws IOException {
    write("zeros.npy", new long[] {2, 2}, 0, 0, 0, 0);
    write("ones.npy", new long[] {1, 2}, 1, 1);
    write("half.npy", new long[] {1, 1}, 0.5f);
    write("large.npy", new long[] {1, 2}, 7, 7);
    write("good.npy", new long[] {1, 2}, 0, 1);
    SaliencyMaps read = explain("zeros.jpg", "ones.jpg", "half.jpg", "large.jpg", "good.jpg");
    assertThat(read.map(1)).containsOnly(1);
    assertThat(read.map(2)).containsOnly(0.5f);
    assertThat(read.map(3)).containsOnly(0);
    assertThat(maps.warnings()).containsEntry(MapWarning.FLAT_MAP.sentence(), 4L);
  }

  @Test
  void prefersTheNameWithTheEnding() throws IOException {
    write("cat.npy", new long[] {1, 1}, 0.1f);
    write("cat.png.npy", new long[] {1, 1}, 0.2f);
    assertThat(explain("cat.jpg").map(0)[0]).isCloseTo(0.1f, within(1e-7f));
    assertThat(explain("cat.png").map(0)[0]).isCloseTo(0.2f, within(1e-7f));
  }

  @Test
  void namesTheFileThatIsNoMap() throws IOException {
    write("three.npy", new long[] {3, 2, 2}, new float[12]);
    write("nan.npy", new long[] {1, 2}, 0, Float.NaN);
    Files.writeString(folder.resolve("text.npy"), "no array");
    assertThatThrownBy(() -> explain("three.jpg"))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("three.npy")
        .hasMessageContaining("[3, 2, 2]");
    assertThatThrownBy(() -> explain("nan.jpg")).hasMessageContaining("NaN");
    assertThatThrownBy(() -> explain("text.jpg")).hasMessageContaining("text.npy");
    assertThatThrownBy(() -> explain("dogs/rex.jpg"))
        .hasMessageContaining("dogs/rex.npy")
        .hasMessageContaining("every image needs one");
    assertThatThrownBy(() -> new MapFolderExplainer("maps", folder.resolve("none")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("is no folder");
  }

  private SaliencyMaps explain(String... names) {
    try (INDArray images = Nd4j.zeros(names.length, SIDE, SIDE, 3)) {
      return maps.explain(images, new int[names.length], List.of(names));
    }
  }

  private void write(String name, long[] shape, float... values) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    try (INDArray array = Nd4j.create(values, shape, 'c')) {
      Npy.write(file, array);
    }
  }
}
