package org.ttame.core.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.classifier.FeatureKind;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.NonFiniteException;
import org.ttame.core.npz.Npz;

class AttentionMechanismTest {
  private static final List<FeatureLayer> LAYERS = layers(new int[] {4, 3}, new int[] {3, 2});

  private static List<FeatureLayer> layers(int[] channels, int[] sides) {
    FeatureLayer[] layers = new FeatureLayer[channels.length];
    for (int i = 0; i < layers.length; i++) {
      layers[i] =
          new FeatureLayer("l" + i, "v" + i, FeatureKind.MAP, channels[i], sides[i], sides[i]);
    }
    return List.of(layers);
  }

  /** SPEC's counts, K = 1000; the paper's Tables II and III print them for three maps. */
  @ParameterizedTest
  @CsvSource({
    "256:512:512,  proposed, 1874664",
    "512:1024:2048,proposed, 9100776",
    "768:768:768,  proposed, 4081384",
    "256:512:512,  two-maps, 1552360",
    "512:1024:2048,two-maps, 8325096",
    "768:768:768,  two-maps, 2721256",
    "256:512:512,  one-map,   776680",
    "512:1024:2048,one-map,  6249448",
    "768:768:768,  one-map,  1361128",
    "256:512:512,  sigmoid, 1874664",
    "256:512:512,  no-skip, 1874664",
    "256:512:512,  no-skip-no-bn, 1872104",
    "256:512:512,  lcam, 513000"
  })
  void hasThePublishedNumberOfParameters(String channels, String variant, long expected) {
    int[] c = Arrays.stream(channels.split(":")).mapToInt(Integer::parseInt).toArray();
    AttentionSpec spec =
        AttentionSpec.of(layers(c, new int[] {28, 14, 7}), 1000, Variant.parse(variant));
    try (AttentionMechanism mechanism = AttentionMechanism.create(spec, 1)) {
      assertThat(mechanism.parameterCount()).isEqualTo(expected);
      assertThat(spec.parameterCount()).isEqualTo(expected);
    }
  }

  @Test
  void startsAsPyTorchDoes() {
    AttentionSpec spec =
        AttentionSpec.of(layers(new int[] {64, 36}, new int[] {3, 2}), 50, Variant.PROPOSED);
    try (AttentionMechanism mechanism = AttentionMechanism.create(spec, 9);
        AttentionMechanism same = AttentionMechanism.create(spec, 9);
        AttentionMechanism other = AttentionMechanism.create(spec, 10)) {
      uniform(mechanism.parameters().get("branch.0.conv.weight"), 1 / 8.0);
      uniform(mechanism.parameters().get("branch.1.conv.weight"), 1 / 6.0);
      uniform(mechanism.parameters().get("fusion.weight"), 1 / 10.0);
      assertThat(mechanism.parameters().get("fusion.bias").amaxNumber().doubleValue())
          .isBetween(0.08, 0.1);
      assertThat(mechanism.parameters().get("branch.0.conv.bias").amaxNumber().doubleValue())
          .isBetween(0.1, 0.125);
      assertThat(mechanism.parameters().get("branch.0.bn.weight")).isEqualTo(Nd4j.ones(64));
      assertThat(mechanism.parameters().get("branch.0.bn.bias")).isEqualTo(Nd4j.zeros(64));
      assertThat(mechanism.statistics().get("branch.0.bn.running_mean")).isEqualTo(Nd4j.zeros(64));
      assertThat(mechanism.statistics().get("branch.0.bn.running_var")).isEqualTo(Nd4j.ones(64));
      assertThat(same.parameters()).isEqualTo(mechanism.parameters());
      assertThat(other.parameters().get("fusion.weight"))
          .isNotEqualTo(mechanism.parameters().get("fusion.weight"));
    }
  }

  /** Within the bound, and with a uniform distribution's mean and deviation. */
  private static void uniform(INDArray weight, double bound) {
    double n = weight.length();
    assertThat(weight.amaxNumber().doubleValue()).isBetween(0.99 * bound, bound);
    assertThat(weight.meanNumber().doubleValue()).isCloseTo(0, within(4 * bound / Math.sqrt(n)));
    assertThat(weight.stdNumber().doubleValue())
        .isCloseTo(bound / Math.sqrt(3), within(0.05 * bound));
  }

  /**
   * Elements are unpacked last: of a file whose elements are damaged as well, the name or the shape
   * is what is complained of, so a small file that would unpack to gigabytes costs nothing.
   */
  @ParameterizedTest
  @CsvSource({
    "stranger, does not belong to a mechanism of variant proposed on 2 layers",
    "fusion.bias, '\"fusion.bias\" does not fit the classifier and its layers: expected [7]'"
  })
  void namesAndShapesComeBeforeElements(String name, String message, @TempDir Path folder)
      throws IOException {
    AttentionSpec spec = AttentionSpec.of(LAYERS, 7, Variant.PROPOSED);
    Path file = folder.resolve("weights.npz");
    try (AttentionMechanism mechanism = AttentionMechanism.create(spec, 1)) {
      Map<String, INDArray> arrays = mechanism.toNpz();
      arrays.put(name, Nd4j.ones(50));
      Npz.write(file, arrays);
      arrays.values().forEach(INDArray::close);
      AttentionMechanism.fromNpz(spec, mechanism.toNpz()).close();
    }
    byte[] bytes = Files.readAllBytes(file);
    bytes[210] ^= 1; // an element of the first array
    Files.write(file, bytes);
    assertThatThrownBy(() -> Npz.read(file)).hasMessageContaining("checksum");
    assertThatThrownBy(() -> AttentionMechanism.read(spec, file))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  /** Whatever stands in front of the patches, and whatever the grid's sides, the maps are alike. */
  @ParameterizedTest
  @CsvSource({"0", "1", "4"})
  void readsPatchesBehindAnyNumberOfTokens(int prefix) {
    INDArray map = TinyClassifier.wave(1, 2, 2, 3, 5);
    INDArray front = TinyClassifier.wave(2, 2, Math.max(1, prefix), 5);
    INDArray patches = map.reshape(2, 6, 5);
    INDArray tokens = prefix == 0 ? patches : Nd4j.concat(1, front, patches);
    FeatureLayer asMap = new FeatureLayer("l", "v", FeatureKind.MAP, 5, 2, 3);
    FeatureLayer asTokens = new FeatureLayer("l", "v", FeatureKind.TOKENS, 5, 2, 3, prefix);
    assertThat(tokens.shape()).isEqualTo(asTokens.outputShape(2));
    assertThat(maps(asTokens, tokens)).isEqualTo(maps(asMap, map));
  }

  private static INDArray maps(FeatureLayer layer, INDArray feature) {
    AttentionSpec spec = AttentionSpec.of(List.of(layer), 4, Variant.SIGMOID);
    try (AttentionMechanism mechanism = AttentionMechanism.create(spec, 2)) {
      SameDiff graph = SameDiff.create();
      SDVariable input = graph.placeHolder("feature", DataType.FLOAT, layer.outputShape(-1));
      SDVariable classes = graph.placeHolder("classes", DataType.INT32, -1, -1);
      String maps = mechanism.attach(graph, List.of(input), classes).name();
      INDArray wanted = Nd4j.createFromArray(new int[][] {{3, 0}, {1, 2}});
      return graph.outputSingle(Map.of("feature", feature, "classes", wanted), maps);
    }
  }

  @ParameterizedTest
  @EnumSource(Variant.class)
  void filesHoldItExactlyUnderPyTorchsNames(Variant variant, @TempDir Path folder)
      throws Exception {
    AttentionSpec spec = AttentionSpec.of(LAYERS, 5, variant);
    Path file = folder.resolve("attention.npz");
    try (AttentionMechanism mechanism = AttentionMechanism.create(spec, 2)) {
      mechanism.statistics().values().forEach(s -> s.addi(0.3));
      Npz.write(file, mechanism.toNpz());
      Map<String, INDArray> read = Npz.read(file);
      try (AttentionMechanism again = AttentionMechanism.fromNpz(spec, read)) {
        assertThat(again.parameters()).isEqualTo(mechanism.parameters());
        assertThat(again.statistics()).isEqualTo(mechanism.statistics());
        assertThat(again.parameters().keySet())
            .containsExactlyElementsOf(mechanism.parameters().keySet());
      }
      int fusion = spec.fusionChannels();
      assertThat(read.get("fusion.weight").shape()).containsExactly(5, fusion, 1, 1);
      assertThat(read.get("fusion.bias").shape()).containsExactly(5);
      if (variant.hasBranches()) {
        int c = spec.features().get(0).channels();
        assertThat(read.get("branch.0.conv.weight").shape()).containsExactly(c, c, 1, 1);
      }
    }
  }

  @Test
  void namesFollowTheFiles() {
    try (AttentionMechanism mechanism =
        AttentionMechanism.create(AttentionSpec.of(LAYERS, 5, Variant.PROPOSED), 2)) {
      assertThat(mechanism.toNpz().keySet())
          .containsExactly(
              "branch.0.conv.weight",
              "branch.0.conv.bias",
              "branch.0.bn.weight",
              "branch.0.bn.bias",
              "branch.0.bn.running_mean",
              "branch.0.bn.running_var",
              "branch.1.conv.weight",
              "branch.1.conv.bias",
              "branch.1.bn.weight",
              "branch.1.bn.bias",
              "branch.1.bn.running_mean",
              "branch.1.bn.running_var",
              "fusion.weight",
              "fusion.bias");
    }
  }

  @Test
  void saysWhyAFileDoesNotFit() {
    AttentionSpec spec = AttentionSpec.of(LAYERS, 5, Variant.PROPOSED);
    Map<String, INDArray> good;
    try (AttentionMechanism mechanism = AttentionMechanism.create(spec, 2)) {
      good = mechanism.toNpz();
    }
    Map<String, INDArray> arrays = new LinkedHashMap<>(good);
    arrays.put("branch.0.bn.num_batches_tracked", Nd4j.scalar(20));
    AttentionMechanism.fromNpz(spec, arrays).close();

    arrays.put("fusion.weight", Nd4j.ones(10, 7, 1, 1));
    assertThatThrownBy(() -> AttentionMechanism.fromNpz(spec, arrays))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "\"fusion.weight\" does not fit the classifier and its layers: "
                + "expected [5, 7, 1, 1], got [10, 7, 1, 1]");
    arrays.put("fusion.weight", good.get("fusion.weight").dup().putScalar(17, Float.NaN));
    assertThatThrownBy(() -> AttentionMechanism.fromNpz(spec, arrays))
        .hasMessageContaining("\"fusion.weight\" holds values that are not finite");
    arrays.put("fusion.weight", good.get("fusion.weight"));
    String variance = "branch.1.bn.running_var";
    arrays.put(variance, good.get(variance).dup().putScalar(2, -0.25f));
    assertThatThrownBy(() -> AttentionMechanism.fromNpz(spec, arrays))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "\"branch.1.bn.running_var\" holds the variance -0.25, and none is below zero; the file"
                + " is damaged");
    arrays.put(variance, good.get(variance).dup().putScalar(2, Float.NaN));
    assertThatThrownBy(() -> AttentionMechanism.fromNpz(spec, arrays))
        .hasMessageContaining("\"branch.1.bn.running_var\" holds values that are not finite");
    arrays.put(variance, good.get(variance));
    arrays.remove("fusion.weight");
    assertThatThrownBy(() -> AttentionMechanism.fromNpz(spec, arrays))
        .hasMessageStartingWith(
            "The attention weights lack \"fusion.weight\"; present are branch.0");
    assertThatThrownBy(
            () -> AttentionMechanism.fromNpz(AttentionSpec.of(LAYERS, 5, Variant.ONE_MAP), good))
        .hasMessage(
            "\"branch.1.conv.weight\" does not belong to a mechanism of variant one-map on 1 "
                + "layers; check option 'variant' and option 'layers'");
  }

  @Test
  void runningStatisticsMoveByATenth() {
    try (AttentionMechanism mechanism =
        AttentionMechanism.create(AttentionSpec.of(LAYERS, 5, Variant.PROPOSED), 2)) {
      mechanism.updateStatistics(
          Map.of(
              "branch.0.bn.running_mean",
              Nd4j.ones(4),
              "branch.0.bn.running_var",
              Nd4j.ones(4).muli(3)));
      assertThat(mechanism.statistics().get("branch.0.bn.running_mean").getDouble(2))
          .isCloseTo(0.1, within(1e-7));
      assertThat(mechanism.statistics().get("branch.0.bn.running_var").getDouble(2))
          .isCloseTo(1.2, within(1e-6));
      assertThatThrownBy(() -> mechanism.updateStatistics(Map.of("branch.9", Nd4j.ones(4))))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void variantsDropTheEarliestMaps() {
    List<FeatureLayer> three = layers(new int[] {2, 3, 4}, new int[] {8, 4, 2});
    assertThat(AttentionSpec.of(three, 5, Variant.TWO_MAPS).features())
        .containsExactly(three.get(1), three.get(2));
    assertThat(AttentionSpec.of(three, 5, Variant.ONE_MAP).features())
        .containsExactly(three.get(2));
    assertThat(AttentionSpec.of(three, 5, Variant.LCAM).features()).containsExactly(three.get(2));
    AttentionSpec two = AttentionSpec.of(three, 5, Variant.TWO_MAPS);
    assertThat(List.of(two.mapHeight(), two.mapWidth(), two.fusionChannels()))
        .containsExactly(4, 4, 7);
    assertThatThrownBy(() -> AttentionSpec.of(three.subList(0, 1), 5, Variant.TWO_MAPS))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("The variant two-maps reads 2 layers, but only 1 were selected: l0");
    assertThatThrownBy(() -> AttentionSpec.of(List.of(), 5, Variant.PROPOSED))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new AttentionSpec(three, 5, Variant.ONE_MAP))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Variant.parse("noskip"))
        .hasMessageContaining("noskip")
        .hasMessageContaining("no-skip-no-bn");
    for (Variant variant : Variant.values()) {
      assertThat(Variant.parse(variant.optionName())).isEqualTo(variant);
    }
  }

  @Test
  void minMaxScalesEachMapAndNeverDividesByZero() {
    INDArray maps = Nd4j.createFromArray(new float[][][] {{{-1, 3}, {0, 1}}, {{5, 5}, {5, 5}}});
    try (INDArray scaled = MinMax.scale(maps)) {
      assertThat(scaled)
          .isEqualTo(
              Nd4j.createFromArray(new float[][][] {{{0, 1}, {0.25f, 0.5f}}, {{0, 0}, {0, 0}}}));
    }
    assertThatThrownBy(() -> MinMax.scale(Nd4j.createFromArray(new float[][] {{0, Float.NaN}})))
        .isInstanceOf(NonFiniteException.class)
        .hasMessageContaining("NaN");
  }
}
