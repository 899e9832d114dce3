package org.ttame.training.data;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
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

/** Collects the images of one source, see {@link ImageList}. */
final class ImageListBuilder {
  /**
   * {@code path label}: the label is a whole number that follows a blank at the end of the line.
   */
  private static final Pattern LABELLED = Pattern.compile("(.*\\S)\\s+(\\d{1,9})");

  /** Longer than any path a platform takes: such a "line" is a binary file's. */
  private static final int MAX_LINE = 40_000;

  private final Path source;
  private final PathTable paths = new PathTable();
  private int[] labels = new int[64];
  private Path base;
  private List<String> classNames = List.of();

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
    return new ImageList(source, base, paths, Arrays.copyOf(labels, paths.size()), classNames);
  }

  void addSingle() {
    base = folderOf(source);
    add(String.valueOf(source.getFileName()), ImageList.NO_LABEL);
  }

  void readFolder() throws IOException {
    List<Path> entries = entries(source);
    List<Path> folders = new ArrayList<>();
    for (Path entry : entries) {
      if (!isImage(entry) && Files.isDirectory(entry)) {
        folders.add(entry);
      }
    }
    boolean classes = folders.size() > 1 && entries.stream().noneMatch(ImageListBuilder::isImage);
    Deque<Path> open = new ArrayDeque<>();
    open.push(source.toRealPath());
    if (classes) {
      classNames = folders.stream().map(f -> String.valueOf(f.getFileName())).toList();
      for (int i = 0; i < folders.size(); i++) {
        walk(folders.get(i), classNames.get(i), i, open);
      }
    } else {
      addAll(entries, "", ImageList.NO_LABEL, open);
    }
  }

  void readListFile() throws IOException {
    base = folderOf(source);
    int number = 0;
    try (BufferedReader reader = Files.newBufferedReader(source, StandardCharsets.UTF_8)) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        number++;
        String text = (number == 1 && line.startsWith("\uFEFF") ? line.substring(1) : line).strip();
        if (!text.isEmpty()) {
          addLine(text, number);
        }
      }
    } catch (CharacterCodingException e) {
      throw new IOException(
          Text.format(
              "'%s' is neither a folder nor an image, and as a list of images it is not UTF-8 text (after line %d)",
              source, number),
          e);
    } catch (FileSystemException e) {
      throw unreadable(source, e);
    }
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

  private void addAll(List<Path> entries, String prefix, int label, Deque<Path> open)
      throws IOException {
    for (Path entry : entries) {
      String path = prefix + entry.getFileName();
      if (isImage(entry)) {
        add(path, label);
      } else if (Files.isDirectory(entry)) {
        walk(entry, path, label, open);
      }
    }
  }

  private void add(String path, int label) {
    if (paths.size() == labels.length) {
      labels = Arrays.copyOf(labels, labels.length * 2);
    }
    labels[paths.size()] = label;
    paths.add(path);
  }

  private static List<Path> entries(Path folder) throws IOException {
    List<Path> entries = new ArrayList<>();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder)) {
      for (Path entry : stream) {
        if (!String.valueOf(entry.getFileName()).startsWith(".")) {
          entries.add(entry);
        }
      }
    } catch (DirectoryIteratorException e) {
      throw unreadable(folder, e.getCause());
    } catch (IOException e) {
      throw unreadable(folder, e);
    }
    entries.sort(Comparator.comparing(entry -> String.valueOf(entry.getFileName())));
    return entries;
  }

  private static boolean isImage(Path entry) {
    return ImageList.isImageName(String.valueOf(entry.getFileName()));
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
