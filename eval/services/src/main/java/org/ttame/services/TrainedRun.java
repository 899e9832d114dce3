package org.ttame.services;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import org.ttame.backbones.Backbones;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.provenance.Sha256;
import org.ttame.training.run.RunClassifier;
import org.ttame.training.run.RunFolder;

/**
 * Which trained mechanism a command works on.
 *
 * @param run the training run
 * @param checkpoint {@code best}, {@code last}, {@code epoch-N} or {@code step-N}; empty for the
 *     best, or the last where no epoch was validated
 */
public record TrainedRun(Path run, Optional<String> checkpoint) {
  public TrainedRun {
    Objects.requireNonNull(run, "run");
    Objects.requireNonNull(checkpoint, "checkpoint");
  }

  /** The best checkpoint of a run. */
  public static TrainedRun of(Path run) {
    return new TrainedRun(run, Optional.empty());
  }

  /**
   * The folder.
   *
   * @throws IOException if it holds no run
   */
  public RunFolder folder() throws IOException {
    return RunFolder.open(run);
  }

  /**
   * The file of the classifier that the run was trained for.
   *
   * @throws IOException if the run does not say which, or it has gone
   */
  public Path weights() throws IOException {
    Path file =
        folder()
            .backboneFile()
            .orElseThrow(
                () ->
                    new IOException(
                        Text.format(
                            "The run in %s does not say which file its classifier came from; give option 'weights'",
                            run)));
    if (!Files.exists(file)) {
      throw new IOException(
          Text.format(
              "%s, the classifier of the run in %s, is missing; give its present"
                  + " place with option 'weights'",
              file, run));
    }
    return file;
  }

  /**
   * Opens the run's classifier, and refuses another.
   *
   * @param weights its file
   * @param options what the run says of it, {@link RunClassifier#options}, or more
   * @return the classifier; the caller closes it
   * @throws IOException naming the file, if it is missing, no classifier, or not the run's
   */
  public FrozenClassifier open(Path weights, BackboneOptions options) throws IOException {
    RunClassifier recorded = folder().classifier();
    FrozenClassifier classifier;
    try {
      classifier = Backbones.load(weights, options);
    } catch (IOException e) {
      // Another file may well be of another form; that it is another is what the user should know.
      if (Files.isRegularFile(weights) && recorded.sha256().isPresent()) {
        String sum = Sha256.of(weights);
        if (!recorded.sha256().get().equals(sum)) {
          IOException another = recorded.another(weights, sum);
          another.addSuppressed(e);
          throw another;
        }
      }
      throw e;
    }
    try {
      recorded.requireSame(classifier);
    } catch (IOException e) {
      classifier.close();
      throw e;
    }
    return classifier;
  }

  /** The name of the checkpoint's folder, e.g. {@code epoch-3}. */
  public String checkpointName() throws IOException {
    RunFolder folder = folder();
    String name = checkpoint.isPresent() ? checkpoint.get() : folder.preferred();
    return folder.checkpoints().get(name).name();
  }

  /**
   * Loads the mechanism.
   *
   * @param loaded the run's classifier
   * @return the mechanism; the caller closes it
   * @throws IOException if there is none, or it does not fit
   */
  public AttentionMechanism mechanism(FrozenClassifier loaded) throws IOException {
    return folder().mechanism(loaded, checkpointName());
  }
}
