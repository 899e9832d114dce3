package org.ttame.eval.output;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Named;
import org.ttame.core.image.PngWriter;
import org.ttame.core.image.RgbImage;
import org.ttame.core.npz.Npy;
import org.ttame.core.storage.AtomicFile;
import org.ttame.core.storage.FileNames;
import org.ttame.core.storage.OutputFile;
import org.ttame.eval.explain.SaliencyMaps;
import org.ttame.eval.metric.ImageBatch;
import org.ttame.eval.render.HeatmapOverlay;
import org.ttame.eval.render.PhotoMap;

/**
 * Writes explanations: {@code NAME.npy}, {@code NAME.png} and {@code NAME.json}, NAME being the
 * image's path inside its source without the ending, or {@code NAME.METHOD.cINDEX.npy} and so on
 * where more than one method or class is asked for. Every file is written whole or not at all.
 *
 * <p>The picture is the photograph at its own size under the map, or what the classifier saw, its
 * crop of the photograph; a crop smaller than 224 pixels is enlarged by a whole factor, so that
 * something can be seen.
 */
public final class ExplanationWriter {
  private static final int FORMAT = 1;
  private static final int READABLE_SIDE = 224;

  private final Options options;
  private final Provenance provenance;
  private final OutputNames names;

  /** The size of pictures. */
  public enum Size implements Named {
    /** The photograph's. */
    ORIGINAL,
    /** That of the crop that the classifier sees. */
    INPUT
  }

  /** The photographs of a batch, which are read when they are drawn, one at a time. */
  @FunctionalInterface
  public interface Photographs {
    /**
     * Puts a map at its place.
     *
     * @param maps the maps of a batch
     * @param image which of them
     * @return the map and its photograph
     * @throws IOException if the photograph can no longer be read
     */
    PhotoMap under(SaliencyMaps maps, int image) throws IOException;
  }

  /**
   * What to write.
   *
   * @param folder where to; made if missing
   * @param formats which files
   * @param overlay how pictures are drawn
   * @param photographs for pictures of the photographs' size; empty for that of the crop
   * @param qualified whether names carry method and class
   * @param labels names of the classes by index, or an empty list where they are not known
   */
  public record Options(
      Path folder,
      Set<MapFormat> formats,
      HeatmapOverlay overlay,
      Optional<Photographs> photographs,
      boolean qualified,
      List<String> labels) {
    public Options {
      Objects.requireNonNull(folder, "folder");
      Objects.requireNonNull(overlay, "overlay");
      Objects.requireNonNull(photographs, "photographs");
      labels = List.copyOf(labels);
      if (formats.isEmpty()) {
        throw new IllegalArgumentException("Explanations need at least one format, got none");
      }
      formats = java.util.Collections.unmodifiableSet(EnumSet.copyOf(formats));
    }
  }

  /**
   * What a method said of the images of a batch.
   *
   * @param method its name
   * @param maps B maps
   * @param classes B classes explained
   * @param probabilities B softmax probabilities of those classes
   * @param forwardPasses passes through the network an explanation took
   * @param backwardPasses gradient passes an explanation took
   */
  @SuppressWarnings("ArrayRecordComponent") // passed on, never compared
  public record Explained(
      String method,
      SaliencyMaps maps,
      int[] classes,
      double[] probabilities,
      double forwardPasses,
      double backwardPasses) {}

  /**
   * A writer.
   *
   * @param provenance goes into each JSON file
   * @param names what files are called
   */
  public ExplanationWriter(Options options, Provenance provenance, OutputNames names) {
    this.names = Objects.requireNonNull(names, "names");
    this.options = Objects.requireNonNull(options, "options");
    this.provenance = Objects.requireNonNull(provenance, "provenance");
  }

  /**
   * Writes the explanations of a batch.
   *
   * @param images the images explained
   * @param explained what was said of them
   * @return for each image where its files are, without their endings
   */
  public List<Path> write(ImageBatch images, Explained explained) throws IOException {
    List<Path> written = new ArrayList<>();
    for (int b = 0; b < images.size(); b++) {
      Base base =
          new Base(
              names.of(images.names().get(b)),
              options.qualified() ? "." + explained.method() + ".c" + explained.classes()[b] : "");
      if (options.formats().contains(MapFormat.NPY)) {
        writeNpy(file(base, MapFormat.NPY), explained.maps(), b);
      }
      if (options.formats().contains(MapFormat.PNG)) {
        byte[] png = PngWriter.encode(picture(images, explained.maps(), b));
        AtomicFile.write(file(base, MapFormat.PNG), out -> out.write(png));
      }
      if (options.formats().contains(MapFormat.JSON)) {
        AtomicFile.writeText(
            file(base, MapFormat.JSON),
            MetricsFiles.text(describe(images.names().get(b), explained, b)));
      }
      written.add(FileNames.resolve(options.folder(), base.name() + base.qualifier()));
    }
    return written;
  }

  private RgbImage picture(ImageBatch images, SaliencyMaps maps, int b) throws IOException {
    if (options.photographs().isPresent()) {
      return options.photographs().get().under(maps, b).overlay(options.overlay());
    }
    int factor = images.factor(READABLE_SIDE);
    float[] large =
        new SaliencyMaps(maps.height(), maps.width(), new float[][] {maps.map(b)})
            .upsampled(images.height() * factor, images.width() * factor)[0];
    return options.overlay().draw(images.picture(b).enlarged(factor), large);
  }

  /** The name of an image's files, and what tells methods and classes apart. */
  private record Base(String name, String qualifier) {}

  private Path file(Base base, MapFormat format) {
    return OutputFile.place(
        options.folder(), base.name(), base.qualifier() + "." + format.optionName());
  }

  private static void writeNpy(Path file, SaliencyMaps maps, int image) throws IOException {
    try (INDArray map =
        Nd4j.create(maps.map(image), new long[] {maps.height(), maps.width()}, 'c')) {
      Npy.write(file, map);
    }
  }

  private Map<String, Object> describe(String name, Explained explained, int b) {
    int classIndex = explained.classes()[b];
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("format", FORMAT);
    map.put("image", name);
    map.put("class", classIndex);
    if (classIndex < options.labels().size()) {
      map.put("label", options.labels().get(classIndex));
    }
    map.put("probability", explained.probabilities()[b]);
    map.put("method", explained.method());
    map.put("passes", explained.forwardPasses());
    map.put("backward_passes", explained.backwardPasses());
    map.put("map", List.of(explained.maps().height(), explained.maps().width()));
    map.put("provenance", provenance.toMap());
    return map;
  }
}
