package org.ttame.eval.output;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.apache.pdfbox.Loader;
import org.apache.pdfbox.pdmodel.PDDocument;
import org.apache.pdfbox.text.PDFTextStripper;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.image.ImageReader;
import org.ttame.core.image.RgbImage;
import org.ttame.core.provenance.BuildInfo;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.ImageRecord;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.statistics.Interval;
import org.ttame.training.data.SkippedCount;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

class EvaluationFilesTest {
  private static final List<MetricKey> KEYS =
      List.of(
          MetricKey.at("ad", 100),
          MetricKey.at("ic", 100),
          MetricKey.of("morf"),
          MetricKey.at("morf", 10),
          MetricKey.at("morf", 90),
          MetricKey.of("pointing"));
  private static final double NONE = Double.NaN;

  private final EvaluationResult result =
      result(
          method("ttame", 1, row(10, 50, 20, 30, 10, 100), row(12, 50, 22, 34, 10, 100)),
          method("gradcam++", 1, row(30, 50, 20, 30, 10, NONE), row(32, 50, 22, 34, 10, NONE)),
          method("a_b%", 2.5, row(20, 0, 40, 60, 20, 0), row(20.002, 0, 42, 64, 20, 0)),
          method("rise", 4000, row(10, 10, 60, 90, 30, 50), row(12, 10, 60, 90, 30, 50)));

  @TempDir Path out;

  /** The best number of a column is bold, also twice; the next one is underlined. */
  @Test
  void layOutAsThePaperDoes() {
    String[] lines = new PaperTable(result, result.statistics()).latex().split("\n", -1);
    assertThat(lines)
        .containsExactly(
            "% 2 images",
            "\\begin{tabular}{l|rr|r|r|r}",
            "\\hline",
            "Method & AD(100\\%)$\\downarrow$ & IC(100\\%)$\\uparrow$ & MoRF$\\downarrow$"
                + " & pointing$\\uparrow$ & FP \\\\",
            "\\hline",
            "T-TAME & \\textbf{11.00} & \\textbf{50.00} & \\textbf{21.00} & \\textbf{100.00} & 1"
                + " \\\\",
            "Grad-CAM++ & 31.00 & \\textbf{50.00} & \\textbf{21.00} & - & 1 \\\\",
            "a\\_b\\% & \\underline{20.00} & 0.00 & \\underline{41.00} & 0.00 & 2.50 \\\\",
            "RISE & \\textbf{11.00} & \\underline{10.00} & 60.00 & \\underline{50.00} & 4000 \\\\",
            "\\hline",
            "images & 2 & 2 & 2 & 0 to 2 & \\\\",
            "\\hline",
            "\\end{tabular}",
            "");
    String markdown = new PaperTable(result, result.statistics()).markdown();
    assertThat(markdown)
        .startsWith("| method | AD(100%) ↓ | IC(100%) ↑ | MoRF ↓ | pointing ↑ | FP |\n|---|---:|")
        .contains("| T-TAME | **11.00** | **50.00** | **21.00** | **100.00** | 1 |")
        .contains("| a_b% | <ins>20.00</ins> | 0.00 | <ins>41.00</ins> | 0.00 | 2.50 |")
        .contains("| images | 2 | 2 | 2 | 0 to 2 |  |")
        .contains("| T-TAME | 11.00 [10.00, 12.00] | 50.00 [50.00, 50.00] |")
        .contains("T-TAME minus each other method")
        .contains("| Grad-CAM++ | **-20.00 [-20.00, -20.00]** | 0.00 [0.00, 0.00] |")
        .contains("| RISE | 0.00 [0.00, 0.00] | **40.00 [40.00, 40.00]** |");
  }

  @Test
  void aSingleMethodIsNotPraised() {
    EvaluationResult one = result(method("ttame", 1, row(10, 50, 20, 30, 10, 100)));
    PaperTable table = new PaperTable(one, one.statistics());
    assertThat(table.latex()).contains("T-TAME & 10.00 & 50.00 & 20.00 & 100.00 & 1 \\\\");
    assertThat(table.markdown()).doesNotContain("**").doesNotContain("minus each other");
    EvaluationResult none = result(method("ttame", 1));
    assertThat(new PaperTable(none, none.statistics()).latex()).contains("T-TAME & - & - & -");
    assertThat(RoadCurves.of(none, none.statistics())).isEmpty();
  }

  @Test
  void writeTablesCurvesAndDifferences() throws Exception {
    Provenance provenance = new Provenance(BuildInfo.current(), Map.of(), Map.of());
    List<Path> files =
        EvaluationFiles.write(
            out.resolve("new"), result, result.statistics(), new SkippedCount(), provenance);
    assertThat(files)
        .extracting(file -> file.getFileName().toString())
        .containsExactly(
            "metrics.json",
            "metrics.csv",
            "tables.md",
            "tables.tex",
            "morf.png",
            "morf.svg",
            "morf.pdf");
    assertThat(files).allSatisfy(file -> assertThat(file).isNotEmptyFile());

    List<String> csv = Files.readAllLines(files.get(1));
    assertThat(csv.get(0)).endsWith(",seconds,low,high");
    assertThat(csv.get(1)).isEqualTo("ttame,ad,100,11,2,1,0,0.5,10,12");

    JsonNode json = new ObjectMapper().readTree(files.get(0).toFile());
    assertThat(json.at("/intervals/resamples").asInt()).isEqualTo(2000);
    assertThat(json.at("/methods/0/metrics/0/high").asDouble()).isEqualTo(12);
    assertThat(json.at("/differences")).hasSize(6 * KEYS.size());
    JsonNode first = json.at("/differences/0");
    assertThat(first.path("method").asText()).isEqualTo("ttame");
    assertThat(first.path("less").asText()).isEqualTo("gradcam++");
    assertThat(first.path("threshold").asInt()).isEqualTo(100);
    Interval expected =
        result.statistics().difference("ttame", "gradcam++", MetricKey.at("ad", 100));
    assertThat(first.path("value").asDouble()).isEqualTo(expected.mean());
    assertThat(first.path("low").asDouble()).isEqualTo(expected.low());
    assertThat(json.at("/differences/5/value").isNull()).isTrue();

    RgbImage png = new ImageReader().read(files.get(4));
    Document svg = svg(Files.readString(files.get(5)));
    // Three pixels to a point.
    assertThat(svg.getDocumentElement().getAttribute("width")).isEqualTo(png.width() / 3 + "pt");
    assertThat(texts(svg))
        .contains("T-TAME", "Grad-CAM++", "a_b%", "RISE", "MoRF of 2 images, lower is better")
        .contains("pixels removed (%)", "score of the predicted class (%)", "20", "80");
    assertThat(paths(svg, "opacity")).as("bands").hasSize(4);
    try (PDDocument pdf = Loader.loadPDF(files.get(6).toFile())) {
      assertThat(pdf.getPage(0).getMediaBox().getWidth()).isEqualTo(png.width() / 3f);
      assertThat(new PDFTextStripper().getText(pdf))
          .contains("MoRF of 2 images, lower is better", "a_b%", "pixels removed (%)");
    }
  }

  /** There are eight colours: the ninth curve has the first one's, in dashes. */
  @Test
  void curvesOfOneColourDiffer() throws Exception {
    List<MethodResult> methods = new ArrayList<>();
    for (int m = 0; m < 9; m++) {
      methods.add(method("m" + m, 1, row(1, 1, 1, m, 2 * m, 1), row(1, 1, 1, m, 2 * m, 1)));
    }
    EvaluationResult many = result(methods.toArray(MethodResult[]::new));
    String drawn = RoadCurves.of(many, many.statistics()).get("morf").toSvg("morf", "");
    // The curve and its sample in the legend.
    assertThat(paths(svg(drawn), "stroke-dasharray"))
        .hasSize(2)
        .allMatch(style -> style.contains("stroke:#0072b2"));
  }

  /** The styles of the paths that have an attribute. */
  private static List<String> paths(Document svg, String attribute) {
    NodeList nodes = svg.getElementsByTagName("path");
    return IntStream.range(0, nodes.getLength())
        .mapToObj(i -> (Element) nodes.item(i))
        .filter(path -> path.hasAttribute(attribute))
        .map(path -> path.getAttribute("style"))
        .toList();
  }

  private static Document svg(String text) throws Exception {
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
  }

  private static List<String> texts(Document svg) {
    NodeList nodes = svg.getElementsByTagName("text");
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < nodes.getLength(); i++) {
      texts.add(nodes.item(i).getTextContent());
    }
    return texts;
  }

  private static double[] row(double... values) {
    return values;
  }

  private static MethodResult method(String name, double passes, double[]... rows) {
    List<ImageRecord> records = new ArrayList<>();
    for (double[] row : rows) {
      records.add(new ImageRecord(records.size() + ".png", name, 0, 0.5, passes, 0, row));
    }
    return new MethodResult(name, Map.of(), KEYS, records, 0.5);
  }

  private static EvaluationResult result(MethodResult... methods) {
    int images = methods[0].records().size();
    return new EvaluationResult(KEYS, Map.of(), List.of(methods), images, images, 0, 1);
  }
}
