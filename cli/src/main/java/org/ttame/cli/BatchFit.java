package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.training.Trainer;
import org.ttame.training.TrainingOptions;

/**
 * Finds how many images a step may have: as many as fit into memory, at most the 32 that the
 * protocol's learning rate belongs to. What an image takes is measured, by steps of one and of
 * three grey images with a mechanism that is thrown away.
 */
final class BatchFit {
  static final int MOST = 32;

  /** The share of the free memory that a step may take. */
  private static final double SHARE = 0.7;

  private static final Path MEMINFO = Path.of("/proc/meminfo");

  private BatchFit() {}

  /** Measures, and says what was found. */
  static int find(FrozenClassifier classifier, TrainingOptions options, Console console) {
    List<FeatureLayer> layers =
        options.layers().isEmpty()
            ? classifier.defaultLayers()
            : classifier.layers(options.layers());
    AttentionSpec spec = AttentionSpec.of(layers, classifier.classes(), options.variant());
    long one;
    long three;
    try (AttentionMechanism mechanism = AttentionMechanism.create(spec, 0);
        Trainer trainer = new Trainer(classifier, mechanism, options, 2)) {
      one = residentAfterStep(trainer, 0, 1, classifier.inputSpec().side());
      three = residentAfterStep(trainer, 1, 3, classifier.inputSpec().side());
    }
    long each = Math.max(1 << 20, (three - one) / 2);
    long free = freeBytes();
    int size = fit(each, free);
    console.note(
        "batch size %d: about %d MiB an image, %d MiB free"
            .formatted(size, each >> 20, free >> 20));
    return size;
  }

  /**
   * The rule.
   *
   * @param each bytes an image takes
   * @param free bytes there are
   * @return the batch size, a power of two from 1 to {@link #MOST}
   */
  static int fit(long each, long free) {
    long most = (long) (free * SHARE / each);
    return (int) Long.highestOneBit(Math.max(1, Math.min(MOST, most)));
  }

  private static long residentAfterStep(Trainer trainer, long step, int images, int side) {
    try (INDArray grey =
        Nd4j.valueArrayOf(new long[] {images, side, side, 3}, 0.5, DataType.FLOAT)) {
      trainer.step(step, grey);
    }
    return Pointer.physicalBytes();
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
