package org.ttame.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.Text;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.figure.Figure;
import org.ttame.eval.figure.FigureFiles;
import org.ttame.eval.figure.FigureKind;
import org.ttame.eval.render.FigureFormat;
import org.ttame.services.ClassifierChoice;
import org.ttame.services.FigureImages;
import org.ttame.services.FigureRuns;
import org.ttame.services.Figures;

/** {@code ttame figures}. */
final class FiguresCommand implements Command {
  private static final OptionSpec RUNS =
      OptionSpec.of("runs", "DIR,DIR", "training runs, one or several, of the same classes");
  private static final OptionSpec IMAGES =
      OptionSpec.of(
          "images",
          "PATH",
          "images: one file, a folder, or a text file of paths (the sample's held-out scenes, where"
              + " the first run was trained on the sample)");
  private static final OptionSpec FIGURES =
      OptionSpec.of(
          "figures",
          "A,B",
          "backbones, methods, wrong-class, several-classes, misclassified, road (all that the runs"
              + " allow)");
  private static final OptionSpec METHODS =
      MethodArguments.methods(
          "what the run was trained as, then gradcam,gradcam++,iia and, for a"
              + " ViT, transformer-lrp; figures with one method show the first");
  private static final OptionSpec SHOWN =
      OptionSpec.of("shown", "N", "6", "maximum number of images per figure");
  private static final OptionSpec FORMAT =
      OptionSpec.of("format", "A,B,C", "png,svg,pdf", "files of each figure, beside report.html");
  private static final OptionSpec OUT =
      OptionSpec.of("out", "DIR", "ttame-figures", "where the figures go");

  @Override
  public CommandSpec spec() {
    return new CommandSpec(
        "figures",
        "draws the paper's figures of one or several runs, as files and as a page",
        null,
        List.of(
            RUNS,
            IMAGES,
            FIGURES,
            METHODS,
            SHOWN,
            MetricArguments.BOXES,
            CommonOptions.LABELS,
            MethodArguments.LAYER,
            MethodArguments.RISE_MASKS,
            ImageArguments.COLORMAP,
            FORMAT,
            OUT),
        OptionSpec.all(
            List.of(CommonOptions.WEIGHTS, CommonOptions.SEED, CommonOptions.BATCH_SIZE),
            CommonOptions.READING,
            CommonOptions.COMPUTING_ROUNDED),
        "ttame figures --runs runs/vgg16,runs/resnet50,runs/vit_b_16 --out figures",
        List.of(
            "Writes OUT/report.html, OUT/figures.json, and OUT/figures/NAME.png,"
                + " .svg and .pdf, with selectable text. backbones and methods show"
                + " images spread evenly over the list; the others show the first"
                + " matching images in list order, by the predictions of the first run,"
                + " one pass per image. True classes come from labels and boxes.",
            "road needs no run: a synthetic image whose most relevant pixels are"
                + " replaced by the mean colour or imputed, and how visible the mask's"
                + " outline remains.",
            "--weights belongs to a single run."));
  }

  @Override
  public Job parse(Arguments arguments) throws UsageException {
    List<Path> runs = new ArrayList<>();
    for (String run : arguments.list(RUNS)) {
      runs.add(Arguments.toPath(RUNS.dashed(), run));
    }
    List<ExplanationMethod> methods = MethodArguments.methods(arguments, METHODS);
    Optional<Path> weights = arguments.path(CommonOptions.WEIGHTS);
    if (weights.isPresent() && runs.size() != 1) {
      throw new UsageException("--weights belongs to a single run, --runs names " + runs.size());
    }
    boolean asked = arguments.has(FIGURES);
    Set<FigureKind> kinds = asked ? kinds(arguments) : EnumSet.allOf(FigureKind.class);
    Figures.Options options =
        new Figures.Options(
            new FigureRuns(
                runs,
                methods,
                arguments.text(MethodArguments.LAYER),
                MethodArguments.riseMasks(arguments),
                arguments.requiredLong(CommonOptions.SEED),
                ClassifierArguments.precision(arguments)),
            new FigureImages.Source(
                arguments.path(IMAGES),
                arguments.path(MetricArguments.BOXES),
                arguments.path(CommonOptions.LABELS),
                ImageArguments.parse(arguments)),
            kinds,
            asked,
            arguments.requiredInteger(SHOWN, 1),
            ImageArguments.colors(arguments),
            formats(arguments),
            arguments.path(OUT).orElseThrow());
    BackboneOptions known = ClassifierArguments.images(arguments, BackboneOptions.defaults());
    Engine.Settings engine = Engine.Settings.parse(arguments);
    return console -> {
      if (kinds.stream().anyMatch(FigureKind::needsRuns)) {
        Engine.start(engine, console);
      }
      Figures figures = new Figures(options, console);
      Figures.Result result =
          figures.run(run -> new ClassifierChoice(weights, Optional.of(run), known).load(console));
      for (Figure figure : result.figures()) {
        console.result(
            Text.format(
                "%s: %d pictures",
                options.out().resolve(FigureFiles.FOLDER).resolve(figure.name()),
                figure.sheet().pictures()));
      }
      console.result(
          Text.format(
              "%s: all of it on one page%s",
              result.page(),
              result.skipped().total() == 0 ? "" : "; " + result.skipped().describe()));
    };
  }

  private static Set<FigureKind> kinds(Arguments arguments) throws UsageException {
    Set<FigureKind> kinds = EnumSet.noneOf(FigureKind.class);
    for (String name : arguments.list(FIGURES)) {
      try {
        kinds.add(FigureKind.parse(name));
      } catch (IllegalArgumentException e) {
        throw new UsageException(FIGURES.dashed() + " " + e.getMessage());
      }
    }
    return kinds;
  }

  private static Set<FigureFormat> formats(Arguments arguments) throws UsageException {
    Set<FigureFormat> formats = EnumSet.noneOf(FigureFormat.class);
    for (String word : arguments.list(FORMAT)) {
      String name = Arguments.oneOf(FORMAT, word, List.of("png", "svg", "pdf"));
      formats.add(FigureFormat.valueOf(name.toUpperCase(Locale.ROOT)));
    }
    return formats;
  }
}
