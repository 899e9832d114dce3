package org.ttame.spark;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.RemoteIterator;
import org.ttame.core.Text;
import org.ttame.core.storage.WholeFile;

/**
 * Places that users name: paths that every machine of the cluster sees alike ({@code file:} or no
 * scheme), or of any other file system that Hadoop knows ({@code hdfs:}, {@code s3a:} …).
 */
final class Places {
  private static final Pattern SCHEME = Pattern.compile("[a-zA-Z][a-zA-Z0-9+.-]+:.*");

  private Places() {}

  /** Whether a place is one of the machines' own file systems. */
  static boolean isLocal(String place) {
    return !SCHEME.matcher(place).matches() || place.startsWith("file:");
  }

  /** A place of the machine's own file system as a path. */
  static Path local(String place) {
    return place.startsWith("file:") ? Path.of(URI.create(place).getPath()) : Path.of(place);
  }

  static FileSystem fileSystem(String place) throws IOException {
    return FileSystem.get(URI.create(place), new Configuration());
  }

  static org.apache.hadoop.fs.Path hadoop(String place, String inside) {
    return inside.isEmpty()
        ? new org.apache.hadoop.fs.Path(place)
        : new org.apache.hadoop.fs.Path(new org.apache.hadoop.fs.Path(place), inside);
  }

  /**
   * Brings a file here.
   *
   * @param place the folder it is in
   * @param inside its path there, with slashes
   * @param target where to; whole or not there
   */
  static void fetch(FileSystem files, String place, String inside, Path target) throws IOException {
    Files.createDirectories(target.getParent());
    try (InputStream in = files.open(hadoop(place, inside))) {
      WholeFile.write(target, in::transferTo);
    }
  }

  /**
   * All files below a folder.
   *
   * @return their paths inside it, with slashes, in the order that a walk of a folder on disk has
   */
  static List<String> list(String place) throws IOException {
    FileSystem files = fileSystem(place);
    org.apache.hadoop.fs.Path root = files.makeQualified(hadoop(place, ""));
    if (!files.exists(root)) {
      throw new IOException(Text.format("'%s' does not exist", place));
    }
    int prefix = root.toUri().getPath().length() + 1;
    List<String> found = new ArrayList<>();
    RemoteIterator<LocatedFileStatus> all = files.listFiles(root, true);
    while (all.hasNext()) {
      String path = all.next().getPath().toUri().getPath();
      found.add(path.substring(prefix));
    }
    // A slash is below every other sign, as folders are entered where their name stands.
    found.sort(Comparator.comparing((String path) -> path.replace('/', '\0')));
    return found;
  }

  /**
   * Brings a folder's files to a place, each whole or not at all, and {@code last} after all
   * others.
   */
  static void deliver(Path folder, String place, String last) throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.walk(folder)) {
      files =
          all.filter(Files::isRegularFile)
              .sorted(Comparator.comparing((Path file) -> file.endsWith(last)))
              .toList();
    }
    FileSystem target = isLocal(place) ? null : fileSystem(place);
    for (Path file : files) {
      String inside = folder.relativize(file).toString();
      try (InputStream in = Files.newInputStream(file)) {
        if (target == null) {
          Path to = local(place).resolve(inside);
          Files.createDirectories(to.getParent());
          WholeFile.write(to, in::transferTo);
        } else {
          org.apache.hadoop.fs.Path to = hadoop(place, inside);
          org.apache.hadoop.fs.Path part = to.suffix(".part-" + java.util.UUID.randomUUID());
          try (java.io.OutputStream out = target.create(part, true)) {
            in.transferTo(out);
          }
          target.delete(to, false);
          if (!target.rename(part, to)) {
            throw new IOException(Text.format("could not write '%s'", to));
          }
        }
      }
    }
  }

  /** Removes a folder of ours. */
  static void remove(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path file : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
