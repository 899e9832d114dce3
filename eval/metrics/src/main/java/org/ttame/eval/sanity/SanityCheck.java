package org.ttame.eval.sanity;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.ProgressListener;
import org.ttame.core.Text;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.NonFiniteException;
import org.ttame.core.image.ImageSize;
import org.ttame.core.masking.Masking;
import org.ttame.core.npz.Npy;
import org.ttame.eval.evaluation.AdIcValidator;
import org.ttame.eval.evaluation.ImageStream;
import org.ttame.eval.explain.Explainer;
import org.ttame.eval.metric.ImageBatch;
import org.ttame.eval.metric.MaskedInput;
import org.ttame.eval.sanity.SanityStage.Methods;
import org.ttame.eval.sanity.StageResult.Column;
import org.ttame.eval.sanity.StageResult.ExplainedClass;

/**
 * Measures how alike a method's maps are to its original ones while a classifier or a mechanism
 * loses what it has learnt, stage by stage, over many images.
 *
 * <p>At every stage two maps are compared with the original one, at the image's size: that of the
 * class the original classifier answered, and that of the class the classifier answers now. A stage
 * that is measured stays in {@code FOLDER/stages}, so that an interrupted check can be resumed.
 * Original maps are kept in a file while it runs; memory holds a batch, and the maps of the few
 * images that are shown.
 */
public final class SanityCheck {
  private static final String STAGES = "stages";

  private final Options options;
  private final AdIcValidator.Images images;

  /**
   * How to check.
   *
   * @param folder where everything goes; made if missing
   * @param shown how many images are shown in pictures
   * @param count how many images there are, to spread those shown over them
   * @param depends everything that numbers depend on, so that a stage measured otherwise is not
   *     taken for one of this check
   */
  public record Options(Path folder, int shown, int count, Map<String, String> depends) {
    public Options {
      depends = Map.copyOf(depends);
    }
  }

  /**
   * What was found at a stage.
   *
   * @param stage the stage
   * @param result the numbers
   * @param maps by method, the maps of the images shown, for the original class
   */
  public record Found(SanityStage stage, StageResult result, Map<String, List<float[]>> maps) {}

  /**
   * All that was found.
   *
   * @param size of the maps compared
   * @param names of the images, in order
   * @param pictures of the images shown, in [0,1], [H, W, 3]
   * @param originals by method, their original maps
   * @param stages what was found, in order
   */
  public record Outcome(
      ImageSize size,
      List<String> names,
      List<float[]> pictures,
      Map<String, List<float[]>> originals,
      List<Found> stages) {}

  /**
   * A check.
   *
   * @param images opens the images, again for each stage
   * @param options how to check
   */
  public SanityCheck(AdIcValidator.Images images, Options options) {
    this.images = images;
    this.options = options;
  }

  /**
   * Runs the check.
   *
   * @param original the methods as they are
   * @param stages what is lost, in order
   */
  public Outcome run(Methods original, List<SanityStage> stages, ProgressListener listener)
      throws IOException {
    ImageSize size = original.classifier().inputSpec().imageSize();
    listener.note(Text.format("%d stages of %d images", stages.size(), options.count()));
    listener.begin("checking", (1L + stages.size()) * options.count(), 0);
    try (MapStore store = new MapStore(options.folder().resolve(STAGES), size.pixels())) {
      Originals originals =
          originals(original, store, size, done -> listener.advance(done, "original maps"));
      List<Found> found = new ArrayList<>();
      for (SanityStage stage : stages) {
        Path file = options.folder().resolve(STAGES).resolve(stage.fileName() + ".json");
        String detail =
            Text.format("%s %d, %s", stage.cascade().optionName(), stage.number(), stage.name());
        long before = (1L + found.size()) * options.count();
        if (Files.exists(file)) {
          listener.detail(detail + " is measured already");
          listener.advance(before + options.count(), detail);
          StageResult result = StageResult.read(file, options.depends());
          found.add(new Found(stage, result, shownMaps(stage, result, size)));
        } else {
          found.add(
              measure(
                  stage,
                  file,
                  originals,
                  store,
                  size,
                  done -> listener.advance(before + done, detail)));
        }
      }
      return new Outcome(size, originals.names, originals.pictures, originals.maps, found);
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  /** What is known of the images before anything is lost. */
  private static final class Originals {
    private final List<String> names = new ArrayList<>();
    private final List<Integer> classes = new ArrayList<>();
    private final List<float[]> pictures = new ArrayList<>();
    private final Map<String, List<float[]>> maps = new LinkedHashMap<>();
    private final Map<String, Integer> places = new HashMap<>();

    private long index(String method, int image) {
      return (long) image * places.size() + places.get(method);
    }
  }

  private Originals originals(
      Methods original, MapStore store, ImageSize size, IntConsumer measured) throws IOException {
    Originals known = new Originals();
    for (Explainer explainer : original.explainers()) {
      known.places.put(explainer.name(), known.places.size());
      known.maps.put(explainer.name(), new ArrayList<>());
    }
    FrozenClassifier classifier = original.classifier();
    try (ImageStream stream = images.open()) {
      while (stream.hasNext()) {
        ImageBatch batch = stream.next();
        int first = known.names.size();
        try (INDArray input = clean(classifier, batch)) {
          int[] classes = answers(classifier, input);
          for (Explainer explainer : original.explainers()) {
            float[][] maps =
                explainer
                    .explain(input, classes, batch.names())
                    .upsampled(size.height(), size.width());
            for (int b = 0; b < batch.size(); b++) {
              store.put(known.index(explainer.name(), first + b), maps[b]);
              if (isShown(first + b)) {
                known.maps.get(explainer.name()).add(maps[b]);
              }
            }
          }
          for (int b = 0; b < batch.size(); b++) {
            known.names.add(batch.names().get(b));
            known.classes.add(classes[b]);
            if (isShown(first + b)) {
              known.pictures.add(batch.rgb(b));
            }
          }
        } catch (NonFiniteException e) {
          throw e.of(classifier.name(), batch.names());
        }
        measured.accept(known.names.size());
      }
    }
    if (known.names.isEmpty()) {
      throw new IOException("none of the images could be read");
    }
    return known;
  }

  private Found measure(
      SanityStage stage,
      Path file,
      Originals originals,
      MapStore store,
      ImageSize size,
      IntConsumer measured)
      throws IOException {
    Map<Column, List<Double>> columns = new LinkedHashMap<>();
    Map<String, List<float[]>> shown = new LinkedHashMap<>();
    int kept = 0;
    int at = 0;
    try (Methods methods = stage.setting().open();
        ImageStream stream = images.open()) {
      while (stream.hasNext()) {
        ImageBatch batch = stream.next();
        int[] fixed = new int[batch.size()];
        for (int b = 0; b < fixed.length; b++) {
          fixed[b] = originals.classes.get(at + b);
        }
        try (INDArray input = clean(methods.classifier(), batch)) {
          int[] now = answers(methods.classifier(), input);
          for (int b = 0; b < fixed.length; b++) {
            kept += fixed[b] == now[b] ? 1 : 0;
          }
          boolean same = java.util.Arrays.equals(fixed, now);
          for (Explainer explainer : methods.explainers()) {
            float[][] maps =
                explainer
                    .explain(input, fixed, batch.names())
                    .upsampled(size.height(), size.width());
            float[][] again =
                same
                    ? maps
                    : explainer
                        .explain(input, now, batch.names())
                        .upsampled(size.height(), size.width());
            for (int b = 0; b < fixed.length; b++) {
              float[] before = store.get(originals.index(explainer.name(), at + b));
              add(columns, explainer.name(), ExplainedClass.FIXED, before, maps[b], size);
              add(columns, explainer.name(), ExplainedClass.PREDICTED, before, again[b], size);
              if (isShown(at + b)) {
                shown.computeIfAbsent(explainer.name(), m -> new ArrayList<>()).add(maps[b]);
              }
            }
          }
        } catch (NonFiniteException e) {
          throw e.of(methods.classifier().name(), batch.names());
        }
        at += batch.size();
        measured.accept(at);
      }
    }
    if (at != originals.names.size()) {
      throw new IOException(
          Text.format(
              "the images changed while they were measured: there were %d, now there are %d",
              originals.names.size(), at));
    }
    StageResult result = new StageResult(columns, 100.0 * kept / at);
    for (Map.Entry<String, List<float[]>> entry : shown.entrySet()) {
      writeMaps(mapFile(stage, entry.getKey()), entry.getValue(), size);
    }
    result.write(file, options.depends());
    return new Found(stage, result, shown);
  }

  private static void add(
      Map<Column, List<Double>> columns,
      String method,
      ExplainedClass answer,
      float[] before,
      float[] now,
      ImageSize size) {
    MapSimilarity.between(before, now, size)
        .forEach(
            (measure, value) ->
                columns
                    .computeIfAbsent(new Column(method, answer, measure), c -> new ArrayList<>())
                    .add(value));
  }

  /** Evenly spread: the first of each of {@code shown} parts. */
  private boolean isShown(int image) {
    for (int k = 0; k < options.shown(); k++) {
      if ((long) k * options.count() / options.shown() == image) {
        return true;
      }
    }
    return false;
  }

  private Path mapFile(SanityStage stage, String method) {
    return options
        .folder()
        .resolve(STAGES)
        .resolve(Text.format("%s.%s.npy", stage.fileName(), method));
  }

  private static void writeMaps(Path file, List<float[]> maps, ImageSize size) throws IOException {
    float[][] rows = maps.toArray(float[][]::new);
    try (INDArray flat = Nd4j.createFromArray(rows);
        INDArray array = flat.reshape(rows.length, size.height(), size.width()).dup('c')) {
      Npy.write(file, array);
    }
  }

  private Map<String, List<float[]>> shownMaps(
      SanityStage stage, StageResult result, ImageSize size) throws IOException {
    Map<String, List<float[]>> shown = new LinkedHashMap<>();
    for (Column column : result.columns().keySet()) {
      Path file = mapFile(stage, column.method());
      if (shown.containsKey(column.method()) || !Files.exists(file)) {
        continue;
      }
      try (INDArray array = Npy.read(file)) {
        float[] all = array.dup('c').data().asFloat();
        List<float[]> maps = new ArrayList<>();
        for (int from = 0; from < all.length; from += size.pixels()) {
          maps.add(java.util.Arrays.copyOfRange(all, from, from + size.pixels()));
        }
        shown.put(column.method(), maps);
      }
    }
    return shown;
  }

  /** Without a map over it, both maskings give the same input. */
  private static INDArray clean(FrozenClassifier classifier, ImageBatch batch) {
    return new MaskedInput(classifier.inputSpec(), Masking.CNN).clean(batch);
  }

  private static int[] answers(FrozenClassifier classifier, INDArray input) {
    try (ClassifierOutput output = classifier.forward(input, List.of())) {
      return output.predictedClasses();
    }
  }
}
