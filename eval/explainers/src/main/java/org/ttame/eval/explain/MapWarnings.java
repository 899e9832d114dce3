package org.ttame.eval.explain;

import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;

/** Counts what a method has met since it was made; any thread may count and ask. */
final class MapWarnings {
  private final Map<MapWarning, Long> counts = new EnumMap<>(MapWarning.class);

  synchronized void count(MapWarning warning) {
    counts.merge(warning, 1L, Long::sum);
  }

  /**
   * Lets only numbers through.
   *
   * @return the value, or 0, counted, where it is NaN or infinite
   */
  double finite(double value) {
    if (Double.isFinite(value)) {
      return value;
    }
    count(MapWarning.NOT_FINITE);
    return 0;
  }

  /**
   * As {@link SaliencyMaps#minMax}, for any values: what is not finite becomes 0 before, and maps
   * without contrast are counted.
   *
   * @param height h
   * @param width w
   * @param maps B maps of h·w values, row by row; written to where they are not finite
   * @return maps in [0,1]
   */
  SaliencyMaps minMax(int height, int width, float[][] maps) {
    for (float[] map : maps) {
      for (int i = 0; i < map.length; i++) {
        map[i] = (float) finite(map[i]);
      }
      countFlat(map);
    }
    return SaliencyMaps.minMax(height, width, maps);
  }

  /** Counts maps without contrast. */
  void countFlat(SaliencyMaps maps) {
    for (int b = 0; b < maps.size(); b++) {
      countFlat(maps.map(b));
    }
  }

  private void countFlat(float[] map) {
    if (SaliencyMaps.isFlat(map)) {
      count(MapWarning.FLAT_MAP);
    }
  }

  /** What was met, in a fixed order; as of {@link Explainer#warnings}. */
  synchronized Map<String, Long> counts() {
    Map<String, Long> result = new LinkedHashMap<>();
    counts.forEach((warning, count) -> result.put(warning.sentence(), count));
    return result;
  }
}
