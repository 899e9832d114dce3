package org.ttame.backbones.onnx;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import org.ttame.backbones.source.BackboneException;
import org.ttame.core.Text;
import org.ttame.core.storage.InputFile;

/** A file that holds weights, read block by block through one buffer. Not thread-safe. */
final class DataFile implements AutoCloseable {
  /** Bytes read at once. */
  static final int BLOCK = 1 << 20;

  private final Path path;
  private final FileChannel channel;
  private ByteBuffer buffer;

  DataFile(Path path) throws IOException {
    this.path = path;
    channel = InputFile.channel(path);
  }

  FileChannel channel() {
    return channel;
  }

  /**
   * Reads a block.
   *
   * @param position its first byte
   * @param length its length, at most {@link #BLOCK}
   * @return little-endian bytes from index 0 on, valid until the next call
   */
  ByteBuffer read(long position, int length) throws IOException {
    if (buffer == null) {
      buffer = ByteBuffer.allocateDirect(BLOCK).order(ByteOrder.LITTLE_ENDIAN);
    }
    buffer.clear().limit(length);
    while (buffer.hasRemaining()) {
      int read = channel.read(buffer, position + buffer.position());
      if (read < 0) {
        throw new BackboneException(
            Text.format(
                "%s is cut short: weights should reach to byte %,d, it has %,d; copy or export it again",
                path, position + length, channel.size()));
      }
    }
    return buffer.flip();
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
