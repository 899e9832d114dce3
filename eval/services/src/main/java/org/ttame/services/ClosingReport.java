package org.ttame.services;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import org.ttame.core.ProgressListener;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.eval.evaluation.ImageStream;
import org.ttame.eval.experiment.Study;
import org.ttame.eval.metric.AdIc;
import org.ttame.eval.metric.Box;
import org.ttame.eval.metric.PixelKeeping;
import org.ttame.eval.render.HeatmapOverlay;
import org.ttame.training.TrainingOptions;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.ImageSettings;
import org.ttame.training.run.RunFolder;

/**
 * What is told at the end of a training: metrics on held-out images for the trained mechanism, the
 * untrained one and random maps, and a sheet of heatmaps; in {@code RUN/report}.
 */
record ClosingReport(
    FrozenClassifier classifier,
    TrainingInputs inputs,
    RunFolder folder,
    TrainingOptions options,
    ProgressListener listener) {
  static final String FOLDER = "report";
  private static final int SHEET_ROWS = 8;

  /** Measures and writes. */
  Train.Report write(ImageList images) throws IOException {
    String checkpoint = folder.preferred();
    Study.Options study =
        new Study.Options(
            folder.path().resolve(FOLDER),
            folder.masking(),
            PixelKeeping.EXACT,
            AdIc.PAPER_THRESHOLDS,
            inputs.objects().isPresent(),
            SHEET_ROWS,
            inputs.labels(),
            options.seed(),
            HeatmapOverlay.defaults());
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("run", folder.path().toString());
    settings.put("checkpoint", checkpoint);
    settings.put("images", images.describe());
    ImageSettings reading = options.measuring();
    settings.putAll(reading.provenance());
    IntFunction<List<Box>> boxes =
        inputs
            .objects()
            .map(known -> known.in(images, classifier.inputSpec()))
            .orElse(index -> List.of());
    try (AttentionMechanism trained = folder.mechanism(classifier, checkpoint);
        AttentionMechanism untrained = AttentionMechanism.create(trained.spec(), options.seed());
        ImageStream stream =
            new ImageStream(reading.open(images, classifier.inputSpec()), images, boxes)
                .reporting(listener, "measuring", 0)) {
      Study.Outcome outcome =
          new Study(classifier, study)
              .run(trained, untrained, stream, images.size(), stream.skipped(), settings);
      stream.requireAny();
      return new Train.Report(outcome, stream.skipped());
    }
  }
}
