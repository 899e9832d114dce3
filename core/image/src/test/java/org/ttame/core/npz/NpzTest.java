package org.ttame.core.npz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Golden files: npz_golden.py. */
class NpzTest {
  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"stored", "deflated"})
  void readsWhatNumpyWrites(String name) throws IOException {
    Map<String, INDArray> arrays = Npz.read(golden(name));
    assertThat(arrays).containsOnlyKeys("fusion.weight", "fusion.bias");
    assertThat(arrays.get("fusion.weight").getFloat(1, 2, 3)).isEqualTo(23 / 8f - 1);
    assertThat(arrays.get("fusion.bias").toFloatVector()).containsExactly(0, 1, 2);
    arrays.values().forEach(INDArray::close);
  }

  @Test
  void entriesAreTheBytesNumpyWrites() throws IOException {
    Path ours = folder.resolve("ours.npz");
    Map<String, INDArray> arrays = Npz.read(golden("stored"));
    Npz.write(ours, arrays);
    arrays.values().forEach(INDArray::close);
    try (ZipFile a = new ZipFile(golden("stored").toFile());
        ZipFile b = new ZipFile(ours.toFile())) {
      assertThat(b.stream().map(ZipEntry::getName))
          .containsExactlyElementsOf(a.stream().map(ZipEntry::getName).toList());
      for (ZipEntry entry : b.stream().toList()) {
        assertThat(entry.getMethod()).isEqualTo(ZipEntry.STORED);
        assertThat(b.getInputStream(entry).readAllBytes())
            .isEqualTo(a.getInputStream(a.getEntry(entry.getName())).readAllBytes());
      }
    }
  }

  @Test
  void equalArraysGiveEqualFiles() throws IOException {
    Map<String, INDArray> arrays = new LinkedHashMap<>();
    arrays.put("b", Nd4j.rand(3, 4));
    arrays.put("a", Nd4j.rand(2, 2, 2));
    Npz.write(folder.resolve("1.npz"), arrays);
    Map<String, INDArray> back = Npz.read(folder.resolve("1.npz"));
    assertThat(back.keySet()).containsExactly("b", "a");
    Npz.write(folder.resolve("2.npz"), back);
    assertThat(folder.resolve("2.npz")).hasSameBinaryContentAs(folder.resolve("1.npz"));
    arrays.values().forEach(INDArray::close);
    back.values().forEach(INDArray::close);
  }

  @Test
  void namesThatCouldBePathsAreRefused() throws IOException {
    for (String name :
        new String[] {"../a.npy", "/a.npy", "b/a.npy", "..\\a.npy", "c:a.npy", ".npy"}) {
      Path file = zip(name, tiny(), ZipEntry.DEFLATED);
      assertThatThrownBy(() -> Npz.read(file))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("is not the name of an array");
    }
    try (INDArray array = Nd4j.rand(2)) {
      assertThatThrownBy(() -> Npz.write(folder.resolve("p.npz"), Map.of("../a", array)))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThat(folder.resolve("p.npz")).doesNotExist();
  }

  @Test
  void strangersInTheZipAreRefused() throws IOException {
    Path file = zip("readme.txt", tiny(), ZipEntry.DEFLATED);
    assertThatThrownBy(() -> Npz.read(file)).hasMessageContaining("'readme.txt'");
  }

  @Test
  void bombsAreRefusedBeforeTheyUnpack() throws IOException {
    byte[] zeros = new byte[5_000_000];
    Path file = zip("a.npy", zeros, ZipEntry.DEFLATED);
    assertThat(Files.size(file)).isLessThan(10_000);
    assertThatThrownBy(() -> Npz.read(file, 4_000_000)).hasMessageContaining("the limit");

    // The directory may lie about the size; the claim is compared with what a zip can hold at all.
    byte[] lie = Files.readAllBytes(file);
    int directory = indexOf(lie, new byte[] {'P', 'K', 1, 2});
    Arrays.fill(lie, directory + 24, directory + 27, (byte) 0xFF);
    lie[directory + 27] = 0x7F;
    Path lying = folder.resolve("lying.npz");
    Files.write(lying, lie);
    assertThatThrownBy(() -> Npz.read(lying)).hasMessageContaining("more than any zip can hold");
  }

  @Test
  void smallElementsCountAsTheFloatsTheyBecome() throws IOException {
    byte[] start = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 64, 0};
    String header = "{'descr': '|u1', 'fortran_order': False, 'shape': (1000,)}";
    byte[] npy = Arrays.copyOf(start, 10 + 64 + 1000);
    Arrays.fill(npy, 10, 74, (byte) ' ');
    System.arraycopy(header.getBytes(StandardCharsets.US_ASCII), 0, npy, 10, header.length());
    Path file = zip("a.npy", npy, ZipEntry.DEFLATED);
    Npz.read(file, 4000).values().forEach(INDArray::close);
    assertThatThrownBy(() -> Npz.read(file, 3999)).hasMessageContaining("limit of 3999 bytes");
  }

  @Test
  void aFlippedBitInAnElementIsNoticed() throws IOException {
    byte[] bytes = Files.readAllBytes(golden("stored"));
    bytes[250] ^= 1;
    Path file = folder.resolve("flipped.npz");
    Files.write(file, bytes);
    assertThatThrownBy(() -> Npz.read(file)).hasMessageContaining("checksum");
  }

  @Test
  void everyDamageIsASentenceOrHarmless() throws IOException {
    byte[] whole = Files.readAllBytes(golden("stored"));
    Path file = folder.resolve("damaged.npz");
    for (int length = 0; length < whole.length; length += 7) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> Npz.read(file))
          .as("cut to %d bytes", length)
          .isInstanceOf(IOException.class);
    }
    for (int at = 0; at < whole.length; at++) {
      byte[] bytes = whole.clone();
      bytes[at] ^= (byte) 0xA5;
      Files.write(file, bytes);
      try {
        Npz.read(file).values().forEach(INDArray::close);
      } catch (IOException e) {
        assertThat(e).hasMessageContaining("damaged.npz");
      }
    }
  }

  @Test
  void namesAMissingFileAndAFolder() {
    assertThatThrownBy(() -> Npz.read(folder.resolve("no.npz")))
        .isInstanceOf(IOException.class)
        .hasMessageEndingWith("no.npz' does not exist");
    assertThatThrownBy(() -> Npz.read(folder)).hasMessageContaining("is a folder");
  }

  private static byte[] tiny() throws IOException {
    try (InputStream in = NpzTest.class.getResourceAsStream("/npz/f4-vector.npy")) {
      return in.readAllBytes();
    }
  }

  private Path zip(String name, byte[] content, int method) throws IOException {
    Path file = Files.createTempFile(folder, "z", ".npz");
    try (OutputStream out = Files.newOutputStream(file);
        ZipOutputStream zip = new ZipOutputStream(out)) {
      zip.setMethod(method);
      zip.putNextEntry(new ZipEntry(name));
      zip.write(content);
      zip.closeEntry();
    }
    return file;
  }

  private static int indexOf(byte[] bytes, byte[] wanted) {
    for (int i = 0; i + wanted.length <= bytes.length; i++) {
      if (Arrays.equals(bytes, i, i + wanted.length, wanted, 0, wanted.length)) {
        return i;
      }
    }
    throw new AssertionError("not found");
  }

  private static Path golden(String name) throws IOException {
    try {
      return Path.of(NpzTest.class.getResource("/npz/" + name + ".npz").toURI());
    } catch (java.net.URISyntaxException e) {
      throw new IOException(e);
    }
  }
}
