package org.ttame.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.ttame.core.masking.Masking;

/** The names of settings are a contract: runs of every version and the command line use them. */
class TrainingOptionsTest {
  /** A value of each setting that is not its default. */
  private static final Map<String, String> OTHERS =
      new TreeMap<>(
          Map.ofEntries(
              Map.entry("layers", "a,b"),
              Map.entry("variant", "no-skip"),
              Map.entry("masking", "vit"),
              Map.entry("loss", "released"),
              Map.entry("lambda1", "1.25"),
              Map.entry("lambda2", "2.5"),
              Map.entry("lambda3", "0.25"),
              Map.entry("lambda4", "0.5"),
              Map.entry("epochs", "3"),
              Map.entry("batch-size", "7"),
              Map.entry("max-lr", "0.125"),
              Map.entry("max-steps", "11"),
              Map.entry("weight-decay", "0.0625"),
              Map.entry("seed", "5"),
              Map.entry("augment", "crop-flip"),
              Map.entry("shuffle", "false"),
              Map.entry("decode-threads", "97"),
              Map.entry("strict", "true"),
              Map.entry("max-pixels", "1000"),
              Map.entry("save-every", "9"),
              Map.entry("record-classes", "true"),
              Map.entry("targets", "shuffled")));

  @Test
  void everySettingIsReadAndWrittenByItsName() {
    Properties defaults = TrainingOptions.defaults().toProperties();
    assertThat(OTHERS.keySet()).containsAll(defaults.stringPropertyNames());
    for (Map.Entry<String, String> other : OTHERS.entrySet()) {
      Properties one = new Properties();
      one.setProperty(other.getKey(), other.getValue());
      Properties expected = new Properties();
      expected.putAll(defaults);
      expected.putAll(one);
      TrainingOptions read = TrainingOptions.of(one);
      assertThat(read.toProperties()).isEqualTo(expected);
      assertThat(read.toBuilder().build()).isEqualTo(read);
    }
    assertThat(OTHERS.keySet()).containsAll(TrainingOptions.harmless());
  }

  @Test
  void settingsBelongToTheClassThatReadsThem() {
    Properties all = new Properties();
    all.putAll(OTHERS);
    TrainingOptions read = TrainingOptions.of(all);
    assertThat(read.mechanism().layers()).isEqualTo(List.of("a", "b"));
    assertThat(read.trainer().masking()).isEqualTo(Masking.VIT);
    assertThat(read.trainer().targets()).isEqualTo(Targets.SHUFFLED);
    assertThat(read.plan()).isEqualTo(new TrainingPlan.Options(3, 7, 11, 1));
    assertThat(read.batches().threads()).isEqualTo(97);
    assertThat(read.measuring().maxPixels()).isEqualTo(1000);
    assertThat(read.keeping().saveEvery()).hasSeconds(9);
  }

  @ParameterizedTest
  @CsvSource({
    "epochs, 0",
    "batch-size, 0",
    "max-steps, -1",
    "max-lr, 0",
    "max-lr, NaN",
    "max-lr, Infinity",
    "weight-decay, -1",
    "lambda1, -1",
    "lambda4, 0",
    "decode-threads, 0",
    "save-every, 0",
    "shuffle, maybe",
    "variant, none",
    "seed, many"
  })
  void refusesWhatDoesNotFit(String name, String value) {
    Properties one = new Properties();
    one.setProperty(name, value);
    assertThatThrownBy(() -> TrainingOptions.of(one))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(name)
        .hasMessageContaining(value);
  }

  @Test
  void refusesNamesThatItDoesNotKnow() {
    Properties unknown = new Properties();
    unknown.setProperty("epoch", "1");
    assertThatThrownBy(() -> TrainingOptions.of(unknown)).hasMessageContaining("epoch");
  }
}
