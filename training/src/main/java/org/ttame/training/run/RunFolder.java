package org.ttame.training.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.core.attention.Variant;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.masking.Masking;
import org.ttame.core.storage.AtomicFile;
import org.ttame.core.storage.FileNames;
import org.ttame.core.storage.InputFile;
import org.ttame.core.storage.TextFile;

/**
 * The folder of a training run ({@code --run}): {@code run.json}, {@code steps.jsonl}, {@code
 * classes.jsonl} on request, {@code checkpoints/}. Holds what explaining, evaluating and resuming
 * need.
 */
public final class RunFolder {
  /** The name of the record. */
  public static final String RECORD = "run.json";

  private static final String LOCK = ".lock";

  /** The version of {@code run.json}'s layout. */
  public static final int FORMAT = RunFormat.CURRENT;

  /**
   * Settings in {@code run.json} that are the command's around the training: how many computing
   * threads, what is validated and reported on, and how many images were taken of the set.
   */
  public static final Set<String> AROUND =
      Set.of("threads", "val", "report", "limit", "limit-seed");

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path folder;

  /**
   * What a run keeps in its folder beside its results, and how often it saves.
   *
   * @param saveEvery how long an epoch may go on before its state is saved
   * @param recordClasses whether the classes of Ψ are written to {@code classes.jsonl}
   */
  public record Keeping(Duration saveEvery, boolean recordClasses) {
    public Keeping {
      Objects.requireNonNull(saveEvery, "saveEvery");
      if (saveEvery.isNegative() || saveEvery.isZero()) {
        throw new IllegalArgumentException("save-every must be a positive time, got " + saveEvery);
      }
    }

    /** Saves at the end of each epoch, and every ten minutes of a longer one. */
    public static Keeping defaults() {
      return new Keeping(Duration.ofMinutes(10), false);
    }
  }

  private RunFolder(Path folder) {
    this.folder = folder;
  }

  /**
   * A folder for a new run. One whose run failed before any image was trained on may be taken
   * again: there is nothing in it to lose.
   *
   * @param folder made if missing
   * @throws IOException if it holds a run already or cannot be made
   */
  public static RunFolder create(Path folder) throws IOException {
    if (Files.exists(folder.resolve(RECORD)) && !new RunFolder(folder).failedUntrained()) {
      throw new IOException(
          Text.format(
              "'%s' holds a training run already; give option 'resume' to resume it,"
                  + " or another folder (option 'run')",
              folder));
    }
    if (Files.exists(folder) && !Files.isDirectory(folder)) {
      throw new IOException(Text.format("'%s' is a file; a training run needs a folder", folder));
    }
    Files.createDirectories(folder);
    return new RunFolder(folder);
  }

  private boolean failedUntrained() throws IOException {
    ObjectNode record = record();
    return record.path("status").asText().equals("failed")
        && record.path("passes").path("training_forward").asLong(1) == 0;
  }

  /**
   * The folder of an existing run.
   *
   * @param folder with {@code run.json}
   * @throws IOException if it holds no run
   */
  public static RunFolder open(Path folder) throws IOException {
    if (!Files.exists(folder.resolve(RECORD))) {
      throw new IOException(
          Text.format(
              "'%s' holds no training run: %s",
              folder,
              Files.exists(folder)
                  ? Text.format("there is no %s in it", RECORD)
                  : "there is no such folder"));
    }
    InputFile.require(folder.resolve(RECORD));
    return new RunFolder(folder);
  }

  /** The folder. */
  public Path path() {
    return folder;
  }

  /** {@code steps.jsonl}. */
  public Path steps() {
    return folder.resolve("steps.jsonl");
  }

  /** {@code classes.jsonl}. */
  public Path classes() {
    return folder.resolve("classes.jsonl");
  }

  /** Its checkpoints. */
  public Checkpoints checkpoints() {
    return new Checkpoints(folder.resolve("checkpoints"));
  }

  /**
   * {@code run.json}.
   *
   * @return its content
   * @throws IOException naming the file, if it is damaged or of a later version
   */
  public ObjectNode record() throws IOException {
    Path file = folder.resolve(RECORD);
    try {
      if (JSON.readTree(TextFile.text(file)) instanceof ObjectNode object) {
        JsonNode version = object.path("format");
        int format = version.asInt(0);
        if (!version.isInt()) {
          throw damaged(
              Text.format("\"format\" is %s", version.isMissingNode() ? "missing" : version));
        }
        if (!RunFormat.isKnown(format)) {
          throw new IOException(
              Text.format(
                  "'%s' has format %d; this version reads formats up to %d", file, format, FORMAT));
        }
        RunFormat.upgrade(object);
        return object;
      }
    } catch (JsonProcessingException e) {
      throw (IOException) damaged("it is not JSON").initCause(e);
    }
    throw damaged("it is not a JSON object");
  }

  /**
   * Writes {@code run.json}.
   *
   * @param record its content
   */
  public void write(ObjectNode record) throws IOException {
    AtomicFile.writeText(folder.resolve(RECORD), record.toPrettyString() + "\n");
  }

  /**
   * The training's settings that the run was started with, without those of {@link #AROUND}.
   *
   * @return names and values, as the training options read them
   * @throws IOException if {@code run.json} is damaged
   */
  public Properties settings() throws IOException {
    Properties settings = new Properties();
    required("settings")
        .properties()
        .forEach(field -> settings.setProperty(field.getKey(), field.getValue().asText()));
    settings.keySet().removeAll(AROUND);
    return settings;
  }

  /**
   * The classifier's file, or empty if the run was not started from one. A file inside the run
   * folder is found again when the folder has been moved.
   *
   * @return its path; it may have gone
   * @throws IOException if {@code run.json} is damaged
   */
  public Optional<Path> backboneFile() throws IOException {
    String file = required("backbone").path("file").asText("");
    return file.isEmpty() ? Optional.empty() : Optional.of(FileNames.resolve(folder, file));
  }

  /** How to write a file into {@code run.json}: relative where it lies inside the folder. */
  public String portable(Path file) {
    Path absolute = file.toAbsolutePath().normalize();
    Path home = folder.toAbsolutePath().normalize();
    return absolute.startsWith(home)
        ? FileNames.text(home.relativize(absolute))
        : FileNames.text(absolute);
  }

  /**
   * What the run says of its classifier, and that what it says of its mechanism makes sense.
   *
   * @return side, standardisation, SHA-256 and the like
   * @throws IOException naming file and field, if {@code run.json} is damaged
   */
  public RunClassifier classifier() throws IOException {
    masking();
    variant();
    layers();
    ObjectNode record = record();
    return intact(() -> RunClassifier.of(folder, record));
  }

  /**
   * The masking the run trained with.
   *
   * @throws IOException if {@code run.json} is damaged
   */
  public Masking masking() throws IOException {
    return parse("masking", required("masking"), Masking::parse);
  }

  private Variant variant() throws IOException {
    return parse("attention.variant", required("attention").path("variant"), Variant::parse);
  }

  /** Node names of the layers, and their shapes. */
  private Map<String, String> layers() throws IOException {
    JsonNode layers = required("layers");
    Map<String, String> shapes = new LinkedHashMap<>();
    for (JsonNode layer : layers) {
      shapes.put(layer.path("node").asText(), layer.path("shape").asText());
    }
    if (shapes.isEmpty() || shapes.size() != layers.size() || shapes.containsKey("")) {
      throw damaged(
          Text.format(
              "\"layers\" is %s and should be a list of different nodes with their shapes",
              layers));
    }
    return shapes;
  }

  /**
   * The form of the run's attention mechanism.
   *
   * @param classifier the classifier it was trained for
   * @return layers, classes and variant
   * @throws IOException if {@code run.json} is damaged or names layers that the classifier lacks or
   *     has in another shape
   */
  public AttentionSpec spec(FrozenClassifier classifier) throws IOException {
    int classes = classifier().classes();
    if (classes != classifier.classes()) {
      throw new IOException(
          Text.format(
              "The run in '%s' was trained on a classifier of %d classes, %s has %d",
              folder, classes, classifier.name(), classifier.classes()));
    }
    Map<String, String> shapes = layers();
    Variant variant = variant();
    List<FeatureLayer> layers =
        parse("layers", () -> classifier.layers(List.copyOf(shapes.keySet())));
    for (FeatureLayer layer : layers) {
      String shape = shapes.get(layer.node());
      if (!shape.equals(layer.shape())) {
        throw new IOException(
            Text.format(
                "The run in '%s' was trained on %s of shape %s, that of %s has shape %s",
                folder, layer.node(), shape, classifier.name(), layer.shape()));
      }
    }
    return parse("layers", () -> new AttentionSpec(layers, classes, variant));
  }

  /**
   * The run's trained mechanism.
   *
   * @param classifier the classifier it was trained for
   * @param checkpoint {@code best}, {@code last}, {@code epoch-N} or {@code step-N}
   * @return the mechanism; the caller closes it
   * @throws IOException if there is none, or it does not fit the classifier
   */
  public AttentionMechanism mechanism(FrozenClassifier classifier, String checkpoint)
      throws IOException {
    AttentionSpec spec = spec(classifier);
    Checkpoint saved = checkpoints().get(checkpoint);
    return parse("checkpoint " + checkpoint, () -> saved.mechanism(spec));
  }

  /**
   * The checkpoint to use unless told otherwise.
   *
   * @return {@code best} if an epoch was validated, otherwise {@code last}
   * @throws IOException if there is no checkpoint yet
   */
  public String preferred() throws IOException {
    Checkpoints checkpoints = checkpoints();
    if (checkpoints.best().isPresent()) {
      return "best";
    }
    return checkpoints
        .last()
        .map(last -> "last")
        .orElseThrow(
            () ->
                new IOException(
                    Text.format(
                        "The run in '%s' has saved no checkpoint yet; continue it with option"
                            + " 'resume'",
                        folder)));
  }

  /**
   * Deletes what was prepared for a run that has no record yet, and the folder if nothing else is
   * in it. Does nothing to a run with a record, or while another process trains here.
   *
   * @param prepared the files' names
   */
  public void abandon(List<String> prepared) throws IOException {
    if (!Files.isDirectory(folder) || Files.exists(folder.resolve(RECORD))) {
      return;
    }
    Closeable lock = lock();
    try {
      for (String name : prepared) {
        Files.deleteIfExists(folder.resolve(name));
      }
      Files.deleteIfExists(folder.resolve(LOCK));
      Files.deleteIfExists(folder);
    } catch (DirectoryNotEmptyException e) {
      return; // the user's files, or the sample's
    } finally {
      lock.close();
    }
  }

  /**
   * Keeps other processes from training in this folder until closed or dead.
   *
   * @return the lock
   * @throws IOException if another process, or this one, trains here
   */
  public Closeable lock() throws IOException {
    Path file = folder.resolve(LOCK);
    InputFile.requireOwn(file);
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      FileLock lock = channel.tryLock();
      if (lock != null) {
        return channel;
      }
    } catch (OverlappingFileLockException e) {
      channel.close();
      throw new IOException(inUse(), e);
    } catch (IOException e) {
      return channel; // a file system without locks
    }
    channel.close();
    throw new IOException(inUse());
  }

  private String inUse() {
    return Text.format(
        "Another process is training in '%s'; wait for it or give another folder (option 'run')",
        folder);
  }

  private JsonNode required(String field) throws IOException {
    JsonNode node = record().get(field);
    if (node == null) {
      throw damaged(Text.format("it lacks \"%s\"", field));
    }
    return node;
  }

  private IOException damaged(String how) {
    return new IOException(
        Text.format(
            "'%s' is damaged: %s; restore it, or train again into another folder",
            folder.resolve(RECORD), how));
  }

  /** A word of the record. */
  private <T> T parse(String name, JsonNode word, Function<String, T> reading) throws IOException {
    return intact(
        () -> {
          try {
            return reading.apply(word.asText());
          } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(Text.format("\"%s\": %s", name, e.getMessage()), e);
          }
        });
  }

  private <T> T intact(Supplier<T> reading) throws IOException {
    try {
      return reading.get();
    } catch (IllegalArgumentException e) {
      IOException damaged = damaged(e.getMessage());
      damaged.initCause(e);
      throw damaged;
    }
  }

  private interface Reading<T> {
    T read() throws IOException;
  }

  private <T> T parse(String what, Reading<T> reading) throws IOException {
    try {
      return reading.read();
    } catch (IllegalArgumentException e) {
      throw new IOException(
          Text.format("The %s of the run in '%s' cannot be used: %s", what, folder, e.getMessage()),
          e);
    }
  }
}
