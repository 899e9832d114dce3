package org.ttame.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.Text;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.NonFiniteException;
import org.ttame.core.classifier.Predictions;
import org.ttame.core.storage.WholeFile;
import org.ttame.eval.metric.MaskedInput;
import org.ttame.eval.output.Provenance;
import org.ttame.training.data.ImageList;

/**
 * The work of {@code predict}: classifies images and writes {@code predictions.json}.
 *
 * @param choice the classifier
 * @param images what to classify
 * @param top classes to name an image
 * @param logits whether all logits are written
 * @param labels names of the classes, if given
 * @param out where the file goes
 * @param settings how to go through the images
 * @param engine what to compute on
 */
record PredictJob(
    ClassifierChoice choice,
    Path images,
    int top,
    boolean logits,
    Optional<Path> labels,
    Path out,
    ImageSettings settings,
    Engine.Settings engine)
    implements Command.Job {
  private static final String FILE = "predictions.json";

  @Override
  public void run(Console console) throws Exception {
    ImageList found = settings.list(images, console);
    Engine.start(engine, console);
    try (FrozenClassifier classifier = choice.load(console);
        ImageFeed feed =
            new ImageFeed(found, classifier.inputSpec(), settings, console, "classifying")) {
      int classes = classifier.classes();
      ClassFolders labelled =
          ClassFolders.of(found, Labels.find(labels, choice.run(), classes), classes);
      labelled.requireLabelsOf(classes);
      labelled.problem().ifPresent(problem -> console.warn("no accuracy: " + problem));
      ImageList list = labelled.images();
      List<String> names = labelled.names();
      Path file = out.resolve(FILE);
      Score score = new Score();
      WholeFile.write(file, target -> write(target, classifier, list, feed, names, score, console));
      score.print(console);
      console.result(Text.format("%s: %s", file, feed.summary()));
    }
  }

  private void write(
      OutputStream target,
      FrozenClassifier classifier,
      ImageList list,
      ImageFeed feed,
      List<String> names,
      Score score,
      Console console)
      throws IOException {
    ObjectMapper mapper = new ObjectMapper();
    try (JsonGenerator json = new JsonFactory(mapper).createGenerator(target)) {
      json.useDefaultPrettyPrinter();
      json.disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);
      json.writeStartObject();
      json.writeObjectField("provenance", Provenance.of(classifier, provenance()).toMap());
      json.writeArrayFieldStart("images");
      MaskedInput input = new MaskedInput(classifier.inputSpec(), classifier.defaultMasking());
      while (feed.hasNext()) {
        ImageFeed.Images images = feed.next();
        try (INDArray standardised = input.clean(images.batch());
            ClassifierOutput output = classifier.forward(standardised, List.of())) {
          write(json, list, images.indices(), output.logits(), names, score, console);
        } catch (NonFiniteException e) {
          throw e.of(classifier.name(), images.batch().names());
        }
      }
      feed.requireAny();
      json.writeEndArray();
      for (Map.Entry<String, Object> entry : feed.skipped().toMap().entrySet()) {
        json.writeObjectField(entry.getKey(), entry.getValue());
      }
      json.writeEndObject();
    }
    target.write('\n');
  }

  private Map<String, String> provenance() {
    Map<String, String> known = new LinkedHashMap<>();
    known.put("images", images.toString());
    known.putAll(settings.provenance());
    return known;
  }

  private void write(
      JsonGenerator json,
      ImageList list,
      List<Integer> indices,
      INDArray values,
      List<String> names,
      Score score,
      Console console)
      throws IOException {
    int shown = (int) Math.min(top, values.size(1));
    int[][] classes = Predictions.topClasses(values, shown);
    double[][] probabilities = Predictions.softmax(values);
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
      if (logits) {
        json.writeArrayFieldStart("logits");
        for (int k = 0; k < width; k++) {
          json.writeNumber(all[i * width + k]);
        }
        json.writeEndArray();
      }
      json.writeEndObject();
      int first = classes[i][0];
      console.result(
          Text.format(
              "%s: %s, probability %.4f",
              list.name(index), Labels.describe(first, names), probabilities[i][first]));
    }
  }

  /** How often labelled images were classified right. */
  private static final class Score {
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

    void print(Console console) {
      if (labelled > 0) {
        console.result(
            Text.format(
                "accuracy: %.2f %% first, %.2f %% among the first %d, of %d labelled images",
                100.0 * first / labelled, 100.0 * amongTop / labelled, top, labelled));
      }
    }
  }
}
