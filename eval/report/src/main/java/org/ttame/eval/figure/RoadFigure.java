package org.ttame.eval.figure;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.ttame.core.Text;
import org.ttame.core.image.InputSpec;
import org.ttame.core.image.RgbImage;
import org.ttame.core.image.Standardizer;
import org.ttame.eval.metric.RemovalOrder;
import org.ttame.eval.render.ColorMap;
import org.ttame.eval.render.FigureSheet;
import org.ttame.eval.render.HeatmapOverlay;
import org.ttame.eval.render.Panel;
import org.ttame.eval.road.NoisyLinearImputer;

/**
 * The paper's Fig. 4: the most relevant pixels of a synthetic image, removed, in the mean colour,
 * and as ROAD imputes them; and how much of the mask's outline is left, measured.
 */
public final class RoadFigure {
  private static final List<Double> PERCENTAGES = List.of(5.0, 15.0, 30.0);
  private static final double[] GREY = {0.5, 0.5, 0.5};

  private RoadFigure() {}

  /**
   * Pixels that were removed, and what the picture then looks like.
   *
   * @param percent of the pixels, removed
   * @param removed which they are
   * @param mean the image with the mean colour in their place
   * @param imputed the image with noisy linear imputation in their place
   */
  @SuppressWarnings("ArrayRecordComponent") // passed on, never compared
  record Removal(double percent, boolean[] removed, float[] mean, float[] imputed) {
    /** The step at the mask's outline in a picture, in [0,1]. */
    double step(float[] picture) {
      return MaskOutline.step(picture, removed, SyntheticScene.SIDE);
    }
  }

  /**
   * Draws it.
   *
   * @param seed of the imputation's noise
   * @param colors of the map
   */
  public static Figure draw(long seed, ColorMap colors) {
    float[] image = SyntheticScene.image();
    List<Removal> removals = removals(seed);
    List<List<Optional<Panel>>> rows = new ArrayList<>();
    for (Removal removal : removals) {
      rows.add(
          List.of(
              first(rows.size(), image, colors),
              panel(
                  with(image, removal.removed(), GREY),
                  Text.format("%.0f %% removed", removal.percent()),
                  step("step there in the image", removal, image)),
              panel(removal.mean(), step("step at the outline", removal, removal.mean())),
              panel(removal.imputed(), step("step at the outline", removal, removal.imputed()))));
    }
    return new Figure(
        FigureKind.ROAD.optionName(),
        FigureKind.ROAD.optionName(),
        "",
        caption(image, removals),
        new FigureSheet(
            List.of("input", "removed", "mean colour", "noisy linear imputation (ROAD)"),
            rows,
            Optional.of(colors)));
  }

  /** The image, below it the map, below that nothing. */
  private static Optional<Panel> first(int row, float[] image, ColorMap colors) {
    return switch (row) {
      case 0 -> panel(image, "synthetic image");
      case 1 -> {
        RgbImage photo = RgbImage.of(image, SyntheticScene.SIDE, SyntheticScene.SIDE);
        HeatmapOverlay overlay = new HeatmapOverlay(colors, HeatmapOverlay.DEFAULT_OPACITY);
        yield Optional.of(
            new Panel(
                overlay.draw(photo, scaled(SyntheticScene.map())), List.of("its map, a star")));
      }
      default -> Optional.empty();
    };
  }

  /** What the figure shows, percentage by percentage. */
  static List<Removal> removals(long seed) {
    float[] image = SyntheticScene.image();
    int[] order = RemovalOrder.MORF.order(SyntheticScene.map());
    List<Removal> removals = new ArrayList<>();
    for (double percent : PERCENTAGES) {
      boolean[] removed = RemovalOrder.first(order, percent);
      removals.add(
          new Removal(
              percent, removed, with(image, removed, mean(image)), imputed(image, removed, seed)));
    }
    return removals;
  }

  private static String caption(float[] image, List<Removal> removals) {
    List<String> numbers = new ArrayList<>();
    for (Removal removal : removals) {
      numbers.add(
          Text.format(
              "at %.0f %% %.4f in the mean colour, %.4f imputed, %.4f in the image itself",
              removal.percent(),
              removal.step(removal.mean()),
              removal.step(removal.imputed()),
              removal.step(image)));
    }
    return "The most relevant pixels of a synthetic image, by a star-shaped map,"
        + " are replaced: by grey, to show which they are, by the image's mean"
        + " colour, and by ROAD's noisy linear imputation. The step at the star's"
        + " outline measures how visible it is, as the mean absolute difference"
        + " (colours from 0 to 1) between neighbours of which one was removed and"
        + " the other was not: "
        + String.join("; ", numbers)
        + ".";
  }

  private static Optional<Panel> panel(float[] picture, String... lines) {
    RgbImage pixels = RgbImage.of(picture, SyntheticScene.SIDE, SyntheticScene.SIDE);
    return Optional.of(new Panel(pixels, List.of(lines)));
  }

  private static String step(String what, Removal removal, float[] picture) {
    return Text.format("%s %.3f", what, removal.step(picture));
  }

  private static double[] mean(float[] image) {
    double[] mean = new double[3];
    for (int i = 0; i < image.length; i++) {
      mean[i % 3] += image[i] / (image.length / 3.0);
    }
    return mean;
  }

  private static float[] with(float[] image, boolean[] removed, double[] color) {
    float[] changed = image.clone();
    for (int i = 0; i < changed.length; i++) {
      if (removed[i / 3]) {
        changed[i] = (float) color[i % 3];
      }
    }
    return changed;
  }

  /** On standardised values, as the metric does. */
  private static float[] imputed(float[] image, boolean[] removed, long seed) {
    int side = SyntheticScene.SIDE;
    InputSpec spec = InputSpec.imageNet(side);
    float[] values = new Standardizer(spec).apply(image);
    NoisyLinearImputer imputer = new NoisyLinearImputer(side, side, 3, removed);
    float[] result = imputer.impute(values);
    imputer.addNoise(result, seed);
    for (int i = 0; i < result.length; i++) {
      result[i] = (float) (result[i] * spec.std().get(i % 3) + spec.mean().get(i % 3));
    }
    return result;
  }

  private static float[] scaled(float[] map) {
    float low = Float.POSITIVE_INFINITY;
    float high = Float.NEGATIVE_INFINITY;
    for (float value : map) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    float[] result = new float[map.length];
    for (int i = 0; i < map.length; i++) {
      result[i] = (map[i] - low) / (high - low);
    }
    return result;
  }

  /** How much a mask's outline shows in a picture. */
  static final class MaskOutline {
    private MaskOutline() {}

    /**
     * The mean absolute difference of neighbours, above or beside each other, of which one is
     * removed and the other is not.
     *
     * @param image [S, S, 3]
     * @param removed S·S, of which some but not all are removed
     * @return the mean over pairs and channels, in the image's unit
     */
    static double step(float[] image, boolean[] removed, int side) {
      double sum = 0;
      long pairs = 0;
      for (int i = 0; i < removed.length; i++) {
        boolean last = (i + 1) % side == 0;
        if (!last && removed[i] != removed[i + 1]) {
          sum += difference(image, i, i + 1);
          pairs++;
        }
        if (i + side < removed.length && removed[i] != removed[i + side]) {
          sum += difference(image, i, i + side);
          pairs++;
        }
      }
      if (pairs == 0) {
        throw new IllegalArgumentException("A mask of all pixels or of none has no outline");
      }
      return sum / pairs;
    }

    private static double difference(float[] image, int one, int other) {
      double sum = 0;
      for (int c = 0; c < 3; c++) {
        sum += Math.abs(image[3 * one + c] - image[3 * other + c]);
      }
      return sum / 3;
    }
  }

  /**
   * An image drawn by formula and a map that is known: a hill before a sky whose colours change
   * smoothly, with a sun; the map is largest in the middle of a star, whose outline says nothing
   * about the image. What shows the star after pixels were removed shows the mask.
   */
  static final class SyntheticScene {
    /** Height and width in pixels. */
    static final int SIDE = 224;

    private static final double CENTRE_X = 0.5;
    private static final double CENTRE_Y = 0.54;
    private static final double POINTS = 5;

    private SyntheticScene() {}

    /** The image, [S, S, 3] in [0,1]. */
    static float[] image() {
      float[] image = new float[SIDE * SIDE * 3];
      for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
          double[] color = color((x + 0.5) / SIDE, (y + 0.5) / SIDE);
          for (int c = 0; c < 3; c++) {
            image[3 * (y * SIDE + x) + c] = (float) color[c];
          }
        }
      }
      return image;
    }

    private static double[] color(double x, double y) {
      double[] sky = mix(new double[] {0.23, 0.45, 0.78}, new double[] {0.95, 0.80, 0.62}, y);
      double sun = step(0.115 - Math.hypot(x - 0.74, y - 0.24), 0.01);
      double[] above = mix(sky, new double[] {0.99, 0.93, 0.70}, sun);
      double ridge = 0.68 + 0.07 * Math.sin(5.2 * x + 0.6) + 0.03 * Math.sin(13 * x);
      double[] near =
          mix(new double[] {0.30, 0.50, 0.27}, new double[] {0.13, 0.27, 0.17}, 2.6 * (y - 0.6));
      return mix(above, near, step(y - ridge, 0.012));
    }

    /** The map, S·S values; the larger, the more relevant. */
    static float[] map() {
      float[] map = new float[SIDE * SIDE];
      for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
          double dx = (x + 0.5) / SIDE - CENTRE_X;
          double dy = (y + 0.5) / SIDE - CENTRE_Y;
          map[y * SIDE + x] =
              (float) Math.exp(-2.2 * Math.hypot(dx, dy) / reach(Math.atan2(dx, -dy)));
        }
      }
      return map;
    }

    /**
     * How far the star reaches in a direction, its points being 1: straight edges between points.
     */
    private static double reach(double angle) {
      double sector = 2 * Math.PI / POINTS;
      double fromPoint = Math.abs(angle - sector * Math.rint(angle / sector));
      double notch = 0.382; // of a pentagram, whose edges are straight from point to point
      // The edge from the point, (1, 0), to the notch half a sector on.
      double notchX = notch * Math.cos(sector / 2);
      double notchY = notch * Math.sin(sector / 2);
      return notchY / (notchY * Math.cos(fromPoint) + (1 - notchX) * Math.sin(fromPoint));
    }

    private static double step(double value, double width) {
      double t = Math.max(0, Math.min(1, 0.5 + value / width));
      return t * t * (3 - 2 * t);
    }

    private static double[] mix(double[] from, double[] to, double share) {
      double t = Math.max(0, Math.min(1, share));
      double[] mixed = new double[3];
      for (int c = 0; c < 3; c++) {
        mixed[c] = from[c] + t * (to[c] - from[c]);
      }
      return mixed;
    }
  }
}
