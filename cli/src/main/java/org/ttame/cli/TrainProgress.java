package org.ttame.cli;

import java.nio.file.Path;
import java.time.Duration;
import org.ttame.core.Text;
import org.ttame.training.TrainingListener;
import org.ttame.training.TrainingPlan;
import org.ttame.training.Validation;
import org.ttame.training.data.Batch;
import org.ttame.training.run.StepRecord;

/** Shows how a training run goes. */
final class TrainProgress implements TrainingListener {
  private final Console console;
  private Progress progress;
  private long total;
  private long done;

  TrainProgress(Console console) {
    this.console = console;
  }

  @Override
  public void started(TrainingPlan plan, long stepsDone) {
    total = plan.totalSteps();
    done = stepsDone;
    if (stepsDone > 0) {
      console.note(Text.format("going on after step %d of %d", stepsDone, total));
    }
    console.note(
        Text.format(
            "%d steps of up to %d images, %d an epoch",
            total, plan.batchSize(), plan.stepsPerEpoch()));
    begin();
  }

  @Override
  public void stepped(StepRecord step, Duration left) {
    done = step.step();
    progress.at(
        done,
        Text.format(
            "epoch %d  loss %.4f  %.1f images/s",
            step.epoch(), step.loss(), step.imagesPerSecond()));
  }

  @Override
  public void skipped(Batch.BadImage image) {
    console.warn("skipped: " + image.reason());
    begin();
  }

  @Override
  public void leftOut(Batch batch) {
    console.warn(leftOutSentence(batch));
    begin();
  }

  /** What to say of a step that is left out. */
  static String leftOutSentence(Batch batch) {
    return Text.format(
        "step %d is left out: only %d of its images could be read, too few for batch normalisation",
        batch.step() + 1, batch.size());
  }

  @Override
  public void saved(Path folder, long step) {
    if (console.isVerbose()) {
      console.note("saved " + folder);
      begin();
    }
  }

  @Override
  public void validated(int epoch, Validation validation, boolean best) {
    console.note(
        Text.format(
            "epoch %d: AD(15%%) %.2f, IC(15%%) %.2f on %d images%s",
            epoch,
            validation.ad15(),
            validation.ic15(),
            validation.images(),
            best ? ", the best so far" : ""));
    begin();
  }

  private void begin() {
    if (done < total) {
      progress = console.progress("training", total).startingAt(done);
    }
  }
}
