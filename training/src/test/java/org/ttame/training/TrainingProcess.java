package org.ttame.training;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.engine.NativeBinary;
import org.ttame.training.data.ImageList;
import org.ttame.training.run.RunFolder;

/** A training process to be killed: IMAGES RUN. Goes on where it ended, if it has begun. */
public final class TrainingProcess {
  static final TrainingOptions OPTIONS =
      TrainingOptions.builder()
          .epochs(12)
          .batchSize(4)
          .maxLr(0.05)
          .saveEvery(Duration.ofMillis(1))
          .build();

  private TrainingProcess() {}

  public static void main(String[] args) throws IOException {
    NativeBinary.select();
    try {
      train(Path.of(args[0]), Path.of(args[1]));
    } catch (IOException e) {
      System.out.println(e.getMessage());
      System.exit(1);
    }
  }

  static void train(Path images, Path run) throws IOException {
    boolean resume = Files.exists(run.resolve("run.json"));
    RunFolder folder = resume ? RunFolder.open(run) : RunFolder.create(run);
    try (FrozenClassifier classifier = Fixtures.classifier()) {
      TrainingRun.Builder builder =
          TrainingRun.builder(classifier, ImageList.of(images), OPTIONS, folder);
      try (TrainingRun training = resume ? builder.resume() : builder.start()) {
        training.run();
      }
    }
  }
}
