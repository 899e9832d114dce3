package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.ttame.core.Text;
import org.ttame.core.storage.FileNames;
import org.ttame.eval.figure.Comparison;
import org.ttame.eval.figure.ComparisonReport;
import org.ttame.eval.figure.Figure;
import org.ttame.eval.metric.ImageBatch;
import org.ttame.eval.output.ExplanationWriter;
import org.ttame.eval.render.HeatmapOverlay;

/** Takes what methods say of images, batch by batch. */
interface MapSink {
  /**
   * A method has explained a class of each image of a batch.
   *
   * @param images the batch
   * @param explained what it said
   * @param probabilities of all classes, a row an image
   * @throws IOException naming the file, if one cannot be written
   */
  void take(ImageBatch images, ExplanationWriter.Explained explained, double[][] probabilities)
      throws IOException;

  /**
   * Every method has said all it has to say of a batch.
   *
   * @throws IOException naming the file, if one cannot be written
   */
  void endBatch() throws IOException;

  /**
   * Writes the files of each explanation as it comes, and says so.
   *
   * @param writer writes them
   * @param labels names of the classes, or an empty list
   * @param console told of each
   */
  record Files(ExplanationWriter writer, List<String> labels, Console console) implements MapSink {
    @Override
    public void take(
        ImageBatch images, ExplanationWriter.Explained explained, double[][] probabilities)
        throws IOException {
      List<Path> files = writer.write(images, explained);
      for (int b = 0; b < files.size(); b++) {
        console.result(
            Text.format(
                "%s: %s, probability %.4f",
                FileNames.shown(files.get(b)),
                Labels.describe(explained.classes()[b], labels),
                explained.probabilities()[b]));
      }
    }

    @Override
    public void endBatch() {
      // Everything is written.
    }
  }

  /** Puts all explanations of an image into one picture. */
  final class Compared implements MapSink {
    private final ComparisonReport report;
    private final HeatmapOverlay overlay;
    private final List<String> labels;
    private final Console console;
    private final List<String> names = new ArrayList<>();
    private Comparison comparison;

    /**
     * Nothing yet.
     *
     * @param report writes the pictures
     * @param overlay how maps are drawn
     * @param labels names of the classes, or an empty list
     * @param console told of each picture
     */
    Compared(
        ComparisonReport report, HeatmapOverlay overlay, List<String> labels, Console console) {
      this.report = report;
      this.overlay = overlay;
      this.labels = labels;
      this.console = console;
    }

    @Override
    public void take(
        ImageBatch images, ExplanationWriter.Explained explained, double[][] probabilities) {
      if (comparison == null) {
        comparison = new Comparison(images, probabilities, labels, overlay);
        names.addAll(images.names());
      }
      comparison.add(explained.method(), explained.classes(), explained.maps());
    }

    @Override
    public void endBatch() throws IOException {
      List<Figure> figures = comparison.figures();
      for (int b = 0; b < figures.size(); b++) {
        console.result(
            Text.format(
                "%s: %s",
                FileNames.shown(report.add(names.get(b), figures.get(b))),
                figures.get(b).caption()));
      }
      comparison = null;
      names.clear();
    }
  }
}
