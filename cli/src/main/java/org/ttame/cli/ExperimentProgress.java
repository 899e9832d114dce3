package org.ttame.cli;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.ttame.core.Text;
import org.ttame.eval.experiment.ExperimentListener;
import org.ttame.eval.experiment.Trial;
import org.ttame.eval.experiment.TrialResult;
import org.ttame.eval.metric.MetricKey;
import org.ttame.training.TrainingListener;
import org.ttame.training.run.RunFolder;

/** Shows an experiment's plan, and how it goes. */
final class ExperimentProgress implements ExperimentListener {
  private final Console console;
  private final Map<String, String> given;
  private int total;
  private long done;

  /**
   * Of a command.
   *
   * @param given its command line, of which each trial's folder keeps what it is trained with
   */
  ExperimentProgress(Console console, Map<String, String> given) {
    this.console = console;
    this.given = Map.copyOf(given);
  }

  @Override
  public void begins(Trial trial, RunFolder folder) throws IOException {
    RunOptions.write(folder.path(), given, trial.options());
  }

  @Override
  public void planned(List<Planned> plan) {
    total = plan.size();
    done = plan.stream().filter(planned -> planned.state() == State.DONE).count();
    long steps = plan.stream().filter(p -> p.state() != State.DONE).mapToLong(Planned::steps).sum();
    console.result(Text.format("%d trainings, %d done, %d steps to go:", total, done, steps));
    for (int i = 0; i < plan.size(); i++) {
      Planned planned = plan.get(i);
      console.result(
          Text.format(
              "  %2d. %s, %d steps, %s",
              i + 1,
              planned.trial().name(),
              planned.steps(),
              switch (planned.state()) {
                case DONE -> "done";
                case BEGUN -> "goes on";
                case OPEN -> "to do";
              }));
    }
  }

  @Override
  public TrainingListener training(int number, Trial trial) {
    console.note(Text.format("training %d of %d: %s", number, total, trial.name()));
    return new TrainProgress(console);
  }

  @Override
  public void measuring(Trial trial) {
    console.note("measuring " + trial.name());
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
      line.append("; ").append(Progress.duration(left.toMillis() / 1e3)).append(" left");
    }
    console.note(line.toString());
  }
}
