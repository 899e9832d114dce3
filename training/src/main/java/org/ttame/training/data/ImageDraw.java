package org.ttame.training.data;

import java.util.Arrays;
import java.util.OptionalLong;
import org.ttame.core.SplitMix;
import org.ttame.core.Text;

/**
 * Some images of a list: drawn at random, so that no pattern in the list's order shows in what is
 * taken, and in the list's order. The same list, number and seed give the same images.
 *
 * @param most the most images wanted, at least 1
 * @param seed of the draw; empty to take every k-th image, as runs did whose record names no seed
 */
public record ImageDraw(int most, OptionalLong seed) {
  /** Takes every k-th image, for {@link #of}. */
  public static final String SPREAD = "spread";

  /** Tells this draw from others with the same seed. */
  private static final long LIMIT = 0x4c494d4954L;

  public ImageDraw {
    if (most < 1) {
      throw new IllegalArgumentException(
          Text.format("A list is limited to one image at least, got %d", most));
    }
  }

  /**
   * As options say it.
   *
   * @param most the most images wanted
   * @param seed a whole number, or {@link #SPREAD}
   * @throws IllegalArgumentException if it is neither
   */
  public static ImageDraw of(int most, String seed) {
    try {
      return new ImageDraw(
          most,
          seed.equals(SPREAD)
              ? OptionalLong.empty()
              : OptionalLong.of(Long.parseLong(seed.strip())));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          Text.format("\"%s\" is neither a whole number nor \"%s\"", seed, SPREAD), e);
    }
  }

  /** The seed as {@link #of} takes it. */
  public String seedText() {
    return seed.isPresent() ? Long.toString(seed.getAsLong()) : SPREAD;
  }

  /**
   * Draws.
   *
   * @param list any list
   * @return some of its images, or the list itself if it has no more than wanted
   */
  public ImageList from(ImageList list) {
    int size = list.size();
    if (most >= size) {
      return list;
    }
    int[] places;
    if (seed.isPresent()) {
      places = new SplitMix(LIMIT, seed.getAsLong()).draw(size, most);
      Arrays.sort(places);
    } else {
      places = new int[most];
      for (int i = 0; i < most; i++) {
        places[i] = (int) ((long) i * size / most);
      }
    }
    return list.select(places);
  }
}
