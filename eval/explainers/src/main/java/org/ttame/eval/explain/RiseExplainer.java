package org.ttame.eval.explain;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.SplitMix;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.image.InputSpec;

/**
 * RISE (Petsiuk et al. 2018): random masks, weighted by the probability of the class under them: Σ
 * ψ_c(m ⊙ x)·m / (N·p). N passes an image; the same masks for every image.
 */
public final class RiseExplainer extends CountingExplainer {
  /** The name in tables and files. */
  public static final String NAME = ExplanationMethod.RISE.optionName();

  /** The paper's grid. */
  public static final int CELLS = 7;

  private final FrozenClassifier classifier;
  private final Masks masks;
  private final int count;
  private final MaskedPasses passes;
  private final PassListener listener;

  /**
   * RISE for a classifier.
   *
   * @param classifier stays the caller's
   * @param count N
   * @param seed of the masks
   * @param batch masks a pass
   * @param listener is notified of each pass
   */
  public RiseExplainer(
      FrozenClassifier classifier, int count, long seed, int batch, PassListener listener) {
    super(NAME);
    if (count < 1) {
      throw new IllegalArgumentException("RISE needs a mask or more, got " + count);
    }
    this.classifier = classifier;
    this.masks = Masks.of(classifier.inputSpec(), CELLS, 0.5, seed);
    this.count = count;
    this.passes = new MaskedPasses(classifier, batch);
    this.listener = listener;
  }

  /**
   * How many masks its paper takes.
   *
   * @param classifier for which
   * @return 4000 for VGG, 8000 for others
   */
  public static int paperMasks(FrozenClassifier classifier) {
    return classifier.name().startsWith("vgg") ? 4000 : 8000;
  }

  @Override
  public Map<String, String> settings() {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("masks", String.valueOf(count));
    settings.put("grid", CELLS + "x" + CELLS);
    settings.put("probability", String.valueOf(masks.probability()));
    settings.put("seed", String.valueOf(masks.seed()));
    return settings;
  }

  @Override
  public SaliencyMaps explain(INDArray images, int[] classes, List<String> names) {
    InputSpec spec = classifier.inputSpec();
    float[][] maps = new float[classes.length][];
    for (int b = 0; b < maps.length; b++) {
      maps[b] = map(LayerMaps.image(images, b), classes[b]);
    }
    return warnings.minMax(spec.height(), spec.width(), maps);
  }

  private float[] map(float[] image, int target) {
    int pixels = classifier.inputSpec().pixels();
    double[] sums = new double[pixels];
    passes.run(
        image,
        count,
        masks::fill,
        (first, size, values, output) -> {
          double[][] probabilities = output.probabilities();
          for (int m = 0; m < size; m++) {
            double weight = warnings.finite(probabilities[m][target]);
            for (int p = 0; weight > 0 && p < pixels; p++) {
              sums[p] += weight * values[m * pixels + p];
            }
          }
        },
        listener);
    float[] map = new float[pixels];
    for (int p = 0; p < pixels; p++) {
      map[p] = (float) (sums[p] / (count * masks.probability()));
    }
    return map;
  }

  /**
   * RISE's random masks (Petsiuk et al. 2018): a coarse grid of zeros and ones, upsampled
   * bilinearly to one cell more than the image, and cut to its size at a random place within a
   * cell.
   *
   * <p>A mask is a function of seed and number alone, so none has to be kept, and any image can be
   * given the same ones.
   *
   * @param height H of the image
   * @param width W of the image
   * @param cells how many cells the image is high and wide
   * @param probability of a one
   * @param seed of all masks
   */
  record Masks(int height, int width, int cells, double probability, long seed) {
    public Masks {
      if (cells < 1 || cells > height || cells > width) {
        throw new IllegalArgumentException(
            Text.format(
                "A mask of %d×%d pixels cannot have %d×%d cells", height, width, cells, cells));
      }
      if (!(probability > 0 && probability < 1)) {
        throw new IllegalArgumentException(
            "A mask needs a probability between 0 and 1, got " + probability);
      }
    }

    /** Masks for a classifier's images. */
    static Masks of(InputSpec image, int cells, double probability, long seed) {
      return new Masks(image.height(), image.width(), cells, probability, seed);
    }

    /** Pixels a cell: ⌈length/cells⌉. */
    static int cell(int length, int cells) {
      return (length + cells - 1) / cells;
    }

    /**
     * A mask.
     *
     * @param number which, 0 or more
     * @param out receives H·W values in [0,1], row by row
     * @param from where in it they begin
     */
    public void fill(long number, float[] out, int from) {
      long first = number * ((long) cells * cells + 2);
      float[] grid = new float[cells * cells];
      for (int i = 0; i < grid.length; i++) {
        grid[i] = SplitMix.uniform(seed, first + i) < probability ? 1 : 0;
      }
      int top = (int) (SplitMix.uniform(seed, first + grid.length) * cell(height, cells));
      int left = (int) (SplitMix.uniform(seed, first + grid.length + 1) * cell(width, cells));
      new BilinearPlane(cells, cells, places(top, height), places(left, width))
          .read(grid, 0, out, from);
    }

    /** Half-pixel centres of an image that is cut out of the large mask, in cells. */
    private double[] places(int first, int length) {
      double[] places = new double[length];
      int large = (cells + 1) * cell(length, cells);
      for (int i = 0; i < length; i++) {
        places[i] = (i + first + 0.5) * cells / large - 0.5;
      }
      return places;
    }
  }
}
