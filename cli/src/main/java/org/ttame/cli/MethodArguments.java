package org.ttame.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.ttame.core.Text;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.explain.MapFolderExplainer;
import org.ttame.services.MapFolder;
import org.ttame.services.MethodSelection;
import org.ttame.services.TrainedRun;

/** The options that say what explains. */
final class MethodArguments {
  static final OptionSpec CHECKPOINT =
      OptionSpec.of(
          "checkpoint",
          "NAME",
          "best, last, epoch-N or step-N (best, or last where no epoch was validated)");
  static final OptionSpec LCAM_RUN =
      OptionSpec.of(
          "lcam-run", "DIR", "a run of --variant lcam, for the method lcam beside another --run");
  static final OptionSpec LAYER =
      OptionSpec.of(
              "layer",
              "NODE",
              "what CAM methods and iia read (VGG: the ReLU before the last pool; ResNet: layer4;"
                  + " ViT: ln_1 of the last block)")
          .orCalled("layers");
  static final OptionSpec RISE_MASKS =
      OptionSpec.of("rise-masks", "N", "RISE's passes per image (4000 for VGG, else 8000)");
  static final OptionSpec MAPS =
      OptionSpec.of(
              "maps",
              "DIR|NAME=DIR",
              "maps made by another program, with --methods or alone: DIR/NAME.npy"
                  + " for each image, any size; NAME= is their name in tables")
          .repeated();

  /** What {@code --methods} may name, for its description. */
  private static final String METHODS =
      "ttame: the run; untrained: its initial values; random: coarse noise;"
          + " lcam: --lcam-run or the run; gradcam, gradcam++, scorecam,"
          + " ablationcam, rise, iia, iia-released, transformer-lrp for a ViT (";

  /** The options that {@link #parse} reads beside that of the methods. */
  static final List<OptionSpec> OPTIONS = List.of(LCAM_RUN, LAYER, RISE_MASKS);

  private static final Pattern NAMED = Pattern.compile("(" + MapFolder.NAME + ")=(.+)");

  private MethodArguments() {}

  /**
   * {@code --methods}, which may be typed {@code --method} everywhere; {@code standard} says what
   * explains where it is not given.
   */
  static OptionSpec methods(String standard) {
    return OptionSpec.of("methods", "A,B", METHODS + standard + ")").orCalled("method");
  }

  /**
   * Reads the options; with {@code controls} a run alone is joined by its controls. Refuses a
   * method that does not exist, or lacks what it is made from.
   */
  static MethodSelection parse(Arguments arguments, OptionSpec option, boolean controls)
      throws UsageException {
    List<ExplanationMethod> methods = methods(arguments, option);
    Optional<TrainedRun> run =
        arguments.has(CommonOptions.RUN) ? Optional.of(run(arguments)) : Optional.empty();
    if (run.isEmpty() && arguments.has(CHECKPOINT)) {
      throw new UsageException("--checkpoint belongs to --run DIR");
    }
    Optional<Path> lcamRun = arguments.path(LCAM_RUN);
    boolean lcam = methods.stream().anyMatch(ExplanationMethod::needsLcamRun);
    for (ExplanationMethod method : methods) {
      if (method.needsRun() && run.isEmpty()) {
        throw new UsageException(
            Text.format(
                "%s %s needs --run DIR: a training run", option.dashed(), method.optionName()));
      }
    }
    boolean nowhere = run.isEmpty() && lcamRun.isEmpty();
    if (lcam ? nowhere : lcamRun.isPresent()) {
      throw new UsageException(
          Text.format(
              "%s lcam and --lcam-run DIR belong together: a run of 'train --variant lcam'",
              option.dashed()));
    }
    List<MapFolder> maps = maps(arguments);
    if (methods.isEmpty() && run.isEmpty() && maps.isEmpty()) {
      throw new UsageException(
          Text.format(
              "--run DIR is missing: a training run; or choose another method with %s",
              option.dashed()));
    }
    require(arguments, LAYER, methods.stream().anyMatch(ExplanationMethod::readsLayer));
    require(arguments, RISE_MASKS, methods.contains(ExplanationMethod.RISE));
    return new MethodSelection(
        methods,
        controls,
        maps,
        run,
        lcamRun,
        arguments.text(LAYER),
        riseMasks(arguments),
        arguments.requiredLong(CommonOptions.SEED));
  }

  /** The run and its checkpoint; the run must be given. */
  static TrainedRun run(Arguments arguments) throws UsageException {
    return new TrainedRun(arguments.requiredPath(CommonOptions.RUN), arguments.text(CHECKPOINT));
  }

  /** The methods that an option names, possibly none. */
  static List<ExplanationMethod> methods(Arguments arguments, OptionSpec option)
      throws UsageException {
    List<ExplanationMethod> methods = new ArrayList<>();
    for (String name : arguments.list(option)) {
      try {
        methods.add(ExplanationMethod.parse(name));
      } catch (IllegalArgumentException e) {
        throw new UsageException(option.dashed() + " " + e.getMessage());
      }
    }
    return methods;
  }

  static OptionalInt riseMasks(Arguments arguments) throws UsageException {
    return arguments.integer(RISE_MASKS, 1).map(OptionalInt::of).orElseGet(OptionalInt::empty);
  }

  /** Maps made elsewhere; a folder that there is is never taken for a name. */
  private static List<MapFolder> maps(Arguments arguments) throws UsageException {
    List<MapFolder> maps = new ArrayList<>();
    for (String text : arguments.texts(MAPS)) {
      Path whole = Arguments.toPath(MAPS.dashed(), text);
      Matcher named = NAMED.matcher(text);
      maps.add(
          !named.matches() || Files.isDirectory(whole)
              ? new MapFolder(MapFolderExplainer.NAME, whole)
              : new MapFolder(named.group(1), Arguments.toPath(MAPS.dashed(), named.group(2))));
    }
    return maps;
  }

  private static void require(Arguments arguments, OptionSpec option, boolean used)
      throws UsageException {
    if (arguments.has(option) && !used) {
      throw new UsageException(
          Text.format("%s: none of the chosen methods uses it", option.dashed()));
    }
  }
}
