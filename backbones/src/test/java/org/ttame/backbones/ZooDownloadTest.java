package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import java.util.zip.Adler32;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.backbones.source.BackboneException;

/** Downloads from a file: what is done with what comes is the same as from afar. */
class ZooDownloadTest {
  private static final byte[] CONTENT = {'P', 'K', 3, 4, 9, 8, 7};

  @TempDir Path folder;
  private Path published;
  private Path cache;

  @BeforeEach
  void publish() throws IOException {
    published = Files.write(folder.resolve("net.zip"), CONTENT);
    cache = folder.resolve("cache");
  }

  @Test
  void keepsWhatItFetched() throws IOException {
    Path file = fetch(sum(CONTENT));
    assertThat(file).isEqualTo(cache.resolve("net.zip")).hasBinaryContent(CONTENT);
    Files.delete(published);
    assertThat(fetch(sum(CONTENT))).isEqualTo(file);
  }

  @Test
  void replacesWhatIsNotWhole() throws IOException {
    Files.createDirectories(cache);
    Files.write(cache.resolve("net.zip"), new byte[] {'P', 'K'});
    Path file = fetch(sum(CONTENT));
    assertThat(file).hasBinaryContent(CONTENT);
  }

  @Test
  void leavesNothingOfWhatIsNotAnnounced() throws IOException {
    assertThatThrownBy(() -> fetch(7))
        .isInstanceOf(BackboneException.class)
        .hasMessageContaining("net.zip could not be downloaded: the download does not match")
        .hasMessageContaining("by other means");
    try (Stream<Path> left = Files.list(cache)) {
      assertThat(left).isEmpty();
    }
  }

  @Test
  void namesWhatIsNotThere() throws IOException {
    Files.delete(published);
    assertThatThrownBy(() -> fetch(7))
        .isInstanceOf(BackboneException.class)
        .hasMessageContaining("net.zip could not be downloaded: FileNotFoundException");
  }

  @Test
  void onlyOverHttps() throws IOException {
    assertThat(ZooDownload.secure("https://example.org/net.zip")).endsWith("net.zip");
    for (String address : new String[] {"http://example.org/net.zip", "file:///net.zip"}) {
      assertThatThrownBy(() -> ZooDownload.secure(address))
          .isInstanceOf(BackboneException.class)
          .hasMessageContaining(address + " is not downloaded: only https is");
    }
  }

  /** Adler-32 is easily met by another file; SHA-256 of the first download is kept. */
  @Test
  void anotherFileUnderTheSameName() throws IOException {
    byte[] one = {5, 1, 2, 1, 5};
    byte[] other = {4, 3, 0, 3, 4};
    assertThat(sum(one)).isEqualTo(sum(other));
    Files.write(published, one);
    Path file = fetch(sum(one));
    assertThat(cache.resolve("net.zip.sha256")).content().hasSize(65);
    assertThat(fetch(sum(one))).isEqualTo(file);
    Files.write(file, other);
    assertThatThrownBy(() -> fetch(sum(one)))
        .isInstanceOf(BackboneException.class)
        .hasMessageContaining("net.zip is not what was downloaded")
        .hasMessageContaining("net.zip.sha256 records");
    Files.delete(file);
    Files.write(published, other);
    assertThatThrownBy(() -> fetch(sum(one))).hasMessageContaining("is not what was downloaded");
  }

  private Path fetch(long announced) throws IOException {
    return ZooDownload.fetch(published.toUri().toString(), announced, cache);
  }

  private static long sum(byte[] bytes) {
    Adler32 sum = new Adler32();
    sum.update(bytes);
    return sum.getValue();
  }
}
