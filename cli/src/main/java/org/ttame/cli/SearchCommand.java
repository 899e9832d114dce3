package org.ttame.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.eval.experiment.SearchFiles;
import org.ttame.eval.experiment.SearchPlan;
import org.ttame.eval.experiment.TrialResult;
import org.ttame.services.ClassifierChoice;
import org.ttame.services.Search;
import org.ttame.services.TrainingInputs;
import org.ttame.training.TrainingOptions;

/** {@code ttame search}. */
final class SearchCommand implements Command {
  private static final OptionSpec MAX_LR =
      OptionSpec.of("max-lr", "A,B", "largest learning rates to try (1e-3)");
  private static final OptionSpec EPOCHS =
      OptionSpec.of(
          "epochs", "A,B", "1,2,3,4,5,6,7,8", "epoch counts to try, each a run of its own");
  private static final List<OptionSpec> LAMBDAS =
      List.of(
          OptionSpec.of("lambda1", "A,B", "weights of the cross-entropy to try (1.5)"),
          OptionSpec.of("lambda2", "A,B", "weights of area and variation to try (2)"),
          OptionSpec.of("lambda3", "A,B", "weights of variation to try (0.005)"),
          OptionSpec.of("lambda4", "A,B", "exponents of the area to try (0.3)"));
  private static final OptionSpec OUT =
      OptionSpec.of("out", "DIR", "ttame-search", "where trainings and results go");

  @Override
  public CommandSpec spec() {
    List<OptionSpec> own =
        new ArrayList<>(
            List.of(
                CommonOptions.WEIGHTS,
                CommonOptions.DATA,
                TrainingArguments.VAL,
                CommonOptions.BACKBONE,
                OUT,
                EPOCHS,
                MAX_LR));
    own.addAll(LAMBDAS);
    own.addAll(
        List.of(
            TrainingArguments.BATCH_SIZE,
            TrainingArguments.MAX_STEPS,
            CommonOptions.LAYERS,
            TrainingArguments.VARIANT,
            TrainingArguments.MASKING,
            TrainingArguments.LOSS,
            TrainingArguments.AUGMENT,
            TrainingArguments.WEIGHT_DECAY,
            TrainingArguments.DECODE_THREADS));
    return new CommandSpec(
        "search",
        "searches epochs, learning rate and lambdas on a grid, selecting on validation images",
        null,
        own,
        CommonOptions.TRAINING,
        "ttame search --weights vgg16.onnx --data imagenet/train --val lists/val.txt --max-lr"
            + " 1e-3,1e-2",
        List.of(
            "Trains every combination of the values given and selects the one with the smallest"
                + " AD(15) - IC(15) on the validation images after its last epoch. Without"
                + " --weights and --data it works on the bundled sample.",
            "Each training is a run in OUT/trials; OUT/report.html, search.json and"
                + " search.csv record every one. Ctrl-C saves and stops; run the same command again"
                + " to resume."));
  }

  @Override
  public Job parse(Arguments arguments) throws UsageException {
    TrainingInputs.Source source = TrainingArguments.source(arguments, "search");
    boolean sample = source.sample().isPresent();
    if (!sample && source.val().isEmpty()) {
      throw new UsageException("--val PATH is missing: images to select by");
    }
    List<OptionSpec> tried = new ArrayList<>(List.of(EPOCHS, MAX_LR));
    tried.addAll(LAMBDAS);
    Map<String, String> others = new LinkedHashMap<>(arguments.given());
    List<SearchPlan.Axis> axes = new ArrayList<>();
    for (OptionSpec option : tried) {
      others.remove(option.name());
      if (arguments.text(option).isPresent()) {
        axes.add(new SearchPlan.Axis(option.name(), arguments.list(option)));
      }
    }
    TrainingOptions base = TrainingArguments.options(new Arguments(others, List.of()), sample);
    Search.Options options;
    try {
      options =
          new Search.Options(
              source,
              base,
              axes,
              TrainingArguments.isAuto(arguments),
              arguments.path(OUT).orElseThrow(),
              TrainCommand.known(arguments));
    } catch (IllegalArgumentException e) {
      throw new UsageException(e.getMessage());
    }
    BackboneOptions known = TrainingArguments.classifier(arguments, source);
    Engine.Settings engine = Engine.Settings.parse(arguments);
    return console -> {
      Engine.start(engine, console);
      Search search = new Search(options, console);
      try (FrozenClassifier classifier =
          ClassifierChoice.of(search.weights(), known).load(console)) {
        Search.Result result =
            StopHook.leaving(
                search::stop,
                () -> search.run(classifier, plan -> AblateCommand.print(plan, console)),
                found -> found.results().size() == found.planned());
        if (result.best().isEmpty()) {
          AblateCommand.printStopped(result.results().size(), result.planned(), console);
          return;
        }
        TrialResult best = result.best().get();
        console.result(
            Text.format(
                "best: %s, AD(15%%) - IC(15%%) %.2f",
                best.trial().name(), SearchFiles.score(best)));
        console.result("selected by the " + SearchFiles.RULE);
        console.result(result.file().toString());
        result.page().ifPresent(page -> console.result(page + ": all of it on one page"));
      }
    };
  }
}
