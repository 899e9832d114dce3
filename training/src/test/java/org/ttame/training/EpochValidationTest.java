package org.ttame.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.masking.Masking;
import org.ttame.training.data.ImageList;
import org.ttame.training.run.RunFolder;

/** Which epoch of a run is the best one, and on which images that is found. */
class EpochValidationTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Ten images in batches of four: three steps an epoch, six in all. */
  private static final TrainingOptions OPTIONS =
      TrainingOptions.builder().epochs(2).batchSize(4).maxLr(0.05).seed(3).build();

  @TempDir Path temp;
  private FrozenClassifier classifier;
  private ImageList images;

  @BeforeEach
  void setUp() throws IOException {
    classifier = Fixtures.classifier();
    images = ImageList.of(Fixtures.pictures(temp.resolve("images"), 10));
  }

  @AfterEach
  void tearDown() {
    classifier.close();
  }

  @Test
  void theBestEpochIsTheOneWithTheSmallestDifference() throws IOException {
    double[] drops = {50, 40, 45};
    TrainingOptions options = OPTIONS.toBuilder().epochs(3).build();
    Validator validator =
        new Validator() {
          private int calls;

          @Override
          public Validation validate(FrozenClassifier c, AttentionMechanism m, Masking masking) {
            return new Validation(drops[calls++], 5, 8, Map.of("AD(15)", drops[calls - 1]));
          }
        };
    try (TrainingRun run = builder("best", options).validator(validator).start()) {
      TrainingResult result = run.run();
      assertThat(result.bestEpoch()).isEqualTo(2);
      assertThat(result.best().orElseThrow().score()).isEqualTo(35);
    }
    JsonNode record = JSON.readTree(temp.resolve("best/run.json").toFile());
    assertThat(record.path("best").path("epoch").asInt()).isEqualTo(2);
    assertThat(record.path("validations").findValuesAsText("score"))
        .containsExactly("45.0", "35.0", "40.0");
    assertThat(temp.resolve("best/checkpoints/best")).hasContent("epoch-2");
    assertThat(temp.resolve("best/checkpoints/last")).hasContent("epoch-3");
    assertThat(new Validation(1, 2, 3, Map.of()).betterThan(null)).isTrue();
    assertThat(new Validation(1, 2, 3, Map.of()).betterThan(new Validation(1, 2, 3, Map.of())))
        .isFalse();
    assertThat(new Validation(Double.NaN, 2, 3, Map.of()).betterThan(null)).isFalse();
  }

  @Test
  void anEpochWhoseValidationWasBrokenOffIsValidatedOnResuming() throws IOException {
    Validator broken =
        (c, m, masking) -> {
          throw new IOException("validation images are gone");
        };
    try (TrainingRun run = builder("validate", OPTIONS).validator(broken).start()) {
      assertThatThrownBy(run::run).hasMessageContaining("gone");
    }
    assertThat(temp.resolve("validate/checkpoints/last")).hasContent("epoch-1");
    try (TrainingRun run = builder("validate", OPTIONS).validator(falling()).resume()) {
      run.run();
    }
    assertThat(temp.resolve("validate/checkpoints/epoch-1/validation.json")).exists();
    assertThat(temp.resolve("validate/checkpoints/best")).hasContent("epoch-2");
  }

  @Test
  void killedBeforeItMarkedTheBestEpochARunMarksItOnResuming() throws IOException {
    try (TrainingRun run = builder("unmarked", OPTIONS).validator(falling()).start()) {
      run.run();
    }
    Path best = temp.resolve("unmarked/checkpoints/best");
    Files.writeString(best, "epoch-1\n");
    try (TrainingRun run = builder("unmarked", OPTIONS).validator(falling()).resume()) {
      assertThat(run.run().bestEpoch()).isEqualTo(2);
    }
    assertThat(best).hasContent("epoch-2");
  }

  /** Epochs chosen on several sets of images are not comparable. */
  @Test
  void aRunDoesNotGoOnWithOtherValidationImages() throws IOException {
    try (TrainingRun run = builder("chosen", OPTIONS).validator(on("these")).start()) {
      run.run();
    }
    builder("chosen", OPTIONS).validator(on("these")).resume().close();
    assertThatThrownBy(() -> builder("chosen", OPTIONS).validator(on("those")).resume())
        .hasMessageContaining("the validation images' names was these and is those");
    JsonNode record = JSON.readTree(temp.resolve("chosen/run.json").toFile());
    ObjectNode other = record.deepCopy();
    other.withObject("/backbone/input").putArray("mean").add(0.1).add(0.2).add(0.3);
    assertThat(RunRecord.differences(record, record)).isEmpty();
    assertThat(RunRecord.differences(record, other))
        .singleElement()
        .asString()
        .startsWith("mean was [")
        .endsWith(" and is [0.1,0.2,0.3]");
  }

  private Validator on(String images) {
    Validator validator = falling();
    return new Validator() {
      @Override
      public Validation validate(FrozenClassifier c, AttentionMechanism m, Masking masking)
          throws IOException {
        return validator.validate(c, m, masking);
      }

      @Override
      public String fingerprint() {
        return images;
      }
    };
  }

  /** Better after each epoch. */
  static Validator falling() {
    return new Validator() {
      private double drop = 80;

      @Override
      public Validation validate(FrozenClassifier c, AttentionMechanism m, Masking masking) {
        drop -= 10;
        return new Validation(drop, 5, 8, Map.of("AD(15)", drop));
      }
    };
  }

  private TrainingRun.Builder builder(String name, TrainingOptions options) throws IOException {
    Path path = temp.resolve(name);
    RunFolder folder =
        Files.exists(path.resolve("run.json")) ? RunFolder.open(path) : RunFolder.create(path);
    return TrainingRun.builder(classifier, images, options, folder);
  }
}
