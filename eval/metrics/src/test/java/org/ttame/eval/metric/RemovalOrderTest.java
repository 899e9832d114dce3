package org.ttame.eval.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ttame.eval.Lcg;

/** Against a stable sort by a comparator. */
class RemovalOrderTest {
  static Stream<float[]> maps() {
    float[] random = new Lcg(5).next(5000);
    float[] signed = new float[random.length];
    float[] spread = new float[random.length];
    float[] ties = new float[random.length];
    for (int i = 0; i < random.length; i++) {
      signed[i] = random[i] - 0.5f;
      // Every exponent, either sign.
      spread[i] = (float) Math.scalb(signed[i] < 0 ? -1.0 : 1.0, (int) (250 * random[i]) - 140);
      ties[i] = Math.round(10 * signed[i]) / 10f;
    }
    return Stream.of(
        random,
        signed,
        spread,
        ties,
        new float[100],
        new float[] {0f, -0f, 1f, -0f, 0f, -1f},
        new float[] {Float.MIN_VALUE, -Float.MIN_VALUE, Float.MAX_VALUE, -Float.MAX_VALUE, 0f, -0f},
        new float[] {7f},
        new float[0]);
  }

  @ParameterizedTest
  @MethodSource("maps")
  void ordersAsAStableSort(float[] map) {
    // 0 and −0 are equal.
    Comparator<Integer> byValue = Comparator.comparing(i -> map[i] == 0 ? 0f : map[i]);
    assertThat(RemovalOrder.LERF.order(map)).containsExactly(sorted(map.length, byValue));
    assertThat(RemovalOrder.MORF.order(map))
        .containsExactly(sorted(map.length, byValue.reversed()));
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
  void refusesWhatHasNoRank(float value) {
    float[] map = {1, value, 2};
    for (RemovalOrder order : RemovalOrder.values()) {
      assertThatThrownBy(() -> order.order(map))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(String.valueOf(value));
    }
  }

  private static Integer[] sorted(int count, Comparator<Integer> order) {
    List<Integer> places = IntStream.range(0, count).boxed().sorted(order).toList();
    return places.toArray(Integer[]::new);
  }
}
