package org.ttame.cli;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.eval.experiment.AblationFiles;
import org.ttame.eval.experiment.AblationPlan;
import org.ttame.eval.experiment.Experiment;
import org.ttame.eval.experiment.TrialResult;
import org.ttame.eval.metric.AdIc;
import org.ttame.eval.output.Provenance;
import org.ttame.training.TrainingOptions;
import org.ttame.training.data.ImageList;

/**
 * The work of {@code ablate}.
 *
 * @param source classifier and images
 * @param data images to measure on, and where results go
 * @param options settings of every training
 * @param autoBatch whether the batch size is to be found
 * @param engine what to compute on
 * @param given the command line, of which trials keep what they are trained with
 */
record AblateJob(
    TrainJob.Source source,
    ExperimentData data,
    TrainingOptions options,
    boolean autoBatch,
    Engine.Settings engine,
    Map<String, String> given)
    implements Command.Job {
  /** How long Ctrl-C waits for the present step and its checkpoint. */
  static final Duration PATIENCE = Duration.ofMinutes(2);

  @Override
  public void run(Console console) throws Exception {
    Engine started = Engine.start(engine, console);
    Materials materials = Materials.of(source, data.out(), console);
    ImageList measured = data.measured(materials, console);
    try (FrozenClassifier classifier = source.classifier(materials).load(console)) {
      TrainingOptions settled =
          data.settled(options, autoBatch, classifier, materials.training().size(), console);
      AblationPlan plan = AblationPlan.of(classifier, settled);
      Experiment experiment =
          new Experiment(
              data.setup(
                  classifier,
                  materials,
                  measured,
                  true,
                  AdIc.PAPER_THRESHOLDS,
                  settled,
                  started,
                  console),
              plan.trials());
      List<TrialResult> results = run(experiment, RunOptions.with(started, given), console);
      if (results.size() < plan.trials().size()) {
        console.result(
            Text.format(
                "stopped after %d of %d trainings; the same command goes on",
                results.size(), plan.trials().size()));
        return;
      }
      Map<String, String> settings = new LinkedHashMap<>();
      settings.put("training", materials.training().describe());
      settings.put("measured", measured.describe());
      settings.put("seed", String.valueOf(settled.seed()));
      settings.put("threads", String.valueOf(started.threads()));
      String tables =
          AblationFiles.write(
              data.out(), classifier, plan, results, Provenance.of(classifier, settings));
      tables.lines().forEach(console::result);
      console.result(data.out().resolve(AblationFiles.MARKDOWN).toString());
    }
  }

  /**
   * Runs an experiment that Ctrl-C stops at a checkpoint. A measurement, which leaves nothing half
   * done, is not waited for, as {@link StopHook} would.
   */
  static List<TrialResult> run(Experiment experiment, Map<String, String> given, Console console)
      throws Exception {
    Thread hook = new Thread(() -> experiment.stop(PATIENCE), "ttame-stop");
    Runtime.getRuntime().addShutdownHook(hook);
    List<TrialResult> results = experiment.run(new ExperimentProgress(console, given));
    if (results.size() == experiment.trials().size()) {
      Runtime.getRuntime().removeShutdownHook(hook);
    }
    return results;
  }
}
