package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
 * What {@code evaluate} measures.
 *
 * @param names the metrics
 * @param thresholds the percentages v of AD and IC
 * @param masking how maps are laid over images; empty for the run's, or the classifier's
 * @param protocol whose definitions
 * @param road the percentages that ROAD removes
 * @param boxes where objects are; empty for the table among the images
 */
record MetricChoice(
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

  static final OptionSpec METRICS =
      OptionSpec.of(
          "metrics",
          "A,B",
          "ad,ic",
          "ad (average drop) and ic (increase in confidence), measured together; road (most and"
              + " least relevant pixels imputed); insertion and deletion, measured together; pointing"
              + " (game) and energy in the boxes");
  static final OptionSpec THRESHOLDS =
      OptionSpec.of("thresholds", "A,B,C", "100,50,15", "percentages of pixels that are kept");
  static final OptionSpec MASKING =
      OptionSpec.of("masking", "cnn|vit", "Eq. 13 or Eq. 14 (what the run trained with)");
  static final OptionSpec PROTOCOL =
      OptionSpec.of(
          "protocol",
          "NAME",
          "paper",
          "paper; released: threshold at the quantile, ties kept, CNN masking for every backbone");
  static final OptionSpec PERCENTAGES =
      OptionSpec.of(
          "road-percentages",
          "A,B,C",
          "percentages of pixels that ROAD removes (10,20,…,90; released: 10,20,30,40,50,70,90)");
  static final OptionSpec BOXES =
      OptionSpec.of(
          "boxes",
          "FILE",
          "where objects are: a table with columns image,class,x0,y0,x1,y1, in pixels of the picture"
              + " (boxes.csv among the images)");

  /** The options that {@link #parse} reads. */
  static final List<OptionSpec> OPTIONS =
      List.of(METRICS, THRESHOLDS, MASKING, PROTOCOL, PERCENTAGES, BOXES);

  static MetricChoice parse(Arguments arguments) throws UsageException {
    List<String> names = new ArrayList<>();
    for (String metric : arguments.list(METRICS)) {
      names.add(
          Arguments.oneOf(
              METRICS, metric, List.of(AD, IC, ROAD, INSERTION, DELETION, POINTING, ENERGY)));
    }
    boolean released = arguments.oneOf(PROTOCOL, "paper", "released").equals("released");
    Optional<Masking> masking = Optional.empty();
    if (arguments.has(MASKING)) {
      masking = Optional.of(Masking.parse(arguments.oneOf(MASKING, "cnn", "vit")));
    } else if (released) {
      masking = Optional.of(Masking.CNN);
    }
    MetricChoice choice =
        new MetricChoice(
            List.copyOf(names),
            percentages(arguments, THRESHOLDS, 100),
            masking,
            released ? Protocol.RELEASED : Protocol.PAPER,
            road(arguments, released),
            arguments.path(BOXES));
    if (arguments.has(PERCENTAGES) && !names.contains(ROAD)) {
      throw new UsageException("--road-percentages belongs to --metrics road");
    }
    if (arguments.has(BOXES) && !choice.needsBoxes()) {
      throw new UsageException("--boxes belongs to --metrics pointing or energy");
    }
    return choice;
  }

  private static List<Double> road(Arguments arguments, boolean released) throws UsageException {
    if (arguments.has(PERCENTAGES)) {
      // Without any pixel left there is nothing to impute from.
      return percentages(arguments, PERCENTAGES, Math.nextDown(100.0));
    }
    return released ? Road.RELEASED_PERCENTAGES : Road.PAPER_PERCENTAGES;
  }

  private static List<Double> percentages(Arguments arguments, OptionSpec option, double most)
      throws UsageException {
    List<Double> percentages = arguments.numbers(option);
    for (double percent : percentages) {
      if (!(percent > 0 && percent <= most)) {
        throw new UsageException(
            Text.format(
                "%s %s is not above 0 and %s 100",
                option.dashed(), percent, most < 100 ? "below" : "at most"));
      }
    }
    return percentages;
  }

  private boolean needsBoxes() {
    return names.contains(POINTING) || names.contains(ENERGY);
  }

  /**
   * The table of objects, if a metric needs it.
   *
   * @param images the images it is about
   * @throws IOException if there is none, or it knows none of the images
   */
  Optional<BoxTable> objects(ImageList images) throws IOException {
    if (!needsBoxes()) {
      return Optional.empty();
    }
    Path file = table(images);
    BoxTable table = BoxTable.read(file);
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
                  "--metrics %s needs to know where objects are: give --boxes FILE, or put %s among the",
                  String.join(",", names), BoxTable.FILE)
              + " images");
    }
    return among;
  }

  /** What tells a table of objects from another. */
  Map<String, String> identity(ImageList images) throws IOException {
    Map<String, String> identity = new LinkedHashMap<>();
    identity.put(PROTOCOL.name(), protocol.optionName());
    if (needsBoxes()) {
      identity.put("boxes' SHA-256", Sha256.of(table(images)));
    }
    return identity;
  }

  /**
   * Refuses another masking than a run's.
   *
   * @param run the run, if there is one
   * @throws UsageException if it was trained with another one than is asked for
   */
  void requireMaskingOf(Optional<RunChoice> run) throws IOException, UsageException {
    if (masking.isPresent() && run.isPresent()) {
      Masking trained = run.get().folder().masking();
      if (trained != masking.get()) {
        throw ClassifierChoice.differs(
            MASKING, masking.get().optionName(), run.get().run(), trained.optionName());
      }
    }
  }

  /**
   * Makes the metrics.
   *
   * @param classifier stays the caller's
   * @param trained what the run was trained with, if there is one
   * @param seed of ROAD's noise
   */
  List<Metric> make(FrozenClassifier classifier, Optional<Masking> trained, long seed) {
    List<Metric> metrics = new ArrayList<>();
    if (names.contains(AD) || names.contains(IC)) {
      Masking chosen = masking.or(() -> trained).orElse(classifier.defaultMasking());
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
