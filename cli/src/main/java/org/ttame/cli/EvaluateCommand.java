package org.ttame.cli;

import java.util.ArrayList;
import java.util.List;

/** {@code ttame evaluate}. */
final class EvaluateCommand implements Command {
  private static final OptionSpec METHODS =
      OptionSpec.of(
          "methods",
          "A,B",
          "ttame: the run; untrained: its initial values; random: coarse noise; lcam: --lcam-run or"
              + " the run; gradcam, gradcam++, scorecam, ablationcam, rise, iia,"
              + " iia-released, transformer-lrp for a ViT (ttame,untrained,random)");
  private static final OptionSpec JSON =
      OptionSpec.flag("json", "print metrics.json to standard output instead of the table");
  private static final OptionSpec OUT =
      OptionSpec.of("out", "DIR", "ttame-metrics", "where the tables go, and what was measured");

  @Override
  public CommandSpec spec() {
    List<OptionSpec> own = new ArrayList<>(List.of(CommonOptions.RUN, CommonOptions.DATA, METHODS));
    own.add(MapsChoice.OPTION);
    own.addAll(MetricChoice.OPTIONS);
    own.addAll(MethodChoice.OPTIONS);
    own.addAll(ReportChoice.OPTIONS);
    own.addAll(List.of(OUT, JSON, RunChoice.CHECKPOINT));
    return new CommandSpec(
        "evaluate",
        "AD, IC, ROAD and more of a run's maps, other methods' or another program's",
        null,
        own,
        CommonOptions.MEASURING,
        "ttame evaluate --run runs/vgg16 --data lists/test.txt --metrics ad,ic,road",
        List.of(
            "Writes OUT/report.html, metrics.json, metrics.csv, tables.md and tables.tex with"
                + " intervals and differences between methods, per-image.csv, and ROAD's curves"
                + " morf and lerf as png, svg and pdf. The class is the classifier's own prediction."
                + " ROAD costs 18 passes an image and method.",
            "The same command again goes on where it was stopped.",
            "--maps alone, or methods that need no run, do with --weights FILE."));
  }

  @Override
  public Job parse(Arguments arguments) throws UsageException {
    return new EvaluateJob(
        MethodChoice.parse(arguments, METHODS, true),
        ClassifierChoice.parse(arguments),
        arguments.requiredPath(CommonOptions.DATA),
        MetricChoice.parse(arguments),
        ReportChoice.parse(arguments),
        arguments.path(OUT).orElseThrow(),
        arguments.has(JSON),
        ImageSettings.parse(arguments),
        Engine.Settings.parse(arguments));
  }
}
