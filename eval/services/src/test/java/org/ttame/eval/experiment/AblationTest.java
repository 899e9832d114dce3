package org.ttame.eval.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.ttame.backbones.Backbones;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.Text;
import org.ttame.core.attention.Variant;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.masking.Masking;
import org.ttame.eval.LinearClassifier;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.output.Provenance;
import org.ttame.training.TrainingOptions;
import org.ttame.training.sample.SampleData;

class AblationTest {
  private static final MetricKey AD = MetricKey.at("ad", 15);
  private static final MetricKey IC = MetricKey.at("ic", 15);

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "vgg, 13, 12, max-pooling-layers, cnn, vit",
    "resnet, 7, 6, stage-outputs, cnn, vit",
    "vit, 7, 6, block-outputs, vit, cnn"
  })
  void plansEveryVariantAndBothMaskings(
      String family, int trials, int rows, String set, String usual, String other)
      throws IOException {
    Path file = new SampleData(folder).backbone(family);
    try (FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults())) {
      AblationPlan plan = AblationPlan.of(classifier, TrainingOptions.defaults());
      assertThat(plan.trials()).hasSize(trials);
      assertThat(plan.rows()).hasSize(rows);
      assertThat(plan.maskings())
          .containsEntry(Masking.parse(usual), set + ".proposed")
          .containsEntry(Masking.parse(other), set + ".proposed." + other + "-masking");
      for (Trial trial : plan.trials()) {
        boolean swapped = trial.name().endsWith("masking");
        assertThat(trial.options().trainer().masking().optionName())
            .isEqualTo(swapped ? other : usual);
        assertThat(classifier.layers(trial.options().mechanism().layers())).hasSize(3);
      }
      assertThat(plan.trials().stream().map(t -> t.options().mechanism().variant()).distinct())
          .hasSize(6)
          .doesNotContain(Variant.LCAM);
    }
  }

  @Test
  void theConvolutionalSetIsTheReluBeforeEachPool() throws IOException {
    Path file = new SampleData(folder).backbone("vgg");
    try (FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults())) {
      AblationPlan plan = AblationPlan.of(classifier, TrainingOptions.defaults());
      List<String> pools = plan.trials().get(0).options().mechanism().layers();
      List<String> relus = plan.trials().get(7).options().mechanism().layers();
      for (int i = 0; i < 3; i++) {
        assertThat(classifier.layers(relus).get(i).height())
            .isEqualTo(2 * classifier.layers(pools).get(i).height());
        assertThat(number(relus.get(i))).isEqualTo(number(pools.get(i)) - 1);
      }
      assertThatThrownBy(
              () ->
                  AblationPlan.of(
                      classifier, TrainingOptions.builder().layers(List.of(pools.get(2))).build()))
          .hasMessageContaining("two or more");
    }
  }

  @Test
  void marksWhatDiffersBeyondChanceAndKeepsPublishedNumbersAway() throws IOException {
    AblationPlan plan = plan();
    // AD of the proposed form is 40 ± a little; no-skip is 5 above on every image, sigmoid 5 below.
    List<TrialResult> results =
        List.of(
            result(plan, 0, 40, 10, "a"),
            result(plan, 1, 45, 10, "a"),
            result(plan, 2, 35, 10, "a"),
            result(plan, 3, 40, 10, "a"));
    try (FrozenClassifier classifier = classifier("linear", 3)) {
      String text =
          AblationFiles.write(
              folder, classifier, plan, results, Provenance.of(classifier, Map.of("seed", "1")));
      assertThat(text)
          .contains("| linear | Stage Outputs | T-TAME (Proposed) | 40.50 [")
          .containsPattern("No skip connection \\| 45\\.50 \\[[0-9.]+, [0-9.]+\\] - \\|")
          .containsPattern("Sigmoid in feature branch \\| 35\\.50 \\[[0-9.]+, [0-9.]+\\] \\+ \\|")
          .contains("| linear | AD(15%)↓ | 40.50 [")
          .doesNotContain("published");
    }
    assertThat(folder.resolve("ablation.tex"))
        .content()
        .contains("\\toprule")
        .contains("AD(15\\%)");
    assertThat(Files.readAllLines(folder.resolve("ablation.csv"))).hasSize(1 + 5 * 2);
    JsonNode json = new ObjectMapper().readTree(folder.resolve("ablation.json").toFile());
    assertThat(json.path("rows").get(1).path("difference").path("ad_15").path("mean").asDouble())
        .isEqualTo(5);
    assertThat(json.path("provenance").path("settings").path("seed").asText()).isEqualTo("1");
  }

  @Test
  void theRowOfATrainingThatDivergedSaysSo() throws IOException {
    AblationPlan plan = plan();
    List<TrialResult> results =
        List.of(
            result(plan, 0, 40, 10, "a"),
            new TrialResult(plan.trials().get(1), "", List.of(), Map.of(), "too fast", 1),
            result(plan, 2, 35, 10, "a"),
            result(plan, 3, 40, 10, "a"));
    try (FrozenClassifier classifier = classifier("linear", 3)) {
      String text =
          AblationFiles.write(
              folder, classifier, plan, results, Provenance.of(classifier, Map.of()));
      assertThat(text).contains("| No skip connection | diverged | diverged |");
    }
  }

  @Test
  void publishedNumbersStandBesideOursOnlyOnImageNet() throws IOException {
    AblationPlan plan = plan();
    List<TrialResult> own = new ArrayList<>();
    List<TrialResult> imageNet = new ArrayList<>();
    for (int t = 0; t < 4; t++) {
      own.add(result(plan, t, 40, 10, "mine_"));
      imageNet.add(result(plan, t, 40, 10, "n01440764/ILSVRC2012_val_000000"));
    }
    try (FrozenClassifier classifier = classifier("resnet50", 1000);
        FrozenClassifier few = classifier("resnet50", 3)) {
      Provenance provenance = Provenance.of(classifier, Map.of());
      assertThat(AblationFiles.write(folder, classifier, plan, own, provenance))
          .doesNotContain("published");
      assertThat(AblationFiles.write(folder, few, plan, imageNet, provenance))
          .doesNotContain("published");
      assertThat(AblationFiles.write(folder, classifier, plan, imageNet, provenance))
          .contains(
              "| | | *No skip connection (published, not measured here)* | *89.32* | *2.30* |")
          .contains("ViT Masking (Eq. (14)), published, not measured here")
          .contains("| 96.10 | 78.58 |");
    }
  }

  /** Three forms and the swapped masking. */
  private static AblationPlan plan() {
    TrainingOptions cnn = TrainingOptions.builder().masking(Masking.CNN).build();
    Map<Masking, String> maskings = new LinkedHashMap<>();
    maskings.put(Masking.VIT, "swapped");
    maskings.put(Masking.CNN, "proposed");
    return new AblationPlan(
        List.of(
            new AblationPlan.Row("Stage Outputs", "T-TAME (Proposed)", "proposed", "proposed"),
            new AblationPlan.Row("Stage Outputs", "No skip connection", "no-skip", "proposed"),
            new AblationPlan.Row(
                "Stage Outputs", "Sigmoid in feature branch", "sigmoid", "proposed")),
        maskings,
        List.of(
            new Trial("proposed", cnn),
            new Trial("no-skip", cnn),
            new Trial("sigmoid", cnn),
            new Trial("swapped", cnn.toBuilder().masking(Masking.VIT).build())));
  }

  /** Twenty images whose AD is base or base + 1. */
  private static TrialResult result(
      AblationPlan plan, int trial, double base, double ic, String prefix) {
    List<String> names =
        IntStream.range(0, 20)
            .mapToObj(i -> Text.format("%s%d.JPEG", prefix, 10 + i % 90))
            .toList();
    Map<MetricKey, List<Double>> values = new LinkedHashMap<>();
    values.put(AD, IntStream.range(0, 20).mapToObj(i -> base + i % 2).toList());
    values.put(IC, IntStream.range(0, 20).mapToObj(i -> ic).toList());
    return new TrialResult(plan.trials().get(trial), "epoch-1", names, values, "", 1);
  }

  private static FrozenClassifier classifier(String name, int classes) {
    return LinearClassifier.builder(
            LinearClassifier.plain(2), new float[12 * classes], new float[classes])
        .name(name)
        .build();
  }

  private static int number(String node) {
    return Integer.parseInt(node.substring("features.".length()));
  }
}
