package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.storage.TextFile;
import org.ttame.eval.gallery.GalleryWriter;
import org.ttame.eval.output.MetricsFiles;
import org.ttame.eval.output.MetricsTable;
import org.ttame.services.ClassifierChoice;
import org.ttame.services.Evaluate;
import org.ttame.services.MethodSelection;

/** {@code ttame evaluate}. */
final class EvaluateCommand implements Command {
  private static final OptionSpec METHODS = MethodArguments.methods("ttame,untrained,random");
  private static final OptionSpec GALLERY =
      OptionSpec.of(
          "gallery",
          "N",
          Integer.toString(GalleryWriter.STANDARD),
          "images that report.html shows with their maps, spread evenly; 0: none");
  private static final OptionSpec JSON =
      OptionSpec.flag("json", "print metrics.json to standard output instead of the table");
  private static final OptionSpec OUT =
      OptionSpec.of("out", "DIR", "ttame-metrics", "output folder of tables and results");

  @Override
  public CommandSpec spec() {
    List<OptionSpec> own = new ArrayList<>(List.of(CommonOptions.RUN, CommonOptions.DATA, METHODS));
    own.add(MethodArguments.MAPS);
    own.addAll(MetricArguments.OPTIONS);
    own.addAll(MethodArguments.OPTIONS);
    own.addAll(
        List.of(GALLERY, ImageArguments.COLORMAP, CommonOptions.LABELS, CommonOptions.SHARD));
    own.addAll(List.of(OUT, JSON, MetricArguments.FAIL_IF, MethodArguments.CHECKPOINT));
    return new CommandSpec(
        "evaluate",
        "measures maps by AD, IC, ROAD and more: a run's, other methods', another program's",
        null,
        own,
        CommonOptions.MEASURING,
        "ttame evaluate --run runs/vgg16 --data lists/test.txt --metrics ad,ic,road",
        List.of(
            "For a run on the bundled sample --data defaults to its held-out scenes.",
            "Writes OUT/report.html, metrics.json, metrics.csv, tables.md and"
                + " tables.tex with intervals and differences between methods,"
                + " per-image.csv, and ROAD's curves morf and lerf as png, svg and pdf."
                + " The class is the classifier's own prediction. ROAD costs 18 passes"
                + " per image and method.",
            "Run the same command again to resume an interrupted evaluation.",
            "--maps alone, and methods that need no run, take --weights FILE"
                + " instead of --run."));
  }

  /** What it is asked for. */
  static Evaluate.Options options(Arguments arguments) throws UsageException {
    MethodSelection methods = MethodArguments.parse(arguments, METHODS, true);
    return new Evaluate.Options(
        methods,
        ImageArguments.images(arguments, CommonOptions.DATA),
        MetricArguments.parse(arguments),
        arguments.path(OUT).orElseThrow(),
        arguments.requiredInteger(GALLERY, 0),
        ImageArguments.colors(arguments),
        arguments.path(CommonOptions.LABELS),
        ImageArguments.parse(arguments),
        ImageArguments.shard(arguments),
        MetricArguments.conditions(arguments));
  }

  @Override
  public Job parse(Arguments arguments) throws UsageException {
    Evaluate.Options options = options(arguments);
    ClassifierChoice choice = ClassifierArguments.parse(arguments);
    if (arguments.has(CommonOptions.SHARD) && arguments.has(JSON)) {
      throw new UsageException("--json prints metrics.json, which 'ttame merge' writes for shards");
    }
    boolean json = arguments.has(JSON);
    Engine.Settings engine = Engine.Settings.parse(arguments);
    return console -> {
      Evaluate evaluate = new Evaluate(options, console);
      Engine.start(engine, console);
      try (FrozenClassifier classifier = choice.load(console)) {
        Evaluate.Result result = evaluate.run(classifier);
        if (result.page().isPresent()) {
          MetricsTable.format(result.measured())
              .lines()
              .forEach(json ? console::note : console::result);
        }
        print(result, options, json, console);
        MetricArguments.failIfAny(result.failures());
      }
    };
  }

  private static void print(
      Evaluate.Result result, Evaluate.Options options, boolean json, Console console)
      throws IOException {
    Path out = options.out();
    Consumer<String> say = json ? console::note : console::result;
    say.accept(
        Text.format(
            "%s: %s%s%s",
            out,
            options.shard().map(shard -> "shard " + shard + ", ").orElse(""),
            result.skipped().after(result.measured().images()),
            withoutMap(result.withoutMap())));
    result.page().ifPresent(page -> say.accept(Text.format("%s: all of it on one page", page)));
    if (json) {
      TextFile.lines(out.resolve(MetricsFiles.JSON)).forEach(console::result);
    }
  }

  /** What is reported of images that another program has no map for. */
  static String withoutMap(int images) {
    return images == 0 ? "" : Text.format("; %d without a map left out", images);
  }
}
