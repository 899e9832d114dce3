package org.ttame.eval.evaluation;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.AbstractList;
import java.util.List;
import java.util.Objects;
import java.util.RandomAccess;
import org.ttame.core.Text;

/**
 * Records of so many images that they do not fit into the heap: in a temporary file, a row of
 * doubles a record; only the images' names are in memory. For one thread at a time.
 */
public final class RecordStore implements AutoCloseable {
  /** What a row has before its numbers: class, confidence, forward and backward passes. */
  private static final int FIXED = 4;

  /** So many bytes are read at once. */
  private static final int BLOCK = 1 << 16;

  private final List<String> methods;
  private final String[] images;
  private final Path path;
  private final FileChannel file;
  private final ByteBuffer row;

  /**
   * Makes room.
   *
   * @param methods names of the methods
   * @param numbers how many values a record has
   * @param images how many images there are
   * @throws IOException if no temporary file can be made
   */
  public RecordStore(List<String> methods, int numbers, int images) throws IOException {
    this.methods = List.copyOf(methods);
    this.images = new String[images];
    row = ByteBuffer.allocateDirect((FIXED + numbers) * Double.BYTES);
    path = Files.createTempFile("ttame-records-", "");
    file =
        FileChannel.open(
            path,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE,
            StandardOpenOption.DELETE_ON_CLOSE);
  }

  /**
   * Keeps a record.
   *
   * @param image the image's place, from 0
   * @param method the method's place in the list of methods
   * @param record of that image and method
   * @throws IllegalArgumentException if another method's record there is of another image
   * @throws IOException naming the file and how much room it needs, if it cannot be written
   */
  public void put(int image, int method, ImageRecord record) throws IOException {
    String name = images[image];
    if (name != null && !name.equals(record.image())) {
      throw new IllegalArgumentException(
          Text.format("%s has %s where %s is due", record.method(), record.image(), name));
    }
    images[image] = name == null ? record.image() : name;
    row.clear();
    row.putDouble(record.classIndex()).putDouble(record.confidence());
    row.putDouble(record.forwardPasses()).putDouble(record.backwardPasses());
    for (double value : record.values()) {
      row.putDouble(value);
    }
    long at = at(image, method);
    row.flip();
    try {
      while (row.hasRemaining()) {
        at += file.write(row, at);
      }
    } catch (IOException e) {
      throw new IOException(
          Text.format(
              "Could not write '%s': %s; the records need %,d bytes there (-Djava.io.tmpdir=DIR"
                  + " chooses another folder)",
              path, e.getMessage(), at(0, methods.size())),
          e);
    }
  }

  private long at(int image, int method) {
    return ((long) method * images.length + image) * row.capacity();
  }

  /** The name of the image at a place; null before a record of it was put. */
  public String image(int place) {
    return images[place];
  }

  /**
   * The records of a method by the images' places, all of which must have been put; to be read
   * until this is closed.
   */
  public List<ImageRecord> records(int method) {
    return new View(Objects.checkIndex(method, methods.size()));
  }

  @Override
  public void close() throws IOException {
    file.close();
  }

  /** Reads a block at a time, as records are mostly gone through in order. */
  final class View extends AbstractList<ImageRecord> implements RandomAccess {
    private final int method;
    private final int rows = Math.max(1, BLOCK / row.capacity());
    private ByteBuffer block;
    private int first;

    private View(int method) {
      this.method = method;
    }

    @Override
    public int size() {
      return images.length;
    }

    @Override
    public ImageRecord get(int image) {
      Objects.checkIndex(image, images.length);
      if (block == null || image < first || image >= first + rows) {
        read(image);
      }
      int at = (image - first) * row.capacity();
      double[] values = new double[row.capacity() / Double.BYTES - FIXED];
      for (int k = 0; k < values.length; k++) {
        values[k] = block.getDouble(at + (FIXED + k) * Double.BYTES);
      }
      return new ImageRecord(
          images[image],
          methods.get(method),
          (int) block.getDouble(at),
          block.getDouble(at + Double.BYTES),
          block.getDouble(at + 2 * Double.BYTES),
          block.getDouble(at + 3 * Double.BYTES),
          values);
    }

    private void read(int image) {
      if (block == null) {
        block = ByteBuffer.allocateDirect(rows * row.capacity());
      }
      first = image;
      block.clear().limit(Math.min(rows, images.length - image) * row.capacity());
      try {
        while (block.hasRemaining()) {
          if (file.read(block, at(image, method) + block.position()) < 0) {
            throw new IllegalStateException("a record was read before it was put");
          }
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
