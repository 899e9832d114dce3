package org.ttame.training.run;

import java.util.List;

/**
 * What a run needs to know to go on, besides arrays: {@code state.json}.
 *
 * @param step how many steps are done
 * @param epoch the epoch of the last of them, 1 for the first
 * @param forwardPasses images that training has sent forwards through the classifier
 * @param backwardPasses images whose gradients training has sent backwards through it
 * @param skipped the places in the image list of those that could not be read, ascending
 */
public record CheckpointState(
    long step, int epoch, long forwardPasses, long backwardPasses, List<Integer> skipped) {
  /** Before the first step. */
  public static final CheckpointState START = new CheckpointState(0, 0, 0, 0, List.of());

  public CheckpointState {
    skipped = List.copyOf(skipped);
    if (step < 0 || epoch < 0 || forwardPasses < 0 || backwardPasses < 0) {
      throw new IllegalArgumentException(
          "A checkpoint counts steps, epochs and passes from 0, got %d, %d, %d and %d"
              .formatted(step, epoch, forwardPasses, backwardPasses));
    }
  }
}
