package org.ttame.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.ttame.core.masking.Masking;
import org.ttame.eval.metric.Protocol;
import org.ttame.eval.metric.Road;

/** {@code ttame evaluate}. */
final class EvaluateCommand implements Command {
  private static final OptionSpec METRICS =
      OptionSpec.of(
          "metrics",
          "A,B",
          "ad,ic",
          "ad (average drop) and ic (increase in confidence), measured together; road (most and"
              + " least relevant pixels imputed)");
  private static final OptionSpec THRESHOLDS =
      OptionSpec.of("thresholds", "A,B,C", "100,50,15", "percentages of pixels that are kept");
  private static final OptionSpec METHODS =
      OptionSpec.of(
          "methods",
          "A,B",
          "ttame: the run; untrained: its initial values; random: coarse noise; lcam: --lcam-run or"
              + " the run; gradcam, gradcam++, scorecam, ablationcam, rise, iia"
              + " (ttame,untrained,random)");
  private static final OptionSpec MAPS =
      OptionSpec.of("maps", "DIR", "maps made elsewhere (not in this version)");
  private static final OptionSpec MASKING =
      OptionSpec.of("masking", "cnn|vit", "Eq. 13 or Eq. 14 (what the run trained with)");
  private static final OptionSpec ROAD =
      OptionSpec.of(
          "road-percentages",
          "A,B,C",
          "percentages of pixels that ROAD removes (10,20,…,90; released: 10,20,30,40,50,70,90)");
  private static final OptionSpec PROTOCOL =
      OptionSpec.of(
          "protocol",
          "NAME",
          "paper",
          "paper; released: threshold at the quantile, ties kept, CNN masking for every backbone");
  private static final OptionSpec OUT =
      OptionSpec.of("out", "DIR", "ttame-metrics", "where the tables go");

  @Override
  public CommandSpec spec() {
    return new CommandSpec(
        "evaluate",
        "AD, IC and ROAD of a run's maps, beside other methods and controls",
        null,
        List.of(
            CommonOptions.RUN,
            CommonOptions.DATA,
            METRICS,
            THRESHOLDS,
            METHODS,
            MAPS,
            MASKING,
            PROTOCOL,
            ROAD,
            MethodChoice.LCAM_RUN,
            MethodChoice.LAYER,
            MethodChoice.RISE_MASKS,
            OUT,
            RunChoice.CHECKPOINT),
        List.of(
            CommonOptions.WEIGHTS,
            CommonOptions.BACKBONE,
            CommonOptions.MEAN,
            CommonOptions.STD,
            CommonOptions.SEED,
            CommonOptions.BATCH_SIZE,
            CommonOptions.LIMIT,
            CommonOptions.STRICT,
            CommonOptions.MAX_PIXELS,
            CommonOptions.DEVICE,
            CommonOptions.ENGINE,
            CommonOptions.THREADS),
        "ttame evaluate --run runs/vgg16 --data lists/test.txt --metrics ad,ic,road",
        List.of(
            "Writes OUT/metrics.json, metrics.csv and per-image.csv. The class is the classifier's"
                + " own prediction. ROAD costs 18 passes an image and method. Foreign maps are not in"
                + " this version."));
  }

  @Override
  public Job parse(Arguments arguments) throws UsageException {
    List<String> metrics = new ArrayList<>();
    for (String metric : arguments.list(METRICS)) {
      metrics.add(Arguments.oneOf(METRICS, metric, List.of("ad", "ic", "road")));
    }
    boolean road = metrics.contains("road");
    if (arguments.has(ROAD) && !road) {
      throw new UsageException("--road-percentages belongs to --metrics road");
    }
    if (arguments.has(MAPS)) {
      throw new UsageException("--maps: this version does not measure maps made elsewhere");
    }
    MethodChoice methods = MethodChoice.parse(arguments, METHODS, true);
    List<Double> thresholds = arguments.numbers(THRESHOLDS);
    for (double threshold : thresholds) {
      if (!(threshold > 0 && threshold <= 100)) {
        throw new UsageException(
            "--thresholds %s is not above 0 and at most 100".formatted(threshold));
      }
    }
    boolean released = arguments.oneOf(PROTOCOL, "paper", "released").equals("released");
    Optional<Masking> masking = Optional.empty();
    if (arguments.has(MASKING)) {
      masking = Optional.of(Masking.parse(arguments.oneOf(MASKING, "cnn", "vit")));
    } else if (released) {
      masking = Optional.of(Masking.CNN);
    }
    return new EvaluateJob(
        methods,
        ClassifierChoice.parse(arguments),
        arguments.requiredPath(CommonOptions.DATA),
        metrics.size() > 1 || !road ? thresholds : List.of(),
        masking,
        released ? Protocol.RELEASED : Protocol.PAPER,
        road ? percentages(arguments, released) : List.of(),
        arguments.path(OUT).orElseThrow(),
        ImageSettings.parse(arguments),
        Engine.Settings.parse(arguments));
  }

  private static List<Double> percentages(Arguments arguments, boolean released)
      throws UsageException {
    if (!arguments.has(ROAD)) {
      return released ? Road.RELEASED_PERCENTAGES : Road.PAPER_PERCENTAGES;
    }
    List<Double> percentages = arguments.numbers(ROAD);
    for (double percent : percentages) {
      if (!(percent > 0 && percent < 100)) {
        throw new UsageException(
            "--road-percentages %s is not above 0 and below 100".formatted(percent));
      }
    }
    return percentages;
  }
}
