package org.ttame.services;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.ttame.core.ProgressListener;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.provenance.BuildInfo;
import org.ttame.eval.explain.Explainer;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.figure.Album;
import org.ttame.eval.figure.AlbumMaker;
import org.ttame.eval.figure.ExplainedModel;
import org.ttame.eval.figure.Figure;
import org.ttame.eval.figure.FigureComposer;
import org.ttame.eval.figure.FigureFiles;
import org.ttame.eval.figure.FigureKind;
import org.ttame.eval.figure.FigureSet;
import org.ttame.eval.figure.FigureSet.Missing;
import org.ttame.eval.figure.RoadFigure;
import org.ttame.eval.figure.SceneBatch;
import org.ttame.eval.figure.SceneSelection;
import org.ttame.eval.output.Provenance;
import org.ttame.eval.render.ColorMap;
import org.ttame.eval.render.FigureFormat;
import org.ttame.eval.render.HeatmapOverlay;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.SkippedCount;

/** Draws the paper's figures of runs: classifiers, methods, classes. */
public final class Figures {
  private final Options options;
  private final ProgressListener listener;
  private final FigureRuns runs;

  /**
   * What to draw.
   *
   * @param runs whose explanations
   * @param source of which images
   * @param kinds the figures
   * @param asked whether they were asked for by name, so that all of them must be possible
   * @param shown the most images a figure shows
   * @param colors of the heatmaps
   * @param formats of the files for papers
   * @param out where to write
   */
  public record Options(
      FigureRuns runs,
      FigureImages.Source source,
      Set<FigureKind> kinds,
      boolean asked,
      int shown,
      ColorMap colors,
      Set<FigureFormat> formats,
      Path out) {
    public Options {
      Objects.requireNonNull(source, "source");
      Objects.requireNonNull(colors, "colors");
      Objects.requireNonNull(out, "out");
      kinds = Collections.unmodifiableSet(EnumSet.copyOf(kinds));
      formats = Set.copyOf(formats);
      if (shown < 1) {
        throw new InvalidOptionException("shown", shown + " is not a whole number of at least 1");
      }
      if (runs.runs().isEmpty() && kinds.stream().anyMatch(FigureKind::needsRuns)) {
        throw new InvalidOptionException(
            "runs",
            "DIR[,DIR…] is missing: the runs to explain. Only option 'figures'"
                + " road needs no run");
      }
      if (asked && kinds.contains(FigureKind.BACKBONES) && runs.runs().size() < 2) {
        throw new InvalidOptionException(
            "figures",
            "backbones compares classifiers: give two runs or more, option 'runs' DIR,DIR");
      }
    }
  }

  /** Opens the classifiers of runs, one after the other. */
  @FunctionalInterface
  public interface Classifiers {
    /**
     * Opens one.
     *
     * @param run a training run
     * @return its classifier; closed after use
     */
    FrozenClassifier open(Path run) throws IOException;
  }

  /**
   * What was drawn.
   *
   * @param figures the figures
   * @param page all of it on one page
   * @param skipped images that could not be read
   */
  public record Result(List<Figure> figures, Path page, SkippedCount skipped) {}

  /**
   * Figures.
   *
   * @param options what to draw
   */
  public Figures(Options options, ProgressListener listener) {
    this.options = options;
    this.listener = listener;
    runs = options.runs();
  }

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

  /**
   * Draws, and writes files and page.
   *
   * @param classifiers asked for the classifier of each run, if a figure needs one
   * @return what was drawn
   */
  public Result run(Classifiers classifiers) throws IOException {
    Findings found = new Findings();
    Set<FigureKind> wanted = wanted(found);
    boolean explain = wanted.stream().anyMatch(FigureKind::needsRuns);
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("figures", names());
    settings.put("shown", String.valueOf(options.shown()));
    settings.put("colormap", options.colors().optionName());
    settings.putAll(runs.identity());
    if (explain) {
      ImageList list = options.source().list(runs.runs().get(0), listener);
      settings.putAll(options.source().identity(list));
      FigureFiles.requireSame(options.out(), settings);
      for (int r = 0; r < runs.runs().size(); r++) {
        explain(r, list, wanted, found, classifiers);
      }
      FigureComposer.Outcome outcome =
          new FigureComposer(found.albums, found.selection, found.labels, options.colors())
              .compose(wanted);
      found.figures.addAll(outcome.figures());
      found.missing.addAll(outcome.missing());
    } else {
      FigureFiles.requireSame(options.out(), settings);
    }
    if (wanted.contains(FigureKind.ROAD)) {
      found.figures.add(RoadFigure.draw(runs.seed(), options.colors()));
    }
    return write(found, settings);
  }

  private String names() {
    return options.kinds().stream().map(FigureKind::optionName).collect(Collectors.joining(","));
  }

  /** The figures that so many runs allow. */
  private Set<FigureKind> wanted(Findings found) {
    Set<FigureKind> wanted = EnumSet.copyOf(options.kinds());
    if (!options.asked() && runs.runs().size() < 2) {
      wanted.remove(FigureKind.BACKBONES);
      found.missing.add(
          new Missing(FigureKind.BACKBONES, "It compares classifiers, and there is one run."));
    }
    return wanted;
  }

  private void explain(
      int number, ImageList list, Set<FigureKind> wanted, Findings found, Classifiers classifiers)
      throws IOException {
    TrainedRun choice = runs.choice(number);
    try (FrozenClassifier classifier = classifiers.open(choice.run())) {
      requireSameClasses(number, classifier, found);
      MethodSelection methods = runs.methods(number, classifier, listener);
      try (MethodSelection.Made made =
          methods.make(
              classifier, options.source().reading().batchSize(), new PassProgress(listener))) {
        List<String> taken = found.albums.stream().map(Album::title).toList();
        String title = runs.title(number, classifier, taken);
        ExplainedModel model = new ExplainedModel(title, classifier, made.explainers());
        AlbumMaker maker =
            new AlbumMaker(
                model, new HeatmapOverlay(options.colors(), HeatmapOverlay.DEFAULT_OPACITY));
        FigureImages images =
            new FigureImages(options.source(), list, runs.runs().get(0), classifier);
        if (number == 0) {
          found.labels = images.names();
          found.selection =
              new SceneSelection(wanted, options.shown(), images.size(), images.truthKnown());
          choose(maker, images, classifier, found);
        }
        int[] places = number == 0 ? found.selection.places() : found.albums.get(0).places();
        found.albums.add(explain(maker, images, places, classifier, found));
        found.origins.put(title, Provenance.of(classifier, settings(choice, made.explainers())));
        for (Explainer explainer : made.explainers()) {
          explainer
              .warnings()
              .forEach(
                  (what, count) ->
                      listener.warn(
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
      AlbumMaker maker, FigureImages images, FrozenClassifier classifier, Findings found)
      throws IOException {
    if (found.selection.isComplete()) {
      return;
    }
    int[] all = IntStream.range(0, images.size()).toArray();
    try (FigureImages.Opened opened =
        images.open(all, classifier.inputSpec(), listener, "choosing images")) {
      maker.choose(opened, found.selection);
      opened.stream().unreadable().forEach(found.selection::leaveOut);
      add(opened.stream().skipped(), found);
      opened.stream().requireAny();
    }
  }

  private Album explain(
      AlbumMaker maker,
      FigureImages images,
      int[] places,
      FrozenClassifier classifier,
      Findings found)
      throws IOException {
    if (places.length == 0) {
      return maker.explain(List.<SceneBatch>of().iterator(), found.selection);
    }
    try (FigureImages.Opened opened =
        images.open(places, classifier.inputSpec(), listener, "explaining")) {
      Album album = maker.explain(opened, found.selection);
      add(opened.stream().skipped(), found);
      opened.stream().requireAny();
      return album;
    }
  }

  private static void add(SkippedCount some, Findings found) {
    some.byKind()
        .forEach((kind, count) -> IntStream.range(0, count).forEach(i -> found.skipped.add(kind)));
  }

  private static Map<String, String> settings(TrainedRun choice, List<Explainer> explainers)
      throws IOException {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("run", choice.run().toString());
    settings.put("checkpoint", choice.checkpointName());
    for (Explainer explainer : explainers) {
      settings.put("method " + explainer.name(), explainer.settings().toString());
    }
    return settings;
  }

  private Result write(Findings found, Map<String, String> settings) throws IOException {
    for (Missing one : found.missing) {
      String name = one.kind().optionName();
      listener.warn(Text.format("the figure %s is left out. %s", name, one.reason()));
    }
    FigureSet set =
        new FigureSet(
            found.figures,
            found.missing,
            found.skipped,
            BuildInfo.current(),
            found.origins,
            settings);
    Path page = FigureFiles.write(options.out(), set, options.formats());
    return new Result(List.copyOf(found.figures), page, found.skipped);
  }
}
