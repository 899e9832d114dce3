package org.ttame.eval.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.backbones.Backbones;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.npz.Npz;

/**
 * Other methods on full-size networks with random weights against make_methods.py's values, which
 * are too slow to make for every build: {@code -Dttame.fullsize=FOLDER} has {@code vgg16.onnx},
 * {@code vit_b_16.onnx} and {@code methods.npz}.
 */
@Tag("fullsize")
class FullSizeMethodsTest {
  private static final Optional<Path> FOLDER =
      Optional.ofNullable(System.getProperty("ttame.fullsize")).map(Path::of);

  private static final int SIDE = 224;
  private static final int BATCH = 8;

  /**
   * In single precision, but for what is ill-conditioned: without one of many channels a random
   * network's logit changes in its last digits, and LRP divides by sums close to zero.
   */
  @ParameterizedTest
  @CsvSource({"vit_b_16, false", "vit_b_16, true", "vgg16, false", "vgg16, true"})
  void agreeWithIndependentImplementations(String name, boolean exact) throws IOException {
    assumeTrue(FOLDER.isPresent(), "-Dttame.fullsize=FOLDER says where the golden values are");
    BackboneOptions options = BackboneOptions.defaults().withName(name);
    Map<String, INDArray> golden = Npz.read(FOLDER.orElseThrow().resolve("methods.npz"));
    try (FrozenClassifier classifier =
            Backbones.load(
                FOLDER.orElseThrow().resolve(name + ".onnx"),
                exact ? options.inDoublePrecision() : options);
        INDArray single = MapAgreement.images(1, SIDE, 28);
        INDArray images = exact ? single.castTo(DataType.DOUBLE) : single.dup('c')) {
      for (Explainer explainer : exact ? illConditioned(classifier) : methods(classifier)) {
        SaliencyMaps maps = explainer.explain(images, new int[] {3}, List.of("a"));
        double worst = MapAgreement.worst(maps, golden.get(name + "." + explainer.name()));
        System.out.printf(Locale.ROOT, "%s %s: %.1e%n", name, explainer.name(), worst);
        assertThat(worst).as(explainer.name()).isLessThan(1e-3);
        explainer.close();
      }
    } finally {
      golden.values().forEach(INDArray::close);
    }
  }

  private static List<Explainer> illConditioned(FrozenClassifier classifier) {
    FeatureLayer layer = classifier.camLayer();
    return List.of(
        classifier.transformer().isPresent()
            ? new TransformerLrpExplainer(classifier)
            : new AblationCamExplainer(classifier, layer, BATCH, PassListener.NONE));
  }

  private static List<Explainer> methods(FrozenClassifier classifier) {
    FeatureLayer layer = classifier.camLayer();
    List<Explainer> methods = new ArrayList<>();
    methods.add(GradCamExplainer.gradCam(classifier, layer));
    methods.add(GradCamExplainer.plusPlus(classifier, layer));
    for (IiaExplainer.Form form : IiaExplainer.Form.values()) {
      methods.add(IiaExplainer.of(classifier, layer, form, PassListener.NONE));
    }
    if (classifier.transformer().isPresent()) {
      methods.add(new RiseExplainer(classifier, 100, 5, BATCH, PassListener.NONE));
    } else {
      methods.add(new ScoreCamExplainer(classifier, layer, BATCH, PassListener.NONE));
    }
    return methods;
  }
}
