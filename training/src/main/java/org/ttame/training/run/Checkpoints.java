package org.ttame.training.run;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.Text;
import org.ttame.core.storage.AtomicFile;
import org.ttame.core.storage.OutputFile;
import org.ttame.core.storage.TextFile;

/**
 * {@code RUN/checkpoints}: a folder {@code epoch-N} for each finished epoch, at most one {@code
 * step-N} for the state inside an epoch, and the text files {@code last} and {@code best}, each
 * holding the name of one of them.
 *
 * <p>A checkpoint is written under a hidden name and renamed when whole; {@code last} is changed
 * after that, and what it named before is removed after that. So at every moment {@code last} names
 * a whole checkpoint.
 */
public final class Checkpoints {
  private static final String LAST = "last";
  private static final String BEST = "best";
  private static final String EPOCH = "epoch-";
  private static final String STEP = "step-";
  private static final Pattern NAME = Pattern.compile("(epoch|step)-(\\d{1,18})");

  private final Path folder;

  /**
   * The checkpoints in a folder.
   *
   * @param folder need not exist yet
   */
  public Checkpoints(Path folder) {
    this.folder = folder;
  }

  /**
   * Saves the state at an epoch's end as {@code epoch-N} and makes it the last.
   *
   * @param attention arrays of the mechanism, as npz has them
   * @param optimizer velocities by parameter name
   * @param state the rest
   * @throws IOException naming the file that could not be written; earlier checkpoints are whole
   */
  public Checkpoint saveEpoch(
      Map<String, INDArray> attention, Map<String, INDArray> optimizer, CheckpointState state)
      throws IOException {
    return save(EPOCH + state.epoch(), attention, optimizer, state);
  }

  /**
   * Saves the state inside an epoch as {@code step-N} and makes it the last; replaces an earlier
   * one.
   *
   * @param attention arrays of the mechanism, as npz has them
   * @param optimizer velocities by parameter name
   * @param state the rest
   * @throws IOException naming the file that could not be written; earlier checkpoints are whole
   */
  public Checkpoint saveStep(
      Map<String, INDArray> attention, Map<String, INDArray> optimizer, CheckpointState state)
      throws IOException {
    return save(STEP + state.step(), attention, optimizer, state);
  }

  /** The last checkpoint, or empty if there is none. */
  public Optional<Checkpoint> last() throws IOException {
    return named(LAST);
  }

  /** The best checkpoint, or empty if no epoch has been validated. */
  public Optional<Checkpoint> best() throws IOException {
    return named(BEST);
  }

  /**
   * Says which epoch is the best.
   *
   * @param checkpoint it
   */
  public void markBest(Checkpoint checkpoint) throws IOException {
    AtomicFile.writeText(folder.resolve(BEST), checkpoint.name() + "\n");
  }

  /**
   * A checkpoint by name.
   *
   * @param name {@code best}, {@code last}, {@code epoch-N} or {@code step-N}
   * @throws IOException saying what there is, if it does not exist
   */
  public Checkpoint get(String name) throws IOException {
    Optional<Checkpoint> found =
        name.equals(LAST) || name.equals(BEST)
            ? named(name)
            : all().stream().filter(checkpoint -> checkpoint.name().equals(name)).findFirst();
    return found.orElseThrow(
        () ->
            new IOException(Text.format("'%s' has no checkpoint '%s'%s", folder, name, others())));
  }

  /** The finished epochs, first one first. */
  public List<Checkpoint> epochs() throws IOException {
    return all().stream().filter(checkpoint -> checkpoint.name().startsWith(EPOCH)).toList();
  }

  /** Removes what a killed run left half done. */
  public void tidy() throws IOException {
    Optional<Checkpoint> last = last();
    if (!Files.isDirectory(folder)) {
      return;
    }
    for (Path entry : entries()) {
      String name = String.valueOf(entry.getFileName());
      boolean halfDone = name.startsWith(".") && (name.endsWith(".part") || name.endsWith(".old"));
      boolean outdated =
          name.startsWith(STEP) && last.isPresent() && !last.get().name().equals(name);
      if (halfDone || outdated) {
        OutputFile.deleteTree(entry);
      }
    }
  }

  private Checkpoint save(
      String name,
      Map<String, INDArray> attention,
      Map<String, INDArray> optimizer,
      CheckpointState state)
      throws IOException {
    Path part = folder.resolve("." + name + ".part");
    Path old = folder.resolve("." + name + ".old");
    Path target = folder.resolve(name);
    try {
      OutputFile.deleteTree(part);
      Files.createDirectories(part);
      Checkpoint.write(part, attention, optimizer, state);
      AtomicFile.forceFolder(part);
      if (Files.exists(target)) {
        OutputFile.deleteTree(old);
        Files.move(target, old, StandardCopyOption.ATOMIC_MOVE);
      }
      Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
      AtomicFile.forceFolder(folder);
      AtomicFile.writeText(folder.resolve(LAST), name + "\n");
    } catch (IOException e) {
      try {
        OutputFile.deleteTree(part);
      } catch (IOException second) {
        e.addSuppressed(second);
      }
      throw e;
    }
    tidy();
    return new Checkpoint(target);
  }

  private Optional<Checkpoint> named(String pointer) throws IOException {
    Path file = folder.resolve(pointer);
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    String name = TextFile.text(file).strip();
    if (!NAME.matcher(name).matches() || !Files.isDirectory(folder.resolve(name))) {
      throw new IOException(
          Text.format(
              "'%s' names '%s', which is not a checkpoint%s; write the name of one into it",
              file, name, others()));
    }
    return Optional.of(new Checkpoint(folder.resolve(name)));
  }

  private String others() {
    try {
      List<String> names = all().stream().map(Checkpoint::name).toList();
      return names.isEmpty() ? "; there is none" : "; there are " + String.join(", ", names);
    } catch (IOException e) {
      return "";
    }
  }

  private List<Checkpoint> all() throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    return entries().stream()
        .filter(entry -> NAME.matcher(String.valueOf(entry.getFileName())).matches())
        .map(Checkpoint::new)
        .sorted(Comparator.comparingLong(Checkpoints::number))
        .toList();
  }

  private static long number(Checkpoint checkpoint) {
    Matcher matcher = NAME.matcher(checkpoint.name());
    return matcher.matches() ? Long.parseLong(matcher.group(2)) : 0;
  }

  private List<Path> entries() throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.toList();
    }
  }
}
