package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.ttame.core.storage.WholeFile;
import org.ttame.training.data.ImageList;

/**
 * What a training run works with.
 *
 * @param weights the classifier's file
 * @param training images to train on
 * @param validation images to choose the best epoch by
 * @param held images for the closing report
 * @param objects where the objects are in held-out images; empty where none is known
 * @param labels names of the classes, or an empty list
 */
record Materials(
    Path weights,
    ImageList training,
    Optional<ImageList> validation,
    Optional<ImageList> held,
    Optional<KnownObjects> objects,
    List<String> labels) {
  /**
   * The bundled sample, unpacked into a folder, or the user's own.
   *
   * @throws IOException if a list is missing or empty, or the folder cannot be written
   */
  static Materials of(TrainJob.Source source, Path folder, Console console) throws IOException {
    return source.sample().isPresent()
        ? SampleMaterials.unpack(source.sample().get(), folder, source.limit())
        : of(source, console);
  }

  /**
   * The user's own.
   *
   * @throws IOException if a list is missing or empty
   */
  static Materials of(TrainJob.Source source, Console console) throws IOException {
    ImageList training = ImageSettings.find(source.data().orElseThrow(), console);
    if (source.limit().isPresent()) {
      training = source.limit().get().from(training);
    }
    Optional<ImageList> validation = Optional.empty();
    if (source.val().isPresent()) {
      validation = Optional.of(ImageSettings.find(source.val().get(), console));
    }
    List<String> labels =
        source.labels().isPresent() ? Labels.read(source.labels().get()) : List.of();
    return new Materials(
        source.weights().orElseThrow(), training, validation, validation, Optional.empty(), labels);
  }

  /** The same, with the names of class folders where none were given and these are the classes. */
  Materials named(int classes) {
    return new Materials(
        weights,
        training,
        validation,
        held,
        objects,
        labels.isEmpty() ? ClassFolders.of(training, labels, classes).names() : labels);
  }

  /** Writes the names of the classes into the run, for the commands that read it. */
  void keepLabels(Path run) throws IOException {
    if (labels.isEmpty()) {
      Files.deleteIfExists(run.resolve(Labels.IN_RUN)); // of an attempt that trained nothing
    } else {
      WholeFile.writeText(run.resolve(Labels.IN_RUN), String.join("\n", labels) + "\n");
    }
  }
}
