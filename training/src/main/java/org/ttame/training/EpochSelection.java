package org.ttame.training;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.Optional;
import org.ttame.training.run.Checkpoint;
import org.ttame.training.run.Checkpoints;

/** The best epoch so far: the one with the smallest AD(15) − IC(15), of equal ones the earliest. */
final class EpochSelection {
  private final Checkpoints checkpoints;
  private Validation best;
  private int epoch;

  EpochSelection(Checkpoints checkpoints) {
    this.checkpoints = checkpoints;
  }

  /** Takes up the validations of the epochs a run had done by some step. */
  void restore(long step) throws IOException {
    for (Checkpoint checkpoint : checkpoints.epochs()) {
      Optional<JsonNode> validation = checkpoint.validation();
      if (validation.isPresent() && checkpoint.state().step() <= step) {
        consider(checkpoint.state().epoch(), Validation.of(validation.get()));
      }
    }
  }

  /**
   * Adds an epoch's validation.
   *
   * @return whether it is the best so far
   */
  boolean add(Checkpoint checkpoint, int number, Validation validation) throws IOException {
    checkpoint.writeValidation(validation.toJson());
    boolean better = consider(number, validation);
    if (better) {
      checkpoints.markBest(checkpoint);
    }
    return better;
  }

  /** The best validation, or empty if there was none. */
  Optional<Validation> best() {
    return Optional.ofNullable(best);
  }

  /** The best epoch, 1 for the first; 0 if none was validated. */
  int epoch() {
    return epoch;
  }

  private boolean consider(int number, Validation validation) {
    boolean better = validation.betterThan(best);
    if (better) {
      best = validation;
      epoch = number;
    }
    return better;
  }
}
