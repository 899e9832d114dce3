package org.ttame.backbones.architecture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The named members have torchvision's sizes; impossible networks cannot be described. */
class ArchitectureTest {
  @Test
  void namedMembersHaveTorchvisionsParameterCounts() {
    assertThat(VggArchitecture.vgg16(224, 1000).parameterCount()).isEqualTo(138_357_544);
    assertThat(ResNetArchitecture.resnet50(224, 1000).parameterCount()).isEqualTo(25_557_032);
    assertThat(VitArchitecture.vitB16(224, 1000).parameterCount()).isEqualTo(86_567_656);
  }

  @Test
  void namedMembersKnowTheirNames() {
    assertThat(VggArchitecture.vgg16(224, 10).name()).isEqualTo("vgg16");
    assertThat(ResNetArchitecture.resnet50(224, 10).name()).isEqualTo("resnet50");
    assertThat(ResNetArchitecture.bottleneck(224, 64, List.of(3, 4, 23, 3), 2, 1000).name())
        .isEqualTo("resnet101");
    assertThat(VitArchitecture.vitB16(224, 10).name()).isEqualTo("vit_b_16");
    assertThat(ResNetArchitecture.bottleneck(64, 16, List.of(2, 2, 2, 1), 1, 10).name())
        .isEqualTo("resnet");
  }

  @Test
  void vggNumbersItsLayersAsTorchvisionDoes() {
    List<VggArchitecture.Feature> plain = VggArchitecture.vgg16(224, 10).features();
    assertThat(plain)
        .filteredOn(feature -> feature.kind() == VggArchitecture.Feature.Kind.POOL)
        .extracting(VggArchitecture.Feature::index)
        .containsExactly(4, 9, 16, 23, 30);
    VggArchitecture normalised =
        new VggArchitecture(224, List.of(List.of(64, 64), List.of(128)), 7, List.of(), 10, true);
    assertThat(normalised.features())
        .filteredOn(feature -> feature.kind() == VggArchitecture.Feature.Kind.POOL)
        .extracting(VggArchitecture.Feature::index)
        .containsExactly(6, 10);
  }

  @Test
  void refusesWhatCannotBe() {
    assertThatThrownBy(() -> VggArchitecture.vgg16(64, 10))
        .hasMessageContaining("2×2")
        .hasMessageContaining("7×7");
    assertThatThrownBy(() -> VitArchitecture.vitB16(225, 10))
        .hasMessageContaining("Patches of 16 do not tile an image of 225");
    assertThatThrownBy(() -> new VitArchitecture(32, 8, 10, 1, 3, 4, 1e-6, 2))
        .hasMessageContaining("3 heads do not divide a width of 10");
    assertThatThrownBy(() -> new ConvShape(3, 4, 3, 1, 3)).hasMessageContaining("padded by 3");
    ConvShape one = new ConvShape(4, 4, 1, 1, 0);
    ConvShape strided = new ConvShape(4, 4, 3, 2, 1);
    assertThatThrownBy(
            () -> new ResNetArchitecture.Block(List.of(one, strided), Optional.empty()).apply(8))
        .hasMessageContaining("4×4×4")
        .hasMessageContaining("4×8×8");
  }
}
