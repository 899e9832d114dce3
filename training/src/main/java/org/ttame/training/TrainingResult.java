package org.ttame.training;

import java.util.Optional;
import org.ttame.training.data.SkippedCount;
import org.ttame.training.run.StepRecord;

/**
 * How a run ended.
 *
 * @param plan its size
 * @param stepsDone steps done, earlier parts of a resumed run included
 * @param finished whether all planned steps are done; otherwise it was asked to stop
 * @param skipped how many images could not be read, and why
 * @param bestEpoch the epoch with the best validation, 1 for the first; 0 if none was validated
 * @param best its validation
 * @param lastStep what the last step of this part did; empty if there was nothing left to do
 */
public record TrainingResult(
    TrainingPlan plan,
    long stepsDone,
    boolean finished,
    SkippedCount skipped,
    int bestEpoch,
    Optional<Validation> best,
    Optional<StepRecord> lastStep) {}
