package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.masking.Masking;
import org.ttame.eval.Evaluation;
import org.ttame.eval.EvaluationResult;
import org.ttame.eval.explain.AblationCamExplainer;
import org.ttame.eval.explain.CamLayers;
import org.ttame.eval.explain.Explainer;
import org.ttame.eval.explain.GradCamExplainer;
import org.ttame.eval.explain.IiaExplainer;
import org.ttame.eval.explain.PassListener;
import org.ttame.eval.explain.RandomMapsExplainer;
import org.ttame.eval.explain.RiseExplainer;
import org.ttame.eval.explain.ScoreCamExplainer;
import org.ttame.eval.explain.TtameExplainer;
import org.ttame.eval.metric.AdIc;
import org.ttame.eval.metric.Metric;
import org.ttame.eval.metric.Protocol;
import org.ttame.eval.metric.Road;
import org.ttame.eval.output.MetricsFiles;
import org.ttame.eval.output.MetricsTable;
import org.ttame.eval.output.PerImageCsv;
import org.ttame.eval.output.Provenance;
import org.ttame.training.data.ImageList;
import org.ttame.training.run.RunFolder;

/**
 * The work of {@code evaluate}.
 *
 * @param run the trained mechanism
 * @param lcamRun a run of the variant L-CAM, where it is among the methods
 * @param data the images
 * @param methods what to measure
 * @param thresholds the percentages v of AD and IC; empty for neither
 * @param masking how maps are laid over images; empty for the run's
 * @param protocol whose definitions
 * @param road the percentages that ROAD removes; empty for no ROAD
 * @param riseMasks how many masks RISE takes; empty for its paper's number
 * @param seed of random and untrained maps, and of ROAD's noise
 * @param out where to write
 * @param settings how to go through the images
 * @param engine what to compute on
 */
record EvaluateJob(
    RunChoice run,
    Optional<Path> lcamRun,
    Path data,
    List<String> methods,
    List<Double> thresholds,
    Optional<Masking> masking,
    Protocol protocol,
    List<Double> road,
    Optional<Integer> riseMasks,
    long seed,
    Path out,
    ImageSettings settings,
    Engine.Settings engine)
    implements Command.Job {
  @Override
  public void run(Console console) throws Exception {
    refuseToReplace();
    ImageList list = settings.list(data);
    String checkpoint = run.checkpointName();
    Masking chosen = masking.isPresent() ? masking.get() : run.folder().masking();
    Engine.start(engine, console);
    List<AutoCloseable> open = new ArrayList<>();
    try (FrozenClassifier classifier = run.classifier().load(console);
        AttentionMechanism mechanism = run.mechanism(classifier);
        ImageFeed feed =
            new ImageFeed(list, classifier.inputSpec(), settings, console, "evaluating")) {
      List<Explainer> explainers = explainers(classifier, mechanism, open);
      List<Metric> metrics = new ArrayList<>();
      if (!thresholds.isEmpty()) {
        metrics.add(new AdIc(classifier, chosen, protocol.keeping(), thresholds));
      }
      if (!road.isEmpty()) {
        metrics.add(new Road(classifier, road, protocol, seed));
      }
      Evaluation evaluation = new Evaluation(classifier, explainers, metrics);
      EvaluationResult result;
      try (PerImageCsv csv = new PerImageCsv(out, evaluation.keys())) {
        result = evaluation.run(feed.batches(), csv);
      }
      feed.requireAny();
      Map<String, String> provenance = new LinkedHashMap<>();
      provenance.put("run", run.run().toString());
      provenance.put("checkpoint", checkpoint);
      provenance.put("images", list.describe());
      provenance.put("seed", String.valueOf(seed));
      provenance.putAll(settings.provenance());
      MetricsFiles.write(out, result, feed.skipped(), Provenance.of(classifier, provenance));
      MetricsTable.format(result).lines().forEach(console::result);
      console.result("%s: %s".formatted(out, feed.summary()));
    } finally {
      for (AutoCloseable thing : open) {
        thing.close();
      }
    }
  }

  /** Hours of measuring may be in there. */
  private void refuseToReplace() throws IOException {
    Path records = out.resolve(PerImageCsv.FILE);
    if (Files.exists(records)) {
      throw new IOException(
          "'%s' holds an evaluation already; choose another --out, or remove that file"
              .formatted(records));
    }
  }

  private List<Explainer> explainers(
      FrozenClassifier classifier, AttentionMechanism mechanism, List<AutoCloseable> open)
      throws IOException {
    List<Explainer> explainers = new ArrayList<>();
    for (String method : methods) {
      Explainer explainer =
          switch (method) {
            case Methods.RANDOM ->
                new RandomMapsExplainer(mechanism.mapHeight(), mechanism.mapWidth(), seed);
            case Methods.UNTRAINED -> {
              AttentionMechanism blank = AttentionMechanism.create(mechanism.spec(), seed);
              open.add(blank);
              yield new TtameExplainer(method, classifier, blank);
            }
            case Methods.LCAM -> {
              AttentionMechanism lcam = lcam(classifier);
              open.add(lcam);
              yield new TtameExplainer(method, classifier, lcam);
            }
            case GradCamExplainer.GRADCAM ->
                GradCamExplainer.gradCam(classifier, CamLayers.standard(classifier));
            case GradCamExplainer.GRADCAM_PLUS_PLUS ->
                GradCamExplainer.plusPlus(classifier, CamLayers.standard(classifier));
            case ScoreCamExplainer.NAME ->
                new ScoreCamExplainer(
                    classifier,
                    CamLayers.standard(classifier),
                    settings.batchSize(),
                    PassListener.NONE);
            case AblationCamExplainer.NAME ->
                new AblationCamExplainer(
                    classifier,
                    CamLayers.standard(classifier),
                    settings.batchSize(),
                    PassListener.NONE);
            case IiaExplainer.NAME -> iia(classifier);
            case RiseExplainer.NAME ->
                new RiseExplainer(
                    classifier,
                    riseMasks.orElseGet(() -> RiseExplainer.paperMasks(classifier)),
                    seed,
                    settings.batchSize(),
                    PassListener.NONE);
            default -> new TtameExplainer(method, classifier, mechanism);
          };
      open.add(explainer);
      explainers.add(explainer);
    }
    return explainers;
  }

  private static Explainer iia(FrozenClassifier classifier) throws IOException {
    try {
      return new IiaExplainer(classifier, CamLayers.standard(classifier));
    } catch (IllegalArgumentException e) {
      throw new IOException("--methods iia: " + e.getMessage(), e);
    }
  }

  private AttentionMechanism lcam(FrozenClassifier classifier) throws IOException {
    RunFolder folder = RunFolder.open(lcamRun.orElseThrow());
    AttentionMechanism mechanism = folder.mechanism(classifier, folder.preferred());
    String found = Methods.of(mechanism.spec().variant());
    if (!found.equals(Methods.LCAM)) {
      mechanism.close();
      throw new IOException(
          "--lcam-run %s was trained as %s, not with --variant lcam"
              .formatted(folder.path(), found));
    }
    return mechanism;
  }
}
