package org.ttame.eval.figure;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.eval.LinearClassifier;
import org.ttame.eval.explain.Explainer;
import org.ttame.eval.explain.SaliencyMaps;
import org.ttame.eval.metric.Box;
import org.ttame.eval.metric.ImageBatch;
import org.ttame.eval.render.ColorMap;
import org.ttame.eval.render.HeatmapOverlay;

/** Classifiers that answer the colour of an image, and a method whose maps say the class. */
class AlbumTest {
  private static final int SIDE = 8;
  private static final List<String> LABELS = List.of("red, ruddy", "green", "blue");

  /** The map of class c is all 0 but for column c. */
  private static final class Columns implements Explainer {
    private final String name;
    private final List<String> asked = new ArrayList<>();

    Columns(String name) {
      this.name = name;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public Map<String, String> settings() {
      return Map.of();
    }

    @Override
    public SaliencyMaps explain(INDArray images, int[] classes, List<String> names) {
      float[][] maps = new float[classes.length][SIDE * SIDE];
      for (int b = 0; b < classes.length; b++) {
        asked.add(names.get(b) + " " + classes[b]);
        for (int y = 0; y < SIDE; y++) {
          maps[b][y * SIDE + classes[b]] = 1;
        }
      }
      return new SaliencyMaps(SIDE, SIDE, maps);
    }

    @Override
    public void close() {
      // Nothing is held.
    }
  }

  /** Logit c is the mean of channel c, times a strength. */
  private static FrozenClassifier colours(float strength) {
    float[] weights = new float[SIDE * SIDE * 3 * 3];
    for (int i = 0; i < SIDE * SIDE * 3; i++) {
      weights[3 * i + i % 3] = strength / (SIDE * SIDE);
    }
    return LinearClassifier.of(LinearClassifier.PLAIN, weights, new float[3]);
  }

  /** Six images: what they show mostly is their number modulo 3, less so the next channel. */
  private static List<SceneBatch> batches(int size, List<List<Integer>> truths, int... places) {
    List<SceneBatch> batches = new ArrayList<>();
    for (int from = 0; from < places.length; from += size) {
      int[] some = Arrays.copyOfRange(places, from, Math.min(places.length, from + size));
      float[] unit = new float[some.length * SIDE * SIDE * 3];
      for (int i = 0; i < unit.length; i++) {
        int place = some[i / (SIDE * SIDE * 3)];
        unit[i] = i % 3 == place % 3 ? 0.9f : i % 3 == (place + 1) % 3 ? 0.6f : 0.1f;
      }
      List<String> names = IntStream.of(some).mapToObj(p -> "dir/" + p + ".png").toList();
      List<List<Box>> boxes =
          IntStream.of(some)
              .mapToObj(p -> truths.get(p).stream().map(c -> new Box(c, 1, 1, 6, 6)).toList())
              .toList();
      batches.add(
          new SceneBatch(
              new ImageBatch(names, SIDE, unit, boxes),
              IntStream.of(some).boxed().toList(),
              IntStream.of(some).mapToObj(truths::get).toList()));
    }
    return batches;
  }

  private static final List<List<Integer>> TRUTHS =
      List.of(List.of(0), List.of(2), List.of(2), List.of(0, 1), List.of(0), List.of(2, 0));

  private record Made(
      FigureComposer.Outcome outcome, List<String> asked, SceneSelection selection) {}

  private static Made make(int batch, int classifiers) {
    EnumSet<FigureKind> kinds = EnumSet.allOf(FigureKind.class);
    SceneSelection selection = new SceneSelection(kinds, 2, 6, true);
    List<Album> albums = new ArrayList<>();
    List<String> asked = new ArrayList<>();
    for (int c = 0; c < classifiers; c++) {
      Columns first = new Columns("ttame");
      Columns second = new Columns("gradcam");
      try (FrozenClassifier classifier = colours(2 + c)) {
        List<Explainer> methods = List.of(first, second);
        AlbumMaker maker =
            new AlbumMaker(
                new ExplainedModel("net" + c, classifier, methods), HeatmapOverlay.defaults());
        if (c == 0) {
          maker.choose(batches(batch, TRUTHS, 0, 1, 2, 3, 4, 5).iterator(), selection);
        }
        albums.add(maker.explain(batches(batch, TRUTHS, selection.places()).iterator(), selection));
      }
      first.asked.forEach(one -> asked.add("ttame " + one));
      second.asked.forEach(one -> asked.add("gradcam " + one));
    }
    return new Made(
        new FigureComposer(albums, selection, LABELS, ColorMap.VIRIDIS).compose(kinds),
        asked.stream().sorted().toList(),
        selection);
  }

  private static Figure named(Made made, String name) {
    return made.outcome().figures().stream()
        .filter(figure -> figure.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private static List<String> lines(Figure figure, int row, int column) {
    return figure.sheet().rows().get(row).get(column).orElseThrow().lines();
  }

  @Test
  void imagesAreTheFirstThatFiguresAreAbout() {
    Made made = make(4, 1);
    // Answers are 0 1 2 0 1 2: wrong for 1 and 4; right with a notable false class for 0 and 2.
    assertThat(made.selection().places(FigureKind.MISCLASSIFIED)).containsExactly(1, 4);
    assertThat(made.selection().places(FigureKind.WRONG_CLASS)).containsExactly(0, 2);
    assertThat(made.selection().places(FigureKind.SEVERAL_CLASSES)).containsExactly(3, 5);
    assertThat(made.outcome().missing()).isEmpty();
    Figure mistakes = named(made, "misclassified");
    assertThat(mistakes.sheet().columns())
        .containsExactly("input", "true class", "most probable false class");
    assertThat(lines(mistakes, 0, 0)).containsExactly("1.png", "true: blue");
    assertThat(lines(mistakes, 0, 1).get(0)).startsWith("blue 0.");
    assertThat(lines(mistakes, 0, 1).get(1)).isEqualTo("true");
    assertThat(lines(mistakes, 0, 2).get(0)).startsWith("green 0.");
    assertThat(lines(mistakes, 0, 2).get(1)).isEqualTo("false, predicted");
    assertThat(lines(mistakes, 1, 1).get(0)).startsWith("red 0.");
  }

  /** Each picture shows the map of its own image and class: the hot column tells. */
  @Test
  void picturesAreOfTheClassTheyName() {
    Figure several = named(make(4, 1), "several-classes");
    assertThat(lines(several, 1, 1).get(0)).startsWith("blue");
    assertThat(hottestColumn(several, 1, 1)).isEqualTo(2);
    assertThat(lines(several, 1, 2).get(0)).startsWith("red");
    assertThat(hottestColumn(several, 1, 2)).isZero();
  }

  /** The column of the image, of 8, that is most yellow. */
  private static int hottestColumn(Figure figure, int row, int column) {
    var picture = figure.sheet().rows().get(row).get(column).orElseThrow().picture();
    int cell = picture.width() / SIDE;
    int best = 0;
    int most = -1;
    for (int x = 0; x < SIDE; x++) {
      int rgb = picture.rgb(x * cell + cell / 2, picture.height() - cell / 2);
      int yellow = (rgb >> 16 & 255) + (rgb >> 8 & 255) - (rgb & 255);
      if (yellow > most) {
        most = yellow;
        best = x;
      }
    }
    return best;
  }

  @Test
  void onlyWhatIsShownIsExplainedAndBatchesChangeNothing() {
    Made made = make(4, 1);
    // Spread over the list: 0 and 3, by both methods; all others by the first.
    assertThat(made.asked())
        .containsExactly(
            "gradcam dir/0.png 0",
            "gradcam dir/3.png 0",
            "ttame dir/0.png 0",
            "ttame dir/0.png 1",
            "ttame dir/1.png 1",
            "ttame dir/1.png 2",
            "ttame dir/2.png 0",
            "ttame dir/2.png 2",
            "ttame dir/3.png 0",
            "ttame dir/3.png 1",
            "ttame dir/4.png 0",
            "ttame dir/4.png 1",
            "ttame dir/5.png 0",
            "ttame dir/5.png 2");
    Made single = make(1, 1);
    assertThat(single.asked()).isEqualTo(made.asked());
    assertThat(named(single, "wrong-class").sheet().toSvg("a", "b"))
        .isEqualTo(named(made, "wrong-class").sheet().toSvg("a", "b"));
  }

  @Test
  void severalClassifiersStandBesideEachOther() {
    Made made = make(3, 2);
    Figure backbones = named(made, "backbones");
    assertThat(backbones.sheet().columns()).containsExactly("input", "net0", "net1");
    assertThat(backbones.caption()).contains("spread evenly over the 6 of the list");
    assertThat(lines(backbones, 0, 1)).hasSize(2);
    assertThat(lines(backbones, 0, 1)).isNotEqualTo(lines(backbones, 0, 2));
    Figure wrong = named(made, "wrong-class");
    assertThat(wrong.sheet().rows()).hasSize(4);
    assertThat(wrong.sheet().rows().get(1).get(0)).isEmpty();
    assertThat(wrong.caption()).contains("net0 classifies correctly");
    assertThat(made.outcome().figures().stream().map(Figure::name))
        .contains("methods-net0", "methods-net1");
  }
}
