package org.ttame.core.npz;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.Enumeration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.CheckedOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.Text;
import org.ttame.core.storage.AtomicFile;
import org.ttame.core.storage.InputFile;

/**
 * numpy's npz files: a zip of npy arrays, one entry {@code NAME.npy} per array.
 *
 * <p>Written stored (floats do not compress), in the order of the map and with a fixed date, so
 * that equal arrays give equal files. Read stored or deflated. Names are keys, never paths; sizes
 * are limited before memory is taken, so a small file cannot ask for a large amount.
 */
public final class Npz {
  /** The most bytes of elements read from one file: that of ResNet-50 needs a sixtieth of it. */
  public static final long DEFAULT_LIMIT = 1L << 31;

  private static final int MAX_ENTRIES = 10_000;

  /** No deflate stream expands further than this. */
  private static final long MAX_EXPANSION = 1032;

  private static final String SUFFIX = ".npy";
  private static final LocalDateTime DATE = LocalDateTime.of(1980, 1, 1, 0, 0);

  private Npz() {}

  /**
   * Reads a file of at most {@link #DEFAULT_LIMIT} bytes of elements.
   *
   * @param file an npz file
   * @return name → array (float32, C order) in the file's order; the caller closes the arrays
   * @throws IOException naming file and entry, if anything in it is not as it should be
   */
  public static Map<String, INDArray> read(Path file) throws IOException {
    return read(file, DEFAULT_LIMIT);
  }

  /**
   * Reads a file whose arrays are known beforehand: all names and shapes are shown before the first
   * element is unpacked, so that a small file with another content costs nothing.
   *
   * @param file an npz file
   * @param check takes the shape of each array by name, and throws what is not caught here if they
   *     are not those expected
   * @return name → array (float32, C order) in the file's order; the caller closes the arrays
   * @throws IOException naming file and entry, if anything in it is not as it should be
   */
  public static Map<String, INDArray> read(Path file, Consumer<Map<String, long[]>> check)
      throws IOException {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    walk(
        file,
        DEFAULT_LIMIT,
        (name, zip, entry, called) -> {
          try (InputStream in = new BufferedInputStream(zip.getInputStream(entry))) {
            shapes.put(name, NpyHeader.read(in, called).lengths());
          }
        });
    check.accept(shapes);
    return read(file, DEFAULT_LIMIT);
  }

  /**
   * Reads a file.
   *
   * @param file an npz file
   * @param limit the most bytes all entries may have, unpacked and as float32
   * @return name → array (float32, C order) in the file's order; the caller closes the arrays
   * @throws IOException naming file and entry, if anything in it is not as it should be
   */
  public static Map<String, INDArray> read(Path file, long limit) throws IOException {
    Map<String, INDArray> arrays = new LinkedHashMap<>();
    boolean whole = false;
    try {
      walk(
          file,
          limit,
          (name, zip, entry, called) -> {
            long taken = arrays.values().stream().mapToLong(array -> 4 * array.length()).sum();
            arrays.put(name, array(zip, entry, called, limit - taken));
          });
      whole = true;
      return arrays;
    } finally {
      if (!whole) {
        arrays.values().forEach(INDArray::close);
      }
    }
  }

  /** Sees an entry: the array's name, and how messages call it. */
  private interface Visitor {
    void visit(String name, ZipFile zip, ZipEntry entry, String called) throws IOException;
  }

  private static void walk(Path file, long limit, Visitor visitor) throws IOException {
    Set<String> names = new HashSet<>();
    try (ZipFile zip = InputFile.zip(file)) {
      checkSizes(zip, file, limit);
      for (Enumeration<? extends ZipEntry> e = zip.entries(); e.hasMoreElements(); ) {
        ZipEntry entry = e.nextElement();
        String name = key(entry.getName(), file);
        if (!names.add(name)) {
          throw new IOException(Text.format("'%s' holds two arrays called '%s'", file, name));
        }
        visitor.visit(name, zip, entry, Text.format("'%s' in '%s'", entry.getName(), file));
      }
    } catch (ZipException | EOFException e) {
      throw new IOException(
          Text.format("'%s' is not a whole npz (zip) file: %s", file, e.getMessage()), e);
    } catch (IllegalArgumentException | UncheckedIOException e) {
      // java.util.zip throws this for entry names that are not text.
      throw new IOException(Text.format("'%s' is a damaged npz (zip) file", file), e);
    }
  }

  /**
   * Writes a file, whole or not at all.
   *
   * @param arrays name → float32 array of any strides; stays the caller's
   * @throws IllegalArgumentException if a name is not usable or an array is not float32
   */
  public static void write(Path file, Map<String, INDArray> arrays) throws IOException {
    for (String name : arrays.keySet()) {
      if (!usable(name)) {
        throw new IllegalArgumentException(
            Text.format("'%s' cannot name an array in an npz file", name));
      }
    }
    AtomicFile.write(
        file,
        out -> {
          ZipOutputStream zip = new ZipOutputStream(out);
          zip.setMethod(ZipOutputStream.STORED);
          for (Map.Entry<String, INDArray> entry : arrays.entrySet()) {
            put(zip, entry.getKey(), entry.getValue());
          }
          zip.finish();
        });
  }

  private static INDArray array(ZipFile zip, ZipEntry entry, String called, long limit)
      throws IOException {
    // ZipFile does not compare the checksum itself.
    CRC32 crc = new CRC32();
    try (InputStream in =
        new CheckedInputStream(new BufferedInputStream(zip.getInputStream(entry)), crc)) {
      INDArray array = Npy.read(in, entry.getSize(), called, limit);
      if (crc.getValue() != entry.getCrc()) {
        array.close();
        throw new IOException(called + " is damaged: its checksum is not the one recorded");
      }
      return array;
    }
  }

  private static void put(ZipOutputStream zip, String name, INDArray array) throws IOException {
    byte[] header = Npy.header(array);
    float[] values = Npy.values(array);
    CRC32 crc = new CRC32();
    try (CheckedOutputStream sum = new CheckedOutputStream(OutputStream.nullOutputStream(), crc)) {
      sum.write(header);
      Npy.writeValues(values, sum);
    }
    ZipEntry entry = new ZipEntry(name + SUFFIX);
    entry.setTimeLocal(DATE);
    entry.setSize(header.length + 4L * values.length);
    entry.setCompressedSize(entry.getSize());
    entry.setCrc(crc.getValue());
    zip.putNextEntry(entry);
    zip.write(header);
    Npy.writeValues(values, zip);
    zip.closeEntry();
  }

  private static void checkSizes(ZipFile zip, Path file, long limit) throws IOException {
    if (zip.size() > MAX_ENTRIES) {
      throw new IOException(
          Text.format("'%s' holds %d entries; at most %d are read", file, zip.size(), MAX_ENTRIES));
    }
    long fileBytes = Files.size(file);
    long total = 0;
    for (Enumeration<? extends ZipEntry> e = zip.entries(); e.hasMoreElements(); ) {
      ZipEntry entry = e.nextElement();
      long size = entry.getSize();
      long packed = entry.getCompressedSize();
      if (size < 0 || packed < 0 || packed > fileBytes) {
        throw new IOException(
            Text.format("'%s' in '%s' does not say how large it is", entry.getName(), file));
      }
      if (size > packed * MAX_EXPANSION + MAX_EXPANSION) {
        throw new IOException(
            Text.format(
                "'%s' in '%s' claims %d bytes from %d, more than any zip can hold",
                entry.getName(), file, size, packed));
      }
      total += size;
      if (total > limit) {
        throw new IOException(
            Text.format("'%s' unpacks to more than %d bytes, the limit", file, limit));
      }
    }
  }

  private static String key(String entry, Path file) throws IOException {
    if (!entry.endsWith(SUFFIX)) {
      throw new IOException(
          Text.format(
              "'%s' in '%s' is not an array; an npz file holds NAME.npy entries only",
              entry, file));
    }
    String name = entry.substring(0, entry.length() - SUFFIX.length());
    if (!usable(name)) {
      throw new IOException(Text.format("'%s' in '%s' is not the name of an array", entry, file));
    }
    return name;
  }

  /** A key must not be readable as a path by whoever unpacks the file. */
  private static boolean usable(String name) {
    return !name.isBlank()
        && !name.startsWith("..")
        && name.chars()
            .noneMatch(c -> c == '/' || c == '\\' || c == ':' || Character.isISOControl(c));
  }
}
