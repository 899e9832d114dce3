package org.ttame.services;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.ProgressListener;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.NonFiniteException;
import org.ttame.core.classifier.Predictions;
import org.ttame.core.storage.AtomicFile;
import org.ttame.eval.evaluation.ImageStream;
import org.ttame.eval.metric.ImageBatch;
import org.ttame.eval.metric.MaskedInput;
import org.ttame.eval.output.Provenance;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.ImageSettings;
import org.ttame.training.data.SkippedCount;

/** Classifies image files and writes {@code predictions.json}. */
public final class Predict {
  /** The file's name. */
  public static final String FILE = "predictions.json";

  private static final int FORMAT = 1;

  private final Options options;
  private final ProgressListener listener;
  private final ImageList images;

  /**
   * What to classify, and what to write.
   *
   * @param images one file, a folder, or a text file of paths
   * @param top classes to name an image
   * @param logits whether all logits are written
   * @param labels a file with the names of the classes, if given
   * @param run a training run that may know the names, if given
   * @param out where the file goes
   * @param reading how to go through the images
   */
  public record Options(
      Path images,
      int top,
      boolean logits,
      Optional<Path> labels,
      Optional<Path> run,
      Path out,
      ImageSettings reading) {
    public Options {
      Objects.requireNonNull(images, "images");
      Objects.requireNonNull(labels, "labels");
      Objects.requireNonNull(run, "run");
      Objects.requireNonNull(out, "out");
      Objects.requireNonNull(reading, "reading");
      if (top < 1) {
        throw new InvalidOptionException("top", top + " is not a whole number of at least 1");
      }
    }

    /** Five classes an image, without logits. */
    public static Options of(Path images, Path out) {
      return new Options(
          images, 5, false, Optional.empty(), Optional.empty(), out, ImageSettings.defaults());
    }
  }

  /**
   * The classifier's prediction.
   *
   * @param image its name
   * @param index the most probable class
   * @param name that class in words: its index, and its name where that is known
   * @param probability its
   */
  public record Prediction(String image, int index, String name, double probability) {}

  /**
   * How often labelled images were classified right.
   *
   * @param labelled how many have labels
   * @param first in percent: the label was the most probable class
   * @param amongTop in percent: the label was among the first
   * @param top so many first
   */
  public record Accuracy(int labelled, double first, double amongTop, int top) {
    private static final class Count {
      private int labelled;
      private int first;
      private int amongTop;
      private int top;

      void add(int label, int[] classes) {
        labelled++;
        top = classes.length;
        first += classes[0] == label ? 1 : 0;
        for (int k : classes) {
          amongTop += k == label ? 1 : 0;
        }
      }

      Optional<Accuracy> result() {
        return labelled == 0
            ? Optional.empty()
            : Optional.of(
                new Accuracy(labelled, 100.0 * first / labelled, 100.0 * amongTop / labelled, top));
      }
    }
  }

  /**
   * What was done.
   *
   * @param file what was written
   * @param images how many were classified
   * @param skipped those that could not be read
   * @param accuracy where images have labels
   */
  public record Result(Path file, long images, SkippedCount skipped, Optional<Accuracy> accuracy) {}

  /**
   * Finds the images.
   *
   * @param options what to classify
   * @throws IOException if there are none
   */
  public Predict(Options options, ProgressListener listener) throws IOException {
    this.options = options;
    this.listener = listener;
    images = options.reading().list(options.images(), listener);
  }

  /**
   * Classifies the images.
   *
   * @param classifier stays the caller's
   * @param predictions is notified of every image
   * @throws IOException naming the file, if it cannot be written, or none of the images read
   * @throws InvalidOptionException if the names of classes are not the run's
   */
  public Result run(FrozenClassifier classifier, Consumer<Prediction> predictions)
      throws IOException {
    int classes = classifier.classes();
    try (ImageStream stream =
        new ImageStream(options.reading().open(images, classifier.inputSpec()), images)
            .reporting(listener, "classifying", 0)) {
      ClassFolders labelled =
          ClassFolders.of(
              images,
              ClassNames.find(options.labels(), options.run(), classifier.spec().output()),
              classes);
      labelled.requireLabelsOf(classes);
      labelled.problem().ifPresent(problem -> listener.warn("no accuracy: " + problem));
      Path file = options.out().resolve(FILE);
      Accuracy.Count score = new Accuracy.Count();
      AtomicFile.write(
          file, target -> write(target, classifier, labelled, stream, score, predictions));
      return new Result(file, stream.read(), stream.skipped(), score.result());
    }
  }

  private void write(
      OutputStream target,
      FrozenClassifier classifier,
      ClassFolders labelled,
      ImageStream stream,
      Accuracy.Count score,
      Consumer<Prediction> predictions)
      throws IOException {
    ObjectMapper mapper = new ObjectMapper();
    try (JsonGenerator json = new JsonFactory(mapper).createGenerator(target)) {
      json.useDefaultPrettyPrinter();
      json.disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);
      json.writeStartObject();
      json.writeNumberField("format", FORMAT);
      json.writeObjectField("provenance", Provenance.of(classifier, provenance()).toMap());
      json.writeArrayFieldStart("images");
      MaskedInput input = new MaskedInput(classifier.inputSpec(), classifier.defaultMasking());
      while (stream.hasNext()) {
        ImageBatch batch = stream.next();
        try (INDArray standardised = input.clean(batch);
            ClassifierOutput output = classifier.forward(standardised, List.of())) {
          write(json, labelled, stream.places(), output, score, predictions);
        } catch (NonFiniteException e) {
          throw e.of(classifier.name(), batch.names());
        }
      }
      stream.requireAny();
      json.writeEndArray();
      for (Map.Entry<String, Object> entry : stream.skipped().toMap().entrySet()) {
        json.writeObjectField(entry.getKey(), entry.getValue());
      }
      json.writeEndObject();
    }
    target.write('\n');
  }

  private Map<String, String> provenance() {
    Map<String, String> known = new LinkedHashMap<>();
    known.put("images", options.images().toString());
    known.putAll(options.reading().provenance());
    return known;
  }

  private void write(
      JsonGenerator json,
      ClassFolders labelled,
      List<Integer> indices,
      ClassifierOutput output,
      Accuracy.Count score,
      Consumer<Prediction> predictions)
      throws IOException {
    ImageList list = labelled.images();
    List<String> names = labelled.names();
    INDArray values = output.logits();
    int shown = (int) Math.min(options.top(), values.size(1));
    int[][] classes = Predictions.topClasses(values, shown);
    double[][] probabilities = output.probabilities();
    float[] all = values.dup('c').data().asFloat();
    int width = (int) values.size(1);
    for (int i = 0; i < classes.length; i++) {
      int index = indices.get(i);
      json.writeStartObject();
      json.writeStringField("file", list.name(index));
      if (list.label(index) != ImageList.NO_LABEL) {
        json.writeNumberField("label", list.label(index));
        score.add(list.label(index), classes[i]);
      }
      json.writeArrayFieldStart("top");
      for (int k : classes[i]) {
        json.writeStartObject();
        json.writeNumberField("index", k);
        if (k < names.size()) {
          json.writeStringField("label", names.get(k));
        }
        json.writeNumberField("probability", probabilities[i][k]);
        json.writeEndObject();
      }
      json.writeEndArray();
      if (options.logits()) {
        json.writeArrayFieldStart("logits");
        for (int k = 0; k < width; k++) {
          json.writeNumber(all[i * width + k]);
        }
        json.writeEndArray();
      }
      json.writeEndObject();
      int first = classes[i][0];
      predictions.accept(
          new Prediction(
              list.name(index), first, ClassNames.describe(first, names), probabilities[i][first]));
    }
  }
}
