package org.ttame.services;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;
import org.ttame.backbones.CascadingRandomisation;
import org.ttame.core.ProgressListener;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.eval.explain.EdgeExplainer;
import org.ttame.eval.explain.Explainer;
import org.ttame.eval.explain.MethodCatalog;
import org.ttame.eval.explain.MethodOptions;
import org.ttame.eval.explain.TtameExplainer;
import org.ttame.eval.figure.SanityPage;
import org.ttame.eval.output.Provenance;
import org.ttame.eval.output.SanityFiles;
import org.ttame.eval.sanity.MechanismRandomisation;
import org.ttame.eval.sanity.SanityCheck;
import org.ttame.eval.sanity.SanityReport;
import org.ttame.eval.sanity.SanityStage;
import org.ttame.eval.sanity.SanityStage.Cascade;
import org.ttame.training.Targets;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.ImageSettings;
import org.ttame.training.data.SkippedCount;
import org.ttame.training.run.RunFolder;

/**
 * Do maps depend on what was learnt? Randomises classifier and mechanism stage by stage, and
 * resumes where that was interrupted.
 */
public final class Sanity {
  private final Options options;
  private final ProgressListener listener;
  private final ImageList list;
  private Train training;
  private boolean stopping;

  /**
   * What to check.
   *
   * @param methods what explains
   * @param data the images
   * @param checks what is randomised; {@link Cascade#LABELS} is read against {@link Cascade#SEED},
   *     which joins it
   * @param stages in how many stages the classifier loses its layers at most, several of them
   *     together where there are more; empty for one after another
   * @param threshold of the verdicts, between 0 and 1
   * @param shown how many images the strips show
   * @param out where to write
   * @param reading how to go through the images
   */
  public record Options(
      MethodSelection methods,
      Path data,
      Set<Cascade> checks,
      OptionalInt stages,
      double threshold,
      int shown,
      Path out,
      ImageSettings reading) {
    public Options {
      Objects.requireNonNull(methods, "methods");
      Objects.requireNonNull(data, "data");
      Objects.requireNonNull(out, "out");
      Objects.requireNonNull(reading, "reading");
      if (checks.isEmpty()) {
        throw new InvalidOptionException("checks", "is empty: nothing would be checked");
      }
      EnumSet<Cascade> all = EnumSet.copyOf(checks);
      if (all.contains(Cascade.LABELS)) {
        all.add(Cascade.SEED);
      }
      checks = java.util.Collections.unmodifiableSet(all);
      if (methods.run().isEmpty() && !checks.equals(Set.of(Cascade.BACKBONE))) {
        throw new InvalidOptionException("run", "is missing: only the backbone needs none");
      }
      if (stages.isPresent() && stages.getAsInt() < 1) {
        throw new InvalidOptionException(
            "stages", stages.getAsInt() + " is not a whole number of at least 1");
      }
      if (!(threshold > 0 && threshold < 1)) {
        throw new InvalidOptionException("threshold", threshold + " is not between 0 and 1");
      }
      if (shown < 0) {
        throw new InvalidOptionException("shown", shown + " is not a whole number of at least 0");
      }
    }
  }

  /**
   * A mechanism that has to be trained for a check, as the run was but from the next seed and on
   * shuffled images.
   */
  private record Retraining(Cascade cascade, String name, Targets targets, Path folder) {}

  /**
   * What was found.
   *
   * @param report the verdicts
   * @param images how many were explained
   * @param skipped those that could not be read
   * @param file the record
   * @param page all of it on one page
   */
  public record Result(
      SanityReport report, int images, SkippedCount skipped, Path file, Path page) {}

  /**
   * Finds the images.
   *
   * @param options what to check
   * @throws IOException if there are none
   */
  public Sanity(Options options, ProgressListener listener) throws IOException {
    this.options = options;
    this.listener = listener;
    list = options.reading().list(options.data(), listener);
  }

  /**
   * Trains what the checks need, as the run was trained; what was trained before is taken as it is,
   * and what was interrupted is resumed. Call it before {@link #run}.
   *
   * @param classifier the run's
   * @return how each ended; the last one is not finished where {@link #stop} was asked for
   */
  public List<Train.Result> retrain(ClassifierChoice classifier) throws IOException {
    List<Train.Result> results = new ArrayList<>();
    List<Retraining> controls = retrainings();
    if (controls.isEmpty()) {
      return results;
    }
    Path run = options.methods().run().orElseThrow().run();
    try (FrozenClassifier loaded = classifier.load(listener)) {
      for (Retraining control : controls) {
        Train.Result result =
            begin(Train.Options.again(run, classifier.file(), control.targets(), control.folder()))
                .run(loaded);
        results.add(result);
        if (!result.training().finished()) {
          break;
        }
      }
    }
    return results;
  }

  private synchronized Train begin(Train.Options control) throws IOException {
    training = new Train(control, listener);
    if (stopping) {
      training.stop();
    }
    return training;
  }

  /** Asks {@link #retrain} to stop after the present step; may be called from any thread. */
  public synchronized void stop() {
    stopping = true;
    if (training != null) {
      training.stop();
    }
  }

  /** What has to be trained before {@link #run}. */
  private List<Retraining> retrainings() {
    Path out = options.out();
    return Stream.of(
            new Retraining(
                Cascade.LABELS, "shuffled answers", Targets.SHUFFLED, out.resolve("shuffled")),
            new Retraining(
                Cascade.SEED, "another seed", Targets.PREDICTED, out.resolve("reseeded")))
        .filter(control -> options.checks().contains(control.cascade()))
        .toList();
  }

  /** Checks. */
  public Result run(ClassifierChoice choice) throws IOException {
    try (FrozenClassifier classifier = choice.load(listener)) {
      return run(classifier, choice);
    }
  }

  private Result run(FrozenClassifier classifier, ClassifierChoice choice) throws IOException {
    ValidationImages images =
        new ValidationImages(list, classifier.inputSpec(), options.reading(), listener);
    List<AutoCloseable> open = new ArrayList<>();
    try {
      List<SanityStage> stages = stages(classifier, choice, open);
      int shown = Math.min(options.shown(), list.size());
      SanityCheck check =
          new SanityCheck(
              images,
              new SanityCheck.Options(options.out(), shown, list.size(), identity(classifier)));
      SanityCheck.Outcome outcome;
      try (SanityStage.Methods original = everything(classifier)) {
        outcome = check.run(original, stages, listener);
      }
      SanityReport report = SanityReport.of(outcome, options.threshold());
      Map<String, String> provenance = new LinkedHashMap<>(options.methods().provenance());
      provenance.put("images", list.describe());
      provenance.put("seed", String.valueOf(options.methods().seed()));
      options.stages().ifPresent(most -> provenance.put("stages", String.valueOf(most)));
      provenance.putAll(options.reading().provenance());
      Provenance origin = Provenance.of(classifier, provenance);
      SanityFiles files = new SanityFiles(outcome, report);
      files.write(options.out(), origin);
      Path page = SanityPage.write(options.out(), report, outcome.names().size(), files, origin);
      return new Result(
          report,
          outcome.names().size(),
          images.skipped(),
          options.out().resolve(SanityFiles.JSON),
          page);
    } finally {
      close(open);
    }
  }

  private List<SanityStage> stages(
      FrozenClassifier loaded, ClassifierChoice choice, List<AutoCloseable> open)
      throws IOException {
    MethodSelection methods = options.methods();
    List<SanityStage> stages = new ArrayList<>();
    if (options.checks().contains(Cascade.BACKBONE)) {
      CascadingRandomisation each =
          new CascadingRandomisation(choice.file(), choice.options(), methods.seed());
      CascadingRandomisation cascade =
          options.stages().isPresent() ? each.inStages(options.stages().getAsInt()) : each;
      for (int n = 1; n <= cascade.stages().size(); n++) {
        int random = n;
        stages.add(
            new SanityStage(
                Cascade.BACKBONE,
                n,
                cascade.stages().get(n - 1).name(),
                () -> randomised(cascade.classifier(random))));
      }
    }
    if (options.checks().contains(Cascade.MECHANISM)) {
      AttentionMechanism trained = methods.run().orElseThrow().mechanism(loaded);
      open.add(trained);
      MechanismRandomisation cascade = new MechanismRandomisation(trained, methods.seed());
      for (int n = 1; n <= cascade.stages().size(); n++) {
        int random = n;
        stages.add(
            new SanityStage(
                Cascade.MECHANISM,
                n,
                cascade.stages().get(n - 1),
                () -> mechanism(loaded, cascade.at(random))));
      }
    }
    for (Retraining control : retrainings()) {
      stages.add(
          new SanityStage(
              control.cascade(),
              1,
              control.name(),
              () -> {
                RunFolder folder = RunFolder.open(control.folder());
                // An epoch is chosen as the run's was: trials of a search have their last one.
                String epoch = methods.run().orElseThrow().folder().preferred();
                return mechanism(loaded, folder.mechanism(loaded, epoch));
              }));
    }
    return stages;
  }

  /** The methods as they are, with the control and with the run's own mechanism. */
  private SanityStage.Methods everything(FrozenClassifier loaded) throws IOException {
    MethodSelection.Made made =
        options.methods().make(loaded, options.reading().batchSize(), MethodOptions.Listener.NONE);
    List<Explainer> all = new ArrayList<>(made.explainers());
    all.add(new EdgeExplainer());
    List<AutoCloseable> owned = new ArrayList<>(List.of(made));
    if (options.methods().run().isPresent()) {
      AttentionMechanism trained = options.methods().run().get().mechanism(loaded);
      owned.add(trained);
      String own = MethodCatalog.of(trained).optionName();
      if (all.stream().noneMatch(explainer -> explainer.name().equals(own))) {
        TtameExplainer explainer = new TtameExplainer(own, loaded, trained);
        owned.add(0, explainer);
        all.add(explainer);
      }
    }
    return new Held(loaded, all, owned);
  }

  /** The methods, and the control, on a classifier that is closed with them. */
  private SanityStage.Methods randomised(FrozenClassifier random) throws IOException {
    try {
      MethodSelection.Made made =
          options
              .methods()
              .make(random, options.reading().batchSize(), MethodOptions.Listener.NONE);
      List<Explainer> all = new ArrayList<>(made.explainers());
      all.add(new EdgeExplainer());
      return new Held(random, all, List.of(made, random));
    } catch (IOException | RuntimeException e) {
      random.close();
      throw e;
    }
  }

  /** A mechanism, closed with its methods, on the classifier as it is. */
  private static SanityStage.Methods mechanism(
      FrozenClassifier loaded, AttentionMechanism mechanism) {
    TtameExplainer explainer =
        new TtameExplainer(MethodCatalog.of(mechanism).optionName(), loaded, mechanism);
    return new Held(loaded, List.of(explainer), List.of(explainer, mechanism));
  }

  /** Methods and what is closed with them, in that order. */
  private record Held(
      FrozenClassifier classifier, List<Explainer> explainers, List<AutoCloseable> owned)
      implements SanityStage.Methods {
    @Override
    public void close() {
      Sanity.close(owned);
    }
  }

  private static void close(List<AutoCloseable> things) {
    for (AutoCloseable thing : things) {
      try {
        thing.close();
      } catch (Exception e) {
        throw new IllegalStateException("A method could not be closed", e);
      }
    }
  }

  /** What a stage's numbers depend on. */
  private Map<String, String> identity(FrozenClassifier loaded) throws IOException {
    MethodSelection methods = options.methods();
    Map<String, String> identity = new LinkedHashMap<>();
    identity.put("backbone", String.valueOf(loaded.provenance().get("sha256")));
    identity.putAll(ClassifierIdentity.of(loaded));
    identity.putAll(methods.identity());
    identity.put("methods", methods.methods().toString());
    identity.put("layer", methods.layer().orElse("standard"));
    identity.put("rise-masks", methods.riseMasks().toString());
    identity.put(
        "images", Text.format("%d (SHA-256 of names %s)", list.size(), list.namesSha256()));
    identity.put("shown", String.valueOf(options.shown()));
    identity.put("seed", String.valueOf(methods.seed()));
    options.stages().ifPresent(most -> identity.put("stages", String.valueOf(most)));
    return identity;
  }
}
