package org.ttame.eval.sanity;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Maps of one size in a file, so that memory does not grow with the images; gone when closed. */
final class MapStore implements Closeable {
  private final FileChannel channel;
  private final int values;

  /** An empty store of maps of so many values, in a file in a folder. */
  MapStore(Path folder, int values) throws IOException {
    this.values = values;
    Files.createDirectories(folder);
    channel =
        FileChannel.open(
            Files.createTempFile(folder, ".maps", ".part"),
            StandardOpenOption.READ,
            StandardOpenOption.WRITE,
            StandardOpenOption.DELETE_ON_CLOSE);
  }

  void put(long index, float[] map) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(values * Float.BYTES);
    bytes.asFloatBuffer().put(map);
    long position = index * bytes.capacity();
    while (bytes.hasRemaining()) {
      position += channel.write(bytes, position);
    }
  }

  float[] get(long index) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(values * Float.BYTES);
    long start = index * bytes.capacity();
    while (bytes.hasRemaining()) {
      if (channel.read(bytes, start + bytes.position()) < 0) {
        throw new EOFException("There is no map " + index);
      }
    }
    float[] map = new float[values];
    bytes.flip().asFloatBuffer().get(map);
    return map;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
