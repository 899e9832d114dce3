package org.ttame.eval.output;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ttame.core.Text;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.ImageRecord;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.metric.MetricKey;

class EvaluationFolderTest {
  private static final List<MetricKey> KEYS = List.of(MetricKey.at("ad", 50), MetricKey.of("morf"));
  private static final Map<String, String> SETTINGS = Map.of("seed", "42");

  @TempDir Path out;

  @Test
  void keepsEveryBitAndAddsUpCosts() throws IOException {
    try (EvaluationFolder folder = EvaluationFolder.open(out, part(0, 0), SETTINGS)) {
      assertThat(folder.finished().images()).isZero();
      folder.accept(part(0, 3));
      folder.accept(part(3, 2));
    }
    try (EvaluationFolder folder = EvaluationFolder.open(out, part(0, 0), SETTINGS)) {
      requireSame(folder.finished(), EvaluationResult.join(List.of(part(0, 3), part(3, 2))));
      folder.accept(part(5, 1));
    }
    try (EvaluationFolder folder = EvaluationFolder.open(out, part(0, 0), SETTINGS)) {
      EvaluationResult all = EvaluationResult.join(List.of(part(0, 3), part(3, 2), part(5, 1)));
      requireSame(folder.finished(), all);
      assertThat(folder.finished().images()).isEqualTo(6);
      assertThat(folder.finished().method("b").warnings()).containsEntry("maps were empty", 6L);
    }
  }

  /** A kill may come between any two bytes; whatever is left, whole batches count and no others. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void survivesACutAnywhere(int kept) throws IOException {
    List<EvaluationResult> parts = List.of(part(0, 2), part(2, 2), part(4, 2));
    List<Long> rows = new ArrayList<>();
    List<Long> lines = new ArrayList<>();
    Path csv = out.resolve(PerImageCsv.FILE);
    Path batches = out.resolve(EvaluationFolder.BATCHES);
    try (EvaluationFolder folder = EvaluationFolder.open(out, part(0, 0), SETTINGS)) {
      rows.add(Files.size(csv));
      lines.add(0L);
      for (EvaluationResult part : parts) {
        folder.accept(part);
        rows.add(Files.size(csv));
        lines.add(Files.size(batches));
      }
    }
    byte[] wholeRows = Files.readAllBytes(csv);
    byte[] wholeLines = Files.readAllBytes(batches);
    // Rows come first, then their line: the cut is in the rows of the next batch, or in its line.
    for (long cut = rows.get(kept); cut < rows.get(kept + 1); cut++) {
      requireGoesOn(wholeRows, cut, wholeLines, lines.get(kept), parts, kept);
    }
    for (long cut = lines.get(kept); cut < lines.get(kept + 1); cut++) {
      requireGoesOn(wholeRows, rows.get(kept + 1), wholeLines, cut, parts, kept);
    }
    // A disk that lost rows but not their line.
    requireGoesOn(wholeRows, rows.get(kept), wholeLines, lines.get(kept + 1), parts, kept);
  }

  private void requireGoesOn(
      byte[] rows, long rowBytes, byte[] lines, long lineBytes, List<EvaluationResult> parts, int n)
      throws IOException {
    Path csv = out.resolve(PerImageCsv.FILE);
    Path batches = out.resolve(EvaluationFolder.BATCHES);
    Files.write(csv, java.util.Arrays.copyOf(rows, (int) rowBytes));
    Files.write(batches, java.util.Arrays.copyOf(lines, (int) lineBytes));
    try (EvaluationFolder folder = EvaluationFolder.open(out, part(0, 0), SETTINGS)) {
      List<EvaluationResult> before = new ArrayList<>(List.of(part(0, 0)));
      before.addAll(parts.subList(0, n));
      requireSame(folder.finished(), EvaluationResult.join(before));
      for (EvaluationResult part : parts.subList(n, parts.size())) {
        folder.accept(part);
      }
    }
    assertThat(Files.readAllBytes(csv)).isEqualTo(rows);
    assertThat(Files.readAllBytes(batches)).isEqualTo(lines);
  }

  @Test
  void namesTheSettingThatDiffers() throws IOException {
    EvaluationFolder.open(out, part(0, 0), SETTINGS).close();
    assertThatThrownBy(() -> EvaluationFolder.open(out, part(0, 0), Map.of("seed", "43")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("an evaluation with seed 42; now it is 43: ")
        .hasMessageContaining("option 'out'");
    assertThatThrownBy(() -> EvaluationFolder.open(out, part(0, 0), Map.of()))
        .hasMessageContaining("with seed 42; now it is not set");
    EvaluationResult other = result(KEYS.subList(0, 1), 0, 0);
    assertThatThrownBy(() -> EvaluationFolder.open(out, other, SETTINGS))
        .hasMessageContaining("with numbers ad_50,morf; now it is ad_50");
  }

  @Test
  void aDamagedCostIsNamedAndTheRowsStay() throws IOException {
    try (EvaluationFolder folder = EvaluationFolder.open(out, part(0, 0), SETTINGS)) {
      folder.accept(part(0, 2));
    }
    Path costs = out.resolve(EvaluationFolder.BATCHES);
    Path csv = out.resolve(PerImageCsv.FILE);
    String rows = Files.readString(csv);
    String line = Files.readString(costs);
    for (String damage :
        List.of(
            line.replaceFirst("\"bytes\":\\d+", "\"bytes\":\"x\""),
            line.replaceFirst("\"bytes\":\\d+", "\"bytes\":-1"),
            line.replaceFirst("\"images\":\\d+", "\"images\":99"),
            line.replaceFirst("\"images\":\\d+", "\"images\":99999999999999999999"),
            line.replaceFirst("\"seconds\":[^,]+", "\"seconds\":\"long\""))) {
      assertThat(damage).isNotEqualTo(line);
      Files.writeString(costs, damage);
      assertThatThrownBy(() -> EvaluationFolder.open(out, part(0, 0), SETTINGS))
          .as(damage)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("batches.jsonl' is damaged");
      assertThat(csv).hasContent(rows);
    }
    Files.writeString(costs, line);
    EvaluationFolder.open(out, part(0, 0), SETTINGS).close();
  }

  @Test
  void leavesOtherFilesAlone() throws IOException {
    Path csv = out.resolve(PerImageCsv.FILE);
    Files.writeString(csv, "mine\n");
    assertThatThrownBy(() -> EvaluationFolder.open(out, part(0, 0), SETTINGS))
        .hasMessageContaining("settings are not known");
    assertThat(csv).hasContent("mine");
    Files.delete(csv);
    try (EvaluationFolder folder = EvaluationFolder.open(out, part(0, 0), SETTINGS)) {
      folder.accept(part(0, 2));
      assertThatThrownBy(() -> EvaluationFolder.open(out, part(0, 0), SETTINGS))
          .hasMessageContaining("Another process");
    }
    String changed = Files.readString(csv).replace("image 1", "image, 1");
    Files.writeString(csv, changed);
    assertThatThrownBy(() -> EvaluationFolder.open(out, part(0, 0), SETTINGS))
        .hasMessageContaining("has changed since the evaluation wrote it");
    Files.write(
        out.resolve(EvaluationFolder.BATCHES),
        "nonsense\n".getBytes(StandardCharsets.UTF_8),
        StandardOpenOption.TRUNCATE_EXISTING);
    assertThatThrownBy(() -> EvaluationFolder.open(out, part(0, 0), SETTINGS))
        .hasMessageContaining("batches.jsonl' is damaged");
  }

  private static void requireSame(EvaluationResult found, EvaluationResult expected) {
    assertThat(found)
        .usingRecursiveComparison()
        .withEqualsForType((a, b) -> Double.compare(a, b) == 0, Double.class)
        .isEqualTo(expected);
  }

  private static EvaluationResult part(int first, int count) {
    return result(KEYS, first, count);
  }

  private static EvaluationResult result(List<MetricKey> keys, int first, int count) {
    List<MethodResult> methods = new ArrayList<>();
    for (String method : List.of("a", "b")) {
      List<ImageRecord> records = new ArrayList<>();
      for (int i = first; i < first + count; i++) {
        double value = i % 2 == 0 ? Double.NaN : Math.sqrt(i) / 3;
        records.add(
            new ImageRecord(
                Text.format("\"image %d,\n\"\".png", i),
                method,
                i,
                1.0 / (i + 3),
                1,
                0.25,
                new double[] {100, value}));
      }
      // Halves add up exactly.
      Map<String, Long> warnings =
          method.equals("b") && count > 0 ? Map.of("maps were empty", (long) count) : Map.of();
      methods.add(
          new MethodResult(method, Map.of("layer", "l"), keys, records, count / 2.0, warnings));
    }
    return new EvaluationResult(
        keys, Map.of("masking", "cnn"), methods, count, count, 4L * count, count / 4.0);
  }
}
