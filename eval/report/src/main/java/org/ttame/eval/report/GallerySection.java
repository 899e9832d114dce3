package org.ttame.eval.report;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.ttame.core.Text;
import org.ttame.core.image.RgbImage;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.ImageRecord;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.explain.SaliencyMaps;
import org.ttame.eval.gallery.GalleryFolder;
import org.ttame.eval.metric.Box;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.metric.RankCorrelation;
import org.ttame.eval.render.ColorMap;
import org.ttame.eval.render.Thumbnail;

/**
 * Images × methods: a card an image, and what orders and shows them. Pictures are read and turned
 * into text one image at a time.
 */
final class GallerySection {
  private static final String FILE = "gallery.html";
  private static final String FRAMES =
      " Frames are the objects' boxes: solid for the predicted class, dashed for others.";

  private final EvaluationResult result;
  private final GalleryFolder folder;
  private final List<String> labels;
  private final ColorMap colors;
  private final List<Column> columns;

  /** A gallery of the pictures that were kept. */
  GallerySection(
      EvaluationResult result, GalleryFolder folder, List<String> labels, ColorMap colors) {
    this.result = result;
    this.folder = folder;
    this.labels = labels;
    this.colors = colors;
    columns = Column.shown(result.keys());
  }

  /** The section, or nothing if no picture was kept. */
  Optional<Section> section() throws IOException {
    Map<String, List<ImageRecord>> measured = new HashMap<>();
    List<GalleryFolder.Entry> entries = folder.entries();
    entries.forEach(entry -> measured.put(entry.image(), new ArrayList<>()));
    for (MethodResult method : result.methods()) {
      Set<String> seen = new HashSet<>();
      for (ImageRecord record : method.records()) {
        // A name that is there twice was measured twice; the picture shows one of them.
        if (measured.containsKey(record.image()) && seen.add(record.image())) {
          measured.get(record.image()).add(record);
        }
      }
    }
    GalleryCard card = new GalleryCard(folder, result.keys(), labels, colors);
    List<GalleryCard.Made> cards = new ArrayList<>();
    for (GalleryFolder.Entry entry : entries) {
      // A picture may have been kept of a batch that was stopped before it was measured.
      if (!measured.get(entry.image()).isEmpty()) {
        cards.add(card.make(entry, measured.get(entry.image())));
      }
    }
    if (cards.isEmpty()) {
      return Optional.empty();
    }
    // As the script does: what has no number comes last.
    cards.sort(
        Comparator.comparingDouble(
            (GalleryCard.Made made) ->
                Double.isNaN(made.disagreement()) ? Double.MAX_VALUE : -made.disagreement()));
    boolean several = result.methods().size() > 1;
    boolean framed = entries.stream().anyMatch(entry -> !entry.boxes().isEmpty());
    Html body =
        Template.read(FILE, "gallery")
            .fill(
                Map.of(
                    "intro",
                    Text.format(
                        "%d of %,d images, spread evenly over the set, with each method's map"
                            + " for the predicted class.%s",
                        cards.size(), result.images(), framed ? FRAMES : ""),
                    "disagreement",
                    several
                        ? "Images where the methods disagree most come first: disagreement is 1"
                            + " minus the mean of Spearman's rank correlation between the maps of"
                            + " every two methods, pixel by pixel; 0 if all rank the pixels"
                            + " alike, 1 if their rankings are unrelated. The spread of a score"
                            + " is its maximum minus its minimum over the methods."
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
                    Html.join(cards.stream().map(GalleryCard.Made::markup).toList())));
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
      all.add(box.fill(Map.of("number", m, "name", Html.name(result.methods().get(m).title()))));
    }
    return Html.join(all);
  }

  private Html gradient() {
    int stops = 9;
    List<String> all = new ArrayList<>();
    for (int i = 0; i < stops; i++) {
      all.add(Text.format("#%06x", colors.rgb(i / (stops - 1.0))));
    }
    return new Html(String.join(",", all));
  }

  /**
   * One image of a gallery: what the classifier saw, every method's map over it, what was measured.
   *
   * @param folder the pictures that were kept
   * @param keys the numbers of a record, in order
   * @param labels names of the classes by index, or an empty list
   * @param colors the heatmaps' colours
   */
  private record GalleryCard(
      GalleryFolder folder, List<MetricKey> keys, List<String> labels, ColorMap colors) {
    private static final String FILE = "gallery.html";

    /** Heatmaps are smooth: more pixels would only make the page larger. */
    private static final int HEAT_SIDE = 160;

    /** Up to this side the photograph's pixels are shown as squares. */
    private static final int COARSE_SIDE = 96;

    /**
     * A card, and what it is ordered by: 1 minus the mean rank correlation of every two maps, NaN
     * with fewer.
     */
    record Made(Html markup, double disagreement) {}

    /** Makes a card of what was measured of an image, a record a method. */
    Made make(GalleryFolder.Entry entry, List<ImageRecord> records) throws IOException {
      RgbImage picture = folder.picture(entry);
      ImageRecord any = records.get(0);
      Html boxes = boxes(entry.boxes(), any.classIndex(), picture);
      List<Html> figures = new ArrayList<>();
      List<double[]> ranks = new ArrayList<>();
      for (int m = 0; m < records.size(); m++) {
        ImageRecord record = records.get(m);
        Optional<SaliencyMaps> map = folder.map(entry, record.method());
        if (map.isPresent()) {
          ranks.add(
              RankCorrelation.ranks(map.get().upsampled(picture.height(), picture.width())[0]));
          figures.add(figure(m, record, map.get(), picture, boxes));
        } else {
          figures.add(
              Template.read(FILE, "missing")
                  .fill(Map.of("number", m, "method", ExplanationMethod.title(record.method()))));
        }
      }
      double disagreement = disagreement(ranks);
      Html markup =
          Template.read(FILE, "card")
              .fill(
                  Map.of(
                      "keys", sortKeys(records, disagreement),
                      "image", entry.image(),
                      "name", Html.name(entry.image()),
                      "photo", Thumbnail.photo(picture),
                      "seen", seen(any, disagreement),
                      "coarse", coarse(picture),
                      "boxes", boxes,
                      "figures", Html.join(figures),
                      "table", table(entry.image(), records)));
      return new Made(markup, disagreement);
    }

    /** Small pictures are shown pixel by pixel. */
    private static String coarse(RgbImage picture) {
      return picture.width() <= COARSE_SIDE ? " coarse" : "";
    }

    private Html figure(
        int number, ImageRecord record, SaliencyMaps map, RgbImage picture, Html boxes) {
      List<String> scores = scores(record);
      int longer = Math.max(picture.width(), picture.height());
      int width = Math.max(1, HEAT_SIDE * picture.width() / longer);
      int height = Math.max(1, HEAT_SIDE * picture.height() / longer);
      String heat = Thumbnail.heat(map.upsampled(height, width)[0], width, height, colors);
      return Template.read(FILE, "figure")
          .fill(
              Map.of(
                  "number",
                  number,
                  "scores",
                  String.join(" ", scores),
                  "coarse",
                  coarse(picture),
                  "method",
                  ExplanationMethod.title(record.method()),
                  "image",
                  record.image(),
                  "heat",
                  heat,
                  "boxes",
                  boxes,
                  "score",
                  scores.isEmpty() ? "" : scores.get(0)));
    }

    private static double disagreement(List<double[]> ranks) {
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

    /** What the script orders cards by. */
    private Html sortKeys(List<ImageRecord> records, double disagreement) {
      StringBuilder attributes = new StringBuilder();
      attributes.append("data-confidence=\"").append(sortable(records.get(0).confidence()));
      attributes.append("\" data-disagreement=\"").append(sortable(disagreement)).append('"');
      List<Column> columns = Column.shown(keys);
      for (int c = 0; c < columns.size(); c++) {
        String spread = sortable(spread(records, keys.indexOf(columns.get(c).key())));
        attributes.append(" data-spread").append(c).append("=\"").append(spread).append('"');
      }
      return new Html(attributes.toString());
    }

    private static double spread(List<ImageRecord> records, int column) {
      double[] values =
          records.stream()
              .mapToDouble(record -> record.values()[column])
              .filter(value -> !Double.isNaN(value))
              .sorted()
              .toArray();
      return values.length < 2 ? Double.NaN : values[values.length - 1] - values[0];
    }

    private static String sortable(double value) {
      return Double.isNaN(value) ? "" : Text.format("%.6f", value);
    }

    private List<String> scores(ImageRecord record) {
      return Column.shown(keys).stream()
          .map(column -> Numbers.ofImage(record.values()[keys.indexOf(column.key())]))
          .toList();
    }

    private Html seen(ImageRecord record, double disagreement) {
      Html label =
          record.classIndex() < labels.size()
              ? Html.name(labels.get(record.classIndex()))
              : Html.text("class " + record.classIndex());
      String probability = Text.format(", probability %.3f", record.confidence());
      String differing =
          Double.isNaN(disagreement) ? "" : Text.format(" · disagreement %.2f", disagreement);
      return Html.join(List.of(label, Html.text(probability + differing)));
    }

    private Html table(String image, List<ImageRecord> records) {
      List<Html> heads = Table.heads("method");
      Column.shown(keys).forEach(column -> heads.add(column.heading()));
      Table table = new Table("Scores of " + image, Html.name(image), heads);
      for (ImageRecord record : records) {
        table.row(
            Html.name(ExplanationMethod.title(record.method())),
            scores(record).stream().map(Table.Cell::of).toList());
      }
      return table.markup();
    }

    private static Html boxes(List<Box> boxes, int explained, RgbImage picture) {
      Template template = Template.read(FILE, "box");
      List<Html> all = new ArrayList<>();
      for (Box box : boxes) {
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
      return Text.format("%.2f", 100 * pixels / side);
    }
  }
}
