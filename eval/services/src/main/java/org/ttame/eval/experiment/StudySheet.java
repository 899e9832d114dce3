package org.ttame.eval.experiment;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.image.RgbImage;
import org.ttame.core.masking.Masking;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.ImageRecord;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.explain.Explainer;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.explain.SaliencyMaps;
import org.ttame.eval.metric.ImageBatch;
import org.ttame.eval.metric.MaskedInput;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.render.BoxOutlines;
import org.ttame.eval.render.FigureSheet;
import org.ttame.eval.render.HeatmapOverlay;
import org.ttame.eval.render.Panel;

/**
 * The sheet of pictures of an evaluation: a row for each chosen image with its boxes, what the
 * classifier says of it, and each method's heatmap with its per-image numbers.
 */
record StudySheet(
    FrozenClassifier classifier,
    List<Explainer> explainers,
    List<String> labels,
    HeatmapOverlay overlay) {
  private static final int READABLE_SIDE = 224;

  /** Draws the sheet of chosen images, all of which were measured. */
  FigureSheet draw(String title, ImageBatch images, EvaluationResult result) {
    List<String> columns = new ArrayList<>(List.of("input"));
    explainers.forEach(explainer -> columns.add(ExplanationMethod.title(explainer.name())));
    int factor = images.factor(READABLE_SIDE);
    List<List<ImageRecord>> records = new ArrayList<>();
    for (Explainer explainer : explainers) {
      records.add(recordsOf(images, result.method(explainer.name())));
    }
    int[] classes = records.get(0).stream().mapToInt(ImageRecord::classIndex).toArray();
    List<float[][]> maps = new ArrayList<>();
    try (INDArray input = new MaskedInput(classifier.inputSpec(), Masking.CNN).clean(images)) {
      for (Explainer explainer : explainers) {
        SaliencyMaps saliency = explainer.explain(input, classes, images.names());
        maps.add(saliency.upsampled(images.height() * factor, images.width() * factor));
      }
    }
    List<List<Optional<Panel>>> rows = new ArrayList<>();
    for (int b = 0; b < images.size(); b++) {
      RgbImage image = images.picture(b).enlarged(factor);
      List<Optional<Panel>> row = new ArrayList<>();
      row.add(
          Optional.of(
              new Panel(
                  BoxOutlines.draw(image, images.boxes(b), classes[b], factor),
                  inputCaption(images, b, records.get(0).get(b)))));
      for (int m = 0; m < explainers.size(); m++) {
        RgbImage heat = overlay.draw(image, maps.get(m)[b]);
        row.add(
            Optional.of(
                new Panel(
                    BoxOutlines.draw(heat, images.boxes(b), classes[b], factor),
                    caption(result.keys(), records.get(m).get(b)))));
      }
      rows.add(row);
    }
    return new FigureSheet(
        title + ": " + thresholds(result.keys()),
        columns,
        List.of(),
        rows,
        Optional.of(overlay.colors()));
  }

  private static List<ImageRecord> recordsOf(ImageBatch images, MethodResult method) {
    return images.names().stream()
        .map(
            name ->
                method.records().stream()
                    .filter(record -> record.image().equals(name))
                    .findFirst()
                    .orElseThrow())
        .toList();
  }

  private List<String> inputCaption(ImageBatch images, int b, ImageRecord record) {
    String seen = Text.format("%s %.3f", label(record.classIndex()), record.confidence());
    if (images.boxes(b).isEmpty()) {
      return List.of(seen, images.names().get(b));
    }
    String there =
        images.boxes(b).stream()
            .map(box -> label(box.classIndex()))
            .collect(Collectors.joining(" + ", "shows ", ""));
    return List.of(seen, there);
  }

  private static List<String> caption(List<MetricKey> keys, ImageRecord record) {
    List<String> drops = new ArrayList<>();
    List<String> boxes = new ArrayList<>();
    for (int k = 0; k < keys.size(); k++) {
      double value = record.values()[k];
      switch (keys.get(k).metric()) {
        case "ad" -> drops.add(Text.format("%.0f", value));
        case "pointing" -> boxes.add(Double.isNaN(value) ? "no box" : value > 0 ? "hit" : "miss");
        case "energy" -> {
          if (!Double.isNaN(value)) {
            boxes.add(Text.format("%.0f%% inside", value));
          }
        }
        default -> {
          // IC is no number of a single image that a reader would miss.
        }
      }
    }
    return List.of("AD " + String.join(" ", drops), String.join(", ", boxes));
  }

  private static String thresholds(List<MetricKey> keys) {
    return keys.stream()
        .filter(key -> key.metric().equals("ad"))
        .map(MetricKey::thresholdText)
        .collect(Collectors.joining(", ", "AD at ", " %, lower is better"));
  }

  private String label(int classIndex) {
    return classIndex < labels.size() ? labels.get(classIndex) : "class " + classIndex;
  }
}
