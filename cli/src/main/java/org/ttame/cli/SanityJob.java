package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.ttame.backbones.CascadingRandomisation;
import org.ttame.backbones.onnx.OnnxBackbone;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.eval.explain.EdgeExplainer;
import org.ttame.eval.explain.Explainer;
import org.ttame.eval.explain.MethodCatalog;
import org.ttame.eval.explain.MethodOptions;
import org.ttame.eval.explain.TtameExplainer;
import org.ttame.eval.output.Provenance;
import org.ttame.eval.output.SanityFiles;
import org.ttame.eval.sanity.MechanismRandomisation;
import org.ttame.eval.sanity.SanityCheck;
import org.ttame.eval.sanity.SanityReport;
import org.ttame.eval.sanity.SanityStage;
import org.ttame.eval.sanity.SanityStage.Cascade;
import org.ttame.training.Targets;
import org.ttame.training.data.ImageList;
import org.ttame.training.run.RunFolder;

/**
 * The work of {@code sanity}.
 *
 * @param methods what explains
 * @param classifier the classifier
 * @param data the images
 * @param checks what is randomised
 * @param threshold of the verdicts
 * @param shown how many images the strips show
 * @param out where to write
 * @param settings how to go through the images
 * @param engine what to compute on
 */
record SanityJob(
    MethodChoice methods,
    ClassifierChoice classifier,
    Path data,
    Set<Cascade> checks,
    double threshold,
    int shown,
    Path out,
    ImageSettings settings,
    Engine.Settings engine)
    implements Command.Job {
  /**
   * A mechanism that is trained for the check.
   *
   * @param cascade which check
   * @param name of its stage
   * @param targets which answers it is given
   * @param folder where
   */
  private record Retrained(Cascade cascade, String name, Targets targets, String folder) {}

  private static final List<Retrained> RETRAINED =
      List.of(
          new Retrained(Cascade.LABELS, "shuffled answers", Targets.SHUFFLED, "shuffled"),
          new Retrained(Cascade.SEED, "another seed", Targets.PREDICTED, "reseeded"));

  @Override
  public void run(Console console) throws Exception {
    ImageList list = settings.list(data, console);
    Engine.start(engine, console);
    if (RETRAINED.stream().anyMatch(control -> checks.contains(control.cascade()))) {
      classifier.load(console).close(); // the right one, before anything is trained on it
    }
    for (Retrained control : RETRAINED) {
      if (checks.contains(control.cascade()) && !trained(control, console)) {
        console.result("stopped while training; the same command goes on");
        return;
      }
    }
    try (FrozenClassifier loaded = classifier.load(console)) {
      ValidationImages images = new ValidationImages(list, loaded.inputSpec(), settings, console);
      List<AutoCloseable> open = new ArrayList<>();
      try {
        List<SanityStage> stages = stages(loaded, classifier.options(), open);
        int count = Math.min(shown, list.size());
        SanityCheck check =
            new SanityCheck(
                images, new SanityCheck.Options(out, count, list.size(), identity(loaded, list)));
        SanityCheck.Outcome outcome;
        try (SanityStage.Methods original = everything(loaded)) {
          outcome =
              check.run(original, stages, new SanityProgress(console, stages.size(), list.size()));
        }
        SanityReport report = SanityReport.of(outcome, threshold);
        Map<String, String> provenance = new LinkedHashMap<>(methods.provenance());
        provenance.put("images", list.describe());
        provenance.put("seed", String.valueOf(methods.seed()));
        provenance.putAll(settings.provenance());
        SanityFiles.write(out, outcome, report, Provenance.of(loaded, provenance));
        report.verdicts().forEach(verdict -> console.result(verdict.sentence()));
        report.references().forEach(console::result);
        console.result("A method " + Text.format(SanityReport.RULE, threshold) + ".");
        if (checks.contains(Cascade.LABELS)) {
          console.result("Passing " + SanityReport.LABELS_RULE + ".");
        }
        console.result(
            Text.format(
                "%s: %d images%s",
                out.resolve(SanityFiles.JSON),
                outcome.names().size(),
                images.skipped().total() == 0 ? "" : "; " + images.skipped().describe()));
      } finally {
        for (AutoCloseable thing : open) {
          thing.close();
        }
      }
    }
  }

  /** Trains, or goes on training; whether it came to its end. */
  private boolean trained(Retrained control, Console console) throws Exception {
    Path folder = out.resolve(control.folder());
    TrainCommand.again(classifier, control.targets(), folder, engine).run(console);
    return RunFolder.open(folder).record().path("status").asText().equals("finished");
  }

  private List<SanityStage> stages(
      FrozenClassifier loaded, BackboneOptions options, List<AutoCloseable> open)
      throws IOException {
    List<SanityStage> stages = new ArrayList<>();
    if (checks.contains(Cascade.BACKBONE)) {
      CascadingRandomisation cascade =
          new CascadingRandomisation(classifier.file(), options, methods.seed());
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
    if (checks.contains(Cascade.MECHANISM)) {
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
    for (Retrained control : RETRAINED) {
      if (checks.contains(control.cascade())) {
        stages.add(
            new SanityStage(
                control.cascade(),
                1,
                control.name(),
                () -> {
                  RunFolder folder = RunFolder.open(out.resolve(control.folder()));
                  // An epoch is chosen as the run's was: trials of a search have their last one.
                  String epoch = methods.run().orElseThrow().folder().preferred();
                  return mechanism(loaded, folder.mechanism(loaded, epoch));
                }));
      }
    }
    return stages;
  }

  /** The methods as they are, with the control and with the run's own mechanism. */
  private SanityStage.Methods everything(FrozenClassifier loaded) throws IOException {
    MethodChoice.Made made =
        methods.make(loaded, settings.batchSize(), MethodOptions.Listener.NONE);
    List<Explainer> all = new ArrayList<>(made.explainers());
    all.add(new EdgeExplainer());
    List<AutoCloseable> owned = new ArrayList<>(List.of(made));
    if (methods.run().isPresent()) {
      AttentionMechanism trained = methods.run().get().mechanism(loaded);
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
      MethodChoice.Made made =
          methods.make(random, settings.batchSize(), MethodOptions.Listener.NONE);
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
      for (AutoCloseable thing : owned) {
        try {
          thing.close();
        } catch (Exception e) {
          throw new IllegalStateException("A method could not be closed", e);
        }
      }
    }
  }

  /** What a stage's numbers depend on. */
  private Map<String, String> identity(FrozenClassifier loaded, ImageList list) throws IOException {
    Map<String, String> identity = new LinkedHashMap<>();
    identity.put("backbone", String.valueOf(loaded.provenance().get("sha256")));
    identity.put("side", String.valueOf(loaded.inputSpec().side()));
    Optional.ofNullable(loaded.provenance().get(OnnxBackbone.OUTPUT))
        .ifPresent(output -> identity.put(OnnxBackbone.OUTPUT, output));
    identity.put("mean", loaded.inputSpec().mean().toString());
    identity.put("std", loaded.inputSpec().std().toString());
    identity.putAll(methods.identity());
    identity.put("methods", methods.methods().toString());
    identity.put("layer", methods.layer().orElse("standard"));
    identity.put("rise-masks", methods.riseMasks().toString());
    identity.put(
        "images", Text.format("%d (SHA-256 of names %s)", list.size(), list.namesSha256()));
    identity.put("shown", String.valueOf(shown));
    identity.put("seed", String.valueOf(methods.seed()));
    return identity;
  }
}
