package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.EvaluationStatistics;
import org.ttame.eval.evaluation.MapObserver;
import org.ttame.eval.gallery.GalleryWriter;
import org.ttame.eval.output.Provenance;
import org.ttame.eval.render.ColorMap;
import org.ttame.eval.report.EvaluationReport;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.SkippedCount;

/**
 * How {@code report.html} looks; nothing here changes a number.
 *
 * @param gallery how many images it shows with their maps
 * @param colors in which colours
 * @param labels names of the classes, if given
 */
record ReportChoice(int gallery, ColorMap colors, Optional<Path> labels) {
  private static final OptionSpec GALLERY =
      OptionSpec.of(
          "gallery",
          "N",
          Integer.toString(GalleryWriter.STANDARD),
          "how many images report.html shows with their maps, spread over all; 0: none");
  private static final OptionSpec COLORMAP =
      OptionSpec.of("colormap", "NAME", "viridis", "viridis, inferno, or jet as in the paper");

  static final List<OptionSpec> OPTIONS = List.of(GALLERY, COLORMAP, Labels.OPTION);

  static ReportChoice parse(Arguments arguments) throws UsageException {
    ColorMap colors;
    try {
      colors = ColorMap.parse(arguments.text(COLORMAP).orElseThrow());
    } catch (IllegalArgumentException e) {
      throw new UsageException(e.getMessage());
    }
    return new ReportChoice(
        arguments.requiredInteger(GALLERY, 0), colors, arguments.path(Labels.OPTION));
  }

  /** Keeps what the gallery shows, while images are measured. */
  MapObserver observer(Path out, ImageList list) {
    return gallery == 0
        ? MapObserver.NONE
        : new GalleryWriter(out, list.size(), list::name, gallery);
  }

  /** The names of the classes, as far as they are known. */
  List<String> labels(FrozenClassifier classifier, Optional<Path> run, ImageList list)
      throws IOException, UsageException {
    int classes = classifier.classes();
    return ClassFolders.of(list, Labels.find(labels, run, classes), classes).names();
  }

  /** Writes the page. */
  Path write(
      Path out,
      EvaluationResult result,
      EvaluationStatistics statistics,
      SkippedCount skipped,
      Provenance provenance,
      List<String> names)
      throws IOException {
    return new EvaluationReport(result, statistics, skipped, provenance, names, colors).write(out);
  }
}
