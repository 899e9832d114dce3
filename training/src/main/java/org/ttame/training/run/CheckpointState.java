package org.ttame.training.run;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;
import org.ttame.core.Text;
import org.ttame.core.image.ImageException.Kind;

/**
 * What a run needs to know to go on, besides arrays: {@code state.json}.
 *
 * @param step how many steps are done
 * @param epoch the epoch of the last of them, 1 for the first
 * @param forwardPasses images that training has sent forwards through the classifier
 * @param backwardPasses images whose gradients training has sent backwards through it
 * @param skipped the places in the image list of those that could not be read, and what was wrong
 */
public record CheckpointState(
    long step,
    int epoch,
    long forwardPasses,
    long backwardPasses,
    SortedMap<Integer, Kind> skipped) {
  /** Before the first step. */
  public static final CheckpointState START = new CheckpointState(0, 0, 0, 0, new TreeMap<>());

  public CheckpointState {
    skipped = Collections.unmodifiableSortedMap(new TreeMap<>(skipped));
    if (step < 0 || epoch < 0 || forwardPasses < 0 || backwardPasses < 0) {
      throw new IllegalArgumentException(
          Text.format(
              "A checkpoint counts steps, epochs and passes from 0, got %d, %d, %d and %d",
              step, epoch, forwardPasses, backwardPasses));
    }
  }
}
