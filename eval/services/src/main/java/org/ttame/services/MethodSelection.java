package org.ttame.services;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.masking.Masking;
import org.ttame.eval.explain.Explainer;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.explain.MapFolderExplainer;
import org.ttame.eval.explain.MethodCatalog;
import org.ttame.eval.explain.MethodOptions;
import org.ttame.eval.output.EvaluationFolder;
import org.ttame.training.run.RunFolder;

/**
 * Which methods explain, and what they are made from.
 *
 * @param methods the methods in order; empty for what the run was trained as
 * @param controls whether that is joined by the untrained mechanism and by random maps
 * @param maps maps made elsewhere, in order, measured after the methods
 * @param run the run of T-TAME, or of L-CAM alone; empty where no method needs one
 * @param lcamRun a run of L-CAM beside {@code run}
 * @param layer the node that methods of one layer read; empty for the standard one
 * @param riseMasks how many masks RISE takes; empty for its paper's number
 * @param seed of what methods draw
 */
public record MethodSelection(
    List<ExplanationMethod> methods,
    boolean controls,
    List<MapFolder> maps,
    Optional<TrainedRun> run,
    Optional<Path> lcamRun,
    Optional<String> layer,
    OptionalInt riseMasks,
    long seed) {
  /** The seed unless told otherwise. */
  public static final long SEED = 42;

  public MethodSelection {
    methods = List.copyOf(methods);
    maps = List.copyOf(maps);
    List<String> folders = maps.stream().map(MapFolder::name).toList();
    if (folders.stream().distinct().count() < folders.size()) {
      throw new InvalidOptionException(
          "maps", "needs a name for each folder, NAME=DIR; got " + String.join(", ", folders));
    }
    Objects.requireNonNull(layer, "layer");
    if (methods.isEmpty() && run.isEmpty() && maps.isEmpty()) {
      throw new InvalidOptionException("run", "is missing, and so are methods that need none");
    }
    for (ExplanationMethod method : methods) {
      if (method.needsRun() && run.isEmpty()) {
        throw new InvalidOptionException(
            "run", Text.format("is missing: the method %s needs one", method.optionName()));
      }
    }
  }

  /** What a run was trained as. */
  public static MethodSelection of(TrainedRun run) {
    return new MethodSelection(
        List.of(),
        false,
        List.of(),
        Optional.of(run),
        Optional.empty(),
        Optional.empty(),
        OptionalInt.empty(),
        SEED);
  }

  /** Methods that need nothing but the classifier. */
  public static MethodSelection of(ExplanationMethod... methods) {
    return new MethodSelection(
        List.of(methods),
        false,
        List.of(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        OptionalInt.empty(),
        SEED);
  }

  /** The same run, explained by these methods. */
  public MethodSelection withMethods(ExplanationMethod... wanted) {
    return new MethodSelection(
        List.of(wanted), controls, maps, run, lcamRun, layer, riseMasks, seed);
  }

  /** What is reported of the runs, for provenance. */
  public Map<String, String> provenance() throws IOException {
    Map<String, String> known = new LinkedHashMap<>();
    if (run.isPresent()) {
      known.put("run", run.get().run().toString());
      known.put("checkpoint", run.get().checkpointName());
    }
    if (lcamRun.isPresent()) {
      known.put("lcam-run", lcamRun.get().toString());
      known.put("lcam-checkpoint", RunFolder.open(lcamRun.get()).preferred());
    }
    if (!maps.isEmpty()) {
      known.put(
          "maps",
          maps.stream().map(one -> one.folder().toString()).collect(Collectors.joining(", ")));
    }
    return known;
  }

  /** How the run was trained to lay maps over images; empty where there is none. */
  public Optional<Masking> masking() throws IOException {
    return run.isPresent() ? Optional.of(run.get().folder().masking()) : Optional.empty();
  }

  /** What tells the runs from others, wherever they lie: checkpoints and their sums. */
  public Map<String, String> identity() throws IOException {
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

  /** Makes the methods; passes have as many images as come. */
  public Made make(FrozenClassifier classifier, int batch, MethodOptions.Listener listener)
      throws IOException {
    return make(classifier, batch, 0, listener);
  }

  /**
   * Makes the methods.
   *
   * @param classifier stays the caller's
   * @param batch masked images a pass
   * @param fullPass images that each of the classifier's passes has at least while these are open,
   *     see {@link FrozenClassifier#fullPasses}
   * @param listener is notified of the passes of methods that take many
   * @throws IOException if a run cannot be read
   */
  public Made make(
      FrozenClassifier classifier, int batch, int fullPass, MethodOptions.Listener listener)
      throws IOException {
    return new Made(
        this, classifier, fullPass, new MethodOptions(layer, riseMasks, seed, batch, listener));
  }

  /** The methods, and the mechanisms they were made from. */
  public static final class Made implements AutoCloseable {
    private final List<AttentionMechanism> mechanisms = new ArrayList<>();
    private final MethodCatalog catalog;
    private final FrozenClassifier.FullPasses passes;
    private final List<Explainer> explainers = new ArrayList<>();
    private final List<MapFolderExplainer> folders = new ArrayList<>();

    private Made(
        MethodSelection choice, FrozenClassifier classifier, int fullPass, MethodOptions options)
        throws IOException {
      passes = classifier.fullPasses(fullPass);
      catalog = new MethodCatalog(classifier, options);
      try {
        fill(choice, classifier);
      } catch (IOException | RuntimeException e) {
        close();
        throw e;
      }
    }

    private void fill(MethodSelection choice, FrozenClassifier classifier) throws IOException {
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
              Text.format("option 'lcam-run' %s: %s", trained.path(), e.getMessage()), e);
        }
      }
      for (ExplanationMethod method : wanted) {
        explainers.add(catalog.explainer(method));
      }
      for (MapFolder maps : choice.maps()) {
        folders.add(new MapFolderExplainer(maps.name(), maps.folder()));
      }
      explainers.addAll(folders);
    }

    private AttentionMechanism keep(AttentionMechanism mechanism) {
      mechanisms.add(mechanism);
      return mechanism;
    }

    /** Maps made elsewhere, in order; possibly none. */
    public List<MapFolderExplainer> maps() {
      return folders;
    }

    /** Tells the maps of an image from others that may take their place; empty without folders. */
    Optional<EvaluationFolder.MapSums> sums() {
      return folders.isEmpty()
          ? Optional.empty()
          : Optional.of(
              image -> {
                List<String> sums = new ArrayList<>();
                for (MapFolderExplainer one : folders) {
                  sums.add(one.sum(image));
                }
                return String.join(",", sums);
              });
    }

    /** The methods in order; closed with this. */
    public List<Explainer> explainers() {
      return explainers;
    }

    @Override
    public void close() {
      catalog.close();
      folders.forEach(MapFolderExplainer::close);
      mechanisms.forEach(AttentionMechanism::close);
      passes.close();
    }
  }
}
