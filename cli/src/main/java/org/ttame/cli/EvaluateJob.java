package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.masking.Masking;
import org.ttame.eval.Evaluation;
import org.ttame.eval.EvaluationResult;
import org.ttame.eval.explain.PassListener;
import org.ttame.eval.metric.AdIc;
import org.ttame.eval.metric.Metric;
import org.ttame.eval.metric.Protocol;
import org.ttame.eval.metric.Road;
import org.ttame.eval.output.MetricsFiles;
import org.ttame.eval.output.MetricsTable;
import org.ttame.eval.output.PerImageCsv;
import org.ttame.eval.output.Provenance;
import org.ttame.training.data.ImageList;

/**
 * The work of {@code evaluate}.
 *
 * @param methods what to measure; the run and its controls if it names none
 * @param classifier whose explanations
 * @param data the images
 * @param thresholds the percentages v of AD and IC; empty for neither
 * @param masking how maps are laid over images; empty for the run's
 * @param protocol whose definitions
 * @param road the percentages that ROAD removes; empty for no ROAD
 * @param out where to write
 * @param settings how to go through the images
 * @param engine what to compute on
 */
record EvaluateJob(
    MethodChoice methods,
    ClassifierChoice classifier,
    Path data,
    List<Double> thresholds,
    Optional<Masking> masking,
    Protocol protocol,
    List<Double> road,
    Path out,
    ImageSettings settings,
    Engine.Settings engine)
    implements Command.Job {
  @Override
  public void run(Console console) throws Exception {
    refuseToReplace();
    ImageList list = settings.list(data);
    Map<String, String> provenance = new LinkedHashMap<>(methods.provenance());
    provenance.put("images", list.describe());
    provenance.put("seed", String.valueOf(methods.seed()));
    provenance.putAll(settings.provenance());
    Engine.start(engine, console);
    try (FrozenClassifier loaded = classifier.load(console);
        MethodChoice.Made made = methods.make(loaded, settings.batchSize(), PassListener.NONE);
        ImageFeed feed = new ImageFeed(list, loaded.inputSpec(), settings, console, "evaluating")) {
      Masking chosen = masking(loaded);
      List<Metric> metrics = new ArrayList<>();
      if (!thresholds.isEmpty()) {
        metrics.add(new AdIc(loaded, chosen, protocol.keeping(), thresholds));
      }
      if (!road.isEmpty()) {
        metrics.add(new Road(loaded, road, protocol, methods.seed()));
      }
      Evaluation evaluation = new Evaluation(loaded, made.explainers(), metrics);
      EvaluationResult result;
      try (PerImageCsv csv = new PerImageCsv(out, evaluation.keys())) {
        result = evaluation.run(feed.batches(), csv);
      }
      feed.requireAny();
      MetricsFiles.write(out, result, feed.skipped(), Provenance.of(loaded, provenance));
      MetricsTable.format(result).lines().forEach(console::result);
      console.result("%s: %s".formatted(out, feed.summary()));
    }
  }

  /** As asked for, else as the run was trained, else as the classifier's family is. */
  private Masking masking(FrozenClassifier loaded) throws IOException {
    if (masking.isPresent()) {
      return masking.get();
    }
    return methods.run().isPresent()
        ? methods.run().get().folder().masking()
        : loaded.defaultMasking();
  }

  /** Hours of measuring may be in there. */
  private void refuseToReplace() throws IOException {
    Path records = out.resolve(PerImageCsv.FILE);
    if (Files.exists(records)) {
      throw new IOException(
          "'%s' holds an evaluation already; choose another --out, or remove that file"
              .formatted(records));
    }
  }
}
