package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.ttame.training.sample.SampleData;

/** Evaluations held against each other, and against conditions. */
class CompareTest {
  @TempDir static Path folder;
  private static String evaluate;

  @BeforeAll
  static void evaluations() throws IOException {
    SampleData sample = new SampleData(folder.resolve("sample"));
    evaluate =
        "evaluate --weights "
            + sample.backbone("vgg")
            + " --data "
            + sample.images("test").source()
            + " --gallery 0 --methods ";
    ok(evaluate + "random,gradcam --limit 6 --out @a");
    ok(evaluate + "gradcam,random --limit 6 --seed 7 --out @b");
    ok(evaluate + "random --limit 5 --out @fewer");
    ok(evaluate + "random --limit 6 --protocol released --out @released");
    ok(evaluate + "gradcam++ --limit 6 --out @other");
  }

  private static Ttame.Result run(String line) {
    return Ttame.run(line.replace("@", folder + "/").split(" ", -1));
  }

  private static Ttame.Result ok(String line) {
    Ttame.Result result = run(line);
    assertThat(result.code()).as("%s", result).isZero();
    return result;
  }

  private static JsonNode json(String file) throws IOException {
    return new ObjectMapper().readTree(folder.resolve(file).toFile());
  }

  private static double mean(String out, String method, String metric, double threshold)
      throws IOException {
    for (JsonNode entry : json(out + "/metrics.json").path("methods")) {
      for (JsonNode number : entry.path("metrics")) {
        if (entry.path("method").asText().equals(method)
            && number.path("metric").asText().equals(metric)
            && number.path("threshold").asDouble() == threshold) {
          return number.path("value").asDouble();
        }
      }
    }
    throw new AssertionError("no " + metric + " of " + method);
  }

  @Test
  void pairsWhatBothHave() throws IOException {
    Ttame.Result said = ok("compare @a @b --out @compared");
    assertThat(said.out()).containsPattern("(?m)^method +metric +A +B +B - A").contains("6 images");
    JsonNode differences = json("compared/compare.json").path("differences");
    assertThat(differences).hasSize(12);
    boolean moved = false;
    for (JsonNode row : differences) {
      String method = row.path("method").asText();
      String metric = row.path("metric").asText();
      double threshold = row.path("threshold").asDouble();
      double a = mean("a", method, metric, threshold);
      double b = mean("b", method, metric, threshold);
      assertThat(row.path("n").asInt()).isEqualTo(6);
      assertThat(row.path("value").asDouble()).isCloseTo(b - a, within(1e-9));
      assertThat(row.path("value").asDouble())
          .isBetween(row.path("low").asDouble(), row.path("high").asDouble());
      if (method.equals("gradcam")) {
        // Nothing about it was drawn, so nothing differs.
        assertThat(row.path("low").asDouble()).isZero();
        assertThat(row.path("high").asDouble()).isZero();
        assertThat(row.path("better").isNull()).isTrue();
      } else {
        moved |= a != b;
      }
    }
    assertThat(moved).isTrue();
    assertThat(Files.readAllLines(folder.resolve("compared/compare.csv")))
        .hasSize(13)
        .first()
        .isEqualTo("method,metric,threshold,a,b,difference,n,low,high,better");
    Ttame.Result printed = ok("compare @a @b --json --out @compared");
    assertThat(new ObjectMapper().readTree(printed.out())).isEqualTo(json("compared/compare.json"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "compare @a @fewer       | other images, 6 in A and 5 in B",
        "compare @a @released    | two protocols are not comparable: pixel_keeping",
        "compare @a @other       | no method is in both: A has random, gradcam",
        "compare @a @sample      | holds no evaluation: there is no metrics.json",
      })
  void refusesWhatCannotBeCompared(String line, String sentence) {
    Ttame.Result refused = run(line + " --out @refused");
    assertThat(refused.code()).as("%s", refused).isEqualTo(1);
    assertThat(refused.err()).contains(sentence);
    assertThat(folder.resolve("refused")).doesNotExist();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "compare @a                              | takes two evaluations, A and B; 1 were given",
        "compare @a @b --fail-if AD(50)          | \"AD(50)\" is not a condition; write for example",
        "compare @a @b --fail-if AD(51)>2        | the metric AD(51) is not measured here; available: AD(100)",
        "compare @a @b --fail-if rise:AD(50)>2   | the method rise is not measured here; available: random, gradcam",
        "%random --fail-if MoRF>2                | the metric MoRF is not measured here; available: AD(100), IC(100)",
        "%random --fail-if AD(50)>2 --fail-if x  | \"x\" is not a condition",
        "%random --fail-if ttame:AD(50)>2        | the method ttame is not measured here; available: random",
        "%random --fail-if AD(50)>2 --shard 0/2  | --fail-if judges all images",
      })
  void namesAreCheckedFirst(String line, String sentence) {
    Ttame.Result refused = run(line.replace("%", evaluate + "") + " --out @unmeasured");
    assertThat(refused.code()).as("%s", refused).isEqualTo(2);
    assertThat(refused.err()).contains(sentence);
    assertThat(folder.resolve("unmeasured")).doesNotExist();
  }

  @Test
  void endsWithOneWhereAConditionIsMet() throws IOException {
    double drop = mean("a", "gradcam", "ad", 50);
    String again = evaluate + "random,gradcam --limit 6 --out @a";
    Ttame.Result met =
        run(again + " --fail-if gradcam:ad(50%)>" + (drop - 0.01) + " --fail-if IC(100)<0");
    assertThat(met.code()).as("%s", met).isEqualTo(1);
    assertThat(met.out()).contains("AD(50%)").contains("report.html");
    assertThat(met.err())
        .contains("ttame: --fail-if: AD(50%) of Grad-CAM is ")
        .contains("is met")
        .doesNotContain("IC(100%)");
    ok(again + " --fail-if gradcam:AD(50)>" + (drop + 0.01) + " --fail-if IC(100)<0");

    Ttame.Result differs = run("compare @a @b --fail-if gradcam:AD(50)>=0 --out @failed");
    assertThat(differs.code()).isEqualTo(1);
    assertThat(differs.err()).contains("AD(50%) of Grad-CAM is 0.000: ");
    assertThat(List.of("compare.json", "compare.csv"))
        .allSatisfy(name -> assertThat(folder.resolve("failed").resolve(name)).exists());
    ok("compare @a @b --fail-if gradcam:AD(50)>0 --out @failed");
  }
}
