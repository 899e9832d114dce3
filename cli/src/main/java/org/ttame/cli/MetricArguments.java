package org.ttame.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.ttame.core.masking.Masking;
import org.ttame.eval.metric.Protocol;
import org.ttame.services.Condition;
import org.ttame.services.MetricSelection;

/** The options that say what is measured of maps. */
final class MetricArguments {
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
          "objects' boxes: a CSV file with columns image,class,x0,y0,x1,y1, in"
              + " pixels of the picture (boxes.csv among the images)");

  static final OptionSpec FAIL_IF =
      OptionSpec.of(
              "fail-if",
              "CONDITION",
              "exit with code 1 if a metric meets the condition: \"AD(50)>20\" for the first"
                  + " method, \"gradcam:IC(15)<=5\" for another")
          .repeated();

  /** The options that {@link #parse} reads. */
  static final List<OptionSpec> OPTIONS =
      List.of(METRICS, THRESHOLDS, MASKING, PROTOCOL, PERCENTAGES, BOXES);

  private MetricArguments() {}

  static MetricSelection parse(Arguments arguments) throws UsageException {
    List<String> names = new ArrayList<>();
    for (String metric : arguments.list(METRICS)) {
      names.add(Arguments.oneOf(METRICS, metric, MetricSelection.NAMES));
    }
    Protocol protocol =
        arguments.oneOf(PROTOCOL, "paper", "released").equals("released")
            ? Protocol.RELEASED
            : Protocol.PAPER;
    Optional<Masking> masking =
        arguments.has(MASKING)
            ? Optional.of(Masking.parse(arguments.oneOf(MASKING, "cnn", "vit")))
            : Optional.empty();
    MetricSelection choice =
        new MetricSelection(
            names,
            arguments.numbers(THRESHOLDS),
            masking,
            protocol,
            arguments.has(PERCENTAGES)
                ? arguments.numbers(PERCENTAGES)
                : protocol.roadPercentages(),
            arguments.path(BOXES));
    if (arguments.has(PERCENTAGES) && !names.contains("road")) {
      throw new UsageException("--road-percentages belongs to --metrics road");
    }
    if (arguments.has(BOXES) && !choice.needsBoxes()) {
      throw new UsageException("--boxes belongs to --metrics pointing or energy");
    }
    return choice;
  }

  /** What {@code --fail-if} asks for, in order. */
  static List<Condition> conditions(Arguments arguments) {
    return arguments.texts(FAIL_IF).stream().map(Condition::parse).toList();
  }

  /** Ends a command whose numbers are a failure; everything is written and printed before. */
  static void failIfAny(List<String> failures) throws WorkFailedException {
    if (!failures.isEmpty()) {
      throw new WorkFailedException("--fail-if: " + String.join("; ", failures));
    }
  }
}
