package org.ttame.cli;

import java.util.List;
import java.util.Set;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.storage.FileNames;
import org.ttame.eval.output.ExplanationWriter;
import org.ttame.eval.output.MapFormat;
import org.ttame.eval.render.HeatmapOverlay;
import org.ttame.services.ClassSelection;
import org.ttame.services.ClassifierChoice;
import org.ttame.services.Explain;
import org.ttame.services.MethodSelection;

/** {@code ttame explain}. */
final class ExplainCommand implements Command {
  private static final OptionSpec METHODS =
      MethodArguments.methods("default: ttame or lcam, as the run was trained");
  private static final OptionSpec FORMAT =
      OptionSpec.of(
          "format",
          "A,B,C",
          "png,npy,json",
          "png: overlay; npy: the map, float32 [h,w] in [0,1]; json: class, probability, passes");
  private static final OptionSpec CLASS =
      OptionSpec.of(
          "class",
          "CLASS",
          "predicted",
          "predicted, an index, a name (name:X if X reads like one of these), top:K for the K most"
              + " probable, or label for that of the list");
  private static final OptionSpec COMPARE =
      OptionSpec.flag(
          "compare",
          "one picture per image, OUT/NAME.compare.png, with all maps side by"
              + " side, and OUT/report.html; other files only if --format asks for them");
  private static final OptionSpec OPACITY =
      OptionSpec.of(
          "opacity",
          "A",
          Double.toString(HeatmapOverlay.DEFAULT_OPACITY),
          "of the heatmap over the photograph: 0 shows the photograph alone, 1 the heatmap alone");
  private static final OptionSpec SIZE =
      OptionSpec.of(
          "size",
          "SIZE",
          "original",
          "of NAME.png: original, the photograph's own; input, the crop that the classifier sees");
  private static final OptionSpec OUT =
      OptionSpec.of("out", "DIR", "ttame-maps", "where the maps go");

  @Override
  public CommandSpec spec() {
    return new CommandSpec(
        "explain",
        "writes explanation maps for images",
        null,
        List.of(
            CommonOptions.RUN,
            CommonOptions.IMAGES,
            CLASS,
            METHODS,
            MethodArguments.LCAM_RUN,
            MethodArguments.LAYER,
            MethodArguments.RISE_MASKS,
            COMPARE,
            FORMAT,
            ImageArguments.COLORMAP,
            OPACITY,
            SIZE,
            OUT,
            MethodArguments.CHECKPOINT,
            CommonOptions.LABELS,
            CommonOptions.SHARD),
        CommonOptions.MEASURING,
        "ttame explain --run runs/vgg16 --images photos --class top:3 --out maps",
        List.of(
            "For a run on the bundled sample --images defaults to its held-out scenes.",
            "Writes OUT/NAME.png, .npy and .json for each image, subfolders kept;"
                + " with several methods or classes OUT/NAME.METHOD.cIDX.png and so on."
                + " ttame and lcam take one network pass per image. Methods that need no"
                + " run take --weights FILE instead of --run.",
            "--compare --class top:3 --method ttame,gradcam,iia: a row for each class, a column for"
                + " each method."));
  }

  /** What it is asked for. */
  static Explain.Options options(Arguments arguments) throws UsageException {
    MethodSelection methods = MethodArguments.parse(arguments, METHODS, false);
    Set<MapFormat> formats;
    try {
      boolean none = arguments.has(COMPARE) && !arguments.has(FORMAT);
      formats = none ? Set.of() : MapFormat.parse(arguments.text(FORMAT).orElseThrow());
    } catch (IllegalArgumentException e) {
      throw new UsageException(e.getMessage());
    }
    return new Explain.Options(
        methods,
        ImageArguments.images(arguments, CommonOptions.IMAGES),
        classes(arguments),
        formats,
        arguments.has(COMPARE),
        new HeatmapOverlay(ImageArguments.colors(arguments), opacity(arguments)),
        arguments.oneOf(SIZE, "original", "input").equals("original")
            ? ExplanationWriter.Size.ORIGINAL
            : ExplanationWriter.Size.INPUT,
        arguments.path(CommonOptions.LABELS),
        arguments.path(OUT).orElseThrow(),
        ImageArguments.parse(arguments),
        ImageArguments.shard(arguments));
  }

  @Override
  public Job parse(Arguments arguments) throws UsageException {
    Explain.Options options = options(arguments);
    ClassifierChoice choice = ClassifierArguments.parse(arguments);
    Engine.Settings engine = Engine.Settings.parse(arguments);
    return console -> {
      Explain explain = new Explain(options, console);
      Engine.start(engine, console);
      try (FrozenClassifier classifier = choice.load(console)) {
        Explain.Result result =
            explain.run(
                classifier,
                written ->
                    console.result(FileNames.shown(written.file()) + ": " + written.shows()));
        result.page().ifPresent(page -> console.result(page + ": all of it on one page"));
        console.result(
            Text.format(
                "%s: maps of %s for %s",
                options.out(),
                String.join(" and ", result.sizes()),
                result.skipped().after(result.images())));
      }
    };
  }

  private static double opacity(Arguments arguments) throws UsageException {
    String text = arguments.text(OPACITY).orElseThrow();
    double opacity = Arguments.toNumber(OPACITY.dashed(), text);
    if (opacity < 0 || opacity > 1) {
      throw new UsageException(Text.format("--opacity %s is not between 0 and 1", text));
    }
    return opacity;
  }

  private static ClassSelection classes(Arguments arguments) throws UsageException {
    String text = arguments.text(CLASS).orElseThrow();
    if (text.equals("predicted")) {
      return ClassSelection.predicted();
    }
    if (text.equals("label")) {
      return ClassSelection.label();
    }
    if (text.startsWith("top:")) {
      return ClassSelection.top(Arguments.toInteger("--class top:", text.substring(4), 1));
    }
    if (text.isBlank() || text.matches("-\\d+")) {
      throw new UsageException(
          Text.format(
              "--class %s is neither predicted, label, top:K nor a class's index or name", text));
    }
    return text.matches("\\d+")
        ? ClassSelection.of(Arguments.toInteger("--class", text, 0))
        : ClassSelection.of(text);
  }
}
