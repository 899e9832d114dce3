package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.masking.Masking;
import org.ttame.eval.explain.Explainer;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.explain.MapFolderExplainer;
import org.ttame.eval.explain.MethodCatalog;
import org.ttame.eval.explain.MethodOptions;
import org.ttame.training.run.RunFolder;

/**
 * Which methods explain, and what they are made from.
 *
 * @param methods the methods in order; empty for what the run was trained as
 * @param controls whether that is joined by the untrained mechanism and by random maps
 * @param maps maps made elsewhere, measured after the methods
 * @param run the run of T-TAME, or of L-CAM alone; empty where no method needs one
 * @param lcamRun a run of L-CAM beside {@code run}
 * @param layer the node that methods of one layer read; empty for the standard one
 * @param riseMasks how many masks RISE takes; empty for its paper's number
 * @param seed of what methods draw
 */
record MethodChoice(
    List<ExplanationMethod> methods,
    boolean controls,
    Optional<MapsChoice> maps,
    Optional<RunChoice> run,
    Optional<Path> lcamRun,
    Optional<String> layer,
    OptionalInt riseMasks,
    long seed) {
  static final OptionSpec LCAM_RUN =
      OptionSpec.of(
          "lcam-run", "DIR", "a run of --variant lcam, for the method lcam beside another --run");
  static final OptionSpec LAYER =
      OptionSpec.of(
          "layer",
          "NODE",
          "what CAM methods and iia read (VGG: the ReLU before the last pool; ResNet: layer4; ViT:"
              + " ln_1 of the last block)");
  static final OptionSpec RISE_MASKS =
      OptionSpec.of("rise-masks", "N", "RISE's passes an image (4000 for VGG, else 8000)");

  /** The options that {@link #parse} reads beside that of the methods. */
  static final List<OptionSpec> OPTIONS = List.of(LCAM_RUN, LAYER, RISE_MASKS);

  /**
   * Reads the options.
   *
   * @param option names the methods, separated by commas
   * @param controls whether a run alone is joined by its controls
   * @throws UsageException if a method does not exist, or lacks what it is made from
   */
  static MethodChoice parse(Arguments arguments, OptionSpec option, boolean controls)
      throws UsageException {
    List<ExplanationMethod> methods = new ArrayList<>();
    for (String name : arguments.list(option)) {
      methods.add(method(option, name));
    }
    Optional<RunChoice> run = RunChoice.parseIfGiven(arguments);
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
    Optional<MapsChoice> maps = MapsChoice.parse(arguments);
    if (methods.isEmpty() && run.isEmpty() && maps.isEmpty()) {
      throw new UsageException(
          Text.format(
              "--run DIR is missing: a training run; or say with %s what else should explain",
              option.dashed()));
    }
    require(arguments, LAYER, methods.stream().anyMatch(ExplanationMethod::readsLayer));
    require(arguments, RISE_MASKS, methods.contains(ExplanationMethod.RISE));
    return new MethodChoice(
        List.copyOf(methods),
        controls,
        maps,
        run,
        lcamRun,
        arguments.text(LAYER),
        arguments.integer(RISE_MASKS, 1).map(OptionalInt::of).orElseGet(OptionalInt::empty),
        arguments.requiredLong(CommonOptions.SEED));
  }

  private static ExplanationMethod method(OptionSpec option, String name) throws UsageException {
    try {
      return ExplanationMethod.parse(name);
    } catch (IllegalArgumentException e) {
      throw new UsageException(option.dashed() + " " + e.getMessage());
    }
  }

  private static void require(Arguments arguments, OptionSpec option, boolean used)
      throws UsageException {
    if (arguments.has(option) && !used) {
      throw new UsageException(
          Text.format("%s: none of the methods asked for takes it", option.dashed()));
    }
  }

  /** What is said of the runs, for provenance. */
  Map<String, String> provenance() throws IOException {
    Map<String, String> known = new LinkedHashMap<>();
    if (run.isPresent()) {
      known.put("run", run.get().run().toString());
      known.put("checkpoint", run.get().checkpointName());
    }
    if (lcamRun.isPresent()) {
      known.put("lcam-run", lcamRun.get().toString());
      known.put("lcam-checkpoint", RunFolder.open(lcamRun.get()).preferred());
    }
    maps.ifPresent(choice -> known.put("maps", choice.folder().toString()));
    return known;
  }

  /** How the run was trained to lay maps over images; empty where there is none. */
  Optional<Masking> masking() throws IOException {
    return run.isPresent() ? Optional.of(run.get().folder().masking()) : Optional.empty();
  }

  /** What tells the runs from others, wherever they lie: checkpoints and their sums. */
  Map<String, String> identity() throws IOException {
    Map<String, String> known = new LinkedHashMap<>();
    if (run.isPresent()) {
      known.put("checkpoint", identity(run.get().folder(), run.get().checkpointName()));
    }
    if (lcamRun.isPresent()) {
      RunFolder folder = RunFolder.open(lcamRun.get());
      known.put("lcam-checkpoint", identity(folder, folder.preferred()));
    }
    return known;
  }

  private static String identity(RunFolder folder, String checkpoint) throws IOException {
    return Text.format(
        "%s (SHA-256 %s)", checkpoint, folder.checkpoints().get(checkpoint).attentionSha256());
  }

  /**
   * Makes the methods.
   *
   * @param classifier stays the caller's
   * @param batch masked images a pass
   * @param listener hears of the passes of methods that take many
   * @throws IOException if a run cannot be read
   */
  Made make(FrozenClassifier classifier, int batch, MethodOptions.Listener listener)
      throws IOException {
    return new Made(this, classifier, new MethodOptions(layer, riseMasks, seed, batch, listener));
  }

  /** The methods, and the mechanisms they were made from. */
  static final class Made implements AutoCloseable {
    private final List<AttentionMechanism> mechanisms = new ArrayList<>();
    private final MethodCatalog catalog;
    private final List<Explainer> explainers = new ArrayList<>();
    private Optional<MapFolderExplainer> folder = Optional.empty();

    private Made(MethodChoice choice, FrozenClassifier classifier, MethodOptions options)
        throws IOException {
      catalog = new MethodCatalog(classifier, options);
      try {
        fill(choice, classifier);
      } catch (IOException | RuntimeException e) {
        close();
        throw e;
      }
    }

    private void fill(MethodChoice choice, FrozenClassifier classifier) throws IOException {
      List<ExplanationMethod> wanted = choice.methods();
      if (choice.run().isPresent()) {
        AttentionMechanism mechanism = keep(choice.run().get().mechanism(classifier));
        catalog.run(mechanism);
        if (wanted.isEmpty() && choice.maps().isEmpty()) {
          ExplanationMethod own = MethodCatalog.of(mechanism);
          wanted =
              choice.controls()
                  ? List.of(own, ExplanationMethod.UNTRAINED, ExplanationMethod.RANDOM)
                  : List.of(own);
        }
      }
      if (choice.lcamRun().isPresent()) {
        RunFolder trained = RunFolder.open(choice.lcamRun().get());
        trained.classifier().requireSame(classifier);
        AttentionMechanism mechanism = keep(trained.mechanism(classifier, trained.preferred()));
        try {
          catalog.lcam(mechanism);
        } catch (IllegalArgumentException e) {
          throw new IOException(
              Text.format("--lcam-run %s: %s", trained.path(), e.getMessage()), e);
        }
      }
      for (ExplanationMethod method : wanted) {
        explainers.add(catalog.explainer(method));
      }
      if (choice.maps().isPresent()) {
        MapsChoice maps = choice.maps().get();
        folder = Optional.of(new MapFolderExplainer(maps.name(), maps.folder()));
        explainers.add(folder.get());
      }
    }

    private AttentionMechanism keep(AttentionMechanism mechanism) {
      mechanisms.add(mechanism);
      return mechanism;
    }

    /** Maps made elsewhere, where they take part. */
    Optional<MapFolderExplainer> maps() {
      return folder;
    }

    /** The methods in order; closed with this. */
    List<Explainer> explainers() {
      return explainers;
    }

    @Override
    public void close() {
      catalog.close();
      folder.ifPresent(MapFolderExplainer::close);
      mechanisms.forEach(AttentionMechanism::close);
    }
  }
}
