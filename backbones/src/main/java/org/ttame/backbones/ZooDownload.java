package org.ttame.backbones;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.URLConnection;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.zip.Adler32;
import java.util.zip.CheckedInputStream;
import org.deeplearning4j.common.resources.DL4JResources;
import org.deeplearning4j.common.resources.ResourceType;
import org.deeplearning4j.zoo.PretrainedType;
import org.deeplearning4j.zoo.model.VGG16;
import org.ttame.backbones.source.BackboneException;
import org.ttame.core.Text;
import org.ttame.core.provenance.Sha256;
import org.ttame.core.storage.AtomicFile;
import org.ttame.core.storage.InputFile;
import org.ttame.core.storage.TextFile;

/**
 * Fetches weights that the DL4J zoo publishes, into the folder where the zoo keeps its own
 * downloads. The zoo's {@code initPretrained} would hold the whole network in memory to the same
 * end, and leave a part of a file behind where the connection breaks.
 */
public final class ZooDownload {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private ZooDownload() {}

  /**
   * VGG16 with ImageNet's weights, about 530 MB.
   *
   * @return the zip, downloaded unless it is there already
   * @throws BackboneException if it cannot be had; says from where
   */
  public static Path vgg16() throws IOException {
    VGG16 model = VGG16.builder().build();
    return fetch(
        secure(model.pretrainedUrl(PretrainedType.IMAGENET)),
        model.pretrainedChecksum(PretrainedType.IMAGENET),
        DL4JResources.getDirectory(ResourceType.ZOO_MODEL, model.modelName()).toPath());
  }

  /** An address that nobody on the way can answer for: DL4J lets a property name another host. */
  static String secure(String address) throws BackboneException {
    if (!address.regionMatches(true, 0, "https://", 0, 8)) {
      throw new BackboneException(
          Text.format(
              "%s is not downloaded: only https is supported; import the file instead", address));
    }
    return address;
  }

  /**
   * Fetches a file into a folder, under its own name, unless it is there already and its Adler-32
   * is the {@code expected} one. Its SHA-256 is kept beside it: another file under the same name is
   * refused, wherever it came from.
   */
  static Path fetch(String address, long expected, Path folder) throws IOException {
    Path file = folder.resolve(address.substring(address.lastIndexOf('/') + 1));
    if (Files.exists(file)
        && copy(InputFile.open(file), OutputStream.nullOutputStream()) == expected) {
      compare(file, address);
      return file;
    }
    try {
      AtomicFile.write(
          file,
          out -> {
            if (copy(open(address), out) != expected) {
              throw new IOException("the download does not match the zoo's checksum");
            }
          });
    } catch (IOException e) {
      throw new BackboneException(
          Text.format(
              "%s could not be downloaded: %s; fetch it by other means and import the file",
              address, reason(e)),
          e);
    }
    compare(file, address);
    return file;
  }

  /** Adler-32, which the zoo publishes, is no protection against a file made to have it. */
  private static void compare(Path file, String address) throws IOException {
    Path record = file.resolveSibling(file.getFileName() + ".sha256");
    String found = Sha256.of(file);
    if (!Files.exists(record)) {
      AtomicFile.writeText(record, found + "\n");
      return;
    }
    String recorded = TextFile.text(record).strip();
    if (!recorded.equals(found)) {
      throw new BackboneException(
          Text.format(
              "%s is not what was downloaded from %s before: its SHA-256 is %s, %s records %s;"
                  + " delete both to take it anew",
              file, address, found, record.getFileName(), recorded));
    }
  }

  private static InputStream open(String address) throws IOException {
    URLConnection connection = URI.create(address).toURL().openConnection();
    connection.setConnectTimeout((int) PATIENCE.toMillis());
    connection.setReadTimeout((int) PATIENCE.toMillis());
    return connection.getInputStream();
  }

  /** Copies and closes a stream; returns its sum, of the kind that the zoo publishes. */
  private static long copy(InputStream from, OutputStream to) throws IOException {
    try (CheckedInputStream in = new CheckedInputStream(from, new Adler32())) {
      in.transferTo(to);
      return in.getChecksum().getValue();
    }
  }

  /** What was wrong underneath: an unknown host's whole message is the host's name. */
  private static String reason(IOException failure) {
    Throwable cause = failure.getCause() == null ? failure : failure.getCause();
    return cause.getClass() == IOException.class
        ? cause.getMessage()
        : Text.format("%s (%s)", cause.getClass().getSimpleName(), cause.getMessage());
  }
}
