package org.ttame.eval.sanity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.backbones.CascadingRandomisation;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.ProgressListener;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.core.attention.Variant;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.image.ImageLimits;
import org.ttame.core.image.ImageSize;
import org.ttame.eval.evaluation.AdIcValidator;
import org.ttame.eval.evaluation.ImageStream;
import org.ttame.eval.explain.EdgeExplainer;
import org.ttame.eval.explain.Explainer;
import org.ttame.eval.explain.GradCamExplainer;
import org.ttame.eval.explain.TtameExplainer;
import org.ttame.eval.output.Provenance;
import org.ttame.eval.output.SanityFiles;
import org.ttame.eval.sanity.SanityStage.Cascade;
import org.ttame.eval.sanity.StageResult.ExplainedClass;
import org.ttame.training.data.Augment;
import org.ttame.training.data.BatchOptions;
import org.ttame.training.data.BatchSource;
import org.ttame.training.data.ImageDraw;
import org.ttame.training.data.ImageFileLoader;
import org.ttame.training.data.ImageList;
import org.ttame.training.sample.SampleData;

/** The sample's VGG, Grad-CAM, an untrained mechanism, and edges that know nothing of either. */
class SanityCheckTest {
  private static final int IMAGES = 12;

  @TempDir static Path sample;
  private static CascadingRandomisation cascade;
  private static FrozenClassifier classifier;
  private static AttentionMechanism mechanism;
  private static ImageList list;

  @TempDir Path folder;

  @BeforeAll
  static void load() throws IOException {
    SampleData data = new SampleData(sample);
    list = ImageDraw.of(IMAGES, ImageDraw.SPREAD).from(data.images("test"));
    cascade = new CascadingRandomisation(data.backbone("vgg"), BackboneOptions.defaults(), 3);
    classifier = cascade.classifier(0);
    mechanism =
        AttentionMechanism.create(
            AttentionSpec.of(classifier.defaultLayers(), classifier.classes(), Variant.PROPOSED),
            1);
  }

  @AfterAll
  static void close() {
    mechanism.close();
    classifier.close();
  }

  /** Methods that close what they are given. */
  private record Held(FrozenClassifier classifier, List<Explainer> explainers, boolean owned)
      implements SanityStage.Methods {
    @Override
    public void close() {
      explainers.forEach(Explainer::close);
      if (owned) {
        classifier.close();
      }
    }
  }

  @Test
  void whatKnowsOnlyTheImageFailsAndGradCamPasses() throws IOException {
    SanityCheck.Outcome outcome = check(backbone(1, 4, 9), Map.of("run", "a"));
    SanityReport report = SanityReport.of(outcome, 0.5);

    SanityReport.Verdict edges = verdict(report, "edges");
    assertThat(edges.passed()).isFalse();
    assertThat(edges.firstChange()).isEmpty();
    assertThat(edges.last().mean()).isEqualTo(1);
    assertThat(edges.sentence()).contains("FAILS; no map ever changes").contains("as it should");

    SanityReport.Verdict gradCam = verdict(report, "gradcam");
    assertThat(gradCam.passed()).isTrue();
    assertThat(gradCam.firstChange()).contains("classifier.6");
    assertThat(gradCam.last().high()).isLessThan(0.5);

    // The mechanism reads features only: with its class held fixed, the head cannot change a map.
    SanityReport.Verdict ttame = verdict(report, "ttame");
    assertThat(ttame.firstChange()).contains("features.13");
    List<SanityReport.Row> fixed =
        SanityReport.rows(
            report.rows(), Cascade.BACKBONE, "ttame", ExplainedClass.FIXED, MapSimilarity.SSIM);
    List<SanityReport.Row> predicted =
        SanityReport.rows(
            report.rows(), Cascade.BACKBONE, "ttame", ExplainedClass.PREDICTED, MapSimilarity.SSIM);
    assertThat(fixed.get(0).mean().mean()).isEqualTo(1);
    assertThat(fixed.get(0).answersKept()).isLessThan(100);
    assertThat(predicted.get(0).mean().mean()).isLessThan(1);
  }

  @Test
  void writesNumbersCurvesAndStripsAndGoesOn() throws IOException {
    List<SanityStage> stages = new ArrayList<>(backbone(1, 9));
    MechanismRandomisation parts = new MechanismRandomisation(mechanism, 5);
    stages.add(
        new SanityStage(
            Cascade.MECHANISM, 1, "fusion", () -> held(classifier, parts.at(1), false)));
    SanityCheck.Outcome outcome = check(stages, Map.of("run", "a"));
    SanityReport report = SanityReport.of(outcome, 0.5);
    new SanityFiles(outcome, report).write(folder, Provenance.of(classifier, Map.of("seed", "3")));
    for (String name :
        List.of(
            "curve-backbone-spearman.png",
            "curve-mechanism-hog.svg",
            "curve-mechanism-ssim.pdf",
            "strip-backbone-gradcam.png",
            "strip-mechanism-ttame.png")) {
      assertThat(folder.resolve(name)).isNotEmptyFile();
    }
    assertThat(folder.resolve("curve-backbone-ssim.svg")).content().contains("classifier.6");
    // Three methods at two stages and one at the third, both classes, three measures.
    assertThat(Files.readAllLines(folder.resolve("sanity.csv"))).hasSize(1 + 7 * 2 * 3);
    JsonNode json = new ObjectMapper().readTree(folder.resolve("sanity.json").toFile());
    assertThat(json.path("images").asInt()).isEqualTo(IMAGES);
    assertThat(json.path("rule").asText()).contains("below 0.5").contains("95 %");
    assertThat(json.path("verdicts")).hasSize(4);

    List<String> told = new ArrayList<>();
    SanityCheck.Outcome again = check(stages, Map.of("run", "a"), told);
    assertThat(told).hasSize(3).allMatch(sentence -> sentence.endsWith(" is measured already"));
    assertThat(SanityReport.of(again, 0.5)).isEqualTo(report);
    assertThat(again.stages().get(1).maps().get("ttame").get(1))
        .isEqualTo(outcome.stages().get(1).maps().get("ttame").get(1));
    assertThatThrownBy(() -> check(stages, Map.of("run", "b")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("run was a and is b");
  }

  @Test
  void aMechanismLosesItsPartsFromTheFusionToTheFirstBranch() {
    MechanismRandomisation parts = new MechanismRandomisation(mechanism, 5);
    assertThat(parts.stages()).containsExactly("fusion", "branch.2", "branch.1", "branch.0");
    for (int lost = 0; lost <= 4; lost++) {
      try (AttentionMechanism at = parts.at(lost)) {
        assertThat(same(at, "fusion.weight")).isEqualTo(lost < 1);
        assertThat(same(at, "branch.2.conv.weight")).isEqualTo(lost < 2);
        assertThat(same(at, "branch.1.conv.weight")).isEqualTo(lost < 3);
        assertThat(same(at, "branch.0.conv.weight")).isEqualTo(lost < 4);
      }
    }
  }

  /** A run begins with the values of its seed; the cascade must not put just those back. */
  @Test
  void theRandomValuesAreNotThoseTheRunBeganWith() {
    try (AttentionMechanism at = new MechanismRandomisation(mechanism, 1).at(4)) {
      assertThat(same(at, "fusion.weight")).isFalse();
      assertThat(same(at, "branch.0.conv.weight")).isFalse();
    }
  }

  /**
   * Maps that are unlike prove nothing if a mechanism trained properly from another seed has maps
   * as unlike.
   */
  @Test
  void labelsAreReadAgainstAnotherSeed() {
    double[] low = {0.1, 0.2, 0.0, 0.15, 0.1};
    double[] high = {0.7, 0.8, 0.6, 0.9, 0.75};
    SanityReport.Verdict learnt = SanityReport.of(labels(low, high), 0.5).verdicts().get(0);
    assertThat(learnt.passed()).isTrue();
    assertThat(learnt.belowSeed().orElseThrow().mean()).isCloseTo(0.64, within(1e-12));
    assertThat(learnt.sentence()).contains("passes").contains("below another seed's by 0.640 [");
    SanityReport.Verdict drawn = SanityReport.of(labels(low, low), 0.5).verdicts().get(0);
    assertThat(drawn.passed()).isFalse();
    SanityReport.Verdict alike = SanityReport.of(labels(high, high), 0.5).verdicts().get(0);
    assertThat(alike.passed()).isFalse();
    SanityCheck.Outcome alone =
        new SanityCheck.Outcome(
            ImageSize.square(8),
            List.of(),
            List.of(),
            Map.of(),
            List.of(found(Cascade.LABELS, low)));
    assertThat(SanityReport.of(alone, 0.5).verdicts()).isEmpty();
  }

  private static SanityCheck.Outcome labels(double[] shuffled, double[] reseeded) {
    return new SanityCheck.Outcome(
        ImageSize.square(8),
        List.of("a", "b", "c", "d", "e"),
        List.of(),
        Map.of(),
        List.of(found(Cascade.LABELS, shuffled), found(Cascade.SEED, reseeded)));
  }

  private static SanityCheck.Found found(Cascade cascade, double[] spearman) {
    StageResult.Column column =
        new StageResult.Column("ttame", ExplainedClass.FIXED, MapSimilarity.SPEARMAN);
    return new SanityCheck.Found(
        new SanityStage(cascade, 1, "trained again", () -> null),
        new StageResult(Map.of(column, java.util.Arrays.stream(spearman).boxed().toList()), 100),
        Map.of());
  }

  private static boolean same(AttentionMechanism other, String name) {
    return other.parameters().get(name).equals(mechanism.parameters().get(name));
  }

  private static SanityReport.Verdict verdict(SanityReport report, String method) {
    return report.verdicts().stream()
        .filter(verdict -> verdict.method().equals(method))
        .findFirst()
        .orElseThrow();
  }

  private static List<SanityStage> backbone(int... counts) {
    List<SanityStage> stages = new ArrayList<>();
    for (int count : counts) {
      stages.add(
          new SanityStage(
              Cascade.BACKBONE,
              count,
              cascade.stages().get(count - 1).name(),
              () -> all(cascade.classifier(count), true)));
    }
    return stages;
  }

  private static SanityStage.Methods all(FrozenClassifier of, boolean owned) {
    return new Held(
        of,
        List.of(
            new TtameExplainer("ttame", of, mechanism),
            GradCamExplainer.gradCam(of, of.camLayer()),
            new EdgeExplainer()),
        owned);
  }

  private static SanityStage.Methods held(
      FrozenClassifier of, AttentionMechanism other, boolean owned) {
    Explainer explainer = new TtameExplainer("ttame", of, other);
    return new Held(of, List.of(explainer), owned);
  }

  private SanityCheck.Outcome check(List<SanityStage> stages, Map<String, String> depends)
      throws IOException {
    return check(stages, depends, new ArrayList<>());
  }

  private SanityCheck.Outcome check(
      List<SanityStage> stages, Map<String, String> depends, List<String> told) throws IOException {
    AdIcValidator.Images images =
        () ->
            new ImageStream(
                new BatchSource(
                    list,
                    classifier.inputSpec(),
                    BatchOptions.inOrder(5),
                    new ImageFileLoader(classifier.inputSpec(), Augment.NONE, ImageLimits.DEFAULT),
                    0,
                    3),
                list);
    ProgressListener listener =
        new ProgressListener() {
          @Override
          public void detail(String sentence) {
            told.add(sentence);
          }
        };
    return new SanityCheck(images, new SanityCheck.Options(folder, 2, IMAGES, depends))
        .run(all(classifier, false), stages, listener);
  }
}
