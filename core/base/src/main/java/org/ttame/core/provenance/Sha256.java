package org.ttame.core.provenance;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.ttame.core.storage.InputFile;

/** SHA-256 sums that tell which file, or which list, a result came from. */
public final class Sha256 {
  private static final int BUFFER = 1 << 18;

  private final MessageDigest digest;

  /** An empty sum. */
  public Sha256() {
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256", e);
    }
  }

  /**
   * The sum of a file.
   *
   * @return 64 hexadecimal digits
   */
  public static String of(Path file) throws IOException {
    Sha256 sum = new Sha256();
    try (InputStream in = InputFile.open(file)) {
      byte[] buffer = new byte[BUFFER];
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        sum.digest.update(buffer, 0, read);
      }
    }
    return sum.hex();
  }

  /**
   * The sum of bytes.
   *
   * @param bytes any
   * @return 64 hexadecimal digits
   */
  public static String of(byte[] bytes) {
    Sha256 sum = new Sha256();
    sum.digest.update(bytes);
    return sum.hex();
  }

  /** Adds a line: the text in UTF-8 and a line feed. */
  public Sha256 line(String text) {
    digest.update(text.getBytes(StandardCharsets.UTF_8));
    digest.update((byte) '\n');
    return this;
  }

  /** The sum of what was added, 64 hexadecimal digits; the sum is then empty again. */
  public String hex() {
    return HexFormat.of().formatHex(digest.digest());
  }
}
