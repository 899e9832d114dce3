package org.ttame.services;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntFunction;
import org.ttame.core.ProgressListener;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.image.InputSpec;
import org.ttame.core.provenance.Sha256;
import org.ttame.eval.evaluation.ImageStream;
import org.ttame.eval.figure.SceneBatch;
import org.ttame.eval.metric.Box;
import org.ttame.eval.metric.ImageBatch;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.ImageSettings;
import org.ttame.training.sample.SampleData;

/** The images that figures may show, with what is known to be true in them. */
public final class FigureImages {
  private final ImageList list;
  private final Optional<BoxTable> boxes;
  private final Source source;
  private final ClassFolders labelled;

  /**
   * Where the images are.
   *
   * @param images what was asked for; empty for the sample's held-out scenes
   * @param boxes a table of objects, if given
   * @param labels names of the classes, if given
   * @param reading how to go through the images
   */
  public record Source(
      Optional<Path> images, Optional<Path> boxes, Optional<Path> labels, ImageSettings reading) {
    /** The images; the sample's where none were asked for and the first run was trained on it. */
    ImageList list(Path run, ProgressListener listener) throws IOException {
      if (images.isPresent()) {
        return reading.list(images.get(), listener);
      }
      Path sample = run.resolve(SampleInputs.FOLDER);
      if (!Files.isDirectory(sample)) {
        throw new InvalidOptionException(
            "images",
            Text.format("PATH is missing: %s was not trained on the bundled sample", run));
      }
      ImageList scenes = new SampleData(sample).images("test");
      return reading.limit().isPresent() ? reading.limit().get().from(scenes) : scenes;
    }

    /** The table of objects: the one given, or the one among the images. */
    Optional<Path> table(ImageList list) {
      if (boxes.isPresent()) {
        return boxes;
      }
      Path among = list.source().resolve(BoxTable.FILE);
      return Files.isRegularFile(among) ? Optional.of(among) : Optional.empty();
    }

    /** What tells these images from others, wherever they lie. */
    Map<String, String> identity(ImageList list) throws IOException {
      Map<String, String> identity = new LinkedHashMap<>();
      identity.put(
          "images", Text.format("%d (SHA-256 of names %s)", list.size(), list.namesSha256()));
      Optional<Path> table = table(list);
      if (table.isPresent()) {
        identity.put("boxes' SHA-256", Sha256.of(table.get()));
      }
      if (labels.isPresent()) {
        identity.put("labels' SHA-256", Sha256.of(labels.get()));
      }
      identity.putAll(reading.provenance());
      return identity;
    }
  }

  /**
   * The images of a classifier's figures; its run, the first one, may know the classes' names.
   * Refuses labels or boxes of other classes.
   */
  FigureImages(Source source, ImageList list, Path run, FrozenClassifier classifier)
      throws IOException {
    this.source = source;
    int classes = classifier.classes();
    labelled =
        ClassFolders.of(
            list,
            ClassNames.find(source.labels(), Optional.of(run), classifier.spec().output()),
            classes);
    labelled.requireLabelsOf(classes);
    this.list = labelled.images();
    Optional<Path> table = source.table(list);
    boxes =
        table.isPresent()
            ? Optional.of(
                BoxTable.read(
                    table.get(), text -> ClassNames.index(text, labelled.names(), classes)))
            : Optional.empty();
  }

  /** The names of the classes, or an empty list. */
  List<String> names() {
    return labelled.names();
  }

  /** How many there are. */
  int size() {
    return list.size();
  }

  /** Whether the true class of any image is known. */
  boolean truthKnown() {
    if (list.labelled()) {
      return true;
    }
    for (int i = 0; i < list.size() && boxes.isPresent(); i++) {
      if (boxes.get().knows(list.name(i))) {
        return true;
      }
    }
    return false;
  }

  /** Opens the images at some places, ascending; {@code what} is done with them is shown. */
  Opened open(int[] places, InputSpec spec, ProgressListener listener, String what) {
    ImageList some = list.select(places);
    IntFunction<List<Box>> objects =
        boxes.isPresent()
            ? boxes.get().objects(source.reading().limits()).in(some, spec)
            : index -> List.of();
    ImageStream stream =
        new ImageStream(source.reading().open(some, spec), some, objects)
            .reporting(listener, what, 0);
    return new Opened(stream, some, places);
  }

  /** Some of the images, batch by batch. */
  static final class Opened implements Iterator<SceneBatch>, AutoCloseable {
    private final ImageStream stream;
    private final ImageList some;
    private final int[] places;

    private Opened(ImageStream stream, ImageList some, int[] places) {
      this.stream = stream;
      this.some = some;
      this.places = places.clone();
    }

    /** What reads them. */
    ImageStream stream() {
      return stream;
    }

    @Override
    public boolean hasNext() {
      return stream.hasNext();
    }

    @Override
    public SceneBatch next() {
      ImageBatch images = stream.next();
      List<Integer> where = new ArrayList<>();
      List<List<Integer>> truths = new ArrayList<>();
      for (int b = 0; b < images.size(); b++) {
        int index = stream.places().get(b);
        where.add(places[index]);
        truths.add(truth(index, images.boxes(b)));
      }
      return new SceneBatch(images, where, truths);
    }

    private List<Integer> truth(int index, List<Box> objects) {
      Set<Integer> truth = new LinkedHashSet<>();
      if (some.label(index) != ImageList.NO_LABEL) {
        truth.add(some.label(index));
      }
      objects.forEach(box -> truth.add(box.classIndex()));
      return List.copyOf(truth);
    }

    @Override
    public void close() {
      stream.close();
    }
  }
}
