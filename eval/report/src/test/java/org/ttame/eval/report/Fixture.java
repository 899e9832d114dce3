package org.ttame.eval.report;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.ttame.core.provenance.BuildInfo;
import org.ttame.eval.Lcg;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.ImageRecord;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.explain.SaliencyMaps;
import org.ttame.eval.gallery.GalleryWriter;
import org.ttame.eval.metric.Box;
import org.ttame.eval.metric.ImageBatch;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.output.Provenance;
import org.ttame.eval.render.ColorMap;
import org.ttame.training.data.SkippedCount;

/** An evaluation of made-up numbers on images whose names a stranger chose. */
final class Fixture {
  /** A name that closes whatever it stands in, and asks for a script, a picture and a style. */
  static final String HOSTILE =
      "b\"'><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
          + "</style><style>*{display:none}</style>{{title}}\u202egnp.exe";

  static final List<String> METHODS = List.of("ttame", "gradcam", "random");
  static final List<MetricKey> KEYS =
      List.of(
          MetricKey.at("ad", 100),
          MetricKey.at("ic", 100),
          MetricKey.at("ad", 15),
          MetricKey.of("morf"),
          MetricKey.at("morf", 10),
          MetricKey.at("morf", 90),
          MetricKey.of("lerf"),
          MetricKey.at("lerf", 10),
          MetricKey.at("lerf", 90));

  private static final int SIDE = 48;

  private Fixture() {}

  /** Twelve images, of which the third has the hostile name. */
  static List<String> images() {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      names.add(i == 2 ? HOSTILE : "folder/" + (char) ('l' - i) + ".png");
    }
    return names;
  }

  static EvaluationResult result() {
    return result(KEYS);
  }

  private static EvaluationResult result(List<MetricKey> keys) {
    List<String> names = images();
    Lcg random = new Lcg(4);
    List<MethodResult> methods = new ArrayList<>();
    for (int m = 0; m < METHODS.size(); m++) {
      List<ImageRecord> records = new ArrayList<>();
      for (int i = 0; i < names.size(); i++) {
        double[] values = new double[keys.size()];
        float[] noise = random.next(values.length);
        for (int k = 0; k < values.length; k++) {
          values[k] = 10 + 15 * m + 10 * noise[k];
        }
        values[1] = noise[1] > 0.5 ? 100 : 0;
        records.add(
            new ImageRecord(
                names.get(i), METHODS.get(m), i % 3, 0.99 - 0.04 * i, 1, m == 1 ? 1 : 0, values));
      }
      methods.add(
          new MethodResult(METHODS.get(m), Map.of("layer", "features.29"), keys, records, 1.5 * m));
    }
    return new EvaluationResult(
        keys, Map.of("masking", "cnn", "protocol", "paper"), methods, names.size(), 12, 720, 4.2);
  }

  static EvaluationReport report() {
    return report(KEYS);
  }

  static EvaluationReport report(List<MetricKey> keys) {
    EvaluationResult result = result(keys);
    return new EvaluationReport(
        result,
        result.statistics(),
        new SkippedCount(),
        new Provenance(
            new BuildInfo("1.2.3", "0123456789abcdef", false, "1.0.0-M2.1"),
            Map.of("name", "vgg16", "sha256", "00ff"),
            Map.of("seed", "42", "images", HOSTILE)),
        List.of("ankle boot", "<b>bag</b>"),
        ColorMap.VIRIDIS);
  }

  /** Pictures and maps of some of the images. */
  static void gallery(Path output, int most) throws IOException {
    List<String> names = images();
    GalleryWriter writer = new GalleryWriter(output, names.size(), names::get, most);
    Lcg random = new Lcg(9);
    for (int i = 0; i < names.size(); i++) {
      float[] unit = random.next(SIDE * SIDE * 3);
      ImageBatch batch =
          new ImageBatch(
              List.of(names.get(i)), SIDE, unit, List.of(List.of(new Box(i % 3, 4, 8, 28, 40))));
      for (String method : METHODS) {
        writer.explained(batch, method, SaliencyMaps.minMax(4, 4, new float[][] {random.next(16)}));
      }
    }
  }
}
