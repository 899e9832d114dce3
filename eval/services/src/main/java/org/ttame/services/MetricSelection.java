package org.ttame.services;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.ToIntFunction;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.masking.Masking;
import org.ttame.core.provenance.Sha256;
import org.ttame.eval.metric.AdIc;
import org.ttame.eval.metric.BoxEnergy;
import org.ttame.eval.metric.InsertionDeletion;
import org.ttame.eval.metric.Metric;
import org.ttame.eval.metric.PointingGame;
import org.ttame.eval.metric.Protocol;
import org.ttame.eval.metric.Road;
import org.ttame.training.data.ImageList;

/**
 * What is measured of maps.
 *
 * @param names the metrics
 * @param thresholds the percentages v of AD and IC
 * @param masking how maps are laid over images; empty for the protocol's, else the run's, else the
 *     classifier's
 * @param protocol whose definitions
 * @param road the percentages that ROAD removes
 * @param boxes where objects are; empty for the table among the images
 */
public record MetricSelection(
    List<String> names,
    List<Double> thresholds,
    Optional<Masking> masking,
    Protocol protocol,
    List<Double> road,
    Optional<Path> boxes) {
  private static final String AD = "ad";
  private static final String IC = "ic";
  private static final String ROAD = "road";
  private static final String POINTING = "pointing";
  private static final String ENERGY = "energy";
  private static final String INSERTION = "insertion";
  private static final String DELETION = "deletion";

  /** Every name. */
  public static final List<String> NAMES =
      List.of(AD, IC, ROAD, INSERTION, DELETION, POINTING, ENERGY);

  public MetricSelection {
    names = List.copyOf(names);
    thresholds = percentages("thresholds", thresholds, 100);
    // Without any pixel left there is nothing to impute from.
    road = percentages("road-percentages", road, Math.nextDown(100.0));
    Objects.requireNonNull(masking, "masking");
    Objects.requireNonNull(protocol, "protocol");
    Objects.requireNonNull(boxes, "boxes");
    for (String name : names) {
      if (!NAMES.contains(name)) {
        throw new InvalidOptionException(
            "metrics", Text.format("%s is none of %s", name, String.join(", ", NAMES)));
      }
    }
  }

  /**
   * Metrics as the paper has them.
   *
   * @param names some of {@link #NAMES}
   */
  public static MetricSelection of(String... names) {
    return of(Protocol.PAPER, names);
  }

  /**
   * Metrics as a protocol has them.
   *
   * @param protocol whose definitions
   * @param names some of {@link #NAMES}
   */
  public static MetricSelection of(Protocol protocol, String... names) {
    return new MetricSelection(
        List.of(names),
        AdIc.PAPER_THRESHOLDS,
        Optional.empty(),
        protocol,
        protocol.roadPercentages(),
        Optional.empty());
  }

  private static List<Double> percentages(String option, List<Double> percentages, double most) {
    for (double percent : percentages) {
      if (!(percent > 0 && percent <= most)) {
        throw new InvalidOptionException(
            option,
            Text.format("%s is not above 0 and %s 100", percent, most < 100 ? "below" : "at most"));
      }
    }
    return List.copyOf(percentages);
  }

  /** Whether a metric asks where objects are. */
  public boolean needsBoxes() {
    return names.contains(POINTING) || names.contains(ENERGY);
  }

  /**
   * The table of objects, if a metric needs it; refused if there is none, or it knows none of the
   * {@code whole} list's images.
   */
  Optional<BoxTable> objects(ImageList images, boolean whole, ToIntFunction<String> classOf)
      throws IOException {
    if (!needsBoxes()) {
      return Optional.empty();
    }
    Path file = table(images);
    BoxTable table = BoxTable.read(file, classOf);
    if (!whole) {
      return Optional.of(table);
    }
    for (int i = 0; i < images.size(); i++) {
      if (table.knows(images.name(i))) {
        return Optional.of(table);
      }
    }
    throw new IOException(
        Text.format(
            "%s has no box in any image of %s; it should name them like '%s'",
            file, images.source(), images.name(0)));
  }

  private Path table(ImageList images) throws IOException {
    if (boxes.isPresent()) {
      return boxes.get();
    }
    Path among = images.source().resolve(BoxTable.FILE);
    if (!Files.isRegularFile(among)) {
      throw new IOException(
          Text.format(
                  "option 'metrics' %s needs to know where objects are: give option 'boxes' FILE,"
                      + " or put %s among the",
                  String.join(",", names), BoxTable.FILE)
              + " images");
    }
    return among;
  }

  /** What tells a table of objects from another. */
  Map<String, String> identity(ImageList images) throws IOException {
    Map<String, String> identity = new LinkedHashMap<>();
    identity.put("protocol", protocol.optionName());
    if (needsBoxes()) {
      identity.put("boxes' SHA-256", Sha256.of(table(images)));
    }
    return identity;
  }

  /** Refuses another masking than the one that a run was trained with. */
  void requireMaskingOf(Optional<TrainedRun> run) throws IOException {
    if (masking.isPresent() && run.isPresent()) {
      Masking trained = run.get().folder().masking();
      if (trained != masking.get()) {
        throw InvalidOptionException.differs(
            "masking", masking.get().optionName(), run.get().run(), trained.optionName());
      }
    }
  }

  /** Makes the metrics; {@code trained} is the run's masking, the seed that of ROAD's noise. */
  List<Metric> make(FrozenClassifier classifier, Optional<Masking> trained, long seed) {
    List<Metric> metrics = new ArrayList<>();
    if (names.contains(AD) || names.contains(IC)) {
      Masking chosen =
          masking.or(protocol::masking).or(() -> trained).orElse(classifier.defaultMasking());
      metrics.add(new AdIc(classifier, chosen, protocol.keeping(), thresholds));
    }
    if (names.contains(ROAD)) {
      metrics.add(new Road(classifier, road, protocol, seed));
    }
    if (names.contains(INSERTION) || names.contains(DELETION)) {
      metrics.add(new InsertionDeletion(classifier));
    }
    if (names.contains(POINTING)) {
      metrics.add(new PointingGame());
    }
    if (names.contains(ENERGY)) {
      metrics.add(new BoxEnergy());
    }
    return metrics;
  }
}
