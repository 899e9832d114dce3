package org.ttame.services;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.IntToLongFunction;
import org.ttame.core.ProgressListener;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.training.InitialMechanism;
import org.ttame.training.Trainer;
import org.ttame.training.TrainingOptions;
import org.ttame.training.TrainingPlan;

/**
 * Finds how many images a step may have: as many as fit into memory, at most the 32 that the
 * protocol's learning rate belongs to. What a step of a size takes is known without running it,
 * from the plans of its graphs.
 */
final class BatchFit {
  static final int MOST = 32;

  /** Where there is no plan to ask. */
  static final int UNPLANNED = 8;

  /** The share of the free memory that a step may take. */
  private static final double SHARE = 0.7;

  /** Decoded batches that wait while one is trained on. */
  private static final int WAITING = 3;

  private static final Path MEMINFO = Path.of("/proc/meminfo");

  private BatchFit() {}

  /** Plans, and says what was found; the last of the images must be enough for a step. */
  static int find(
      FrozenClassifier classifier, TrainingOptions options, int images, ProgressListener listener) {
    AttentionSpec spec = InitialMechanism.spec(classifier, options.mechanism());
    long waiting = (long) WAITING * classifier.inputSpec().values() * Float.BYTES;
    try (AttentionMechanism mechanism = AttentionMechanism.create(spec, 0);
        Trainer trainer = new Trainer(classifier, mechanism, options, 1)) {
      if (trainer.plannedBytes(1) == 0) {
        listener.note(
            Text.format(
                "batch size %d: this classifier runs in SameDiff's session, which"
                    + " cannot tell its memory needs",
                UNPLANNED));
        return TrainingPlan.workable(images, UNPLANNED, spec);
      }
      IntToLongFunction need = size -> trainer.plannedBytes(size) + size * waiting;
      long free = freeBytes();
      int size = TrainingPlan.workable(images, fit(need, free), spec);
      listener.note(
          Text.format(
              "batch size %d: a step takes %d MiB beside the weights, %d MiB are free",
              size, need.applyAsLong(size) >> 20, free >> 20));
      return size;
    }
  }

  /** The settings with a batch size that fits, if it is to be found. */
  static TrainingOptions settle(
      TrainingOptions options,
      boolean auto,
      FrozenClassifier classifier,
      int images,
      ProgressListener listener) {
    return auto
        ? options.toBuilder().batchSize(find(classifier, options, images, listener)).build()
        : options;
  }

  /**
   * The batch size whose step's bytes fit into those that are free: a power of two from 1 to {@link
   * #MOST}.
   */
  static int fit(IntToLongFunction need, long free) {
    int size = MOST;
    while (size > 1 && need.applyAsLong(size) > free * SHARE) {
      size /= 2;
    }
    return size;
  }

  /** Memory the system could give; where it does not say, what Java may use. */
  private static long freeBytes() {
    try {
      for (String line : Files.readAllLines(MEMINFO)) {
        if (line.startsWith("MemAvailable:")) {
          return Long.parseLong(line.replaceAll("\\D", "")) << 10;
        }
      }
    } catch (IOException e) {
      // Not Linux: said below.
    }
    return Runtime.getRuntime().maxMemory();
  }
}
