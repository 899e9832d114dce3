package org.ttame.core.storage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;

/** Files and folders that are written: where those about other files go, and how they go. */
public final class OutputFile {
  /** Bytes of a name, on every file system that is common. */
  private static final int LONGEST = 255;

  /** Hexadecimal digits that tell names apart whose beginning is the same. */
  private static final int SUM = 8;

  private OutputFile() {}

  /**
   * Where a file about an image is, or may be written.
   *
   * <p>A name that would be longer than file systems take is cut, and ends in a sum of the whole
   * one. Where a folder has the name that a file should have, or a file that of a folder, both
   * beside others of their kind ({@code x.json/} beside the file of {@code x.jpg}), it is numbered.
   *
   * @param folder the output folder
   * @param name of what it is about, with slashes; never absolute, never climbing
   * @param ending with its dot
   * @return the same path for the same name, as long as folders and files stay what they are
   */
  public static Path place(Path folder, String name, String ending) {
    Path place = folder;
    String[] parts = name.split("/", -1);
    for (int i = 0; i < parts.length - 1; i++) {
      Path inner = FileNames.resolve(place, parts[i]);
      for (int n = 2; Files.exists(inner) && !Files.isDirectory(inner); n++) {
        inner = FileNames.resolve(place, parts[i] + "-" + n);
      }
      place = inner;
    }
    String last = fitting(parts[parts.length - 1], ending);
    Path file = FileNames.resolve(place, last + ending);
    for (int n = 2; Files.isDirectory(file); n++) {
      file = FileNames.resolve(place, fitting(last, "-" + n + ending) + "-" + n + ending);
    }
    return file;
  }

  /** Removes a file, or a folder and all in it; nothing if there is none. */
  public static void deleteTree(Path path) throws IOException {
    if (!Files.exists(path)) {
      return;
    }
    List<Path> inside;
    try (Stream<Path> walk = Files.walk(path)) {
      inside = walk.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path entry : inside) {
      Files.deleteIfExists(entry);
    }
  }

  private static String fitting(String name, String ending) {
    int most = LONGEST - FileNames.encode(ending).length;
    byte[] bytes = FileNames.encode(name);
    if (bytes.length <= most) {
      return name;
    }
    String sum = UUID.nameUUIDFromBytes(bytes).toString().substring(0, SUM);
    int end = most - SUM - 1;
    while ((bytes[end] & 0xC0) == 0x80) {
      end--; // within a character
    }
    return FileNames.decode(Arrays.copyOf(bytes, end)) + "~" + sum;
  }
}
