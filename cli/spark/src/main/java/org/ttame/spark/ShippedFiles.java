package org.ttame.spark;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;
import org.apache.spark.SparkFiles;
import org.apache.spark.api.java.JavaSparkContext;
import org.ttame.cli.RemoteCommand;
import org.ttame.core.Text;
import org.ttame.core.provenance.Sha256;
import org.ttame.core.storage.TextFile;
import org.ttame.core.storage.WholeFile;
import org.ttame.training.data.ImageList;

/**
 * The classifier's file, and a run's folder where not every machine sees it: sent by Spark once to
 * each host, and verified by each executor.
 *
 * @param weights the classifier's file as it was named
 * @param weightsName what Spark calls it
 * @param weightsSha256 its sum
 * @param run the run as it was named; null without, or where all see it
 * @param runName what Spark calls the archive
 * @param runSha256 its sum
 */
record ShippedFiles(
    String weights,
    String weightsName,
    String weightsSha256,
    String run,
    String runName,
    String runSha256)
    implements Serializable {

  /**
   * Sends the files.
   *
   * @param command names them; of places that only Hadoop knows copies are made first
   * @param scratch where to
   * @return the files; options that name them are replaced by {@link #options}
   */
  static ShippedFiles send(JavaSparkContext spark, RemoteCommand command, Path scratch)
      throws IOException {
    RemoteCommand here = command;
    String run = command.text("run").filter(place -> !Places.isLocal(place)).orElse(null);
    String runName = null;
    String runSum = null;
    if (run != null) {
      Path folder = scratch.resolve("run");
      for (String file : Places.list(run)) {
        if (!ImageList.isCalledImage(file)) {
          Places.fetch(Places.fileSystem(run), run, file, folder.resolve(file));
        }
      }
      here = here.with(Map.of("run", folder.toString()));
      Path archive = scratch.resolve("ttame-run.zip");
      zip(folder, archive);
      runName = "ttame-run.zip";
      runSum = Sha256.of(archive);
      spark.addFile(archive.toUri().toString());
    }
    String given = command.text("weights").orElse("");
    Path file;
    if (given.isEmpty() || Places.isLocal(given)) {
      file = given.isEmpty() ? here.weights() : Places.local(given);
    } else {
      file = scratch.resolve(given.substring(given.lastIndexOf('/') + 1));
      Places.fetch(Places.fileSystem(given), given, "", file);
    }
    String sum = Sha256.of(file);
    // A name of our own: two files of one name would be an error of Spark's.
    Path named = scratch.resolve(sum.substring(0, 16) + "-" + file.getFileName());
    Files.createSymbolicLink(named, file.toAbsolutePath());
    spark.addFile(named.toUri().toString());
    return new ShippedFiles(
        given.isEmpty() || Places.isLocal(given) ? file.toString() : given,
        named.getFileName().toString(),
        sum,
        run,
        runName,
        runSum);
  }

  /**
   * The files as options, on an executor.
   *
   * @throws IOException if what came is not what was sent
   */
  Map<String, String> options() throws IOException {
    Map<String, String> options = new LinkedHashMap<>();
    options.put("weights", verified(weightsName, weightsSha256).toString());
    if (run != null) {
      options.put("run", runFolder().toString());
    }
    return options;
  }

  /** What stands in files that were written here, and what should. */
  Map<String, String> texts() {
    Map<String, String> texts = new LinkedHashMap<>();
    texts.put(SparkFiles.get(weightsName), weights);
    texts.put(weightsName, weights.substring(weights.lastIndexOf('/') + 1));
    if (run != null) {
      texts.put(runFolderPath().toString(), run);
    }
    return texts;
  }

  private Path verified(String name, String sum) throws IOException {
    Path file = Path.of(SparkFiles.get(name));
    String found = ExecutorClassifier.sha256(file);
    if (!found.equals(sum)) {
      throw new IOException(
          Text.format("'%s' came with the SHA-256 %s, it was sent with %s", file, found, sum));
    }
    return file;
  }

  private Path runFolderPath() {
    // Spark's own paths may begin with "./".
    return Path.of(SparkFiles.get(runName))
        .toAbsolutePath()
        .normalize()
        .resolveSibling("ttame-run-" + runSha256.substring(0, 16));
  }

  private synchronized Path runFolder() throws IOException {
    Path folder = runFolderPath();
    Path whole = folder.resolve(".whole");
    if (!Files.exists(whole)) {
      try (ZipInputStream zip =
          new ZipInputStream(Files.newInputStream(verified(runName, runSha256)))) {
        for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
          Path file = folder.resolve(entry.getName()).normalize();
          if (!file.startsWith(folder)) {
            throw new IOException("'" + entry.getName() + "' leads out of the archive of a run");
          }
          Files.createDirectories(file.getParent());
          WholeFile.write(file, zip::transferTo);
        }
      }
      Files.createFile(whole);
    }
    return folder;
  }

  private static void zip(Path folder, Path archive) throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.walk(folder)) {
      files = all.filter(Files::isRegularFile).sorted().toList();
    }
    try (OutputStream out = Files.newOutputStream(archive);
        ZipOutputStream zip = new ZipOutputStream(out)) {
      for (Path file : files) {
        zip.putNextEntry(new ZipEntry(folder.relativize(file).toString()));
        try (InputStream in = Files.newInputStream(file)) {
          in.transferTo(zip);
        }
        zip.closeEntry();
      }
    }
  }

  /** Writes places as the user named them into records that were made of copies. */
  static void restoreTexts(Path folder, Map<String, String> texts) throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.walk(folder)) {
      files =
          all.filter(file -> file.toString().endsWith(".json") || file.toString().endsWith(".csv"))
              .toList();
    }
    for (Path file : files) {
      String text = TextFile.text(file);
      String restored = text;
      for (Map.Entry<String, String> entry : texts.entrySet()) {
        restored = restored.replace(entry.getKey(), entry.getValue());
      }
      if (!restored.equals(text)) {
        WholeFile.writeText(file, restored);
      }
    }
  }
}
