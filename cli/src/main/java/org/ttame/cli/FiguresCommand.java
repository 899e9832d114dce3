package org.ttame.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.figure.FigureFormat;
import org.ttame.eval.figure.FigureKind;
import org.ttame.eval.render.ColorMap;

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
      OptionSpec.of(
          "methods",
          "A,B",
          "the first is shown where only one is (what the run was trained as, then gradcam,gradcam++,"
              + "iia and, for a ViT, transformer-lrp)");
  private static final OptionSpec SHOWN =
      OptionSpec.of("shown", "N", "6", "the most images a figure shows");
  private static final OptionSpec FORMAT =
      OptionSpec.of("format", "A,B,C", "png,svg,pdf", "files of each figure, beside report.html");
  private static final OptionSpec COLORMAP =
      OptionSpec.of("colormap", "NAME", "viridis", "viridis, inferno, or jet as in the paper");
  private static final OptionSpec OUT =
      OptionSpec.of("out", "DIR", "ttame-figures", "where the figures go");

  @Override
  public CommandSpec spec() {
    return new CommandSpec(
        "figures",
        "the paper's figures as files and as a page: classifiers, methods, classes",
        null,
        List.of(
            RUNS,
            IMAGES,
            FIGURES,
            METHODS,
            SHOWN,
            MetricChoice.BOXES,
            Labels.OPTION,
            MethodChoice.LAYER,
            MethodChoice.RISE_MASKS,
            COLORMAP,
            FORMAT,
            OUT),
        List.of(
            CommonOptions.WEIGHTS,
            CommonOptions.SEED,
            CommonOptions.BATCH_SIZE,
            CommonOptions.LIMIT,
            CommonOptions.LIMIT_SEED,
            CommonOptions.STRICT,
            CommonOptions.MAX_PIXELS,
            CommonOptions.DEVICE,
            CommonOptions.ENGINE,
            CommonOptions.THREADS),
        "ttame figures --runs runs/vgg16,runs/resnet50,runs/vit_b_16 --out figures",
        List.of(
            "Writes OUT/report.html, OUT/figures.json, and OUT/figures/NAME.png, .svg and .pdf, in"
                + " which text stays text. backbones and methods show images spread evenly over the"
                + " list; the others the first in its order that they are about, by the answers of"
                + " the first run, one pass an image. What is true in an image is known from labels"
                + " and boxes.",
            "road needs no run: a synthetic image whose most relevant pixels become the mean colour"
                + " or are imputed, and how much of the mask's outline is left.",
            "--weights belongs to a single run."));
  }

  @Override
  public Job parse(Arguments arguments) throws UsageException {
    List<Path> runs = new ArrayList<>();
    for (String run : arguments.list(RUNS)) {
      runs.add(Arguments.toPath(RUNS.dashed(), run));
    }
    List<ExplanationMethod> methods = methods(arguments);
    Optional<Path> weights = arguments.path(CommonOptions.WEIGHTS);
    if (weights.isPresent() && runs.size() != 1) {
      throw new UsageException("--weights belongs to a single run, --runs names " + runs.size());
    }
    boolean asked = arguments.has(FIGURES);
    Set<FigureKind> kinds = asked ? kinds(arguments) : EnumSet.allOf(FigureKind.class);
    requireRuns(kinds, asked, runs);
    ColorMap colors;
    try {
      colors = ColorMap.parse(arguments.text(COLORMAP).orElseThrow());
    } catch (IllegalArgumentException e) {
      throw new UsageException(e.getMessage());
    }
    return new FiguresJob(
        new FigureRuns(
            runs,
            weights,
            methods,
            arguments.text(MethodChoice.LAYER),
            arguments
                .integer(MethodChoice.RISE_MASKS, 1)
                .map(OptionalInt::of)
                .orElseGet(OptionalInt::empty),
            arguments.requiredLong(CommonOptions.SEED)),
        new FigureImages.Source(
            arguments.path(IMAGES),
            arguments.path(MetricChoice.BOXES),
            arguments.path(Labels.OPTION),
            ImageSettings.parse(arguments)),
        kinds,
        asked,
        arguments.requiredInteger(SHOWN, 1),
        colors,
        formats(arguments),
        arguments.path(OUT).orElseThrow(),
        Engine.Settings.parse(arguments));
  }

  private static List<ExplanationMethod> methods(Arguments arguments) throws UsageException {
    List<ExplanationMethod> methods = new ArrayList<>();
    for (String name : arguments.list(METHODS)) {
      try {
        methods.add(ExplanationMethod.parse(name));
      } catch (IllegalArgumentException e) {
        throw new UsageException(METHODS.dashed() + " " + e.getMessage());
      }
    }
    return methods;
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

  private static void requireRuns(Set<FigureKind> kinds, boolean asked, List<Path> runs)
      throws UsageException {
    if (runs.isEmpty() && kinds.stream().anyMatch(FigureKind::needsRuns)) {
      throw new UsageException(
          "--runs DIR[,DIR…] is missing: whose explanations? Only --figures road needs no run");
    }
    if (asked && kinds.contains(FigureKind.BACKBONES) && runs.size() < 2) {
      throw new UsageException(
          "--figures backbones compares classifiers: give two runs or more, --runs DIR,DIR");
    }
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
