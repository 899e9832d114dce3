package org.ttame.eval.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.backbones.Backbones;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.npz.Npz;
import org.ttame.training.sample.SampleData;

/**
 * Golden values: make_methods.py, on the sample's three classifiers, in double precision: the CAM
 * family by pytorch-grad-cam, RISE by its formula on the same masks, IIA and Transformer LRP by
 * theirs.
 */
class MethodAgreementTest {
  private static final int COUNT = 3;
  private static final int SIDE = 64;
  private static final int BLOCK = 8;
  private static final String GOLDEN = "org/ttame/eval/explain/methods.npz";
  private static final List<String> NAMES = List.of("a", "b", "c");

  @TempDir static Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"vgg", "resnet", "vit"})
  void agreeWithIndependentImplementations(String family) throws IOException {
    Map<String, INDArray> golden = Npz.read(Path.of("src/test/resources", GOLDEN));
    try (FrozenClassifier classifier = classifier(family);
        INDArray images = images()) {
      List<Explainer> methods = new ArrayList<>(explainers(classifier, 300, 7));
      for (IiaExplainer.Form form : IiaExplainer.Form.values()) {
        methods.add(IiaExplainer.of(classifier, classifier.camLayer(), form, PassListener.NONE));
      }
      for (Explainer explainer : methods) {
        INDArray expected = golden.get(family + "." + explainer.name());
        SaliencyMaps maps = explainer.explain(images, new int[] {3, 7, 0}, NAMES);
        double worst = MapAgreement.worst(maps, expected);
        if (Boolean.getBoolean("ttame.figures")) {
          System.out.printf(Locale.ROOT, "%s %s %.1e%n", family, explainer.name(), worst);
        }
        assertThat(worst).as(explainer.name()).isLessThan(1e-3);
        explainer.close();
      }
    } finally {
      golden.values().forEach(INDArray::close);
    }
  }

  /**
   * A classifier in double precision is explained in it, too; Ablation-CAM at full size needs it.
   */
  @ParameterizedTest
  @ValueSource(strings = {"vgg", "vit"})
  void agreeInDoublePrecision(String family) throws IOException {
    Map<String, INDArray> golden = Npz.read(Path.of("src/test/resources", GOLDEN));
    Path file = new SampleData(folder.resolve("sample")).backbone(family);
    try (FrozenClassifier classifier =
            Backbones.load(file, BackboneOptions.defaults().inDoublePrecision());
        INDArray single = images();
        INDArray images = single.castTo(DataType.DOUBLE)) {
      for (Explainer explainer : explainers(classifier, 300, 7)) {
        SaliencyMaps maps = explainer.explain(images, new int[] {3, 7, 0}, NAMES);
        assertThat(MapAgreement.worst(maps, golden.get(family + "." + explainer.name())))
            .as(explainer.name())
            .isLessThan(1e-4);
        explainer.close();
      }
    } finally {
      golden.values().forEach(INDArray::close);
    }
  }

  /**
   * LRP divides by sums that may come close to zero: PyTorch's own single and double precision are
   * 7e-4 apart here.
   */
  @ParameterizedTest
  @CsvSource({"true, 1e-3", "false, 1e-1"})
  void lrpAgreesInDoublePrecision(boolean exact, double tolerance) throws IOException {
    Map<String, INDArray> golden = Npz.read(Path.of("src/test/resources", GOLDEN));
    BackboneOptions options = BackboneOptions.defaults();
    Path file = new SampleData(folder.resolve("sample")).backbone("vit");
    try (FrozenClassifier classifier =
            Backbones.load(file, exact ? options.inDoublePrecision() : options);
        INDArray images = images();
        INDArray typed = exact ? images.castTo(DataType.DOUBLE) : images.dup('c');
        Explainer lrp = new TransformerLrpExplainer(classifier)) {
      SaliencyMaps maps = lrp.explain(typed, new int[] {3, 7, 0}, NAMES);
      double worst = MapAgreement.worst(maps, golden.get("vit." + lrp.name()));
      if (Boolean.getBoolean("ttame.figures")) {
        System.out.printf(
            Locale.ROOT, "vit %s, double precision %s: %.1e%n", lrp.name(), exact, worst);
      }
      assertThat(worst).isLessThan(tolerance);
    } finally {
      golden.values().forEach(INDArray::close);
    }
  }

  /** Every family has a layer to read, and its maps say something. */
  @ParameterizedTest
  @CsvSource({"vgg, features.14", "resnet, layer4", "vit, ln_1"})
  void everyFamilyIsExplained(String family, String node) throws IOException {
    try (FrozenClassifier classifier = classifier(family);
        INDArray images = images()) {
      assertThat(classifier.camLayer().node()).endsWith(node);
      for (Explainer explainer : explainers(classifier, 20, 9)) {
        SaliencyMaps maps = explainer.explain(images, new int[] {3, 7, 0}, NAMES);
        if (explainer instanceof GradCamExplainer || explainer instanceof RiseExplainer) {
          // Weights of one sign times normalised tokens may well leave nothing above zero.
          assertThat(maps.map(0)).contains(1f).contains(0f).isNotEqualTo(maps.map(1));
        }
        try (INDArray one = images.slice(1).reshape(1, SIDE, SIDE, 3).dup('c')) {
          float[] alone = explainer.explain(one, new int[] {7}, List.of("b")).map(0);
          for (int i = 0; i < alone.length; i++) {
            assertThat(alone[i])
                .isCloseTo(maps.map(1)[i], org.assertj.core.data.Offset.offset(1e-3f));
          }
        }
      }
      int channels = classifier.camLayer().channels();
      assertThat(classifier.passes().forward())
          .isEqualTo((COUNT + 1) * (2L + 1 + channels + 1 + channels + 20));
      assertThat(classifier.passes().backward()).isEqualTo(2L * (COUNT + 1));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "resnet, PAPER, 111, 100",
    "resnet, RELEASED, 11, 11",
    "vit, PAPER, 36, 30",
    "vit, RELEASED, 36, 30"
  })
  void iiaCountsItsPassesAndDoesNotDependOnTheBatch(
      String family, IiaExplainer.Form form, long forward, long backward) throws IOException {
    try (FrozenClassifier classifier = classifier(family);
        INDArray images = images();
        Explainer iia =
            IiaExplainer.of(classifier, classifier.camLayer(), form, PassListener.NONE)) {
      doesNotDependOnTheBatch(iia, images);
      assertThat(classifier.passes().forward()).isEqualTo(forward * (COUNT + 1));
      assertThat(classifier.passes().backward()).isEqualTo(backward * (COUNT + 1));
    }
  }

  @Test
  void iiaReadsTheBlockOfTheLayer() throws IOException {
    try (FrozenClassifier classifier = classifier("vit");
        INDArray images = images()) {
      List<FeatureLayer> layers = List.copyOf(classifier.layers().values());
      FeatureLayer inner =
          layers.stream()
              .filter(layer -> layer.node().endsWith("_2.ln_1"))
              .findFirst()
              .orElseThrow();
      FeatureLayer outer =
          layers.stream().filter(layer -> layer.node().endsWith("_2")).findFirst().orElseThrow();
      Explainer last =
          IiaExplainer.of(
              classifier, classifier.camLayer(), IiaExplainer.Form.PAPER, PassListener.NONE);
      Explainer third =
          IiaExplainer.of(classifier, inner, IiaExplainer.Form.PAPER, PassListener.NONE);
      Explainer same =
          IiaExplainer.of(classifier, outer, IiaExplainer.Form.PAPER, PassListener.NONE);
      assertThat(third.settings()).isEqualTo(same.settings()).isNotEqualTo(last.settings());
      assertThat(third.settings().get("attention")).contains("_2.");
      doesNotDependOnTheBatch(third, images);
      int[] classes = {3, 7, 0};
      assertThat(third.explain(images, classes, NAMES).map(0))
          .isNotEqualTo(last.explain(images, classes, NAMES).map(0));
      FeatureLayer strange =
          new FeatureLayer("encoder.ln", "encoder.ln", inner.kind(), inner.channels(), 8, 8);
      assertThatThrownBy(
              () ->
                  new TransformerIiaExplainer(
                      classifier, strange, IiaExplainer.Form.PAPER, PassListener.NONE))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("layer encoder.ln")
          .hasMessageContaining("of none");
    }
  }

  @Test
  void lrpCostsOnePassAndDoesNotDependOnTheBatch() throws IOException {
    try (FrozenClassifier classifier = classifier("vit");
        INDArray images = images();
        Explainer lrp = new TransformerLrpExplainer(classifier)) {
      doesNotDependOnTheBatch(lrp, images);
      assertThat(classifier.passes().forward()).isEqualTo(COUNT + 1);
      assertThat(classifier.passes().backward()).isEqualTo(COUNT + 1);
    }
  }

  private static void doesNotDependOnTheBatch(Explainer explainer, INDArray images) {
    SaliencyMaps maps = explainer.explain(images, new int[] {3, 7, 0}, NAMES);
    assertThat(maps.map(0)).contains(1f).contains(0f).isNotEqualTo(maps.map(1));
    try (INDArray one = images.slice(1).reshape(1, SIDE, SIDE, 3).dup('c')) {
      float[] alone = explainer.explain(one, new int[] {7}, List.of("b")).map(0);
      for (int i = 0; i < alone.length; i++) {
        assertThat(alone[i]).isCloseTo(maps.map(1)[i], org.assertj.core.data.Offset.offset(1e-3f));
      }
    }
    assertThat(explainer.warnings()).isEmpty();
  }

  @Test
  void methodsOfOneFamilyRefuseTheOther() throws IOException {
    try (FrozenClassifier vit = classifier("vit");
        FrozenClassifier vgg = classifier("vgg")) {
      FeatureLayer tokens = vit.camLayer();
      assertThatThrownBy(
              () -> new IiaExplainer(vit, tokens, IiaExplainer.Form.PAPER, PassListener.NONE))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("ln_1")
          .hasMessageContaining("gives tokens");
      assertThatThrownBy(
              () ->
                  new TransformerIiaExplainer(
                      vgg, tokens, IiaExplainer.Form.PAPER, PassListener.NONE))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("vgg has none");
      assertThatThrownBy(() -> new TransformerLrpExplainer(vgg))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("vgg has none")
          .hasMessageContaining("vision transformers only");
    }
  }

  /** A channel whose mean gradient is negative everywhere leaves nothing. */
  @Test
  void weightsByHand() {
    float[] activations = {1, 2, 3, 4};
    float[] gradients = {0.5f, -1, 1.5f, -3};
    assertThat(GradCamExplainer.Weights.MEAN.weight(activations, gradients, 0, 2)).isEqualTo(1.0);
    assertThat(GradCamExplainer.Weights.MEAN.weight(activations, gradients, 1, 2)).isEqualTo(-2.0);
    double expected = 0;
    for (double g : new double[] {0.5, 1.5}) {
      expected += g * g * g / (2 * g * g + 4 * g * g * g + 1e-6);
    }
    assertThat(GradCamExplainer.Weights.PLUS_PLUS.weight(activations, gradients, 0, 2))
        .isCloseTo(expected, org.assertj.core.data.Offset.offset(1e-12));
    assertThat(GradCamExplainer.Weights.PLUS_PLUS.weight(activations, gradients, 1, 2)).isZero();
    float[] none = new float[4];
    assertThat(GradCamExplainer.Weights.PLUS_PLUS.weight(activations, none, 0, 2)).isZero();
    Arrays.fill(none, Float.NaN);
    assertThat(GradCamExplainer.Weights.PLUS_PLUS.weight(activations, none, 0, 2)).isZero();
  }

  /** A pass of masks is one batch, the last a smaller one: nothing may depend on that. */
  @Test
  void batchesOfMasksDoNotMatter() throws IOException {
    try (FrozenClassifier classifier = classifier("vgg");
        INDArray images = images()) {
      List<Explainer> one = explainers(classifier, 40, 1);
      List<Explainer> many = explainers(classifier, 40, 64);
      for (int k = 2; k < one.size(); k++) {
        float[] a = one.get(k).explain(images, new int[] {3, 7, 0}, NAMES).map(2);
        float[] b = many.get(k).explain(images, new int[] {3, 7, 0}, NAMES).map(2);
        for (int i = 0; i < a.length; i++) {
          assertThat(a[i]).isCloseTo(b[i], org.assertj.core.data.Offset.offset(1e-4f));
        }
      }
    }
  }

  @Test
  void progressIsHeard() throws IOException {
    List<String> heard = new ArrayList<>();
    try (FrozenClassifier classifier = classifier("vgg");
        INDArray images = images();
        Explainer rise =
            new RiseExplainer(classifier, 5, 1, 2, (done, all) -> heard.add(done + "/" + all))) {
      try (INDArray one = images.slice(0).reshape(1, SIDE, SIDE, 3).dup('c')) {
        rise.explain(one, new int[] {0}, List.of("a"));
      }
    }
    assertThat(heard).containsExactly("2/5", "4/5", "5/5");
  }

  @Test
  void risesMasksAreHalfOnesAndFillTheImage() {
    RiseExplainer.Masks masks = new RiseExplainer.Masks(224, 224, 7, 0.5, 3);
    assertThat(RiseExplainer.Masks.cell(224, 7)).isEqualTo(32);
    float[] mask = new float[224 * 224];
    double sum = 0;
    for (int i = 0; i < 200; i++) {
      masks.fill(i, mask, 0);
      for (float value : mask) {
        assertThat(value).isBetween(0f, 1f);
        sum += value;
      }
    }
    assertThat(sum / (200.0 * mask.length))
        .isCloseTo(0.5, org.assertj.core.data.Offset.offset(0.02));
    float[] again = new float[224 * 224];
    masks.fill(199, again, 0);
    assertThat(again).isEqualTo(mask);
  }

  private static List<Explainer> explainers(FrozenClassifier classifier, int masks, int batch) {
    FeatureLayer layer = classifier.camLayer();
    return List.of(
        GradCamExplainer.gradCam(classifier, layer),
        GradCamExplainer.plusPlus(classifier, layer),
        new ScoreCamExplainer(classifier, layer, batch, PassListener.NONE),
        new AblationCamExplainer(classifier, layer, batch, PassListener.NONE),
        new RiseExplainer(classifier, masks, 5, batch, PassListener.NONE));
  }

  private static FrozenClassifier classifier(String family) throws IOException {
    SampleData sample = new SampleData(folder.resolve("sample"));
    return Backbones.load(sample.backbone(family), BackboneOptions.defaults());
  }

  private static INDArray images() {
    return MapAgreement.images(COUNT, SIDE, BLOCK);
  }
}
