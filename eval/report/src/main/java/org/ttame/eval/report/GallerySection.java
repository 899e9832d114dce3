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
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.ImageRecord;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.gallery.GalleryFolder;
import org.ttame.eval.render.ColorMap;

/**
 * Images × methods: a card an image, and what orders and shows them. Pictures are read and turned
 * into text one image at a time.
 */
final class GallerySection {
  private static final String FILE = "gallery.html";

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
    Html body =
        Template.read(FILE, "gallery")
            .fill(
                Map.of(
                    "intro",
                    Text.format(
                        "%d of %,d images, spread evenly over the set, with each method's map"
                            + " for the predicted class.",
                        cards.size(), result.images()),
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
}
