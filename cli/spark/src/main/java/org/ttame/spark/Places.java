package org.ttame.spark;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.spark.SparkEnv;
import org.ttame.core.Text;
import org.ttame.core.storage.AtomicFile;
import scala.Tuple2;

/**
 * Places that users name: paths that every machine of the cluster sees alike ({@code file:} or no
 * scheme), or of any other file system that Hadoop knows ({@code hdfs:}, {@code s3a:} …).
 */
final class Places {
  private static final Pattern SCHEME = Pattern.compile("[a-zA-Z][a-zA-Z0-9+.-]+:.*");

  /**
   * Of the output: files that are not whole yet. Those of executors that were killed stay there, so
   * it goes when all is done.
   */
  static final String PARTS = "shards/.parts";

  private Places() {}

  /** Whether a place is one of the machines' own file systems. */
  static boolean isLocal(String place) {
    return !SCHEME.matcher(place).matches() || place.startsWith("file:");
  }

  /** A place of the machine's own file system as a path. */
  static Path local(String place) {
    return place.startsWith("file:")
        ? Path.of(new org.apache.hadoop.fs.Path(place).toUri().getPath())
        : Path.of(place);
  }

  /** The file system of a place, with the settings {@code spark.hadoop.…} of the job. */
  static FileSystem fileSystem(String place) throws IOException {
    Configuration settings = new Configuration();
    for (Tuple2<String, String> setting : SparkEnv.get().conf().getAllWithPrefix("spark.hadoop.")) {
      settings.set(setting._1(), setting._2());
    }
    return new org.apache.hadoop.fs.Path(place).getFileSystem(settings);
  }

  static org.apache.hadoop.fs.Path hadoop(String place, String inside) {
    return inside.isEmpty()
        ? new org.apache.hadoop.fs.Path(place)
        : new org.apache.hadoop.fs.Path(new org.apache.hadoop.fs.Path(place), inside);
  }

  /** Brings a file at a path inside a folder here, whole or not at all. */
  static void fetch(FileSystem files, String place, String inside, Path target) throws IOException {
    Files.createDirectories(target.getParent());
    try (InputStream in = files.open(hadoop(place, inside))) {
      AtomicFile.write(target, in::transferTo);
    }
  }

  /**
   * The paths of all files below a folder, with slashes, in the order that a walk of a folder on
   * disk has.
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
      // A slash is below every other sign, as folders are entered where their name stands.
      found.add(path.substring(prefix).replace('/', '\0'));
    }
    found.sort(null);
    found.replaceAll(path -> path.replace('\0', '/'));
    return found;
  }

  /**
   * Brings a folder's files to the output, or the folder {@code inside} it, each whole or not at
   * all, and {@code last} after all others.
   */
  static void deliver(Path folder, String out, String inside, String last) throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.walk(folder)) {
      files =
          all.filter(Files::isRegularFile)
              .sorted(Comparator.comparing((Path file) -> file.endsWith(last)))
              .toList();
    }
    FileSystem target = isLocal(out) ? null : fileSystem(out);
    Set<org.apache.hadoop.fs.Path> made = new HashSet<>();
    for (Path file : files) {
      String name = folder.relativize(file).toString();
      try (InputStream in = Files.newInputStream(file)) {
        if (target == null) {
          Path to = local(out).resolve(inside).resolve(name);
          Files.createDirectories(to.getParent());
          AtomicFile.write(to, in::transferTo);
        } else {
          org.apache.hadoop.fs.Path to = hadoop(hadoop(out, inside).toString(), name);
          org.apache.hadoop.fs.Path part = hadoop(out, PARTS + "/" + UUID.randomUUID());
          try (OutputStream stream = target.create(part, true)) {
            in.transferTo(stream);
          }
          if (made.add(to.getParent())) {
            target.mkdirs(to.getParent());
          }
          target.delete(to, false);
          if (!target.rename(part, to)) {
            throw new IOException(Text.format("could not write '%s'", to));
          }
        }
      }
    }
  }
}
