package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.ttame.backbones.onnx.OnnxBackbone;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.storage.TextFile;
import org.ttame.eval.evaluation.Evaluation;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.EvaluationStatistics;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.metric.Metric;
import org.ttame.eval.output.EvaluationFiles;
import org.ttame.eval.output.EvaluationFolder;
import org.ttame.eval.output.MetricsFiles;
import org.ttame.eval.output.MetricsTable;
import org.ttame.eval.output.Provenance;
import org.ttame.training.data.ImageList;

/**
 * The work of {@code evaluate}.
 *
 * @param methods what to measure; the run and its controls if it names none
 * @param classifier whose explanations
 * @param data the images
 * @param metrics what of them
 * @param report how the page looks
 * @param out where to write
 * @param json whether the record is printed instead of the table
 * @param settings how to go through the images
 * @param engine what to compute on
 */
record EvaluateJob(
    MethodChoice methods,
    ClassifierChoice classifier,
    Path data,
    MetricChoice metrics,
    ReportChoice report,
    Path out,
    boolean json,
    ImageSettings settings,
    Engine.Settings engine)
    implements Command.Job {
  @Override
  public void run(Console console) throws Exception {
    metrics.requireMaskingOf(methods.run());
    ImageList list = settings.list(data, console);
    Optional<BoxTable> objects = metrics.objects(list);
    Map<String, String> provenance = new LinkedHashMap<>(methods.provenance());
    provenance.put("images", list.describe());
    provenance.put("seed", String.valueOf(methods.seed()));
    provenance.putAll(settings.provenance());
    Engine.start(engine, console);
    PassProgress passes = new PassProgress();
    try (FrozenClassifier loaded = classifier.load(console);
        MethodChoice.Made made = methods.make(loaded, settings.batchSize(), passes)) {
      List<String> names = report.labels(loaded, methods.run().map(RunChoice::run), list);
      List<Metric> measures = metrics.make(loaded, methods.masking(), methods.seed());
      Evaluation evaluation = new Evaluation(loaded, made.explainers(), measures);
      try (EvaluationFolder folder =
          EvaluationFolder.open(
              out,
              evaluation.nothing(),
              identity(loaded, list),
              made.maps().map(maps -> maps::sum))) {
        Measuring measuring = new Measuring(evaluation, folder, list, settings, console, passes);
        EvaluationResult result =
            measuring.run(loaded, made.maps(), objects, report.observer(out, list));
        Provenance origin = Provenance.of(loaded, provenance);
        EvaluationStatistics statistics = result.statistics();
        EvaluationFiles.write(out, result, statistics, measuring.skipped(), origin);
        Path page = report.write(out, result, statistics, measuring.skipped(), origin, names);
        for (MethodResult method : result.methods()) {
          method
              .warnings()
              .forEach((what, count) -> console.warn(method.title() + ": " + count + " " + what));
        }
        Consumer<String> say = json ? console::note : console::result;
        MetricsTable.format(result).lines().forEach(say);
        say.accept(Text.format("%s: %s", out, measuring.summary(result)));
        say.accept(Text.format("%s: all of it on one page", page));
        if (json) {
          TextFile.lines(out.resolve(MetricsFiles.JSON)).forEach(console::result);
        }
      }
    }
  }

  /** What numbers depend on, beside methods and metrics, wherever files lie. */
  private Map<String, String> identity(FrozenClassifier loaded, ImageList list) throws IOException {
    Map<String, String> identity = new LinkedHashMap<>();
    identity.put("backbone", loaded.name());
    String sum = loaded.provenance().get("sha256");
    if (sum != null) {
      identity.put("backbone's SHA-256", sum);
    }
    identity.put("side", String.valueOf(loaded.inputSpec().side()));
    Optional.ofNullable(loaded.provenance().get(OnnxBackbone.OUTPUT))
        .ifPresent(output -> identity.put(OnnxBackbone.OUTPUT, output));
    identity.put("mean", loaded.inputSpec().mean().toString());
    identity.put("std", loaded.inputSpec().std().toString());
    identity.putAll(methods.identity());
    identity.put(
        "images", Text.format("%d (SHA-256 of names %s)", list.size(), list.namesSha256()));
    identity.put("seed", String.valueOf(methods.seed()));
    identity.putAll(metrics.identity(list));
    identity.putAll(settings.provenance());
    return identity;
  }
}
