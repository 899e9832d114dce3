package org.ttame.eval.explain;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.Text;

/**
 * A control that knows nothing of the image: coarse uniform noise, min-max scaled, of the size of
 * the maps it is compared with. Whoever explains must beat it.
 *
 * <p>A map depends on the seed and the image's name alone, not on the batch, the class or the
 * order. {@link Random} is used because its numbers are part of its specification.
 */
public final class RandomMapsExplainer implements Explainer {
  /** Its name in tables and files. */
  public static final String NAME = ExplanationMethod.RANDOM.optionName();

  private final int height;
  private final int width;
  private final long seed;

  /**
   * Random maps.
   *
   * @param height h
   * @param width w
   * @param seed of the noise
   */
  public RandomMapsExplainer(int height, int width, long seed) {
    if (height < 1 || width < 1) {
      throw new IllegalArgumentException(
          Text.format("A random map cannot have %d×%d values", height, width));
    }
    this.height = height;
    this.width = width;
    this.seed = seed;
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public Map<String, String> settings() {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("map", height + "x" + width);
    settings.put("noise", "uniform");
    settings.put("seed", Long.toString(seed));
    return settings;
  }

  @Override
  public SaliencyMaps explain(INDArray images, int[] classes, List<String> names) {
    float[][] noise = new float[names.size()][height * width];
    for (int b = 0; b < noise.length; b++) {
      Random random = new Random(seedOf(names.get(b)));
      for (int i = 0; i < noise[b].length; i++) {
        noise[b][i] = random.nextFloat();
      }
    }
    return SaliencyMaps.minMax(height, width, noise);
  }

  /** FNV-1a of the name's UTF-8 bytes, started from the seed, its bits mixed as by MurmurHash3. */
  private long seedOf(String name) {
    long hash = 0xcbf29ce484222325L ^ seed * 0x9e3779b97f4a7c15L;
    for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ (b & 0xff)) * 0x100000001b3L;
    }
    hash = (hash ^ hash >>> 33) * 0xff51afd7ed558ccdL;
    hash = (hash ^ hash >>> 33) * 0xc4ceb9fe1a85ec53L;
    return hash ^ hash >>> 33;
  }
}
