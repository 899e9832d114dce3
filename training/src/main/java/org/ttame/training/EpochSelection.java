package org.ttame.training;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.ttame.core.Text;
import org.ttame.training.run.Checkpoint;
import org.ttame.training.run.Checkpoints;

/** The best epoch so far: the one with the smallest AD(15) − IC(15), of equal ones the earliest. */
final class EpochSelection {
  private final Checkpoints checkpoints;
  private final SortedMap<Integer, Validation> all = new TreeMap<>();
  private Validation best;
  private int epoch;

  EpochSelection(Checkpoints checkpoints) {
    this.checkpoints = checkpoints;
  }

  /**
   * Takes up the validations of the epochs a run had done by some step. Marks the best one again:
   * the run may have been killed between writing a validation and saying so.
   */
  void restore(long step) throws IOException {
    Checkpoint bestSoFar = null;
    for (Checkpoint checkpoint : checkpoints.epochs()) {
      Optional<JsonNode> validation = checkpoint.validation();
      if (validation.isPresent() && checkpoint.state().step() <= step) {
        boolean better = consider(checkpoint.state().epoch(), read(checkpoint, validation.get()));
        bestSoFar = better ? checkpoint : bestSoFar;
      }
    }
    if (bestSoFar != null) {
      checkpoints.markBest(bestSoFar);
    }
  }

  private static Validation read(Checkpoint checkpoint, JsonNode json) throws IOException {
    try {
      return Validation.of(json);
    } catch (IllegalArgumentException e) {
      throw new IOException(
          Text.format(
              "The validation in '%s' is damaged: %s; restore it, or remove it",
              checkpoint.folder(), e.getMessage()),
          e);
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

  /** Writes what was found of each epoch, and which is the best by which rule. */
  void addTo(ObjectNode record) {
    if (all.isEmpty()) {
      return;
    }
    ArrayNode epochs = record.putArray("validations");
    all.forEach(
        (number, validation) ->
            epochs
                .addObject()
                .put("epoch", number)
                .put("ad15", validation.ad15())
                .put("ic15", validation.ic15())
                .put("score", validation.score()));
    if (best != null) {
      ObjectNode chosen = record.putObject("best");
      chosen.put("rule", Validation.RULE);
      chosen.put("epoch", epoch);
      chosen.setAll(best.toJson());
    }
  }

  private boolean consider(int number, Validation validation) {
    all.put(number, validation);
    boolean better = validation.betterThan(best);
    if (better) {
      best = validation;
      epoch = number;
    }
    return better;
  }
}
