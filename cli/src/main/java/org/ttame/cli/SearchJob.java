package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.eval.experiment.Experiment;
import org.ttame.eval.experiment.SearchFiles;
import org.ttame.eval.experiment.SearchPlan;
import org.ttame.eval.experiment.TrialResult;
import org.ttame.eval.output.Provenance;
import org.ttame.training.TrainingOptions;
import org.ttame.training.data.ImageList;

/**
 * The work of {@code search}.
 *
 * @param source classifier and images
 * @param base settings that all trainings share
 * @param axes what is tried
 * @param autoBatch whether the batch size is to be found
 * @param out where trainings and results go
 * @param engine what to compute on
 * @param given the command line, of which trials keep what they are trained with
 */
record SearchJob(
    TrainJob.Source source,
    TrainingOptions base,
    List<SearchPlan.Axis> axes,
    boolean autoBatch,
    Path out,
    Engine.Settings engine,
    Map<String, String> given)
    implements Command.Job {
  /** The threshold that trials are selected by. */
  private static final List<Double> THRESHOLDS = List.of(15.0);

  @Override
  public void run(Console console) throws Exception {
    Engine started = Engine.start(engine, console);
    Materials materials = Materials.of(source, out, console);
    ImageList measured = materials.validation().orElseThrow();
    try (FrozenClassifier classifier = source.classifier(materials).load(console)) {
      ExperimentData data = new ExperimentData(Optional.empty(), Optional.empty(), out);
      TrainingOptions settled =
          data.settled(base, autoBatch, classifier, materials.training().size(), console);
      SearchPlan plan = SearchPlan.of(settled, axes);
      Experiment experiment =
          new Experiment(
              data.setup(
                  classifier, materials, measured, false, THRESHOLDS, settled, started, console),
              plan.trials());
      List<TrialResult> results =
          AblateJob.run(experiment, RunOptions.with(started, given), console);
      if (results.size() < plan.trials().size()) {
        console.result(
            Text.format(
                "stopped after %d of %d trainings; the same command goes on",
                results.size(), plan.trials().size()));
        return;
      }
      Map<String, String> settings = new LinkedHashMap<>();
      settings.put("training", materials.training().describe());
      settings.put("validation", measured.describe());
      settings.put("seed", String.valueOf(settled.seed()));
      settings.put("threads", String.valueOf(started.threads()));
      SearchFiles.write(out, results, Provenance.of(classifier, settings));
      TrialResult best =
          SearchFiles.best(results)
              .orElseThrow(() -> new IOException("every training diverged; lower --max-lr"));
      console.result(
          Text.format(
              "best: %s, AD(15%%) - IC(15%%) %.2f", best.trial().name(), SearchFiles.score(best)));
      console.result("selected by the " + SearchFiles.RULE);
      console.result(out.resolve(SearchFiles.JSON).toString());
    }
  }
}
