package org.ttame.training.data;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.ttame.core.Text;
import org.ttame.core.storage.FileNames;
import org.ttame.core.storage.TextFile;

/** Collects the images of one source, see {@link ImageList}. */
final class ImageListBuilder {
  /**
   * {@code path label}: the label is a whole number that follows a blank at the end of the line.
   */
  private static final Pattern LABELLED = Pattern.compile("(.*\\S)\\s+(\\d{1,9})");

  /** Longer than any path a platform takes: such a "line" is a binary file's. */
  private static final int MAX_LINE = 40_000;

  /** Of a list: ten times that of ImageNet. */
  private static final long MAX_BYTES = 1L << 30;

  private final Path source;
  private final PathTable paths = new PathTable();
  private int[] labels = new int[64];
  private Path base;
  private List<String> classNames = List.of();
  private int others;

  ImageListBuilder(Path source) {
    this.source = source;
    this.base = source;
  }

  ImageList build() throws IOException {
    if (paths.size() == 0) {
      throw new IOException(
          Files.isDirectory(source)
              ? Text.format(
                  "'%s' holds no image (jpg, png, bmp, webp, gif), nor do its subfolders", source)
              : Text.format(
                  "'%s' names no image; it should hold one path a line, optionally followed by a label",
                  source));
    }
    return new ImageList(
        source, base, paths, Arrays.copyOf(labels, paths.size()), classNames, others);
  }

  void addSingle() {
    base = folderOf(source);
    add(FileNames.text(source.getFileName()), ImageList.NO_LABEL);
  }

  void readFolder() throws IOException {
    List<Entry> entries = entries(source);
    List<Entry> folders = new ArrayList<>();
    for (Entry entry : entries) {
      if (!entry.isImage() && Files.isDirectory(entry.path())) {
        folders.add(entry);
      }
    }
    boolean classes = folders.size() > 1 && entries.stream().noneMatch(Entry::isImage);
    Deque<Path> open = new ArrayDeque<>();
    open.push(source.toRealPath());
    if (classes) {
      others += entries.size() - folders.size();
      classNames = folders.stream().map(folder -> FileNames.shown(folder.name())).toList();
      for (int i = 0; i < folders.size(); i++) {
        walk(folders.get(i).path(), folders.get(i).name(), i, open);
      }
    } else {
      addAll(entries, "", ImageList.NO_LABEL, open);
    }
  }

  void readListFile() throws IOException {
    base = folderOf(source);
    try {
      TextFile.forEach(
          source,
          MAX_BYTES,
          (line, number) -> {
            String text = line.strip();
            if (!text.isEmpty()) {
              addLine(text, number);
            }
          });
    } catch (TextFile.NoTextException e) {
      throw new IOException(
          Text.format(
              "'%s' is neither a folder nor an image, and as a list of images it is not UTF-8 text (line %d)",
              source, e.line()),
          e);
    }
  }

  /** Whether a list that names an image so is read as naming it so. */
  static boolean isListable(String path, int label) {
    String line = label == ImageList.NO_LABEL ? path : path + " " + label;
    Matcher labelled = LABELLED.matcher(line);
    return path.equals(path.strip())
        && path.equals(FileNames.shown(path))
        && path.chars().noneMatch(c -> c == '\n' || c == '\r' || c == '\0')
        && (label != ImageList.NO_LABEL
            ? labelled.matches() && labelled.group(1).equals(path)
            : !labelled.matches());
  }

  private void addLine(String text, int number) throws IOException {
    Matcher labelled = LABELLED.matcher(text);
    boolean hasLabel = labelled.matches();
    String path = hasLabel ? labelled.group(1) : text;
    if (text.length() > MAX_LINE || text.indexOf('\0') >= 0 || !ImageList.isPath(path)) {
      throw new IOException(
          Text.format(
              "Line %d of '%s' is not a path, optionally followed by a label; is it a list of images?",
              number, source));
    }
    add(path, hasLabel ? Integer.parseInt(labelled.group(2)) : ImageList.NO_LABEL);
  }

  private void walk(Path folder, String prefix, int label, Deque<Path> open) throws IOException {
    Path real = folder.toRealPath();
    if (open.contains(real)) {
      return; // a link to a folder we are in
    }
    open.push(real);
    addAll(entries(folder), prefix + "/", label, open);
    open.pop();
  }

  private void addAll(List<Entry> entries, String prefix, int label, Deque<Path> open)
      throws IOException {
    for (Entry entry : entries) {
      String path = prefix + entry.name();
      if (entry.isImage()) {
        add(path, label);
      } else if (Files.isDirectory(entry.path())) {
        walk(entry.path(), path, label, open);
      } else if (!entry.name().equals(ImageList.BOXES)) {
        others++;
      }
    }
  }

  /** An entry of a folder, its name as {@link FileNames} tells it, and whether it is an image. */
  private record Entry(Path path, String name, boolean isImage) {}

  private void add(String path, int label) {
    if (paths.size() == labels.length) {
      labels = Arrays.copyOf(labels, labels.length * 2);
    }
    labels[paths.size()] = label;
    paths.add(path);
  }

  private List<Entry> entries(Path folder) throws IOException {
    List<Entry> entries = new ArrayList<>();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder)) {
      for (Path path : stream) {
        String name = FileNames.text(path.getFileName());
        if (name.startsWith(".")) {
          others++;
        } else {
          entries.add(new Entry(path, name, ImageList.isImage(path, name)));
        }
      }
    } catch (DirectoryIteratorException e) {
      throw unreadable(folder, e.getCause());
    } catch (IOException e) {
      throw unreadable(folder, e);
    }
    entries.sort(Comparator.comparing(Entry::name));
    return entries;
  }

  private static IOException unreadable(Path what, IOException cause) {
    String reason =
        cause instanceof AccessDeniedException ? "permission denied" : cause.getMessage();
    return new IOException(Text.format("'%s' could not be read: %s", what, reason), cause);
  }

  private static Path folderOf(Path file) {
    Path parent = file.toAbsolutePath().getParent();
    return parent == null ? file.toAbsolutePath() : parent;
  }
}
