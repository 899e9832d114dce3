package org.ttame.eval.figure;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.ttame.core.Text;
import org.ttame.core.image.RgbImage;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.explain.SaliencyMaps;
import org.ttame.eval.metric.ImageBatch;
import org.ttame.eval.render.FigureSheet;
import org.ttame.eval.render.HeatmapOverlay;
import org.ttame.eval.render.Panel;

/**
 * The images of a batch, each with its most probable classes and the maps of methods × classes side
 * by side. Memory: the batch's pictures.
 */
public final class Comparison {
  /** The section its figures belong to. */
  public static final String SECTION = "images";

  /** How many classes are named under an image. */
  private static final int NAMED = 3;

  private final ImageBatch images;
  private final double[][] probabilities;
  private final List<String> labels;
  private final HeatmapOverlay overlay;
  private final Map<String, List<Shown>> byMethod = new LinkedHashMap<>();

  /** A method's maps of one class of each image, drawn over them. */
  @SuppressWarnings("ArrayRecordComponent") // passed on, never compared
  private record Shown(int[] classes, List<RgbImage> pictures) {}

  /**
   * Nothing to compare yet.
   *
   * @param images B images
   * @param probabilities B rows of the classes' probabilities
   * @param labels names of the classes by index, or an empty list where they are not known
   * @param overlay how maps are drawn
   */
  public Comparison(
      ImageBatch images, double[][] probabilities, List<String> labels, HeatmapOverlay overlay) {
    this.images = images;
    this.probabilities = probabilities.clone();
    this.labels = List.copyOf(labels);
    this.overlay = overlay;
  }

  /**
   * Adds a method's maps of one class of each image.
   *
   * @param method the method; each adds as many classes as the others, the same in the same order
   * @param classes B classes
   * @param maps B maps
   */
  public void add(String method, int[] classes, SaliencyMaps maps) {
    byMethod
        .computeIfAbsent(method, m -> new ArrayList<>())
        .add(new Shown(classes.clone(), ScenePictures.maps(images, maps, classes, overlay)));
  }

  /** A figure for each image: a row for each class, a column for each method. */
  public List<Figure> figures() {
    return IntStream.range(0, images.size()).mapToObj(this::figure).toList();
  }

  private Figure figure(int b) {
    List<String> heads = new ArrayList<>(List.of("input"));
    byMethod.keySet().forEach(method -> heads.add(ExplanationMethod.title(method)));
    List<String> classes = new ArrayList<>();
    List<List<Optional<Panel>>> rows = new ArrayList<>();
    for (Shown shown : byMethod.values().iterator().next()) {
      List<Optional<Panel>> row = new ArrayList<>();
      row.add(Optional.of(new Panel(ScenePictures.photo(images, b), List.of())));
      for (List<Shown> all : byMethod.values()) {
        row.add(Optional.of(new Panel(all.get(rows.size()).pictures().get(b), List.of())));
      }
      classes.add(probable(b, shown.classes()[b]));
      rows.add(row);
    }
    String name = images.names().get(b);
    String most = String.join(", ", mostProbable(b));
    return new Figure(
        SECTION,
        "compare",
        name,
        Text.format(
            "Maps of %s. Most probable classes: %s.",
            String.join(", ", heads.subList(1, heads.size())), most),
        new FigureSheet(
            name.substring(name.lastIndexOf('/') + 1) + ": " + most,
            heads,
            classes,
            rows,
            Optional.of(overlay.colors())));
  }

  private List<String> mostProbable(int b) {
    double[] row = probabilities[b];
    return IntStream.range(0, row.length)
        .boxed()
        .sorted((one, other) -> Double.compare(row[other], row[one]))
        .limit(NAMED)
        .map(c -> probable(b, c))
        .toList();
  }

  private String probable(int b, int classIndex) {
    return ClassLabel.probable(classIndex, probabilities[b][classIndex], labels);
  }
}
