package org.ttame.core.storage;

import java.io.BufferedOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.ttame.core.Text;

/**
 * Files that are either whole or not there.
 *
 * <p>The bytes go to a temporary name in the same folder, are forced to the disk and then renamed
 * over the target. A reader, or a run that starts after a crash or on a full disk, sees the old
 * file or the new one and never a part of one. What a killed process left is taken over by the next
 * one that writes the same file.
 */
public final class AtomicFile {
  private static final int BUFFER = 1 << 16;

  private AtomicFile() {}

  /** What to write. */
  @FunctionalInterface
  public interface Content {
    /**
     * Writes the whole content.
     *
     * @param out where to; buffered, closed by the caller
     * @throws IOException if it cannot be written, or there is none; the latter reaches the caller
     *     as it is, since it is not the file's fault
     */
    void writeTo(OutputStream out) throws IOException;
  }

  /**
   * Writes a file, replacing an earlier one in one step. Missing parent folders are made.
   *
   * @throws IOException naming the file, if it could not be written, or what the content threw; an
   *     earlier file of that name is then untouched and no temporary file stays behind
   */
  public static void write(Path file, Content content) throws IOException {
    Path target = file.toAbsolutePath();
    Path folder = target.getParent();
    if (folder == null || target.getFileName() == null) {
      throw new IOException(Text.format("'%s' names no file that could be written", file));
    }
    Sink sink = null;
    boolean making = false;
    try {
      Files.createDirectories(folder);
      try (PartFile part = PartFile.of(target)) {
        sink = new Sink(Channels.newOutputStream(part.channel()));
        OutputStream out = new BufferedOutputStream(sink, BUFFER);
        making = true;
        content.writeTo(out);
        making = false;
        out.flush();
        part.channel().force(true);
        part.moveTo(target);
      }
      forceFolder(folder);
    } catch (IOException e) {
      if (making && !sink.failed) {
        throw e;
      }
      throw new IOException(
          Text.format(
              "Could not write '%s': %s; what was there before is unchanged", file, reason(e)),
          e);
    }
  }

  /**
   * Writes a text file in UTF-8, as {@link #write(Path, Content)} does.
   *
   * @param text its content
   */
  public static void writeText(Path file, String text) throws IOException {
    write(file, out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
  }

  /**
   * Checks that files can be written into a folder, so that long work does not fail at its end.
   * Nothing is made: a folder that does not exist is judged by the nearest one above it.
   *
   * @param folder where files are to go, whether it exists or not
   * @throws IOException naming what is in the way: a file, or a folder that is read-only
   */
  public static void requireWritable(Path folder) throws IOException {
    Path nearest = folder.toAbsolutePath();
    while (!Files.exists(nearest) && nearest.getParent() != null) {
      nearest = nearest.getParent();
    }
    String obstacle = null;
    if (!Files.isDirectory(nearest)) {
      obstacle = Text.format("'%s' is a file where a folder is needed", nearest);
    } else if (!Files.isWritable(nearest)) {
      obstacle = Text.format("'%s' is read-only, or not yours to write", nearest);
    }
    if (obstacle != null) {
      throw new IOException(Text.format("Cannot write into '%s': %s", folder, obstacle));
    }
  }

  /**
   * Forces a folder's entries to the disk where the platform can, so that a rename inside it
   * survives a power cut.
   *
   * @param folder an existing folder
   */
  public static void forceFolder(Path folder) {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException e) {
      // Windows cannot open a folder; the rename is then as durable as the platform makes it.
      return;
    }
  }

  /** Remembers whether writing failed, to tell that from failures of what makes the content. */
  private static final class Sink extends FilterOutputStream {
    private boolean failed;

    Sink(OutputStream out) {
      super(out);
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      try {
        out.write(bytes, offset, length);
      } catch (IOException e) {
        failed = true;
        throw e;
      }
    }
  }

  /** The system's words, without the path that the sentence already names. */
  private static String reason(IOException e) {
    if (e instanceof FileAlreadyExistsException f) {
      return Text.format("'%s' is a file where a folder is needed", f.getFile());
    }
    if (e instanceof AccessDeniedException f) {
      return Text.format("'%s' may not be written", f.getFile());
    }
    if (e instanceof NoSuchFileException f) {
      return Text.format("there is no folder '%s', and it cannot be created", f.getFile());
    }
    if (e instanceof FileSystemException f) {
      return f.getReason() != null
          ? f.getReason()
          : f.getClass().getSimpleName() + " " + f.getFile();
    }
    return e.getMessage() != null ? e.getMessage() : e.getClass().getSimpleName();
  }
}
