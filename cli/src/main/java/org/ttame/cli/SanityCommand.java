package org.ttame.cli;

import java.util.EnumSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import org.ttame.core.Text;
import org.ttame.eval.sanity.SanityReport;
import org.ttame.eval.sanity.SanityStage.Cascade;
import org.ttame.services.ClassifierChoice;
import org.ttame.services.MethodSelection;
import org.ttame.services.Sanity;
import org.ttame.services.Train;

/** {@code ttame sanity}. */
final class SanityCommand implements Command {
  private static final OptionSpec CHECKS =
      OptionSpec.of(
          "checks",
          "A,B",
          "backbone (the classifier, from logits to input), mechanism (from"
              + " fusion to the first branch), labels (a mechanism trained on shuffled"
              + " predictions, compared with seed; trains both), seed (the reference:"
              + " trained like the run, from another seed) (backbone,mechanism)");
  private static final OptionSpec STAGES =
      OptionSpec.of(
          "stages",
          "N",
          "randomise the classifier in at most N stages, neighbouring layers together (default: a"
              + " stage a layer, a block, or an operation with weights)");
  private static final OptionSpec METHODS =
      MethodArguments.methods("default: ttame or lcam, as the run was trained");
  private static final OptionSpec THRESHOLD =
      OptionSpec.of(
          "threshold", "X", "0.5", "a method passes if its final rank correlation is below this");
  private static final OptionSpec SHOWN =
      OptionSpec.of("shown", "N", "4", "images in the picture strips");
  private static final OptionSpec OUT =
      OptionSpec.of("out", "DIR", "ttame-sanity", "where numbers and pictures go");

  @Override
  public CommandSpec spec() {
    return new CommandSpec(
        "sanity",
        "checks whether maps depend on what was learnt, by randomising"
            + " classifier and mechanism",
        null,
        List.of(
            CommonOptions.RUN,
            CommonOptions.DATA,
            CHECKS,
            STAGES,
            METHODS,
            MethodArguments.LCAM_RUN,
            MethodArguments.LAYER,
            MethodArguments.RISE_MASKS,
            THRESHOLD,
            SHOWN,
            OUT,
            MethodArguments.CHECKPOINT),
        CommonOptions.MEASURING,
        "ttame sanity --run runs/vgg16 --data lists/test.txt --limit 200 --methods ttame,gradcam",
        List.of(
            "For a run on the bundled sample --data defaults to its held-out scenes.",
            "Similarity to the original maps (Spearman, SSIM, HOG) with 95 %"
                + " intervals at every stage, for the original class and for the current"
                + " prediction; verdicts use the original class. The image's own edges"
                + " are included as a control that must fail.",
            "Writes OUT/report.html, sanity.json, sanity.csv, curves and picture strips. Run"
                + " the same command again to resume. labels and seed train like the run,"
                + " but from the next seed and with shuffled images, into OUT/shuffled"
                + " and OUT/reseeded."));
  }

  @Override
  public Job parse(Arguments arguments) throws UsageException {
    MethodSelection methods = MethodArguments.parse(arguments, METHODS, false);
    Set<Cascade> checks = EnumSet.noneOf(Cascade.class);
    if (!arguments.has(CHECKS)) {
      checks.add(Cascade.BACKBONE);
      methods.run().ifPresent(run -> checks.add(Cascade.MECHANISM));
    }
    List<String> words = List.of("backbone", "mechanism", "labels", "seed");
    for (String word : arguments.list(CHECKS)) {
      Cascade check = Cascade.values()[words.indexOf(Arguments.oneOf(CHECKS, word, words))];
      if (check != Cascade.BACKBONE && methods.run().isEmpty()) {
        throw new UsageException(Text.format("--checks %s needs --run DIR: a training run", word));
      }
      checks.add(check);
    }
    double threshold = arguments.positive(THRESHOLD);
    if (threshold >= 1) {
      throw new UsageException(Text.format("--threshold %s is not below 1", threshold));
    }
    ClassifierChoice choice = ClassifierArguments.parse(arguments);
    Sanity.Options options =
        new Sanity.Options(
            methods,
            ImageArguments.images(arguments, CommonOptions.DATA),
            checks,
            arguments.integer(STAGES, 1).map(OptionalInt::of).orElseGet(OptionalInt::empty),
            threshold,
            arguments.requiredInteger(SHOWN, 0),
            arguments.path(OUT).orElseThrow(),
            ImageArguments.parse(arguments));
    Engine.Settings engine = Engine.Settings.parse(arguments);
    return console -> check(options, choice, engine, console);
  }

  private static void check(
      Sanity.Options options, ClassifierChoice choice, Engine.Settings engine, Console console)
      throws Exception {
    Sanity sanity = new Sanity(options, console);
    Engine.start(engine, console);
    List<Train.Result> trained = StopHook.during(sanity::stop, () -> sanity.retrain(choice));
    for (Train.Result result : trained) {
      TrainCommand.print(result, "run the same command again to resume", console);
      if (!result.training().finished()) {
        return;
      }
    }
    print(sanity.run(choice), options, console);
  }

  private static void print(Sanity.Result result, Sanity.Options options, Console console) {
    result.report().verdicts().forEach(verdict -> console.result(verdict.sentence()));
    result.report().references().forEach(console::result);
    console.result("A method " + Text.format(SanityReport.RULE, options.threshold()) + ".");
    if (options.checks().contains(Cascade.LABELS)) {
      console.result("Passing " + SanityReport.LABELS_RULE + ".");
    }
    console.result(Text.format("%s: %s", result.file(), result.skipped().after(result.images())));
    console.result(result.page() + ": all of it on one page");
  }
}
