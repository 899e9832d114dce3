package org.ttame.services;

import java.nio.file.Path;
import java.time.Duration;
import org.ttame.core.ProgressListener;
import org.ttame.core.Text;
import org.ttame.training.TrainingListener;
import org.ttame.training.TrainingPlan;
import org.ttame.training.Validation;
import org.ttame.training.data.Batch;
import org.ttame.training.run.StepRecord;

/** Shows how a training run goes. */
record TrainProgress(ProgressListener listener) implements TrainingListener {

  @Override
  public void started(TrainingPlan plan, long stepsDone) {
    long total = plan.totalSteps();
    if (stepsDone > 0) {
      listener.note(Text.format("resuming after step %d of %d", stepsDone, total));
    }
    listener.note(
        Text.format(
            "%s of up to %s, %d per epoch",
            Text.count(total, "step"),
            Text.count(plan.batchSize(), "image"),
            plan.stepsPerEpoch()));
    listener.begin("training", total, stepsDone);
  }

  @Override
  public void stepped(StepRecord step, Duration left) {
    listener.advance(
        step.step(),
        Text.format(
            "epoch %d  loss %.4f  %.1f images/s",
            step.epoch(), step.loss(), step.imagesPerSecond()));
  }

  @Override
  public void skipped(Batch.BadImage image) {
    listener.warn("skipped: " + image.reason());
  }

  @Override
  public void leftOut(Batch batch) {
    listener.warn(leftOutSentence(batch));
  }

  /** What to say of a step that is left out. */
  static String leftOutSentence(Batch batch) {
    return Text.format(
        "step %d is left out: only %d of its images could be read, too few for batch normalisation",
        batch.step() + 1, batch.size());
  }

  @Override
  public void saved(Path folder, long step) {
    listener.detail("saved " + folder);
  }

  @Override
  public void validated(int epoch, Validation validation, boolean best) {
    listener.note(
        Text.format(
            "epoch %d: AD(15%%) %.2f, IC(15%%) %.2f on %d images%s",
            epoch,
            validation.ad15(),
            validation.ic15(),
            validation.images(),
            best ? ", the best so far" : ""));
  }
}
