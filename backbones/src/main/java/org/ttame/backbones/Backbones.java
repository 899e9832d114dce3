package org.ttame.backbones;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.backbones.architecture.Architecture;
import org.ttame.backbones.graph.BackboneGraph;
import org.ttame.backbones.graph.Parameter;
import org.ttame.backbones.onnx.OnnxBackbone;
import org.ttame.backbones.source.BackboneException;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.backbones.source.BackboneSource;
import org.ttame.core.Text;
import org.ttame.core.classifier.Assumption;
import org.ttame.core.classifier.Assumption.Setting;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.OutputKind;
import org.ttame.core.classifier.OutputSpec;
import org.ttame.core.image.ImageReader;
import org.ttame.core.image.ImageSize;
import org.ttame.core.image.InputSpec;
import org.ttame.core.image.ResizeRule;
import org.ttame.core.provenance.Sha256;
import org.ttame.core.storage.InputFile;

/**
 * Loads image classifiers as SameDiff graphs: VGG, ResNet and ViT from ONNX files, from backbone
 * files that {@link #importTo} wrote, and VGG and ResNet from networks of the DL4J zoo.
 */
public final class Backbones {
  private Backbones() {}

  /**
   * Loads a classifier.
   *
   * @param file an ONNX file, a backbone file, or a zipped DL4J network
   * @param options what is expected of it
   * @return the classifier; the caller closes it
   * @throws BackboneException if the file is damaged, holds something else, or is not what was
   *     expected
   */
  public static FrozenClassifier load(Path file, BackboneOptions options) throws IOException {
    try (BackboneSource source = open(file, options)) {
      check(file, source, options);
      CompletableFuture<String> digest = digest(file);
      BackboneGraph graph = graph(file, source, options);
      return classifier(file, graph, source, options, provenance(file, source, join(digest)));
    }
  }

  /**
   * Makes a classifier of a source that is no file, such as a network of the DL4J zoo in memory.
   *
   * @param source the source; stays the caller's
   * @param options what is expected of it
   * @return the classifier; the caller closes it
   * @throws IOException if a weight cannot be had
   */
  public static FrozenClassifier load(BackboneSource source, BackboneOptions options)
      throws IOException {
    check(Path.of("The network"), source, options);
    BackboneGraph graph =
        BackboneGraph.of(source.architecture(), source, options.dataType(), options.precision());
    Map<String, String> provenance = new LinkedHashMap<>(source.provenance());
    provenance.put("architecture", source.architecture().describe());
    provenance.put("parameters", String.valueOf(source.architecture().parameterCount()));
    return classifier(Path.of("The network"), graph, source, options, provenance);
  }

  /**
   * Tells what is in a file, without loading its weights.
   *
   * @param file an ONNX file, a backbone file, or a zipped DL4J network
   * @throws BackboneException if the file is damaged or holds something else
   */
  public static BackboneInfo inspect(Path file) throws IOException {
    return inspect(file, BackboneOptions.defaults());
  }

  /**
   * As above, of a file that does not say everything.
   *
   * @param options what is known of it
   */
  public static BackboneInfo inspect(Path file, BackboneOptions options) throws IOException {
    try (BackboneSource source = open(file, options)) {
      BackboneGraph outline = BackboneGraph.outline(source.architecture());
      return new BackboneInfo(
          source.architecture(),
          inputSpec(source, options),
          output(source, options),
          outline.layers(),
          outline.defaultLayers(),
          outline.masking(),
          provenance(file, source, Sha256.of(file)),
          assumptions(source, options));
    }
  }

  /**
   * Turns a classifier's file into a backbone file, which loads faster and says what it expects of
   * an image.
   *
   * @param file an ONNX file or a zipped DL4J network
   * @param target the backbone file; appears when it is whole
   * @param options what is expected of it; a standardisation given here is kept in the file
   * @throws BackboneException if the file is damaged, holds something else, or is not what was
   *     expected
   * @throws IOException if it cannot be read, or the target not written
   */
  public static void importTo(Path file, Path target, BackboneOptions options) throws IOException {
    try (BackboneSource source = open(file, options)) {
      check(file, source, options);
      if (source.architecture().ownBatch() > 1) {
        // Only the weights show whether its images keep apart.
        classifier(file, graph(file, source, options), source, options, Map.of()).close();
      }
      BackboneFile.write(
          target,
          source.architecture(),
          inputSpec(source, options),
          output(source, options),
          provenance(file, source, Sha256.of(file)),
          assumptions(source, options).stream().map(Assumption::setting).toList(),
          source);
    }
  }

  /**
   * Opens an ONNX file as such, to write another one from it.
   *
   * @param options what is expected of it
   * @return it, which the caller closes; empty if the file is of another format
   * @throws BackboneException if the file is damaged, or holds no classifier
   */
  public static Optional<OnnxBackbone> openOnnx(Path file, BackboneOptions options)
      throws IOException {
    BackboneSource source = open(file, options);
    if (source instanceof OnnxBackbone onnx && onnx.isFile()) {
      return Optional.of(onnx);
    }
    source.close();
    return Optional.empty();
  }

  /**
   * Whether two files hold the same network: layers of the same names, and weights of the same
   * bits.
   *
   * @param one a classifier's file, of any format
   * @param other another
   * @param options what is expected of both
   */
  public static boolean sameNetwork(Path one, Path other, BackboneOptions options)
      throws IOException {
    try (BackboneSource first = open(one, options);
        BackboneSource second = open(other, options)) {
      BackboneGraph outline = BackboneGraph.outline(first.architecture());
      BackboneGraph theirs = BackboneGraph.outline(second.architecture());
      if (!outline.layers().equals(theirs.layers())
          || !outline.parameters().equals(theirs.parameters())) {
        return false;
      }
      for (Parameter parameter : outline.parameters()) {
        long[] shape = parameter.shape().stream().mapToLong(Long::longValue).toArray();
        try (INDArray ours = first.load(parameter.name(), shape);
            INDArray weight = second.load(parameter.name(), shape)) {
          if (!ours.equalsWithEps(weight, 0)) {
            return false;
          }
        }
      }
      return true;
    }
  }

  static BackboneSource open(Path file, BackboneOptions options) throws IOException {
    if (!Files.exists(file)) {
      throw new BackboneException("There is no file " + file);
    }
    if (Files.isDirectory(file)) {
      throw new BackboneException(file + " is a folder; give the backbone's file itself");
    }
    byte[] start;
    try (InputStream in = InputFile.open(file)) {
      start = in.readNBytes(ImageReader.START);
    }
    if (BackboneFile.isOne(start)) {
      return BackboneFile.open(file);
    }
    Optional<String> other = OtherFormats.of(file, start);
    if (other.isPresent()) {
      throw new BackboneException(file + " " + other.get());
    }
    if (ZooBridge.isZip(start)) {
      return ZooBridge.open(file);
    }
    try {
      return OnnxBackbone.read(file, options);
    } catch (BackboneException e) {
      Optional<String> named = OtherFormats.ofName(file);
      throw named.isPresent() ? new BackboneException(file + " " + named.get(), e) : e;
    }
  }

  private static BackboneGraph graph(Path file, BackboneSource source, BackboneOptions options)
      throws IOException {
    try {
      return BackboneGraph.of(
          source.architecture(), source, options.dataType(), options.precision());
    } catch (OutOfMemoryError e) {
      throw new BackboneException(
          Text.format(
              "%s has %,d weights, which do not fit into memory (%s); give Java more with java -Xmx4g -jar …",
              file, source.architecture().parameterCount(), e.getMessage()),
          e);
    }
  }

  private static FrozenClassifier classifier(
      Path file,
      BackboneGraph graph,
      BackboneSource source,
      BackboneOptions options,
      Map<String, String> provenance)
      throws BackboneException {
    int own = source.architecture().ownBatch();
    BackboneGraph kept =
        own > 1
            ? OwnBatch.keptApart(file, source.architecture(), graph, inputSpec(source, options))
            : graph;
    return classifier(kept, source, options, provenance, own);
  }

  private static FrozenClassifier classifier(
      BackboneGraph graph,
      BackboneSource source,
      BackboneOptions options,
      Map<String, String> provenance,
      int ownBatch) {
    return FrozenClassifier.builder(graph.graph())
        .name(source.architecture().name())
        .ownBatch(ownBatch)
        .precision(options.precision())
        .input(BackboneGraph.INPUT)
        .logits(graph.logits())
        .output(output(source, options))
        .inputSpec(inputSpec(source, options))
        .layers(graph.layers())
        .aliases(graph.aliases())
        .defaultLayers(graph.defaultLayers())
        .camLayer(graph.camLayer().orElse(null))
        .defaultMasking(graph.masking())
        .transformer(graph.transformer().orElse(null))
        .provenance(provenance)
        .assumptions(assumptions(source, options))
        .build();
  }

  /** What a source answers; a file that has been imported may be told that it means otherwise. */
  private static OutputSpec output(BackboneSource source, BackboneOptions options) {
    OutputSpec output = source.output();
    OutputKind kind = options.outputKind().orElse(output.kind());
    return output.kind() == OutputKind.ONE_LOGIT ? output : output.withKind(kind);
  }

  /** What a source expects of an image: by the options, else by its own word, else ImageNet's. */
  private static InputSpec inputSpec(BackboneSource source, BackboneOptions options) {
    Architecture architecture = source.architecture();
    int channels = architecture.channels();
    InputSpec own =
        source
            .inputSpec()
            .orElseGet(
                () ->
                    new InputSpec(
                        architecture.size().height(),
                        architecture.size().width(),
                        InputSpec.imageNetMean(channels),
                        InputSpec.imageNetStd(channels),
                        ResizeRule.CROP,
                        source.stored()));
    return own.withStandardisation(
            options.mean().orElse(own.mean()), options.std().orElse(own.std()))
        .withResize(options.resize().orElse(own.resize()));
  }

  /** What is taken without anybody's word, now or where it was recorded. */
  private static List<Assumption> assumptions(BackboneSource source, BackboneOptions options) {
    Set<Setting> assumed = EnumSet.noneOf(Setting.class);
    assumed.addAll(source.assumed());
    if (source.inputSpec().isEmpty()) {
      assumed.add(Setting.STANDARDISATION);
    }
    if (source.architecture().ownBatch() > 0) {
      assumed.add(Setting.OWN_BATCH);
    }
    if (!(source instanceof BackboneFile)) {
      assumed.add(Setting.RESIZE); // no graph says how its pictures were resized
    }
    options.mean().ifPresent(mean -> assumed.remove(Setting.STANDARDISATION));
    options.size().ifPresent(size -> assumed.remove(Setting.SIDE));
    options.resize().ifPresent(rule -> assumed.remove(Setting.RESIZE));
    options.output().ifPresent(output -> assumed.remove(Setting.OUTPUT));
    assumed.addAll(options.assumed());
    InputSpec input = inputSpec(source, options);
    List<Assumption> assumptions = new ArrayList<>();
    for (Setting setting : assumed) {
      String value =
          switch (setting) {
            case STANDARDISATION -> Text.format("mean %s and std %s", input.mean(), input.std());
            case SIDE -> Text.format("images of %s pixels", input.size());
            case RESIZE -> "the resize rule " + describe(input.resize());
            case OWN_BATCH -> OwnBatch.describe(source.architecture().ownBatch());
            case OUTPUT -> "the output " + source.provenance().get(OnnxBackbone.OUTPUT);
          };
      boolean recorded = source instanceof BackboneFile || options.assumed().contains(setting);
      assumptions.add(new Assumption(setting, value, recorded));
    }
    return assumptions;
  }

  private static String describe(ResizeRule rule) {
    return switch (rule) {
      case CROP -> "crop (the centre, after resizing to 256/224 of the input)";
      case STRETCH -> "stretch (the whole picture, its proportions lost)";
      case LETTERBOX -> "letterbox (the whole picture on a grey ground)";
    };
  }

  /** The file's own name and digest go before what it says of its origin. */
  private static Map<String, String> provenance(Path file, BackboneSource source, String sha256) {
    Map<String, String> provenance = new LinkedHashMap<>();
    provenance.put("file", String.valueOf(file.getFileName()));
    provenance.put("sha256", sha256);
    provenance.put("architecture", source.architecture().describe());
    provenance.put("parameters", String.valueOf(source.architecture().parameterCount()));
    source
        .provenance()
        .forEach(
            (key, value) -> {
              if (!value.equals(provenance.get(key))) {
                provenance.put(provenance.containsKey(key) ? "imported-" + key : key, value);
              }
            });
    return provenance;
  }

  /** A second core reads the file for its digest while the weights are loaded. */
  private static CompletableFuture<String> digest(Path file) {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return Sha256.of(file);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  private static String join(CompletableFuture<String> digest) throws IOException {
    try {
      return digest.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof UncheckedIOException io) {
        throw io.getCause();
      }
      throw e;
    }
  }

  private static void check(Path file, BackboneSource source, BackboneOptions options)
      throws BackboneException {
    Architecture architecture = source.architecture();
    if (options.name().isPresent()) {
      String expected = options.name().get();
      if (!expected.equals(architecture.name()) && !expected.equals(architecture.family())) {
        throw new BackboneException(
            Text.format(
                "%s holds a %s (%s), not a %s; leave option 'backbone' out or give another file",
                file, architecture.name(), architecture.describe(), expected));
      }
    }
    int classes = source.output().classes();
    if (options.classes().orElse(classes) != classes) {
      throw new BackboneException(
          Text.format(
              "%s has %d classes where %d are expected",
              file, classes, options.classes().getAsInt()));
    }
    ImageSize size = architecture.size();
    if (options.size().isPresent() && !options.size().get().equals(size)) {
      throw new BackboneException(
          Text.format(
              "%s takes images of %s pixels, which option 'input-size' %s cannot change; export it with free height and width, or import it again from such a file",
              file, size, options.size().get().optionText()));
    }
    int channels = architecture.channels();
    if (options.mean().isPresent() && options.mean().get().size() != channels) {
      throw new BackboneException(
          Text.format(
              "%s takes images of %s, but option 'mean' and option 'std' have %s each: give one for each channel",
              file,
              Text.count(channels, "channel"),
              Text.count(options.mean().get().size(), "value")));
    }
    OutputKind found = source.output().kind();
    if (source.outputSettled() && options.outputKind().orElse(found) != found) {
      throw new BackboneException(
          Text.format(
              "%s was imported with the output kind %s, not %s; import it again with option 'output-kind'",
              file, found.optionName(), options.outputKind().get().optionName()));
    }
    String output = source.provenance().get(OnnxBackbone.OUTPUT);
    if (options.output().isPresent() && output != null && !options.output().get().equals(output)) {
      throw new BackboneException(
          Text.format(
              "%s was imported with the output \"%s\", not \"%s\"; import it again with option 'output'",
              file, output, options.output().get()));
    }
  }
}
