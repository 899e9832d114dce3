package org.ttame.eval.report;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.ttame.core.Text;
import org.ttame.core.image.RgbImage;
import org.ttame.eval.evaluation.ImageRecord;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.explain.SaliencyMaps;
import org.ttame.eval.gallery.GalleryFolder;
import org.ttame.eval.metric.Box;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.metric.RankCorrelation;
import org.ttame.eval.render.ColorMap;
import org.ttame.eval.render.Thumbnail;

/**
 * One image of a gallery: what the classifier saw, every method's map over it, what was measured.
 *
 * @param folder the pictures that were kept
 * @param keys the numbers of a record, in order
 * @param labels names of the classes by index, or an empty list
 * @param colors the heatmaps' colours
 */
record GalleryCard(
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
        ranks.add(RankCorrelation.ranks(map.get().upsampled(picture.height(), picture.width())[0]));
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
