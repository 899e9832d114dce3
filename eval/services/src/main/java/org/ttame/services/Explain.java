package org.ttame.services;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.ProgressListener;
import org.ttame.core.Text;
import org.ttame.core.attention.ClassChoice;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.NonFiniteException;
import org.ttame.core.image.CropPlan;
import org.ttame.core.image.ImageReader;
import org.ttame.core.image.InputSpec;
import org.ttame.core.image.RgbImage;
import org.ttame.eval.evaluation.ImageStream;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.figure.Comparison;
import org.ttame.eval.figure.ComparisonReport;
import org.ttame.eval.figure.Figure;
import org.ttame.eval.metric.ImageBatch;
import org.ttame.eval.metric.MaskedInput;
import org.ttame.eval.output.ExplanationWriter;
import org.ttame.eval.output.MapFormat;
import org.ttame.eval.output.OutputNames;
import org.ttame.eval.output.Provenance;
import org.ttame.eval.render.HeatmapOverlay;
import org.ttame.eval.render.PhotoMap;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.ImageSettings;
import org.ttame.training.data.Shard;
import org.ttame.training.data.SkippedCount;

/** Writes explanation maps of image files: pictures, arrays, records. */
public final class Explain {
  private final Options options;
  private final ProgressListener listener;
  private final ImageSet set;
  private final ImageList images;
  private final OutputNames outputNames;
  private final Map<String, String> provenance;

  /**
   * What to explain, and what to write.
   *
   * @param methods what explains
   * @param images one file, a folder, or a text file of paths
   * @param classes whose maps
   * @param formats the files to write of each map; empty for none
   * @param compare whether each image gets a picture of all its maps
   * @param overlay how pictures are drawn
   * @param size of the pictures of single maps
   * @param labels a file with the names of the classes, if given
   * @param out where to write
   * @param reading how to go through the images
   * @param shard which of them, if not all; {@link Merge} puts shards together
   */
  public record Options(
      MethodSelection methods,
      Path images,
      ClassSelection classes,
      Set<MapFormat> formats,
      boolean compare,
      HeatmapOverlay overlay,
      ExplanationWriter.Size size,
      Optional<Path> labels,
      Path out,
      ImageSettings reading,
      Optional<Shard> shard) {
    public Options {
      Objects.requireNonNull(methods, "methods");
      Objects.requireNonNull(images, "images");
      Objects.requireNonNull(classes, "classes");
      Objects.requireNonNull(overlay, "overlay");
      Objects.requireNonNull(size, "size");
      Objects.requireNonNull(labels, "labels");
      Objects.requireNonNull(out, "out");
      Objects.requireNonNull(reading, "reading");
      Objects.requireNonNull(shard, "shard");
      formats = Set.copyOf(formats);
      if (compare && shard.isPresent()) {
        throw new InvalidOptionException(
            "compare", "makes one page of all images, which a shard does not have");
      }
      if (formats.isEmpty() && !compare) {
        throw new InvalidOptionException("format", "is empty: nothing would be written");
      }
    }

    /** Every kind of file, for the classifier's own answer. */
    public static Options of(MethodSelection methods, Path images, Path out) {
      return new Options(
          methods,
          images,
          ClassSelection.predicted(),
          EnumSet.allOf(MapFormat.class),
          false,
          HeatmapOverlay.defaults(),
          ExplanationWriter.Size.ORIGINAL,
          Optional.empty(),
          out,
          ImageSettings.defaults(),
          Optional.empty());
    }

    /** The same with other files. */
    public Options withFormats(Set<MapFormat> wanted) {
      return new Options(
          methods, images, classes, wanted, compare, overlay, size, labels, out, reading, shard);
    }

    /** The same with other ways through the images. */
    public Options withReading(ImageSettings wanted) {
      return new Options(
          methods, images, classes, formats, compare, overlay, size, labels, out, wanted, shard);
    }
  }

  /**
   * Something that was written.
   *
   * @param file where; without its ending where there are several
   * @param shows the class and its probability, or what a picture compares, in words
   */
  public record Written(Path file, String shows) {}

  /**
   * What was done.
   *
   * @param images how many were explained
   * @param skipped those that could not be read
   * @param sizes the sizes of the maps, e.g. {@code 14×14}
   * @param page the page of all comparisons, if they were asked for
   */
  public record Result(
      long images, SkippedCount skipped, List<String> sizes, Optional<Path> page) {}

  /**
   * Finds the images.
   *
   * @param options what to explain
   * @throws IOException if there are no images, or no run
   */
  public Explain(Options options, ProgressListener listener) throws IOException {
    this(options, options.reading().list(options.images(), listener), listener);
  }

  private Explain(Options options, ImageList whole, ProgressListener listener) throws IOException {
    this(
        options,
        ImageSet.of(whole, options.shard()),
        OutputNames.of(whole.size(), whole::name),
        listener);
  }

  /**
   * Explains images that are found already.
   *
   * @param options what to explain; the images are those of {@code set}
   * @param outputNames what their files are called
   * @throws IOException if there is no run
   */
  public Explain(Options options, ImageSet set, OutputNames outputNames, ProgressListener listener)
      throws IOException {
    this.options = options;
    this.listener = listener;
    this.set = set;
    this.outputNames = outputNames;
    images = set.own();
    provenance = new LinkedHashMap<>(options.methods().provenance());
    provenance.put("images", options.images().toString());
    provenance.putAll(options.reading().provenance());
    if (options.formats().contains(MapFormat.PNG)) {
      provenance.putAll(picture());
    }
  }

  /** How pictures are drawn, by the options' names. */
  private Map<String, String> picture() {
    HeatmapOverlay overlay = options.overlay();
    Map<String, String> drawn = new LinkedHashMap<>();
    drawn.put("colormap", overlay.colors().optionName());
    drawn.put("opacity", String.valueOf(overlay.opacity()));
    drawn.put("size", options.size().optionName());
    return drawn;
  }

  /**
   * Explains the images, and writes what comes of it.
   *
   * @param classifier stays the caller's
   * @param written is notified of every explanation, as it is written
   * @throws IOException naming the file, if one cannot be written, or none of the images read
   * @throws InvalidOptionException if an option contradicts the run
   */
  public Result run(FrozenClassifier classifier, Consumer<Written> written) throws IOException {
    int batch = options.reading().batchSize();
    try (MethodSelection.Made made =
            options
                .methods()
                .make(classifier, batch, set.passSize(batch), new PassProgress(listener));
        ImageStream stream =
            new ImageStream(options.reading().open(images, classifier.inputSpec()), images)
                .reporting(listener, "explaining", 0)) {
      int count = classifier.classes();
      Optional<Path> run = options.methods().run().map(TrainedRun::run);
      ClassFolders labelled =
          ClassFolders.of(
              images, ClassNames.find(options.labels(), run, classifier.spec().output()), count);
      options.classes().require(labelled, count);
      List<String> names = labelled.names();
      ClassSelection classes = options.classes().resolved(names, count);
      Provenance origin = Provenance.of(classifier, provenance);
      ComparisonReport comparison = new ComparisonReport(options.out());
      List<ExplanationRunner.Sink> sinks = new ArrayList<>();
      if (!options.formats().isEmpty()) {
        boolean qualified = options.classes().several() || made.explainers().size() > 1;
        ExplanationWriter.Options files =
            new ExplanationWriter.Options(
                options.out(),
                options.formats(),
                options.overlay(),
                photographs(stream, classifier.inputSpec()),
                qualified,
                names);
        sinks.add(new Files(new ExplanationWriter(files, origin, outputNames), names, written));
      }
      if (options.compare()) {
        sinks.add(new Compared(comparison, options.overlay(), names, written));
      }
      ExplanationRunner runner = new ExplanationRunner(classifier, sinks);
      MaskedInput input = new MaskedInput(classifier.inputSpec(), classifier.defaultMasking());
      while (stream.hasNext()) {
        ImageBatch next = stream.next();
        ClassChoice wanted = classes.of(labelled.images(), stream.places());
        try (INDArray standardised = input.clean(next)) {
          runner.explain(made.explainers(), next, standardised, wanted);
        } catch (NonFiniteException e) {
          throw e.of(classifier.name(), next.names());
        }
      }
      List<LeftOut> leftOut = LeftOut.of(stream, set);
      if (set.isWhole()) {
        stream.requireAny();
        LeftOut.write(options.out(), leftOut);
      } else {
        ShardRecord.of(
                ShardRecord.EXPLAIN,
                set,
                identity(classifier, classes),
                origin,
                batch,
                stream.read(),
                leftOut,
                null)
            .write(options.out());
      }
      runner.warn(listener);
      Optional<Path> page =
          options.compare() ? Optional.of(comparison.write(origin)) : Optional.empty();
      return new Result(stream.read(), stream.skipped(), runner.sizes(), page);
    }
  }

  /**
   * The photographs of the batch that was read last; empty where pictures are not of their size.
   */
  private Optional<ExplanationWriter.Photographs> photographs(ImageStream stream, InputSpec spec) {
    if (options.size() != ExplanationWriter.Size.ORIGINAL) {
      return Optional.empty();
    }
    ImageReader reader = new ImageReader(options.reading().limits());
    return Optional.of(
        (maps, index) -> {
          RgbImage photograph = reader.read(images.path(stream.places().get(index)));
          CropPlan crop = CropPlan.centre(photograph.width(), photograph.height(), spec);
          return new PhotoMap(photograph, crop, maps, index);
        });
  }

  /** What maps depend on, wherever files lie. */
  private Map<String, String> identity(FrozenClassifier classifier, ClassSelection classes)
      throws IOException {
    Map<String, String> identity = new LinkedHashMap<>();
    identity.put("backbone", classifier.name());
    String sum = classifier.provenance().get("sha256");
    if (sum != null) {
      identity.put("backbone's SHA-256", sum);
    }
    identity.putAll(ClassifierIdentity.of(classifier));
    MethodSelection methods = options.methods();
    identity.putAll(methods.identity());
    identity.put(
        "methods",
        methods.methods().stream()
            .map(ExplanationMethod::optionName)
            .collect(Collectors.joining(",")));
    methods.layer().ifPresent(layer -> identity.put("layer", layer));
    methods.riseMasks().ifPresent(masks -> identity.put("rise-masks", String.valueOf(masks)));
    identity.put("seed", String.valueOf(methods.seed()));
    identity.put(
        "images", Text.format("%d (SHA-256 of names %s)", set.images(), set.namesSha256()));
    identity.put("class", classes.kind().name().toLowerCase(Locale.ROOT) + ":" + classes.number());
    identity.put(
        "format",
        options.formats().stream()
            .map(MapFormat::optionName)
            .sorted()
            .collect(Collectors.joining(",")));
    identity.putAll(picture());
    identity.putAll(options.reading().provenance());
    identity.put("batch-size", String.valueOf(options.reading().batchSize()));
    return identity;
  }

  /** Writes the files of each explanation as it comes. */
  private record Files(ExplanationWriter writer, List<String> names, Consumer<Written> written)
      implements ExplanationRunner.Sink {
    @Override
    public void take(
        ImageBatch images, ExplanationWriter.Explained explained, double[][] probabilities)
        throws IOException {
      List<Path> files = writer.write(images, explained);
      for (int b = 0; b < files.size(); b++) {
        written.accept(
            new Written(
                files.get(b),
                Text.format(
                    "%s, probability %.4f",
                    ClassNames.describe(explained.classes()[b], names),
                    explained.probabilities()[b])));
      }
    }

    @Override
    public void endBatch() {
      // Everything is written.
    }
  }

  /** Puts all explanations of an image into one picture. */
  private static final class Compared implements ExplanationRunner.Sink {
    private final ComparisonReport report;
    private final HeatmapOverlay overlay;
    private final List<String> classNames;
    private final Consumer<Written> written;
    private final List<String> names = new ArrayList<>();
    private Comparison comparison;

    Compared(
        ComparisonReport report,
        HeatmapOverlay overlay,
        List<String> classNames,
        Consumer<Written> written) {
      this.report = report;
      this.overlay = overlay;
      this.classNames = classNames;
      this.written = written;
    }

    @Override
    public void take(
        ImageBatch images, ExplanationWriter.Explained explained, double[][] probabilities) {
      if (comparison == null) {
        comparison = new Comparison(images, probabilities, classNames, overlay);
        names.addAll(images.names());
      }
      comparison.add(explained.method(), explained.classes(), explained.maps());
    }

    @Override
    public void endBatch() throws IOException {
      List<Figure> figures = comparison.figures();
      for (int b = 0; b < figures.size(); b++) {
        Figure figure = figures.get(b);
        written.accept(new Written(report.add(names.get(b), figure), figure.caption()));
      }
      comparison = null;
      names.clear();
    }
  }
}
