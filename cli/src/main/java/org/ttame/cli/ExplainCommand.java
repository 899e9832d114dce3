package org.ttame.cli;

import java.util.List;
import java.util.Set;
import org.ttame.eval.output.MapFormat;
import org.ttame.eval.render.ColorMap;
import org.ttame.eval.render.HeatmapOverlay;

/** {@code ttame explain}. */
final class ExplainCommand implements Command {
  private static final OptionSpec METHOD =
      OptionSpec.of(
          "method",
          "A,B",
          "ttame, untrained, random, lcam, gradcam, gradcam++, scorecam, ablationcam, rise, iia,"
              + " iia-released, transformer-lrp for a ViT (what the run was trained as)");
  private static final OptionSpec FORMAT =
      OptionSpec.of(
          "format",
          "A,B,C",
          "png,npy,json",
          "png: overlay; npy: the map, float32 [h,w] in [0,1]; json: class, probability, passes");
  private static final OptionSpec COMPARE =
      OptionSpec.flag(
          "compare",
          "one picture an image, OUT/NAME.compare.png, with all maps side by side, and"
              + " OUT/report.html; other files only if --format asks for them");
  private static final OptionSpec COLORMAP =
      OptionSpec.of("colormap", "NAME", "viridis", "viridis, inferno, or jet as in the paper");
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
            ClassOption.OPTION,
            METHOD,
            MethodChoice.LCAM_RUN,
            MethodChoice.LAYER,
            MethodChoice.RISE_MASKS,
            COMPARE,
            FORMAT,
            COLORMAP,
            OUT,
            RunChoice.CHECKPOINT,
            Labels.OPTION),
        CommonOptions.MEASURING,
        "ttame explain --run runs/vgg16 --images photos --class top:3 --out maps",
        List.of(
            "Writes OUT/NAME.png, .npy and .json for each image, subfolders kept; with several"
                + " methods or classes OUT/NAME.METHOD.cIDX.png and so on. One network pass an image"
                + " by ttame or lcam. Methods that need no run do with --weights FILE.",
            "--compare --class top:3 --method ttame,gradcam,iia: a row for each class, a column for"
                + " each method."));
  }

  @Override
  public Job parse(Arguments arguments) throws UsageException {
    MethodChoice methods = MethodChoice.parse(arguments, METHOD, false);
    Set<MapFormat> formats;
    ColorMap colors;
    try {
      boolean none = arguments.has(COMPARE) && !arguments.has(FORMAT);
      formats = none ? Set.of() : MapFormat.parse(arguments.text(FORMAT).orElseThrow());
      colors = ColorMap.parse(arguments.text(COLORMAP).orElseThrow());
    } catch (IllegalArgumentException e) {
      throw new UsageException(e.getMessage());
    }
    return new ExplainJob(
        methods,
        ClassifierChoice.parse(arguments),
        arguments.requiredPath(CommonOptions.IMAGES),
        ClassOption.parse(arguments),
        formats,
        arguments.has(COMPARE),
        new HeatmapOverlay(colors, HeatmapOverlay.DEFAULT_OPACITY),
        arguments.path(Labels.OPTION),
        arguments.path(OUT).orElseThrow(),
        ImageSettings.parse(arguments),
        Engine.Settings.parse(arguments));
  }
}
