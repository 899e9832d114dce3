package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.Explanation;
import org.ttame.core.attention.MapExplainer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.Predictions;
import org.ttame.eval.explain.SaliencyMaps;
import org.ttame.eval.metric.MaskedInput;
import org.ttame.eval.output.ExplanationWriter;
import org.ttame.eval.output.MapFormat;
import org.ttame.eval.output.Provenance;
import org.ttame.eval.render.HeatmapOverlay;
import org.ttame.training.data.ImageList;

/**
 * The work of {@code explain}.
 *
 * @param run the trained mechanism
 * @param images what to explain
 * @param classes whose maps
 * @param method what the user takes the run for, if said
 * @param formats the files to write
 * @param overlay how pictures are drawn
 * @param labels names of the classes, if given
 * @param out where to write
 * @param settings how to go through the images
 * @param engine what to compute on
 */
record ExplainJob(
    RunChoice run,
    Path images,
    ClassOption classes,
    Optional<String> method,
    Set<MapFormat> formats,
    HeatmapOverlay overlay,
    Optional<Path> labels,
    Path out,
    ImageSettings settings,
    Engine.Settings engine)
    implements Command.Job {

  @Override
  public void run(Console console) throws Exception {
    ImageList found = settings.list(images);
    String checkpoint = run.checkpointName();
    Engine.start(engine, console);
    try (FrozenClassifier classifier = run.classifier().load(console);
        AttentionMechanism mechanism = run.mechanism(classifier);
        MapExplainer explainer = new MapExplainer(classifier, mechanism);
        ImageFeed feed =
            new ImageFeed(found, classifier.inputSpec(), settings, console, "explaining")) {
      String name = Methods.of(mechanism.spec().variant());
      requireMethod(name);
      int count = classifier.classes();
      ClassFolders labelled =
          ClassFolders.of(found, Labels.find(labels, Optional.of(run.run()), count), count);
      classes.require(labelled, count);
      ImageList list = labelled.images();
      List<String> names = labelled.names();
      ExplanationWriter writer =
          new ExplanationWriter(
              new ExplanationWriter.Options(out, formats, overlay, classes.several(), names),
              Provenance.of(classifier, provenance(checkpoint)));
      MaskedInput input = new MaskedInput(classifier.inputSpec(), classifier.defaultMasking());
      while (feed.hasNext()) {
        ImageFeed.Images images = feed.next();
        long passes = classifier.passes().forward();
        try (INDArray standardised = input.clean(images.batch());
            Explanation explanation =
                explainer.explain(standardised, classes.of(list, images.indices()))) {
          double each = (double) (classifier.passes().forward() - passes) / images.batch().size();
          write(writer, name, images, explanation, each, names, console);
        }
      }
      feed.requireAny();
      console.result(
          "%s: maps of %d×%d for %s"
              .formatted(out, mechanism.mapHeight(), mechanism.mapWidth(), feed.summary()));
    }
  }

  private void requireMethod(String found) throws IOException {
    if (method.isPresent() && !method.get().equals(found)) {
      throw new IOException(
          "--method %s: the run in %s was trained as %s; leave --method out or give another --run"
              .formatted(method.get(), run.run(), found));
    }
  }

  private Map<String, String> provenance(String checkpoint) {
    Map<String, String> known = new LinkedHashMap<>();
    known.put("run", run.run().toString());
    known.put("checkpoint", checkpoint);
    known.put("images", images.toString());
    known.putAll(settings.provenance());
    return known;
  }

  private static void write(
      ExplanationWriter writer,
      String method,
      ImageFeed.Images images,
      Explanation explanation,
      double passes,
      List<String> names,
      Console console)
      throws IOException {
    int[][] chosen = explanation.classes();
    double[][] probabilities = Predictions.softmax(explanation.logits());
    for (int m = 0; m < chosen[0].length; m++) {
      int[] column = new int[chosen.length];
      double[] likely = new double[chosen.length];
      for (int b = 0; b < chosen.length; b++) {
        column[b] = chosen[b][m];
        likely[b] = probabilities[b][column[b]];
      }
      try (INDArray maps = column(explanation.maps(), m)) {
        List<Path> files =
            writer.write(
                images.batch(),
                new ExplanationWriter.Explained(
                    method, SaliencyMaps.of(maps), column, likely, passes, 0));
        for (int b = 0; b < files.size(); b++) {
          console.result(
              String.format(
                  Locale.ROOT,
                  "%s: %s, probability %.4f",
                  files.get(b),
                  Labels.describe(column[b], names),
                  likely[b]));
        }
      }
    }
  }

  /** The m-th map of each image, {@code [B, h, w]}. */
  private static INDArray column(INDArray maps, int m) {
    return maps.get(
            NDArrayIndex.all(), NDArrayIndex.point(m), NDArrayIndex.all(), NDArrayIndex.all())
        .dup('c');
  }
}
