package org.ttame.eval.sanity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.ttame.core.image.ImageSize;

/** Golden values: make_similarity.py, by SciPy and scikit-image. */
class MapSimilarityTest {
  @Test
  void agreesWithSciPyAndScikitImage() throws IOException {
    ObjectMapper mapper = new ObjectMapper();
    try (InputStream in = MapSimilarityTest.class.getResourceAsStream("similarity.json")) {
      JsonNode cases = mapper.readTree(in);
      assertThat(cases).hasSize(9);
      for (JsonNode golden : cases) {
        float[] a = mapper.treeToValue(golden.get("a"), float[].class);
        float[] b = mapper.treeToValue(golden.get("b"), float[].class);
        Map<MapSimilarity, Double> found =
            MapSimilarity.between(a, b, ImageSize.square(golden.get("side").asInt()));
        for (MapSimilarity measure : MapSimilarity.values()) {
          assertThat(found.get(measure))
              .as("%s at side %s", measure, golden.get("side"))
              .isCloseTo(golden.get(measure.optionName()).asDouble(), within(1e-6));
        }
      }
    }
  }

  @Test
  void aMapIsLikeItselfAndAFlatOneLikeNothing() {
    float[] map = new float[32 * 32];
    for (int i = 0; i < map.length; i++) {
      map[i] = (i * 37 % 101) / 100f;
    }
    assertThat(MapSimilarity.between(map, map, ImageSize.square(32)).values())
        .allSatisfy(value -> assertThat(value).isCloseTo(1, within(1e-12)));
    Map<MapSimilarity, Double> flat =
        MapSimilarity.between(map, new float[32 * 32], ImageSize.square(32));
    assertThat(flat.get(MapSimilarity.SPEARMAN)).isZero();
    assertThat(flat.get(MapSimilarity.SSIM)).isLessThan(0.1);
    assertThat(flat.get(MapSimilarity.HOG)).isZero();
  }

  /** A method whose maps are always flat does not change, and must not pass for one that does. */
  @Test
  void aFlatMapThatStaysFlatIsUnchanged() {
    assertThat(
            MapSimilarity.between(new float[32 * 32], new float[32 * 32], ImageSize.square(32))
                .values())
        .hasSize(3)
        .allSatisfy(value -> assertThat(value).isEqualTo(1));
  }

  @Test
  void cellsAreSixteenPixelsAtTheUsualSize() {
    assertThat(HogDescriptor.cell(ImageSize.square(224))).isEqualTo(16);
    assertThat(HogDescriptor.cell(ImageSize.square(64))).isEqualTo(4);
    assertThat(HogDescriptor.cell(ImageSize.square(8))).isEqualTo(2);
  }

  @Test
  void mapsOfOtherSizesAreRefused() {
    assertThatThrownBy(
            () ->
                MapSimilarity.StructuralSimilarity.between(
                    new float[100], new float[100], ImageSize.square(10)))
        .hasMessageContaining("11×11");
    assertThatThrownBy(() -> HogDescriptor.of(new float[16], ImageSize.square(4)))
        .hasMessageContaining("4×4");
  }
}
