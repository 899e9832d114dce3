package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.eval.experiment.Study;
import org.ttame.eval.metric.AdIc;
import org.ttame.eval.metric.Box;
import org.ttame.eval.metric.PixelKeeping;
import org.ttame.eval.render.HeatmapOverlay;
import org.ttame.training.TrainingOptions;
import org.ttame.training.data.ImageList;
import org.ttame.training.run.RunFolder;

/**
 * What is told at the end of a training: metrics on held-out images for the trained mechanism, the
 * untrained one and random maps, and a sheet of heatmaps; in {@code RUN/report}.
 */
final class ClosingReport {
  static final String FOLDER = "report";
  private static final int SHEET_ROWS = 8;

  private final FrozenClassifier classifier;
  private final Materials materials;
  private final RunFolder folder;
  private final TrainingOptions options;
  private final Console console;

  ClosingReport(
      FrozenClassifier classifier,
      Materials materials,
      RunFolder folder,
      TrainingOptions options,
      Console console) {
    this.classifier = classifier;
    this.materials = materials;
    this.folder = folder;
    this.options = options;
    this.console = console;
  }

  /** Measures, writes and prints. */
  void write(ImageList images, int batchSize) throws IOException {
    String checkpoint = folder.preferred();
    Study.Options study =
        new Study.Options(
            folder.path().resolve(FOLDER),
            folder.masking(),
            PixelKeeping.EXACT,
            AdIc.PAPER_THRESHOLDS,
            materials.objects().isPresent(),
            SHEET_ROWS,
            materials.labels(),
            options.seed(),
            HeatmapOverlay.defaults());
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("run", folder.path().toString());
    settings.put("checkpoint", checkpoint);
    settings.put("images", images.describe());
    ImageSettings reading = ImageSettings.of(options, batchSize);
    settings.putAll(reading.provenance());
    IntFunction<List<Box>> boxes =
        materials
            .objects()
            .map(known -> known.in(images, classifier.inputSpec()))
            .orElse(index -> List.of());
    try (AttentionMechanism trained = folder.mechanism(classifier, checkpoint);
        AttentionMechanism untrained = AttentionMechanism.create(trained.spec(), options.seed());
        ImageFeed feed =
            new ImageFeed(
                images, classifier.inputSpec(), reading, console, "measuring", boxes, 0)) {
      Study.Outcome outcome =
          new Study(classifier, study)
              .run(trained, untrained, feed.batches(), images.size(), feed.skipped(), settings);
      feed.requireAny();
      console.result("");
      console.result(
          Text.format(
              "on %d held-out images (AD: lower is better; IC and pointing: higher):",
              outcome.result().images()));
      outcome.table().lines().forEach(console::result);
      if (feed.skipped().total() > 0) {
        console.result("of the held-out images, " + feed.skipped().describe());
      }
      for (Path file : outcome.files()) {
        console.result(file.toString());
      }
    }
  }
}
