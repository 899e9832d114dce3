package org.ttame.spark;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.Serializable;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;
import org.apache.spark.SparkEnv;
import org.apache.spark.SparkFiles;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.ttame.cli.RemoteCommand;
import org.ttame.core.Text;
import org.ttame.core.provenance.Sha256;
import org.ttame.core.storage.AtomicFile;
import org.ttame.core.storage.TextFile;
import org.ttame.training.data.ImageList;

/**
 * The classifier's file, and a run's folder where not every machine sees it: fetched from the
 * driver once by the executors of a host, and verified by each. (Files that Spark adds to a job are
 * fetched by each executor on a cluster of Spark's own.)
 *
 * @param weights the classifier's file as it was named
 * @param weightsName what it is called on the executors' machines
 * @param weightsAddress where the driver has it
 * @param weightsSha256 its sum
 * @param run the run as it was named; null without, or where all see it
 * @param runAddress where the driver has its archive
 * @param runSha256 the archive's sum
 */
record ShippedFiles(
    String weights,
    String weightsName,
    String weightsAddress,
    String weightsSha256,
    String run,
    String runAddress,
    String runSha256)
    implements Serializable {
  private static final Logger LOG = LoggerFactory.getLogger(ShippedFiles.class);

  private static final String RUN_NAME = "ttame-run.zip";

  /**
   * Makes the files ready for the executors of a running job, where {@link #options} names them; of
   * places that only Hadoop knows copies are made first.
   */
  static ShippedFiles send(RemoteCommand command, Path scratch) throws IOException {
    RemoteCommand here = command;
    String run = command.text("run").filter(place -> !Places.isLocal(place)).orElse(null);
    String runAddress = null;
    String runSum = null;
    if (run != null) {
      Path folder = scratch.resolve("run");
      for (String file : Places.list(run)) {
        if (!ImageList.isCalledImage(file)) {
          Places.fetch(Places.fileSystem(run), run, file, folder.resolve(file));
        }
      }
      here = here.with(Map.of("run", folder.toString()));
      Path archive = scratch.resolve(RUN_NAME);
      zip(folder, archive);
      runSum = Sha256.of(archive);
      runAddress = offer(archive);
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
    // A name of our own: Spark serves no two files of one name.
    Path named = scratch.resolve(sum.substring(0, 16) + "-" + file.getFileName());
    Files.createSymbolicLink(named, file.toAbsolutePath());
    return new ShippedFiles(
        given.isEmpty() || Places.isLocal(given) ? file.toString() : given,
        named.getFileName().toString(),
        offer(named),
        sum,
        run,
        runAddress,
        runSum);
  }

  private static String offer(Path file) {
    return SparkEnv.get().rpcEnv().fileServer().addFile(file.toFile());
  }

  /** A folder of this job's, which the executors of a host share and Spark removes. */
  private static Path hostFolder() {
    String spark = System.getenv("SPARK_EXECUTOR_DIRS");
    String yarn = System.getenv("LOCAL_DIRS");
    String folder =
        spark != null
            ? spark.split(File.pathSeparator, -1)[0]
            : yarn != null ? yarn.split(",", -1)[0] : SparkFiles.getRootDirectory();
    // Spark's own paths may begin with "./".
    return Path.of(folder).toAbsolutePath().normalize();
  }

  /**
   * The files as options, on an executor.
   *
   * @throws IOException if what came is not what was sent
   */
  Map<String, String> options() throws IOException {
    Map<String, String> options = new LinkedHashMap<>();
    options.put("weights", verified(weightsName, weightsAddress, weightsSha256).toString());
    if (run != null) {
      options.put("run", runFolder().toString());
    }
    return options;
  }

  /** What stands in files that were written here, and what should. */
  Map<String, String> texts() {
    Map<String, String> texts = new LinkedHashMap<>();
    texts.put(hostFolder().resolve(weightsName).toString(), weights);
    texts.put(weightsName, weights.substring(weights.lastIndexOf('/') + 1));
    if (run != null) {
      texts.put(runFolderPath().toString(), run);
    }
    return texts;
  }

  private static synchronized Path verified(String name, String address, String sum)
      throws IOException {
    Path file = hostFolder().resolve(name);
    try (FileChannel lock =
        FileChannel.open(
            file.resolveSibling(name + ".lock"),
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE)) {
      lock.lock(); // held until the channel is closed
      if (!Files.exists(file)) {
        try (InputStream in =
            Channels.newInputStream(SparkEnv.get().rpcEnv().openChannel(address))) {
          AtomicFile.write(file, in::transferTo);
        }
        LOG.info("fetched {} for this host", name);
      }
    }
    String found = ExecutorClassifier.sha256(file);
    if (!found.equals(sum)) {
      throw new IOException(
          Text.format("'%s' came with the SHA-256 %s, it was sent with %s", file, found, sum));
    }
    return file;
  }

  private Path runFolderPath() {
    return Path.of(SparkFiles.getRootDirectory())
        .toAbsolutePath()
        .normalize()
        .resolve("ttame-run-" + runSha256.substring(0, 16));
  }

  private synchronized Path runFolder() throws IOException {
    Path folder = runFolderPath();
    Path whole = folder.resolve(".whole");
    if (!Files.exists(whole)) {
      try (ZipInputStream zip =
          new ZipInputStream(Files.newInputStream(verified(RUN_NAME, runAddress, runSha256)))) {
        for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
          Path file = folder.resolve(entry.getName()).normalize();
          if (!file.startsWith(folder)) {
            throw new IOException("'" + entry.getName() + "' leads out of the archive of a run");
          }
          Files.createDirectories(file.getParent());
          AtomicFile.write(file, zip::transferTo);
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
        AtomicFile.writeText(file, restored);
      }
    }
  }
}
