package org.ttame.eval.explain;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.Text;
import org.ttame.core.npz.Npy;
import org.ttame.core.provenance.Sha256;
import org.ttame.core.storage.OutputFile;

/**
 * Maps made by any other program: one npy file an image, of any size, named after the image as
 * {@code explain} names its own ({@code birds/wren.npy} for {@code birds/wren.jpg}; where {@code
 * birds/wren.jpg.npy} exists too, that one).
 *
 * <p>A map whose values all lie in [0,1] is used as it is, any other one is min-max scaled; that is
 * counted, as are maps that are the same everywhere. The maps are taken for those of the class the
 * classifier answers.
 */
public final class MapFolderExplainer extends CountingExplainer {
  /** The method's name in tables and files unless another is given. */
  public static final String NAME = "maps";

  private static final String ENDING = ".npy";

  private final Path folder;

  /**
   * Reads a folder.
   *
   * @param folder where the maps are
   * @throws IOException if it is no folder
   */
  public MapFolderExplainer(String name, Path folder) throws IOException {
    super(name);
    if (!Files.isDirectory(folder)) {
      throw new IOException(Text.format("'%s' is no folder of maps", folder));
    }
    this.folder = folder;
  }

  @Override
  public Map<String, String> settings() {
    return Map.of("maps", folder.toString());
  }

  /**
   * Reads maps.
   *
   * @return the maps, upsampled to the images, since their sizes may differ
   * @throws UncheckedIOException naming the file, if one is missing, is no map or has values that
   *     are not finite
   */
  @Override
  public SaliencyMaps explain(INDArray images, int[] classes, List<String> names) {
    int height = (int) images.size(1);
    int width = (int) images.size(2);
    float[][] maps = new float[names.size()][];
    try {
      for (int b = 0; b < maps.length; b++) {
        maps[b] = read(find(names.get(b))).upsampled(height, width)[0];
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e.getMessage(), e);
    }
    return new SaliencyMaps(height, width, maps);
  }

  /**
   * Whether there is a map for an image.
   *
   * @param image the image's name
   */
  public boolean has(String image) {
    return Files.exists(whole(image)) || Files.exists(expected(image));
  }

  /**
   * Tells an image's map from another one that may take its place.
   *
   * @param image the image's name
   * @return the file's SHA-256, empty where there is no map
   */
  public String sum(String image) throws IOException {
    return has(image) ? Sha256.of(find(image)) : "";
  }

  /**
   * Where a map is looked for.
   *
   * @param image the image's name
   * @return the file named without the image's own ending
   */
  public Path expected(String image) {
    int dot = image.lastIndexOf('.');
    return dot > image.lastIndexOf('/') + 1
        ? OutputFile.place(folder, image.substring(0, dot), ENDING)
        : whole(image);
  }

  private Path whole(String image) {
    return OutputFile.place(folder, image, ENDING);
  }

  private Path find(String image) throws IOException {
    Path shorter = expected(image);
    if (!has(image)) {
      throw new IOException(
          Text.format(
              "There is no map for %s: expected '%s'; every image needs one", image, shorter));
    }
    return Files.exists(whole(image)) ? whole(image) : shorter;
  }

  private SaliencyMaps read(Path file) throws IOException {
    try (INDArray array = Npy.read(file)) {
      long[] shape = array.shape();
      int rank = shape.length;
      if (rank < 2
          || array.length() == 0
          || Arrays.stream(shape, 0, rank - 2).anyMatch(size -> size != 1)) {
        throw new IOException(
            Text.format(
                "'%s' is no map: expected shape [h, w], got %s", file, Arrays.toString(shape)));
      }
      float[] values = array.data().asFloat();
      boolean inside = true;
      for (float value : values) {
        if (!Float.isFinite(value)) {
          throw new IOException(
              Text.format("'%s' holds the value %s; maps must be finite", file, value));
        }
        inside &= value >= 0 && value <= 1;
      }
      int height = Math.toIntExact(shape[rank - 2]);
      int width = Math.toIntExact(shape[rank - 1]);
      float[][] one = {values};
      if (inside) {
        SaliencyMaps maps = new SaliencyMaps(height, width, one);
        warnings.countFlat(maps);
        return maps;
      }
      warnings.count(MapWarning.OUTSIDE);
      return warnings.minMax(height, width, one);
    }
  }
}
