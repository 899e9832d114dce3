package org.ttame.services;

import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import org.ttame.core.ProgressListener;
import org.ttame.core.Text;
import org.ttame.eval.experiment.ExperimentListener;
import org.ttame.eval.experiment.Trial;
import org.ttame.eval.experiment.TrialResult;
import org.ttame.eval.metric.MetricKey;
import org.ttame.training.TrainingListener;
import org.ttame.training.run.RunFolder;

/** Shows an experiment's plan, and how it goes. */
final class ExperimentProgress implements ExperimentListener {
  private final ProgressListener listener;
  private final Map<String, String> given;
  private final Consumer<List<Planned>> planned;
  private int total;

  /**
   * An experiment's; each trial's folder keeps the {@code given} options beside what it is trained
   * with.
   */
  ExperimentProgress(
      ProgressListener listener, Map<String, String> given, Consumer<List<Planned>> planned) {
    this.listener = listener;
    this.given = Map.copyOf(given);
    this.planned = planned;
  }

  @Override
  public void begins(Trial trial, RunFolder folder) throws IOException {
    Map<String, String> kept = new LinkedHashMap<>(given);
    kept.putAll(RunOptions.named(trial.options()));
    RunOptions.write(folder.path(), kept);
  }

  @Override
  public void planned(List<Planned> plan) {
    total = plan.size();
    planned.accept(plan);
  }

  @Override
  public TrainingListener training(int number, Trial trial) {
    listener.note(Text.format("training %d of %d: %s", number, total, trial.name()));
    return new TrainProgress(listener);
  }

  @Override
  public void measuring(Trial trial) {
    listener.note("measuring " + trial.name());
  }

  @Override
  public void finished(int number, TrialResult result, Duration left) {
    StringBuilder line = new StringBuilder();
    line.append(Text.format("%d of %d, %s:", number, total, result.trial().name()));
    if (result.diverged()) {
      line.append(" diverged: ").append(result.failure());
    }
    for (MetricKey key : result.values().keySet()) {
      line.append(
          Text.format(
              " %s(%s%%) %.2f",
              key.metric().toUpperCase(Locale.ROOT), key.thresholdText(), result.mean(key)));
    }
    if (!left.isZero() && number < total) {
      line.append("; ").append(Text.duration(left.toMillis() / 1e3)).append(" left");
    }
    listener.note(line.toString());
  }
}
