package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.masking.Masking;
import org.ttame.core.provenance.Sha256;
import org.ttame.eval.Evaluation;
import org.ttame.eval.EvaluationResult;
import org.ttame.eval.ImageRecord;
import org.ttame.eval.MapObserver;
import org.ttame.eval.explain.PassListener;
import org.ttame.eval.metric.AdIc;
import org.ttame.eval.metric.Metric;
import org.ttame.eval.metric.Protocol;
import org.ttame.eval.metric.Road;
import org.ttame.eval.output.EvaluationFolder;
import org.ttame.eval.output.MetricsFiles;
import org.ttame.eval.output.MetricsTable;
import org.ttame.eval.output.Provenance;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.SkippedCount;

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
    ImageList list = settings.list(data);
    Map<String, String> provenance = new LinkedHashMap<>(methods.provenance());
    provenance.put("images", list.describe());
    provenance.put("seed", String.valueOf(methods.seed()));
    provenance.putAll(settings.provenance());
    Engine.start(engine, console);
    try (FrozenClassifier loaded = classifier.load(console);
        MethodChoice.Made made = methods.make(loaded, settings.batchSize(), PassListener.NONE)) {
      Evaluation evaluation = new Evaluation(loaded, made.explainers(), metrics(loaded));
      try (EvaluationFolder folder =
          EvaluationFolder.open(out, evaluation.nothing(), identity(loaded, list))) {
        Measured measured = measure(evaluation, folder, loaded, list, console);
        MetricsFiles.write(
            out, measured.result(), measured.skipped(), Provenance.of(loaded, provenance));
        MetricsTable.format(measured.result()).lines().forEach(console::result);
        console.result("%s: %s".formatted(out, measured.summary()));
      }
    }
  }

  /** What was found, and of how many images it was not. */
  private record Measured(EvaluationResult result, SkippedCount skipped) {
    String summary() {
      return "%d image%s%s"
          .formatted(
              result.images(),
              result.images() == 1 ? "" : "s",
              skipped.total() == 0 ? "" : "; " + skipped.describe());
    }
  }

  private Measured measure(
      Evaluation evaluation,
      EvaluationFolder folder,
      FrozenClassifier loaded,
      ImageList list,
      Console console)
      throws IOException {
    EvaluationResult before = folder.finished();
    int[] left = left(list, before);
    if (left.length == 0) {
      console.note("%s is complete; its tables are written anew".formatted(out));
      return new Measured(before, new SkippedCount());
    }
    if (before.images() > 0) {
      console.note(
          "%s goes on: %d of %d images are measured".formatted(out, before.images(), list.size()));
    }
    try (ImageFeed feed =
        new ImageFeed(list.select(left), loaded.inputSpec(), settings, console, "evaluating")
            .after(before.images(), "evaluating")) {
      EvaluationResult result = evaluation.goOn(before, feed.batches(), folder, MapObserver.NONE);
      if (before.images() == 0) {
        feed.requireAny();
      }
      return new Measured(result, feed.skipped());
    }
  }

  /** The places of images that were not measured; a name that is there twice is measured twice. */
  private static int[] left(ImageList list, EvaluationResult before) {
    Map<String, Integer> measured = new HashMap<>();
    for (ImageRecord record : before.methods().get(0).records()) {
      measured.merge(record.image(), 1, Integer::sum);
    }
    return IntStream.range(0, list.size())
        .filter(i -> measured.merge(list.name(i), -1, Integer::sum) < 0)
        .toArray();
  }

  /** What numbers depend on, beside methods and metrics, wherever files lie. */
  private Map<String, String> identity(FrozenClassifier loaded, ImageList list) throws IOException {
    Map<String, String> identity = new LinkedHashMap<>();
    identity.put("backbone", loaded.name());
    String sum = loaded.provenance().get("sha256");
    if (sum != null) {
      identity.put("backbone's SHA-256", sum);
    }
    identity.put("mean", loaded.inputSpec().mean().toString());
    identity.put("std", loaded.inputSpec().std().toString());
    identity.putAll(methods.identity());
    Sha256 names = new Sha256();
    for (int i = 0; i < list.size(); i++) {
      names.line(list.name(i));
    }
    identity.put("images", "%d (SHA-256 of names %s)".formatted(list.size(), names.hex()));
    identity.put("seed", String.valueOf(methods.seed()));
    identity.put("protocol", protocol.optionName());
    identity.putAll(settings.provenance());
    return identity;
  }

  private List<Metric> metrics(FrozenClassifier loaded) throws IOException {
    List<Metric> metrics = new ArrayList<>();
    if (!thresholds.isEmpty()) {
      metrics.add(new AdIc(loaded, masking(loaded), protocol.keeping(), thresholds));
    }
    if (!road.isEmpty()) {
      metrics.add(new Road(loaded, road, protocol, methods.seed()));
    }
    return metrics;
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
}
