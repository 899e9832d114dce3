package org.ttame.eval.render;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.Shape;
import java.awt.geom.AffineTransform;
import java.awt.geom.Area;
import java.awt.geom.Rectangle2D;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.ttame.core.image.RgbImage;

/**
 * Whatever names and numbers come: nothing outside the page, no text over text or over a picture.
 */
class GraphicLayoutTest {
  private static final int CASES = 300;
  private static final List<String> WORDS =
      List.of(
          "a",
          "sneaker",
          "猫",
          "Ωμέγα",
          "n01440764/ILSVRC2012_val_00000293.JPEG",
          "\u202e",
          "",
          "great grey owl",
          "encoder.layers.encoder_layer_11.mlp.linear_2",
          "\ud83d\ude00",
          "1e-9",
          "Pneumonoultramicroscopicsilicovolcanoconiosis",
          "<b>&\"'",
          " ",
          "WWWWWWWWWWWW");

  /** Remembers where everything went. */
  private static final class Recording implements Drawing {
    private final List<Shape> texts = new ArrayList<>();
    private final List<String> words = new ArrayList<>();
    private final List<Shape> pictures = new ArrayList<>();
    private final List<Shape> marks = new ArrayList<>();

    @Override
    public void fill(Shape shape, int rgb, double opacity) {
      marks.add(shape.getBounds2D());
    }

    @Override
    public void stroke(Shape path, double width, int rgb, float... dashes) {
      marks.add(path.getBounds2D());
    }

    /** Letters as their own outlines have it, so that ascents and descents are no guess. */
    @Override
    public void text(String text, double x, double y, double size, double angle, int rgb) {
      Typeface typeface = Typeface.get();
      double scale = size / typeface.unitsPerEm();
      Rectangle2D box = null;
      double at = 0;
      for (int point : text.codePoints().toArray()) {
        Rectangle2D glyph = typeface.outline(point).getBounds2D();
        if (!glyph.isEmpty()) {
          Rectangle2D placed =
              new Rectangle2D.Double(
                  (at + glyph.getX()) * scale,
                  -glyph.getMaxY() * scale,
                  glyph.getWidth() * scale,
                  glyph.getHeight() * scale);
          box = box == null ? placed : box.createUnion(placed);
        }
        at += typeface.advance(point);
      }
      if (box != null) {
        AffineTransform turned = AffineTransform.getTranslateInstance(x, y);
        turned.rotate(Math.toRadians(-angle));
        texts.add(turned.createTransformedShape(box));
        words.add(text);
      }
    }

    @Override
    public void picture(RgbImage picture, double x, double y, double width, double height) {
      pictures.add(new Rectangle2D.Double(x, y, width, height));
    }
  }

  private static void check(Graphic graphic, String about) {
    Recording drawn = new Recording();
    graphic.draw(drawn);
    Rectangle2D page = new Rectangle2D.Double(0, 0, graphic.width(), graphic.height());
    Rectangle2D inner = new Rectangle2D.Double(2, 2, graphic.width() - 4, graphic.height() - 4);
    for (int i = 0; i < drawn.texts.size(); i++) {
      assertThat(inner.contains(drawn.texts.get(i).getBounds2D()))
          .as("%s: '%s' inside the page", about, drawn.words.get(i))
          .isTrue();
      for (int j = 0; j < i; j++) {
        assertThat(overlap(drawn.texts.get(i), drawn.texts.get(j)))
            .as("%s: '%s' over '%s'", about, drawn.words.get(i), drawn.words.get(j))
            .isFalse();
      }
      for (Shape picture : drawn.pictures) {
        assertThat(overlap(drawn.texts.get(i), picture))
            .as("%s: '%s' over a picture", about, drawn.words.get(i))
            .isFalse();
      }
    }
    for (Shape mark : drawn.marks) {
      Rectangle2D bounds = mark.getBounds2D();
      assertThat(
              bounds.getMinX() >= -1e-6
                  && bounds.getMinY() >= -1e-6
                  && bounds.getMaxX() <= page.getMaxX()
                  && bounds.getMaxY() <= page.getMaxY())
          .as("%s: %s inside %s", about, bounds, page)
          .isTrue();
    }
    for (int i = 0; i < drawn.pictures.size(); i++) {
      assertThat(inner.contains(drawn.pictures.get(i).getBounds2D())).as(about).isTrue();
      for (int j = 0; j < i; j++) {
        assertThat(overlap(drawn.pictures.get(i), drawn.pictures.get(j))).as(about).isFalse();
      }
    }
  }

  private static boolean overlap(Shape one, Shape other) {
    if (!one.getBounds2D().intersects(other.getBounds2D())) {
      return false;
    }
    Area common = new Area(one);
    common.intersect(new Area(other));
    Rectangle2D bounds = common.getBounds2D();
    // Roundings of a hundredth of a point are nobody's to see.
    return bounds.getWidth() > 0.01 && bounds.getHeight() > 0.01;
  }

  @Test
  void plotsKeepEverythingApart() {
    for (int seed = 0; seed < CASES; seed++) {
      Random random = new Random(seed);
      check(plot(random), "plot of seed " + seed);
    }
  }

  @Test
  void sheetsKeepEverythingApart() {
    for (int seed = 0; seed < CASES; seed++) {
      Random random = new Random(seed);
      int columns = 1 + random.nextInt(14);
      int count = 1 + random.nextInt(7);
      List<List<Optional<Panel>>> rows = new ArrayList<>();
      for (int r = 0; r < count; r++) {
        List<Optional<Panel>> row = new ArrayList<>();
        int length = 1 + random.nextInt(columns);
        for (int c = 0; c < length; c++) {
          row.add(random.nextInt(5) == 0 ? Optional.empty() : Optional.of(panel(random)));
        }
        rows.add(row);
      }
      boolean headed = random.nextBoolean();
      check(
          new FigureSheet(
              random.nextBoolean() ? "" : words(random, 12),
              names(random, columns),
              headed ? names(random, count) : List.of(),
              rows,
              random.nextBoolean() ? Optional.of(ColorMap.VIRIDIS) : Optional.empty()),
          "sheet of seed " + seed);
    }
  }

  /** A text that was cut says so. */
  @Test
  void whatIsLeftOutOfATextIsSeen() {
    for (int seed = 0; seed < CASES; seed++) {
      Random random = new Random(seed);
      String text = words(random, 6);
      int lines = 1 + random.nextInt(3);
      double width = 30 + 200 * random.nextDouble();
      Typeface typeface = Typeface.get();
      List<String> wrapped = typeface.wrapped(text, 7, width, lines);
      assertThat(wrapped).hasSizeLessThanOrEqualTo(lines);
      assertThat(wrapped).allMatch(line -> typeface.width(line, 7) <= width);
      String together = String.join(" ", wrapped);
      String whole = typeface.printable(text).strip().replaceAll(" +", " ");
      assertThat(together.strip().replaceAll(" +", " ").equals(whole) || together.contains("…"))
          .as("'%s' as '%s'", text, together)
          .isTrue();
    }
  }

  @Test
  void numbersThatAreNoneLeaveGaps() {
    LinePlot plot = new LinePlot("t", "x", "y", new LinePlot.XAxis.Linear());
    List<Double> none = List.of(Double.NaN, Double.NaN);
    plot.add(new LinePlot.Series("a", List.of(1.0, 2.0), none, none, none));
    check(plot, "no number at all");
    plot.add(LinePlot.Series.of("b", List.of(1.0, 2.0), List.of(3.0, Double.POSITIVE_INFINITY)));
    check(plot, "one number");
    assertThat(plot.toSvg("t", "d")).doesNotContain("NaN").doesNotContain("Infinity");
  }

  @Test
  void equalGraphicsAreEqualFiles() {
    for (FigureFormat format : FigureFormat.values()) {
      assertThat(format.encode(plot(new Random(5)), "t", "d"))
          .isEqualTo(format.encode(plot(new Random(5)), "t", "d"));
    }
  }

  private static LinePlot plot(Random random) {
    int kind = random.nextInt(3);
    int points = 1 + random.nextInt(kind == 2 ? 30 : 120);
    LinePlot.XAxis axis =
        switch (kind) {
          case 0 -> new LinePlot.XAxis.Linear();
          case 1 -> new LinePlot.XAxis.Logarithmic();
          default -> new LinePlot.XAxis.Named(names(random, points));
        };
    double wide = Math.pow(10, -4 + 8 * random.nextDouble());
    double first =
        kind == 1 ? Math.pow(10, -8 + 8 * random.nextDouble()) : wide * random.nextGaussian();
    List<Double> x =
        IntStream.range(0, points)
            .mapToObj(
                i ->
                    switch (kind) {
                      case 0 -> first + wide * i;
                      case 1 -> first * Math.pow(1 + wide / 1e4, i);
                      default -> (double) i;
                    })
            .toList();
    LinePlot plot = new LinePlot(words(random, 9), words(random, 5), words(random, 5), axis);
    double scale = Math.pow(10, -9 + 16 * random.nextDouble());
    for (int s = 0; s <= random.nextInt(18); s++) {
      List<Double> y = random.doubles(points, -scale, scale).boxed().toList();
      boolean band = random.nextBoolean();
      LinePlot.Series curve =
          new LinePlot.Series(
              words(random, 3),
              x,
              y,
              band ? y.stream().map(v -> v - scale).toList() : List.of(),
              band ? y.stream().map(v -> v + scale).toList() : List.of());
      plot.add(random.nextInt(4) == 0 ? curve.behind() : curve);
    }
    if (random.nextBoolean()) {
      plot.mark(x.get(random.nextInt(points)), words(random, 4));
    }
    return plot;
  }

  private static Panel panel(Random random) {
    RgbImage picture =
        RgbImage.of(8 + random.nextInt(20), 8 + random.nextInt(20), (column, row) -> column);
    return new Panel(picture, names(random, random.nextInt(4)));
  }

  private static List<String> names(Random random, int count) {
    return IntStream.range(0, count).mapToObj(i -> words(random, 3)).toList();
  }

  private static String words(Random random, int most) {
    StringBuilder text = new StringBuilder();
    DoubleStream.generate(random::nextDouble)
        .limit(random.nextInt(most + 1))
        .forEach(d -> text.append(WORDS.get((int) (d * WORDS.size()))).append(d < 0.3 ? "" : " "));
    return text.toString();
  }
}
