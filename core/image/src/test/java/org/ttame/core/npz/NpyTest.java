package org.ttame.core.npz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Golden files: npz_golden.py. */
class NpyTest {
  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"f4", "f4-fortran", "f8"})
  void readsFractionsInEitherOrder(String name) throws IOException {
    try (INDArray array = golden(name)) {
      assertThat(array.dataType()).isEqualTo(DataType.FLOAT);
      assertThat(array.ordering()).isEqualTo('c');
      assertThat(array.shape()).containsExactly(2, 3, 4);
      for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 3; j++) {
          for (int k = 0; k < 4; k++) {
            assertThat(array.getFloat(i, j, k)).isEqualTo((12 * i + 4 * j + k) / 8f - 1);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"i4", "i8"})
  void readsIntegers(String name) throws IOException {
    try (INDArray array = golden(name)) {
      assertThat(array.shape()).containsExactly(2, 3, 4);
      assertThat(array.getFloat(0, 0, 0)).isEqualTo(-12f);
      assertThat(array.getFloat(1, 2, 3)).isEqualTo(11f);
    }
  }

  @Test
  void readsHalvesWithTheirExtremes() throws IOException {
    try (INDArray array = golden("f2")) {
      assertThat(array.toFloatVector())
          .containsExactly(
              0f,
              -0f,
              1f,
              -2.5f,
              65504f,
              0x1p-24f,
              1023 * 0x1p-24f, // the largest subnormal
              1.00016594e-4f,
              Float.POSITIVE_INFINITY,
              Float.NaN);
    }
  }

  @Test
  void readsBytesUnsignedAndBooleansAsNumbers() throws IOException {
    try (INDArray bytes = golden("u1");
        INDArray flags = golden("b1")) {
      assertThat(bytes.shape()).containsExactly(2, 2);
      assertThat(bytes.toFloatMatrix()).isEqualTo(new float[][] {{0, 127}, {128, 255}});
      assertThat(flags.toFloatVector()).containsExactly(1, 0, 1);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"version2", "version3"})
  void readsLaterHeaderVersions(String name) throws IOException {
    try (INDArray array = golden(name)) {
      assertThat(array.toFloatVector()).containsExactly(0, 1, 2);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"f4", "f4-vector", "f4-scalar"})
  void writesTheBytesNumpyWrites(String name) throws IOException {
    Path ours = folder.resolve("deep/er/ours.npy");
    try (INDArray array = golden(name)) {
      Npy.write(ours, array);
    }
    assertThat(Files.readAllBytes(ours)).isEqualTo(bytes(name));
  }

  @Test
  void writesAViewAsItIsSeen() throws IOException {
    try (INDArray array = golden("f4");
        INDArray view = array.permute(2, 0, 1)) {
      Path file = folder.resolve("view.npy");
      Npy.write(file, view);
      try (INDArray back = Npy.read(file)) {
        assertThat(back.shape()).containsExactly(4, 2, 3);
        assertThat(back.getFloat(3, 1, 2)).isEqualTo(array.getFloat(1, 2, 3));
        assertThat(back.getFloat(1, 0, 2)).isEqualTo(array.getFloat(0, 2, 1));
      }
    }
  }

  @Test
  void keepsEveryBitAcrossAChunkBorder() throws IOException {
    Random random = new Random(3);
    float[] values = new float[70_001];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat();
    }
    Path file = folder.resolve("long.npy");
    try (INDArray array = Nd4j.createFromArray(values)) {
      Npy.write(file, array);
    }
    try (INDArray back = Npy.read(file)) {
      assertThat(back.toFloatVector()).containsExactly(values);
    }
  }

  @Test
  void refusesToWriteWhatIsNotFloat32() {
    try (INDArray doubles = Nd4j.createFromArray(1.0, 2.0)) {
      assertThatThrownBy(() -> Npy.write(folder.resolve("x.npy"), doubles))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("this one is DOUBLE");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "big-endian,'>f4'",
    "complex,'<c16'",
    "records,records",
    "empty,'holds no element'",
  })
  void namesTheKindsItDoesNotRead(String name, String words) {
    assertThatThrownBy(() -> golden(name).close())
        .isInstanceOf(IOException.class)
        .hasMessageContaining(words);
  }

  @Test
  void everyTruncationIsASentence() throws IOException {
    byte[] whole = bytes("f4");
    for (int length = 0; length < whole.length; length++) {
      byte[] part = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> read(part))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("x");
    }
    assertThatThrownBy(() -> read(Arrays.copyOf(whole, whole.length + 1)))
        .hasMessageContaining("97 bytes follow its header");
  }

  @Test
  void hostileHeadersTakeNoMemory() {
    List<String> shapes =
        List.of(
            "(100000, 100000)",
            "(9223372036854775807,)",
            "(99999999999999999999,)",
            "(4294967296, 4294967296)",
            "(2147483647,)",
            "(-1, 3)",
            "(1e9,)",
            "(" + "1, ".repeat(33) + ")",
            "3",
            "(3");
    for (String shape : shapes) {
      byte[] file = file("{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }");
      assertThatThrownBy(() -> read(file)).as(shape).isInstanceOf(IOException.class);
    }
    for (String header :
        List.of(
            "",
            "{}",
            "{'descr': '<f4'}",
            "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (3,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)} + 1",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), 'more': 1}",
            "{'descr': '<f4, 'fortran_order': False, 'shape': (3,)}",
            "__import__('os')")) {
      assertThatThrownBy(() -> read(file(header))).as(header).isInstanceOf(IOException.class);
    }
    byte[] longHeader = file("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}");
    longHeader[8] = (byte) 0xFF;
    longHeader[9] = (byte) 0xFF;
    assertThatThrownBy(() -> read(longHeader)).hasMessageContaining("65535 bytes");
  }

  @Test
  void namesAMissingFileAndAFolder() {
    assertThatThrownBy(() -> Npy.read(folder.resolve("no.npy")))
        .isInstanceOf(IOException.class)
        .hasMessageEndingWith("no.npy' does not exist");
    assertThatThrownBy(() -> Npy.read(folder))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("is a folder");
  }

  private static void read(byte[] bytes) throws IOException {
    Npy.read(new ByteArrayInputStream(bytes), bytes.length, "x").close();
  }

  private static byte[] file(String header) {
    byte[] text = header.getBytes(StandardCharsets.ISO_8859_1);
    byte[] file = new byte[10 + text.length];
    byte[] start = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (byte) text.length, 0};
    System.arraycopy(start, 0, file, 0, start.length);
    System.arraycopy(text, 0, file, start.length, text.length);
    return file;
  }

  private static INDArray golden(String name) throws IOException {
    byte[] bytes = bytes(name);
    return Npy.read(new ByteArrayInputStream(bytes), bytes.length, name);
  }

  private static byte[] bytes(String name) throws IOException {
    try (InputStream in = NpyTest.class.getResourceAsStream("/npz/" + name + ".npy")) {
      assertThat(in).as(name).isNotNull();
      return in.readAllBytes();
    }
  }
}
