package org.ttame.eval.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.backbones.Backbones;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.core.attention.Variant;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.training.InitialMechanism;
import org.ttame.training.sample.SampleData;

class MethodCatalogTest {
  @TempDir static Path folder;

  @Test
  void everyMethodHasTheNameItIsAskedForBy() throws IOException {
    try (FrozenClassifier classifier = classifier();
        AttentionMechanism ttame = mechanism(classifier, Variant.PROPOSED);
        AttentionMechanism lcam = mechanism(classifier, Variant.LCAM);
        MethodCatalog catalog =
            new MethodCatalog(classifier, MethodOptions.of(1, 4)).run(ttame).lcam(lcam)) {
      assertThatThrownBy(() -> catalog.explainer(ExplanationMethod.TRANSFORMER_LRP))
          .hasMessageContaining("vision transformers only");
      for (ExplanationMethod method : ExplanationMethod.values()) {
        if (method == ExplanationMethod.TRANSFORMER_LRP) {
          continue;
        }
        Explainer explainer = catalog.explainer(method);
        assertThat(explainer.name()).isEqualTo(method.optionName());
        assertThat(ExplanationMethod.parse(explainer.name())).isEqualTo(method);
        assertThat(explainer.settings().containsKey("layer")).isEqualTo(method.readsLayer());
      }
    }
  }

  @Test
  void transformersHaveMethodsOfTheirOwn() throws IOException {
    SampleData sample = new SampleData(folder.resolve("sample"));
    try (FrozenClassifier classifier =
            Backbones.load(sample.backbone("vit"), BackboneOptions.defaults());
        MethodCatalog catalog = new MethodCatalog(classifier, MethodOptions.of(1, 4))) {
      assertThat(catalog.explainer(ExplanationMethod.TRANSFORMER_LRP).name())
          .isEqualTo("transformer-lrp");
      assertThat(catalog.explainer(ExplanationMethod.IIA))
          .isInstanceOf(TransformerIiaExplainer.class);
    }
  }

  @Test
  void optionsReachTheMethods() throws IOException {
    MethodOptions options =
        new MethodOptions(
            Optional.of("features.4"), OptionalInt.of(17), 5, 4, MethodOptions.Listener.NONE);
    try (FrozenClassifier classifier = classifier();
        MethodCatalog catalog = new MethodCatalog(classifier, options)) {
      assertThat(catalog.explainer(ExplanationMethod.SCORECAM).settings())
          .containsEntry("layer", "features.4");
      assertThat(catalog.explainer(ExplanationMethod.RISE).settings())
          .containsEntry("masks", "17")
          .containsEntry("seed", "5");
    }
    try (FrozenClassifier classifier = classifier();
        MethodCatalog catalog = new MethodCatalog(classifier, MethodOptions.of(5, 4))) {
      assertThat(catalog.explainer(ExplanationMethod.RISE).settings())
          .containsEntry("masks", "4000");
    }
  }

  @Test
  void whatIsMissingIsSaid() throws IOException {
    MethodOptions lost =
        new MethodOptions(
            Optional.of("layer9"), OptionalInt.empty(), 5, 4, MethodOptions.Listener.NONE);
    try (FrozenClassifier classifier = classifier();
        AttentionMechanism lcam = mechanism(classifier, Variant.LCAM);
        AttentionMechanism ttame = mechanism(classifier, Variant.PROPOSED);
        MethodCatalog bare = new MethodCatalog(classifier, lost);
        MethodCatalog other = new MethodCatalog(classifier, lost).run(lcam)) {
      assertThatThrownBy(() -> bare.explainer(ExplanationMethod.TTAME))
          .hasMessageContaining("need a training run; give option 'run'");
      assertThatThrownBy(() -> bare.explainer(ExplanationMethod.LCAM))
          .hasMessageContaining("option 'variant' lcam; give option 'lcam-run'");
      assertThatThrownBy(() -> bare.explainer(ExplanationMethod.GRADCAM))
          .hasMessageContaining("no layer \"layer9\" with height and width; it has features.");
      assertThatThrownBy(() -> other.explainer(ExplanationMethod.TTAME))
          .hasMessageContaining("was trained as lcam");
      assertThat(other.explainer(ExplanationMethod.LCAM).name()).isEqualTo("lcam");
      assertThatThrownBy(() -> bare.lcam(ttame)).hasMessageContaining("trained as ttame");
    }
    assertThatThrownBy(() -> ExplanationMethod.parse("magic"))
        .hasMessageContaining("magic is not a method; choose from ttame, untrained");
  }

  @Test
  void lcamReadsTheLastConvolutionsMapAndNoTokens() throws IOException {
    var lcam = new InitialMechanism.Options(List.of(), Variant.LCAM);
    SampleData sample = new SampleData(folder.resolve("sample"));
    try (FrozenClassifier vgg = classifier();
        FrozenClassifier resnet =
            Backbones.load(sample.backbone("resnet"), BackboneOptions.defaults());
        FrozenClassifier vit = Backbones.load(sample.backbone("vit"), BackboneOptions.defaults())) {
      // features.14 is the ReLU before features.15, the last pool.
      assertThat(InitialMechanism.spec(vgg, lcam).features())
          .containsExactly(vgg.layer("features.14"));
      assertThat(InitialMechanism.spec(resnet, lcam).features())
          .containsExactly(resnet.layer("layer4"));
      assertThatThrownBy(() -> InitialMechanism.spec(vit, lcam))
          .hasMessageContaining("L-CAM-Img explains convolutional networks")
          .hasMessageContaining("take another variant");
      AttentionSpec tokens = AttentionSpec.of(vit.defaultLayers(), vit.classes(), Variant.LCAM);
      try (AttentionMechanism trained = AttentionMechanism.create(tokens, 1);
          MethodCatalog catalog = new MethodCatalog(vit, MethodOptions.of(1, 4)).lcam(trained)) {
        assertThatThrownBy(() -> catalog.explainer(ExplanationMethod.LCAM))
            .hasMessageContaining("L-CAM-Img explains convolutional networks");
      }
    }
  }

  private static AttentionMechanism mechanism(FrozenClassifier classifier, Variant variant) {
    return AttentionMechanism.create(
        InitialMechanism.spec(classifier, new InitialMechanism.Options(List.of(), variant)), 3);
  }

  private static FrozenClassifier classifier() throws IOException {
    SampleData sample = new SampleData(folder.resolve("sample"));
    return Backbones.load(sample.backbone("vgg"), BackboneOptions.defaults());
  }
}
