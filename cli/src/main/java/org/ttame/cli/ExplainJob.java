package org.ttame.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.Text;
import org.ttame.core.attention.ClassChoice;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.NonFiniteException;
import org.ttame.eval.figure.ComparisonReport;
import org.ttame.eval.metric.MaskedInput;
import org.ttame.eval.output.ExplanationWriter;
import org.ttame.eval.output.MapFormat;
import org.ttame.eval.output.Provenance;
import org.ttame.eval.render.HeatmapOverlay;
import org.ttame.training.data.ImageList;

/**
 * The work of {@code explain}.
 *
 * @param methods what explains
 * @param choice the classifier
 * @param images what to explain
 * @param classes whose maps
 * @param formats the files to write of each map; empty for none
 * @param compare whether each image gets a picture of all its maps
 * @param overlay how pictures are drawn
 * @param labels names of the classes, if given
 * @param out where to write
 * @param settings how to go through the images
 * @param engine what to compute on
 */
record ExplainJob(
    MethodChoice methods,
    ClassifierChoice choice,
    Path images,
    ClassOption classes,
    Set<MapFormat> formats,
    boolean compare,
    HeatmapOverlay overlay,
    Optional<Path> labels,
    Path out,
    ImageSettings settings,
    Engine.Settings engine)
    implements Command.Job {

  @Override
  public void run(Console console) throws Exception {
    ImageList found = settings.list(images, console);
    Map<String, String> known = new LinkedHashMap<>(methods.provenance());
    known.put("images", images.toString());
    known.putAll(settings.provenance());
    Engine.start(engine, console);
    PassProgress passes = new PassProgress();
    try (FrozenClassifier classifier = choice.load(console);
        MethodChoice.Made made = methods.make(classifier, settings.batchSize(), passes);
        ImageFeed feed =
            new ImageFeed(found, classifier.inputSpec(), settings, console, "explaining")) {
      passes.in(feed);
      int count = classifier.classes();
      Optional<Path> run = methods.run().map(RunChoice::run);
      ClassFolders labelled = ClassFolders.of(found, Labels.find(labels, run, count), count);
      classes.require(labelled, count);
      List<String> names = labelled.names();
      Provenance provenance = Provenance.of(classifier, known);
      ComparisonReport comparison = new ComparisonReport(out);
      List<MapSink> sinks = new ArrayList<>();
      if (!formats.isEmpty()) {
        boolean qualified = classes.several() || made.explainers().size() > 1;
        ExplanationWriter.Options options =
            new ExplanationWriter.Options(out, formats, overlay, qualified, names);
        sinks.add(new MapSink.Files(new ExplanationWriter(options, provenance), names, console));
      }
      if (compare) {
        sinks.add(new MapSink.Compared(comparison, overlay, names, console));
      }
      MethodRounds rounds = new MethodRounds(classifier, sinks);
      MaskedInput input = new MaskedInput(classifier.inputSpec(), classifier.defaultMasking());
      while (feed.hasNext()) {
        ImageFeed.Images batch = feed.next();
        ClassChoice wanted = classes.of(labelled.images(), batch.indices());
        try (INDArray standardised = input.clean(batch.batch())) {
          rounds.explain(made.explainers(), batch, standardised, wanted);
        } catch (NonFiniteException e) {
          throw e.of(classifier.name(), batch.batch().names());
        }
      }
      feed.requireAny();
      rounds.warn(console);
      if (compare) {
        console.result(Text.format("%s: all of it on one page", comparison.write(provenance)));
      }
      console.result(Text.format("%s: maps of %s for %s", out, rounds.sizes(), feed.summary()));
    }
  }
}
