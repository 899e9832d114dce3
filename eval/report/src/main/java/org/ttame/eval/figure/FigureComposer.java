package org.ttame.eval.figure;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.ttame.core.Text;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.figure.FigureSet.Missing;
import org.ttame.eval.render.ColorMap;
import org.ttame.eval.render.FigureSheet;
import org.ttame.eval.render.Panel;

/** Lays figures out of what classifiers say of the chosen images. */
public final class FigureComposer {
  private static final String MEANING =
      " White frames: objects of the class that is explained, where boxes"
          + " are known; grey: other objects.";

  private final List<Album> albums;
  private final SceneSelection selection;
  private final List<String> labels;
  private final ColorMap colors;

  /**
   * For some classifiers.
   *
   * @param albums one for each classifier, the one that images were chosen by first
   * @param selection which figure shows which image
   * @param labels names of the classes by index, or an empty list where they are not known
   * @param colors of the heatmaps
   */
  public FigureComposer(
      List<Album> albums, SceneSelection selection, List<String> labels, ColorMap colors) {
    this.albums = List.copyOf(albums);
    this.selection = selection;
    this.labels = List.copyOf(labels);
    this.colors = colors;
  }

  /** What came of a kind of figure. */
  public record Outcome(List<Figure> figures, List<Missing> missing) {}

  /**
   * Makes figures.
   *
   * @return the figures, and the kinds that no image was found for
   */
  public Outcome compose(Collection<FigureKind> kinds) {
    List<Figure> figures = new ArrayList<>();
    List<Missing> missing = new ArrayList<>();
    for (FigureKind kind : FigureKind.values()) {
      if (kinds.contains(kind) && kind.needsRuns()) {
        List<Integer> places = places(kind);
        if (places.isEmpty()) {
          missing.add(new Missing(kind, selection.absence(kind, first().title())));
        } else {
          figures.addAll(figures(kind, places));
        }
      }
    }
    return new Outcome(List.copyOf(figures), List.copyOf(missing));
  }

  private Album first() {
    return albums.get(0);
  }

  /** The images of a figure that every classifier could read. */
  private List<Integer> places(FigureKind kind) {
    return selection.places(kind).stream()
        .filter(place -> albums.stream().allMatch(album -> album.scenes().containsKey(place)))
        .toList();
  }

  private List<Figure> figures(FigureKind kind, List<Integer> places) {
    return switch (kind) {
      case BACKBONES -> List.of(backbones(places));
      case METHODS -> albums.stream().map(album -> methods(album, places)).toList();
      case ROAD -> List.of();
      default -> List.of(albums.size() == 1 ? across(kind, places) : down(kind, places));
    };
  }

  private Figure backbones(List<Integer> places) {
    List<List<Optional<Panel>>> rows = new ArrayList<>();
    for (int place : places) {
      List<Optional<Panel>> row = new ArrayList<>();
      row.add(Optional.of(input(first().scenes().get(place))));
      for (Album album : albums) {
        Scene scene = album.scenes().get(place);
        row.add(Optional.of(map(album, scene, scene.answer().predicted(), 0)));
      }
      rows.add(row);
    }
    String caption =
        Text.format(
            "Maps of %s for the class that each classifier predicts, with its"
                + " probability. %s%s",
            firstMethods(), rule(FigureKind.BACKBONES), MEANING);
    return figure(FigureKind.BACKBONES, "", caption, heads("input", titles()), rows);
  }

  private Figure methods(Album album, List<Integer> places) {
    List<List<Optional<Panel>>> rows = new ArrayList<>();
    for (int place : places) {
      Scene scene = album.scenes().get(place);
      List<Optional<Panel>> row = new ArrayList<>();
      row.add(Optional.of(answered(scene)));
      for (int m = 0; m < album.methods().size(); m++) {
        Panel panel = map(album, scene, scene.answer().predicted(), m);
        row.add(Optional.of(new Panel(panel.picture(), List.of())));
      }
      rows.add(row);
    }
    String caption =
        Text.format(
            "Maps of %s for the predicted class, given below each image with its"
                + " probability. %s%s",
            album.title(), rule(FigureKind.METHODS), MEANING);
    List<String> names = album.methods().stream().map(ExplanationMethod::title).toList();
    String suffix = albums.size() == 1 ? "" : "-" + fileName(album.title());
    return figure(FigureKind.METHODS, suffix, caption, heads("input", names), rows);
  }

  /** One classifier: a row an image, a column a class. */
  private Figure across(FigureKind kind, List<Integer> places) {
    List<List<Optional<Panel>>> rows = new ArrayList<>();
    int most = 0;
    for (int place : places) {
      Scene scene = first().scenes().get(place);
      List<Optional<Panel>> row = new ArrayList<>();
      row.add(Optional.of(input(scene)));
      List<Integer> classes = SceneSelection.classes(kind, scene.truth(), scene.answer());
      classes.forEach(c -> row.add(Optional.of(map(first(), scene, c, 0))));
      most = Math.max(most, classes.size());
      rows.add(row);
    }
    List<String> heads = new ArrayList<>();
    for (int c = 0; c < most; c++) {
      heads.add(role(kind, c));
    }
    return figure(kind, "", caption(kind), heads("input", heads), rows);
  }

  /** Several classifiers: a column each, a row for each class of an image. */
  private Figure down(FigureKind kind, List<Integer> places) {
    List<List<Optional<Panel>>> rows = new ArrayList<>();
    for (int place : places) {
      Scene scene = first().scenes().get(place);
      int classes = SceneSelection.classes(kind, scene.truth(), scene.answer()).size();
      for (int c = 0; c < classes; c++) {
        List<Optional<Panel>> row = new ArrayList<>();
        row.add(c == 0 ? Optional.of(input(scene)) : Optional.empty());
        for (Album album : albums) {
          Scene own = album.scenes().get(place);
          int shown = SceneSelection.classes(kind, own.truth(), own.answer()).get(c);
          row.add(Optional.of(map(album, own, shown, 0)));
        }
        rows.add(row);
      }
    }
    return figure(kind, "", caption(kind), heads("input", titles()), rows);
  }

  private String caption(FigureKind kind) {
    String what =
        switch (kind) {
          case SEVERAL_CLASSES -> " for each true class of an image.";
          default ->
              " for the true class (the most probable of several) and for the most"
                  + " probable class that is absent.";
        };
    return "Maps of "
        + firstMethods()
        + what
        + " Below each map: its class, the class's probability, and whether it"
        + " is the prediction. "
        + rule(kind)
        + MEANING;
  }

  private static String role(FigureKind kind, int number) {
    if (kind == FigureKind.SEVERAL_CLASSES) {
      return "true class " + (number + 1);
    }
    return number == 0 ? "true class" : "most probable false class";
  }

  private Figure figure(
      FigureKind kind,
      String suffix,
      String caption,
      List<String> heads,
      List<List<Optional<Panel>>> rows) {
    return new Figure(
        kind.optionName(),
        kind.optionName() + suffix,
        suffix.isEmpty() ? "" : suffix.substring(1),
        caption,
        new FigureSheet(heads, rows, Optional.of(colors)));
  }

  private String rule(FigureKind kind) {
    return selection.rule(kind, first().title());
  }

  private Panel input(Scene scene) {
    List<String> lines = new ArrayList<>(List.of(shortName(scene.name())));
    if (!scene.truth().isEmpty()) {
      lines.add(
          "true: "
              + scene.truth().stream()
                  .map(c -> ClassLabel.of(c, labels))
                  .collect(Collectors.joining(", ")));
    }
    return new Panel(scene.photo(), lines);
  }

  /** The input with its caption, where all maps of a row are for the same class. */
  private Panel answered(Scene scene) {
    List<String> lines = new ArrayList<>(input(scene).lines());
    lines.add(1, "predicted: " + probable(scene, scene.answer().predicted()));
    return new Panel(scene.photo(), lines);
  }

  private Panel map(Album album, Scene scene, int classIndex, int method) {
    List<String> second = new ArrayList<>();
    if (!scene.truth().isEmpty()) {
      second.add(scene.truth().contains(classIndex) ? "true" : "false");
    }
    if (scene.answer().predicted() == classIndex) {
      second.add("predicted");
    }
    return new Panel(
        scene.map(new Scene.Wanted(album.methods().get(method), classIndex)),
        List.of(probable(scene, classIndex), String.join(", ", second)));
  }

  private String probable(Scene scene, int classIndex) {
    return ClassLabel.probable(classIndex, scene.answer().probability(classIndex), labels);
  }

  private List<String> titles() {
    return albums.stream().map(Album::title).toList();
  }

  /** The methods shown where only one is; classifiers may have different ones. */
  private String firstMethods() {
    return albums.stream()
        .map(album -> ExplanationMethod.title(album.methods().get(0)))
        .distinct()
        .collect(Collectors.joining(" and "));
  }

  private static List<String> heads(String first, List<String> others) {
    List<String> heads = new ArrayList<>(List.of(first));
    heads.addAll(others);
    return heads;
  }

  private static String shortName(String name) {
    return name.substring(name.lastIndexOf('/') + 1);
  }

  /** A title as a part of a file's name. */
  static String fileName(String title) {
    return title.replaceAll("[^A-Za-z0-9_.-]+", "-");
  }
}
