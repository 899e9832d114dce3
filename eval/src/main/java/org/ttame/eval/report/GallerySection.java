package org.ttame.eval.report;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.ttame.core.image.RgbImage;
import org.ttame.eval.EvaluationResult;
import org.ttame.eval.ImageRecord;
import org.ttame.eval.MethodResult;
import org.ttame.eval.explain.SaliencyMaps;
import org.ttame.eval.gallery.GalleryFolder;
import org.ttame.eval.metric.Box;
import org.ttame.eval.metric.RankCorrelation;
import org.ttame.eval.render.ColorMap;
import org.ttame.eval.render.Thumbnail;

/**
 * Images × methods: what the classifier saw, every method's map over it and what was measured.
 * Pictures are read and turned into text one image at a time.
 */
final class GallerySection {
  private static final String FILE = "gallery.html";

  /** Heatmaps are smooth: more pixels would only make the page larger. */
  private static final int HEAT_SIDE = 160;

  /** Up to this side the photograph's pixels are shown as squares. */
  private static final int COARSE_SIDE = 96;

  private final EvaluationResult result;
  private final GalleryFolder folder;
  private final List<String> labels;
  private final ColorMap colors;
  private final List<Column> columns;
  private final Map<String, Map<String, ImageRecord>> records = new LinkedHashMap<>();

  /**
   * A gallery.
   *
   * @param result what was measured
   * @param folder the pictures that were kept
   * @param labels names of the classes by index, or an empty list
   * @param colors the heatmaps' colours
   */
  GallerySection(
      EvaluationResult result, GalleryFolder folder, List<String> labels, ColorMap colors) {
    this.result = result;
    this.folder = folder;
    this.labels = labels;
    this.colors = colors;
    columns = Column.shown(result.keys());
  }

  /** A card and what it is ordered by. */
  private record Card(Html markup, double disagreement) {}

  /**
   * Reads the pictures.
   *
   * @return the section, or nothing if no picture was kept
   * @throws IOException naming the file, if one cannot be read
   */
  Optional<Section> section() throws IOException {
    List<GalleryFolder.Entry> entries = new ArrayList<>();
    List<GalleryFolder.Entry> kept = folder.entries();
    List<String> names = kept.stream().map(GalleryFolder.Entry::image).toList();
    for (MethodResult method : result.methods()) {
      records.put(
          method.method(),
          method.records().stream()
              .filter(record -> names.contains(record.image()))
              .collect(Collectors.toMap(ImageRecord::image, record -> record, (a, b) -> a)));
    }
    kept.stream()
        .filter(
            entry -> records.values().stream().anyMatch(known -> known.containsKey(entry.image())))
        .forEach(entries::add);
    if (entries.isEmpty()) {
      return Optional.empty();
    }
    List<Card> cards = new ArrayList<>();
    for (GalleryFolder.Entry entry : entries) {
      cards.add(card(entry));
    }
    // As the script does: what has no number comes last.
    cards.sort(
        Comparator.comparingDouble(
            (Card card) ->
                Double.isNaN(card.disagreement()) ? Double.MAX_VALUE : -card.disagreement()));
    boolean several = result.methods().size() > 1;
    Html body =
        Template.read(FILE, "gallery")
            .fill(
                Map.of(
                    "intro",
                    String.format(
                        Locale.ROOT,
                        "%d of %,d images, spread evenly over the set, with the map that each method"
                            + " makes for the class the classifier answers.",
                        cards.size(),
                        result.images()),
                    "disagreement",
                    several
                        ? "Images where the methods disagree most come first: disagreement is 1 minus"
                            + " the mean of Spearman's rank correlation between the maps of every two"
                            + " methods, pixel by pixel; 0 where all put the pixels in the same order,"
                            + " 1 where the orders have nothing to do with each other. Spread of a"
                            + " score is the largest minus the smallest among the methods."
                        : "",
                    "orders",
                    orders(several),
                    "scores",
                    scoreOptions(),
                    "methods",
                    methodBoxes(),
                    "colours",
                    gradient(),
                    "cards",
                    Html.join(cards.stream().map(Card::markup).toList())));
    return Optional.of(
        new Section("gallery", "Gallery", body, List.of("gallery.css"), List.of("gallery.js")));
  }

  private Html orders(boolean several) {
    Map<String, String> orders = new LinkedHashMap<>();
    if (several) {
      orders.put("disagreement down", "maps disagree most");
      for (int c = 0; c < columns.size(); c++) {
        orders.put("spread" + c + " down", "largest spread of " + columns.get(c).title());
      }
    }
    orders.put("name up", "by name");
    orders.put("confidence down", "most confident first");
    orders.put("confidence up", "least confident first");
    return options(orders);
  }

  private Html scoreOptions() {
    Map<String, String> scores = new LinkedHashMap<>();
    for (int c = 0; c < columns.size(); c++) {
      scores.put(Integer.toString(c), columns.get(c).title());
    }
    return options(scores);
  }

  private static Html options(Map<String, String> texts) {
    Template option = Template.read(FILE, "option");
    List<Html> all = new ArrayList<>();
    texts.forEach((value, text) -> all.add(option.fill(Map.of("value", value, "text", text))));
    return Html.join(all);
  }

  private Html methodBoxes() {
    Template box = Template.read(FILE, "method");
    List<Html> all = new ArrayList<>();
    for (int m = 0; m < result.methods().size(); m++) {
      all.add(box.fill(Map.of("number", m, "name", Html.name(result.methods().get(m).method()))));
    }
    return Html.join(all);
  }

  private Html gradient() {
    int stops = 9;
    List<String> all = new ArrayList<>();
    for (int i = 0; i < stops; i++) {
      all.add(String.format(Locale.ROOT, "#%06x", colors.rgb(i / (stops - 1.0))));
    }
    return new Html(String.join(",", all));
  }

  private Card card(GalleryFolder.Entry entry) throws IOException {
    RgbImage picture = folder.picture(entry);
    String coarse = picture.width() <= COARSE_SIDE ? " coarse" : "";
    Html boxes = boxes(entry, picture);
    List<Html> figures = new ArrayList<>();
    List<double[]> ranks = new ArrayList<>();
    for (int m = 0; m < result.methods().size(); m++) {
      String method = result.methods().get(m).method();
      Optional<SaliencyMaps> map = folder.map(entry, method);
      ImageRecord record = records.get(method).get(entry.image());
      if (map.isEmpty() || record == null) {
        figures.add(Template.read(FILE, "missing").fill(Map.of("number", m, "method", method)));
        continue;
      }
      ranks.add(RankCorrelation.ranks(map.get().upsampled(picture.width())[0]));
      List<String> scores = scores(record);
      figures.add(
          Template.read(FILE, "figure")
              .fill(
                  Map.of(
                      "number",
                      m,
                      "scores",
                      String.join(" ", scores),
                      "coarse",
                      coarse,
                      "method",
                      method,
                      "image",
                      entry.image(),
                      "heat",
                      Thumbnail.heat(map.get().upsampled(HEAT_SIDE)[0], HEAT_SIDE, colors),
                      "boxes",
                      boxes,
                      "score",
                      scores.isEmpty() ? "" : scores.get(0))));
    }
    double disagreement = disagreement(ranks);
    ImageRecord any =
        records.values().stream()
            .map(known -> known.get(entry.image()))
            .filter(java.util.Objects::nonNull)
            .findFirst()
            .orElseThrow();
    Html markup =
        Template.read(FILE, "card")
            .fill(
                Map.of(
                    "keys", keys(entry.image(), any.confidence(), disagreement),
                    "image", entry.image(),
                    "name", Html.name(entry.image()),
                    "photo", Thumbnail.photo(picture),
                    "seen", seen(any, disagreement),
                    "coarse", coarse,
                    "boxes", boxes,
                    "figures", Html.join(figures),
                    "table", table(entry.image())));
    return new Card(markup, disagreement);
  }

  /** 1 minus the mean correlation of every two; NaN with fewer than two maps. */
  static double disagreement(List<double[]> ranks) {
    double sum = 0;
    int pairs = 0;
    for (int a = 0; a < ranks.size(); a++) {
      for (int b = 0; b < a; b++) {
        sum += RankCorrelation.between(ranks.get(a), ranks.get(b));
        pairs++;
      }
    }
    return pairs == 0 ? Double.NaN : 1 - sum / pairs;
  }

  private Html keys(String image, double confidence, double disagreement) {
    StringBuilder keys = new StringBuilder();
    keys.append("data-confidence=\"").append(sortable(confidence)).append('"');
    keys.append(" data-disagreement=\"").append(sortable(disagreement)).append('"');
    for (int c = 0; c < columns.size(); c++) {
      keys.append(" data-spread").append(c).append("=\"");
      keys.append(sortable(spread(image, columns.get(c)))).append('"');
    }
    return new Html(keys.toString());
  }

  private double spread(String image, Column column) {
    int at = result.keys().indexOf(column.key());
    double[] values =
        records.values().stream()
            .map(known -> known.get(image))
            .filter(java.util.Objects::nonNull)
            .mapToDouble(record -> record.values()[at])
            .filter(value -> !Double.isNaN(value))
            .sorted()
            .toArray();
    return values.length < 2 ? Double.NaN : values[values.length - 1] - values[0];
  }

  private static String sortable(double value) {
    return Double.isNaN(value) ? "" : String.format(Locale.ROOT, "%.6f", value);
  }

  private List<String> scores(ImageRecord record) {
    return columns.stream()
        .map(column -> Numbers.ofImage(record.values()[result.keys().indexOf(column.key())]))
        .toList();
  }

  private Html seen(ImageRecord record, double disagreement) {
    Html label =
        record.classIndex() < labels.size()
            ? Html.name(labels.get(record.classIndex()))
            : Html.text("class " + record.classIndex());
    String numbers =
        String.format(Locale.ROOT, ", probability %.3f", record.confidence())
            + (Double.isNaN(disagreement)
                ? ""
                : String.format(Locale.ROOT, " · disagreement %.2f", disagreement));
    return Html.join(List.of(label, Html.text(numbers)));
  }

  private Html table(String image) {
    List<Html> heads = new ArrayList<>(List.of(Html.text("method")));
    columns.forEach(column -> heads.add(column.heading()));
    Table table = new Table("Scores of " + image, Html.name(image), heads);
    records.forEach(
        (method, known) -> {
          ImageRecord record = known.get(image);
          if (record != null) {
            table.row(Html.name(method), scores(record).stream().map(Table.Cell::of).toList());
          }
        });
    return table.markup();
  }

  private Html boxes(GalleryFolder.Entry entry, RgbImage picture) {
    int explained =
        records.values().stream()
            .map(known -> known.get(entry.image()))
            .filter(java.util.Objects::nonNull)
            .mapToInt(ImageRecord::classIndex)
            .findFirst()
            .orElseThrow();
    Template template = Template.read(FILE, "box");
    List<Html> all = new ArrayList<>();
    for (Box box : entry.boxes()) {
      all.add(
          template.fill(
              Map.of(
                  "other", box.classIndex() == explained ? "" : " other",
                  "left", percent(box.x0(), picture.width()),
                  "top", percent(box.y0(), picture.height()),
                  "width", percent(box.x1() - box.x0(), picture.width()),
                  "height", percent(box.y1() - box.y0(), picture.height()))));
    }
    return Html.join(all);
  }

  private static String percent(double pixels, int side) {
    return String.format(Locale.ROOT, "%.2f", 100 * pixels / side);
  }
}
