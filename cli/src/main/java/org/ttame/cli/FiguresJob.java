package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.provenance.BuildInfo;
import org.ttame.eval.explain.Explainer;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.figure.Album;
import org.ttame.eval.figure.AlbumMaker;
import org.ttame.eval.figure.Figure;
import org.ttame.eval.figure.FigureComposer;
import org.ttame.eval.figure.FigureFiles;
import org.ttame.eval.figure.FigureFormat;
import org.ttame.eval.figure.FigureKind;
import org.ttame.eval.figure.FigureSet;
import org.ttame.eval.figure.Missing;
import org.ttame.eval.figure.RoadFigure;
import org.ttame.eval.figure.SceneSelection;
import org.ttame.eval.figure.Subject;
import org.ttame.eval.output.Provenance;
import org.ttame.eval.render.ColorMap;
import org.ttame.eval.render.HeatmapOverlay;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.SkippedCount;

/**
 * The work of {@code figures}.
 *
 * @param runs whose explanations
 * @param source of which images
 * @param kinds the figures
 * @param asked whether they were asked for by name
 * @param shown the most images a figure shows
 * @param colors of the heatmaps
 * @param formats of the files for papers
 * @param out where to write
 * @param engine what to compute on
 */
record FiguresJob(
    FigureRuns runs,
    FigureImages.Source source,
    Set<FigureKind> kinds,
    boolean asked,
    int shown,
    ColorMap colors,
    Set<FigureFormat> formats,
    Path out,
    Engine.Settings engine)
    implements Command.Job {

  /** What grows while one classifier after the other is gone through. */
  private static final class Findings {
    private final List<Figure> figures = new ArrayList<>();
    private final List<Missing> missing = new ArrayList<>();
    private final List<Album> albums = new ArrayList<>();
    private final Map<String, Provenance> origins = new LinkedHashMap<>();
    private final SkippedCount skipped = new SkippedCount();
    private List<String> labels = List.of();
    private SceneSelection selection;
    private int classes;
  }

  @Override
  public void run(Console console) throws Exception {
    Findings found = new Findings();
    Set<FigureKind> wanted = wanted(found);
    boolean explain = wanted.stream().anyMatch(FigureKind::needsRuns);
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("figures", names());
    settings.put("shown", String.valueOf(shown));
    settings.put("colormap", colors.optionName());
    settings.putAll(runs.identity());
    if (explain) {
      ImageList list = source.list(runs.runs().get(0), console);
      settings.putAll(source.identity(list));
      FigureFiles.requireSame(out, settings);
      Engine.start(engine, console);
      for (int r = 0; r < runs.runs().size(); r++) {
        explain(r, list, wanted, found, console);
      }
      FigureComposer.Outcome outcome =
          new FigureComposer(found.albums, found.selection, found.labels, colors).compose(wanted);
      found.figures.addAll(outcome.figures());
      found.missing.addAll(outcome.missing());
    } else {
      FigureFiles.requireSame(out, settings);
    }
    if (wanted.contains(FigureKind.ROAD)) {
      found.figures.add(RoadFigure.draw(runs.seed(), colors));
    }
    write(found, settings, console);
  }

  private String names() {
    return kinds.stream().map(FigureKind::optionName).collect(Collectors.joining(","));
  }

  /** The figures that so many runs allow. */
  private Set<FigureKind> wanted(Findings found) {
    Set<FigureKind> wanted = EnumSet.copyOf(kinds);
    if (!asked && runs.runs().size() < 2) {
      wanted.remove(FigureKind.BACKBONES);
      found.missing.add(
          new Missing(FigureKind.BACKBONES, "It compares classifiers, and there is one run."));
    }
    return wanted;
  }

  private void explain(
      int number, ImageList list, Set<FigureKind> wanted, Findings found, Console console)
      throws IOException, UsageException {
    RunChoice choice = runs.choice(number);
    PassProgress passes = new PassProgress();
    try (FrozenClassifier classifier = choice.classifier().load(console)) {
      requireSameClasses(number, classifier, found);
      MethodChoice methods = runs.methods(number, classifier, console);
      try (MethodChoice.Made made =
          methods.make(classifier, source.settings().batchSize(), passes)) {
        List<String> taken = found.albums.stream().map(Album::title).toList();
        String title = runs.title(number, classifier, taken);
        Subject subject = new Subject(title, classifier, made.explainers());
        AlbumMaker maker =
            new AlbumMaker(subject, new HeatmapOverlay(colors, HeatmapOverlay.DEFAULT_OPACITY));
        FigureImages images = new FigureImages(source, list, runs.runs().get(0), classifier);
        if (number == 0) {
          found.labels = images.names();
          found.selection = new SceneSelection(wanted, shown, images.size(), images.truthKnown());
          choose(maker, images, classifier, found, console);
        }
        int[] places = number == 0 ? found.selection.places() : found.albums.get(0).places();
        found.albums.add(explain(maker, images, places, classifier, passes, found, console));
        found.origins.put(title, Provenance.of(classifier, settings(choice, made.explainers())));
        for (Explainer explainer : made.explainers()) {
          explainer
              .warnings()
              .forEach(
                  (what, count) ->
                      console.warn(
                          ExplanationMethod.title(explainer.name()) + ": " + count + " " + what));
        }
      }
    }
  }

  private void requireSameClasses(int number, FrozenClassifier classifier, Findings found)
      throws IOException {
    if (number > 0 && classifier.classes() != found.classes) {
      throw new IOException(
          Text.format(
              "%s has %d classes, %s %d; figures compare classifiers of the same classes",
              runs.runs().get(0), found.classes, runs.runs().get(number), classifier.classes()));
    }
    found.classes = classifier.classes();
  }

  private void choose(
      AlbumMaker maker,
      FigureImages images,
      FrozenClassifier classifier,
      Findings found,
      Console console)
      throws IOException {
    if (found.selection.isComplete()) {
      return;
    }
    int[] all = IntStream.range(0, images.size()).toArray();
    try (FigureImages.Opened opened =
        images.open(all, classifier.inputSpec(), console, "choosing images")) {
      maker.choose(opened, found.selection);
      opened.feed().unreadable().forEach(found.selection::leaveOut);
      add(opened.feed().skipped(), found);
      opened.feed().requireAny();
    }
  }

  private Album explain(
      AlbumMaker maker,
      FigureImages images,
      int[] places,
      FrozenClassifier classifier,
      PassProgress passes,
      Findings found,
      Console console)
      throws IOException {
    if (places.length == 0) {
      return maker.explain(List.<org.ttame.eval.figure.SceneBatch>of().iterator(), found.selection);
    }
    try (FigureImages.Opened opened =
        images.open(places, classifier.inputSpec(), console, "explaining")) {
      passes.in(opened.feed());
      Album album = maker.explain(opened, found.selection);
      add(opened.feed().skipped(), found);
      opened.feed().requireAny();
      return album;
    }
  }

  private static void add(SkippedCount some, Findings found) {
    some.byKind()
        .forEach((kind, count) -> IntStream.range(0, count).forEach(i -> found.skipped.add(kind)));
  }

  private static Map<String, String> settings(RunChoice choice, List<Explainer> explainers)
      throws IOException {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("run", choice.run().toString());
    settings.put("checkpoint", choice.checkpointName());
    for (Explainer explainer : explainers) {
      settings.put("method " + explainer.name(), explainer.settings().toString());
    }
    return settings;
  }

  private void write(Findings found, Map<String, String> settings, Console console)
      throws IOException {
    for (Missing one : found.missing) {
      String name = one.kind().optionName();
      console.warn(Text.format("no figure %s: %s", name, one.reason()));
    }
    FigureSet set =
        new FigureSet(
            found.figures,
            found.missing,
            found.skipped,
            BuildInfo.current(),
            found.origins,
            settings);
    Path page = FigureFiles.write(out, set, formats);
    for (Figure figure : found.figures) {
      console.result(
          Text.format(
              "%s: %d pictures",
              out.resolve(FigureFiles.FOLDER).resolve(figure.name()), figure.sheet().pictures()));
    }
    console.result(
        Text.format(
            "%s: all of it on one page%s",
            page, found.skipped.total() == 0 ? "" : "; " + found.skipped.describe()));
  }
}
