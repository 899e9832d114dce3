package org.ttame.core.storage;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.zip.ZipFile;
import org.ttame.core.Text;

/**
 * The one way to a file that this program is told to read. A device, a pipe or a socket may have no
 * end, or keep whoever opens it waiting for ever, so only regular files are opened; links are
 * followed to what they stand for.
 */
public final class InputFile {
  private InputFile() {}

  /**
   * Makes sure that a file can be read.
   *
   * @throws IOException with a sentence naming the file, if it is missing, a folder, a device, a
   *     pipe, a socket, a link that leads nowhere, or may not be read
   */
  public static void require(Path file) throws IOException {
    BasicFileAttributes attributes;
    try {
      attributes = Files.readAttributes(file, BasicFileAttributes.class);
    } catch (NoSuchFileException e) {
      throw new IOException(
          Files.isSymbolicLink(file)
              ? Text.format(
                  "'%s' is a link to '%s', which does not exist",
                  file, Files.readSymbolicLink(file))
              : Text.format("'%s' does not exist", file),
          e);
    } catch (FileSystemLoopException e) {
      throw new IOException(Text.format("'%s' is a link that leads back to itself", file), e);
    } catch (FileSystemException e) {
      throw new IOException(
          Text.format(
              "'%s' cannot be read: %s",
              file, e.getReason() == null ? "permission denied" : e.getReason()),
          e);
    }
    if (attributes.isDirectory()) {
      throw new IOException(Text.format("'%s' is a folder where a file is needed", file));
    }
    if (!attributes.isRegularFile()) {
      throw new IOException(
          Text.format(
              "'%s' is a device, a pipe or a socket, not a file; save its content to"
                  + " a file first",
              file));
    }
    if (!Files.isReadable(file)) {
      throw new IOException(Text.format("'%s' may not be read; check its permissions", file));
    }
  }

  /**
   * Makes sure that a file can be appended to or begun: that its name is not taken by anything but
   * a regular file.
   *
   * @throws IOException naming the file, if something else is there
   */
  public static void requireOwn(Path file) throws IOException {
    if (Files.exists(file)) {
      require(file);
    }
  }

  /**
   * Opens a file.
   *
   * @return its bytes, not buffered; the caller closes it
   * @throws IOException as {@link #require} does
   */
  public static InputStream open(Path file) throws IOException {
    require(file);
    return Files.newInputStream(file);
  }

  /**
   * Opens a file to be read at any place.
   *
   * @return it; the caller closes it
   * @throws IOException as {@link #require} does
   */
  public static FileChannel channel(Path file) throws IOException {
    require(file);
    return FileChannel.open(file, StandardOpenOption.READ);
  }

  /**
   * Opens a zip file.
   *
   * @return it; the caller closes it
   * @throws java.util.zip.ZipException if it is no zip file
   * @throws IOException as {@link #require} does
   */
  public static ZipFile zip(Path file) throws IOException {
    require(file);
    return new ZipFile(file.toFile());
  }
}
