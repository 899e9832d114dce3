package org.ttame.services;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.ttame.core.ProgressListener;
import org.ttame.core.storage.AtomicFile;
import org.ttame.core.storage.FileNames;
import org.ttame.training.data.ImageDraw;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.ImageSettings;
import org.ttame.training.sample.SampleData;

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
public record TrainingInputs(
    Path weights,
    ImageList training,
    Optional<ImageList> validation,
    Optional<ImageList> held,
    Optional<KnownObjects> objects,
    List<String> labels) {
  /**
   * Where they come from.
   *
   * @param sample the family of the bundled sample, if it is what is trained on; weights, data and
   *     val are then empty
   * @param weights the classifier's file
   * @param data training images
   * @param val validation images
   * @param limit which training images, if not all
   * @param labels a file with the names of the classes
   */
  public record Source(
      Optional<String> sample,
      Optional<Path> weights,
      Optional<Path> data,
      Optional<Path> val,
      Optional<ImageDraw> limit,
      Optional<Path> labels) {
    public Source {
      Objects.requireNonNull(limit, "limit");
      Objects.requireNonNull(labels, "labels");
      if (sample.isPresent() == weights.isPresent() || weights.isPresent() != data.isPresent()) {
        throw new InvalidOptionException(
            "weights", "and data belong together, and neither belongs to the bundled sample");
      }
      if (sample.isPresent() && val.isPresent()) {
        throw new InvalidOptionException("val", "needs weights and data; the sample has its own");
      }
    }

    /** The bundled sample of a family, e.g. {@code vgg16}. */
    public static Source sample(String family) {
      return new Source(
          Optional.of(SampleData.family(family)),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty());
    }

    /** A classifier's file and a folder of images. */
    public static Source of(Path weights, Path data) {
      return new Source(
          Optional.empty(),
          Optional.of(weights),
          Optional.of(data),
          Optional.empty(),
          Optional.empty(),
          Optional.empty());
    }

    /** What the options that a run keeps say of it, {@link RunOptions#read}. */
    static Source of(Map<String, String> kept) {
      Optional<Path> weights = path(kept, "weights");
      Optional<ImageDraw> limit =
          Optional.ofNullable(kept.get("limit"))
              .map(most -> ImageDraw.of(Integer.parseInt(most), kept.get("limit-seed")));
      return new Source(
          weights.isPresent()
              ? Optional.empty()
              : Optional.of(
                  SampleData.family(kept.getOrDefault("backbone", SampleInputs.STANDARD))),
          weights,
          path(kept, "data"),
          path(kept, "val"),
          limit,
          path(kept, "labels"));
    }

    private static Optional<Path> path(Map<String, String> kept, String name) {
      return Optional.ofNullable(kept.get(name)).map(text -> FileNames.resolve(Path.of(""), text));
    }

    /** The same with another file of the classifier. */
    public Source withWeights(Path file) {
      return new Source(sample, Optional.of(file), data, val, limit, labels);
    }

    /** The same with fewer training images. */
    public Source withLimit(ImageDraw draw) {
      return new Source(sample, weights, data, val, Optional.of(draw), labels);
    }
  }

  /**
   * The bundled sample, unpacked into a folder, or the user's own.
   *
   * @param source where they come from
   * @param folder where the sample is unpacked
   * @param listener is notified of files that are no images
   * @throws IOException if a list is missing or empty, or the folder cannot be written
   */
  public static TrainingInputs of(Source source, Path folder, ProgressListener listener)
      throws IOException {
    if (source.sample().isPresent()) {
      return SampleInputs.unpack(source.sample().get(), folder, source.limit());
    }
    ImageList training = ImageSettings.find(source.data().orElseThrow(), listener);
    if (source.limit().isPresent()) {
      training = source.limit().get().from(training);
    }
    Optional<ImageList> validation = Optional.empty();
    if (source.val().isPresent()) {
      validation = Optional.of(ImageSettings.find(source.val().get(), listener));
    }
    List<String> labels =
        source.labels().isPresent() ? ClassNames.read(source.labels().get()) : List.of();
    return new TrainingInputs(
        source.weights().orElseThrow(), training, validation, validation, Optional.empty(), labels);
  }

  /**
   * The same, with the names of class folders where none were given and these are the classes.
   *
   * @throws IOException if a name is given for more or fewer classes than there are
   */
  TrainingInputs named(int classes, Optional<Path> file) throws IOException {
    if (file.isPresent()) {
      ClassNames.requireOne(labels, classes, file.get());
    }
    return new TrainingInputs(
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
      Files.deleteIfExists(run.resolve(ClassNames.IN_RUN)); // of an attempt that trained nothing
    } else {
      AtomicFile.writeText(run.resolve(ClassNames.IN_RUN), String.join("\n", labels) + "\n");
    }
  }
}
