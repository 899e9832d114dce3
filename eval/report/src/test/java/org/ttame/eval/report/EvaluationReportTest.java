package org.ttame.eval.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.Text;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.ImageRecord;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.metric.MetricKey;

class EvaluationReportTest {
  @TempDir Path output;

  @Test
  void needsNothingButItself() throws IOException {
    Fixture.gallery(output, 4);
    String html = Files.readString(Fixture.report().write(output));
    // Whatever could be loaded is inside.
    assertThat(attributes(html, "src")).isNotEmpty().allMatch(value -> value.startsWith("data:"));
    assertThat(attributes(html, "href"))
        .isNotEmpty()
        .allMatch(value -> value.startsWith("#") || value.equals("data:,"));
    assertThat(html).doesNotContain("http://", "https://", "@import");
  }

  @Test
  void namesOfStrangersStayText() throws IOException {
    Fixture.gallery(output, 12);
    String html = Files.readString(Fixture.report().write(output));
    assertThat(html)
        .contains("&lt;script&gt;document.title=&#39;owned&#39;&lt;/script&gt;")
        .contains("<bdi>&lt;b&gt;bag&lt;/b&gt;</bdi>")
        .doesNotContain("<script>document.title", "<img src=x", "<b>bag", "</style><style>");
  }

  @Test
  void tablesAreThereWithoutScriptsAndWithoutPictures() throws IOException {
    String html = Files.readString(Fixture.report().write(output));
    assertThat(html).doesNotContain("id=\"gallery\"", "use strict");
    assertThat(html).contains("AD(100%) ↓", "IC(100%) ↑", "MoRF ↓", "LeRF ↑");
    assertThat(html).doesNotContain("MoRF(10%)");
    double best = mean("ttame", MetricKey.at("ad", 15));
    assertThat(html)
        .contains(Text.format("<td class=\"best\"><span>%.2f</span>", best))
        .contains(
            Text.format(
                "<td class=\"second\"><span>%.2f</span>", mean("gradcam", MetricKey.at("ad", 15))));
  }

  @Test
  void numbersThatReadTheSameShareTheirRank() {
    EvaluationResult result =
        result(MetricKey.at("ad", 50), new double[][] {{12.34}, {12.3401}, {20}});
    String html =
        new ScoresSection(result, result.statistics(), Verdict.of(result, result.statistics()))
            .section()
            .body()
            .markup();
    assertThat(html.split("<td class=\"best\"><span>12.34</span>", -1)).hasSize(3);
    assertThat(html).contains("<td class=\"second\"><span>20.00</span>");
  }

  @Test
  void theVerdictNamesTies() {
    double[] hits = {100, 0, 100, 100};
    double[] others = {0, 100, 100, 100};
    double[] none = {0, 0, 0, 0};
    assertThat(verdict(hits, others, none))
        .contains("In IC(50%) T-TAME and Grad-CAM tie for the best mean.")
        .doesNotContain("is better than", "but is not");
    // Where the difference of every image is the same its interval excludes zero, however small.
    assertThat(verdict(new double[] {50.0001, 50.0001}, new double[] {50, 50}, new double[] {1, 1}))
        .contains("In IC(50%) T-TAME and Grad-CAM tie for the best mean.");
    assertThat(verdict(hits, others, new double[] {100, 0, 100, 0}))
        .contains("tie for the best mean, and are not significantly better than random .");
    assertThat(verdict(hits, hits, hits))
        .contains("In IC(50%) T-TAME , Grad-CAM and random tie for the best mean.");
  }

  @Test
  void aWinnerOverOtherImagesIsNoWinner() {
    // The first has the better mean only because it has no number for the image they differ in.
    double[] first = {50, 10, Double.NaN};
    double[] second = {60, 20, 0};
    assertThat(verdict(first, second))
        .contains("T-TAME has the best mean, but is not significantly better than Grad-CAM .");
  }

  private static String verdict(double[]... values) {
    EvaluationResult result = result(MetricKey.at("ic", 50), values);
    return text(Verdict.of(result, result.statistics()));
  }

  private static String text(Verdict verdict) {
    return verdict.sentences().markup().replaceAll("<[^>]*>", " ").replaceAll("\\s+", " ");
  }

  /** One number of each method, in the fixture's order, for each image. */
  private static EvaluationResult result(MetricKey key, double[]... values) {
    List<MethodResult> methods = new ArrayList<>();
    for (int m = 0; m < values.length; m++) {
      String name = Fixture.METHODS.get(m);
      List<ImageRecord> records = new ArrayList<>();
      for (int i = 0; i < values[m].length; i++) {
        records.add(new ImageRecord("image" + i, name, 0, 0.5, 1, 0, new double[] {values[m][i]}));
      }
      methods.add(new MethodResult(name, Map.of(), List.of(key), records, 1));
    }
    int images = values[0].length;
    return new EvaluationResult(List.of(key), Map.of(), methods, images, 1, images, 1);
  }

  @Test
  void theVerdictNamesWinnersAndWhatStaysOpen() {
    EvaluationResult result = Fixture.result();
    Verdict verdict = Verdict.of(result, result.statistics());
    assertThat(verdict.columns())
        .extracting(found -> found.column().title())
        .containsExactly("AD(100%)", "IC(100%)", "AD(15%)", "MoRF", "LeRF");
    // The made-up numbers grow by 15 from method to method, but for IC, which is a coin's.
    assertThat(verdict.columns().get(0).ranked()).containsExactly("ttame", "gradcam", "random");
    assertThat(verdict.columns().get(0).open()).isEmpty();
    assertThat(verdict.columns().get(4).ranked()).containsExactly("random", "gradcam", "ttame");
    assertThat(verdict.columns().get(1).isSettled()).isFalse();
    assertThat(text(verdict))
        .contains("T-TAME is better than every other method in AD(100%), AD(15%) and MoRF")
        .contains("random is better than every other method in LeRF.")
        .contains("In IC(100%)");
  }

  @Test
  void theGalleryIsOrderedByDisagreementAndBounded() throws IOException {
    Fixture.gallery(output, 5);
    String html = Files.readString(Fixture.report().write(output));
    List<Double> disagreement =
        attributes(html, "data-disagreement").stream().map(Double::valueOf).toList();
    assertThat(disagreement).hasSize(5).isSortedAccordingTo((a, b) -> Double.compare(b, a));
    try (Stream<Path> files = Files.list(output.resolve("gallery"))) {
      assertThat(files).hasSize(5 * (2 + Fixture.METHODS.size()));
    }
    // One photograph a card, however many methods lie over it.
    assertThat(Pattern.compile("--photo:url\\(data:image/png").matcher(html).results()).hasSize(5);
    assertThat(Pattern.compile("class=\"heat\"").matcher(html).results())
        .hasSize(5 * Fixture.METHODS.size());
    assertThat(html).contains("Frames are the objects&#39; boxes: solid for the predicted class");
  }

  private static double mean(String method, MetricKey key) {
    return Fixture.result().method(method).summary(key).mean();
  }

  private static List<String> attributes(String html, String name) {
    return Pattern.compile("\\s" + name + "=\"([^\"]*)\"")
        .matcher(html)
        .results()
        .map((MatchResult found) -> found.group(1))
        .toList();
  }
}
