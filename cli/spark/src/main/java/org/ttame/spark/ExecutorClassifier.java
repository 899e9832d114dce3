package org.ttame.spark;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.ttame.cli.RemoteCommand;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.provenance.Sha256;

/** The one classifier that an executor has in memory. */
final class ExecutorClassifier {
  private static final Map<Path, String> SUMS = new HashMap<>();
  private static String loaded = "";
  private static FrozenClassifier classifier;

  private ExecutorClassifier() {}

  /** Computes while nobody else does: a classifier serves one thread at a time. */
  static <T> T alone(Callable<T> work) throws Exception {
    synchronized (ExecutorClassifier.class) {
      return work.call();
    }
  }

  /**
   * The classifier of a command, whose options name the file that came; loaded once in the life of
   * an executor.
   */
  static FrozenClassifier of(RemoteCommand command, ShippedFiles shipped) throws IOException {
    synchronized (ExecutorClassifier.class) {
      command.startEngine();
      if (!loaded.equals(shipped.weightsSha256())) {
        if (classifier != null) {
          classifier.close();
        }
        classifier = command.classifier();
        loaded = shipped.weightsSha256();
      }
      return classifier;
    }
  }

  /** The sum of a file that came; read once. */
  static String sha256(Path file) throws IOException {
    synchronized (ExecutorClassifier.class) {
      String sum = SUMS.get(file);
      if (sum == null) {
        sum = Sha256.of(file);
        SUMS.put(file, sum);
      }
      return sum;
    }
  }
}
