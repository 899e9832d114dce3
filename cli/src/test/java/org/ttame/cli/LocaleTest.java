package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is written does not depend on the language of the computer, but for times. */
class LocaleTest {
  private static final Locale EGYPT =
      new Locale.Builder().setLanguage("ar").setRegion("EG").build();

  /** Digits, of any script, that are not those of ASCII. */
  private static final String FOREIGN_DIGIT = "(?s).*[\\p{Nd}&&[^0-9]].*";

  @TempDir Path folder;

  @Test
  void aJourneyUnderArabicDigitsWritesTheSameFiles() throws IOException {
    // Else nothing is tested.
    assertThat(String.format(EGYPT, "%d", 12)).matches(FOREIGN_DIGIT);
    Map<String, String> root = journey(Locale.ROOT);
    Map<String, String> arabic = journey(EGYPT);
    assertThat(arabic.keySet()).isEqualTo(root.keySet());
    assertThat(root).hasSizeGreaterThan(60);
    for (Map.Entry<String, String> file : root.entrySet()) {
      String other = arabic.get(file.getKey());
      assertThat(other).as(file.getKey()).isEqualTo(file.getValue());
    }
  }

  @Test
  void aRunOfOneLocaleIsReadUnderAnother() throws IOException {
    Path run = folder.resolve("run");
    under(EGYPT, () -> train(run));
    under(
        Locale.ROOT,
        () -> {
          Ttame.ok("train", "--run", run.toString(), "--resume", "--report", "0");
          explain(run, folder.resolve("maps"));
          return "";
        });
  }

  /** Every command's files by name, times taken out, and what it printed. */
  private Map<String, String> journey(Locale locale) throws IOException {
    // The same paths each time, since they are recorded.
    Path work = folder.resolve("work");
    Path run = work.resolve("run");
    Map<String, String> found = new TreeMap<>();
    found.put("train", under(locale, () -> train(run)));
    found.put("explain", under(locale, () -> explain(run, work.resolve("maps"))));
    found.put(
        "evaluate",
        under(
            locale,
            () ->
                Ttame.ok(
                        "evaluate",
                        "--run",
                        run.toString(),
                        "--data",
                        run.resolve("sample/scenes/test").toString(),
                        "--limit",
                        "3",
                        "--methods",
                        "ttame,random",
                        "--metrics",
                        "ad,ic,road",
                        "--out",
                        work.resolve("evaluation").toString())
                    .out()));
    found.replaceAll((command, said) -> timeless(said));
    try (Stream<Path> files = Files.walk(work)) {
      for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
        String name = work.relativize(file).toString();
        byte[] bytes = Files.readAllBytes(file);
        boolean text =
            List.of(".json", ".jsonl", ".csv", ".md", ".tex", ".svg", ".html", ".txt").stream()
                .anyMatch(name::endsWith);
        // A PDF has the time of its making.
        if (!name.endsWith(".pdf")) {
          found.put(
              name,
              text
                  ? timeless(new String(bytes, StandardCharsets.UTF_8))
                  : Arrays.toString(MessageDigest.getInstance("SHA-256").digest(bytes)));
        }
      }
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
    Files.move(work, folder.resolve(locale.equals(EGYPT) ? "arabic" : "root"));
    return found;
  }

  private static String train(Path run) {
    return Ttame.ok(
            "train",
            "--run",
            run.toString(),
            "--max-steps",
            "2",
            "--limit",
            "16",
            "--report",
            "12",
            "--threads",
            "1")
        .out();
  }

  private static String explain(Path run, Path out) {
    return Ttame.ok(
            "explain",
            "--run",
            run.toString(),
            "--images",
            run.resolve("sample/scenes/test").toString(),
            "--limit",
            "2",
            "--class",
            "top:2",
            "--out",
            out.toString())
        .out();
  }

  private static String timeless(String text) {
    assertThat(text).doesNotMatch(FOREIGN_DIGIT);
    return text.replaceAll("\\d{4}-\\d\\d-\\d\\dT[0-9:.]+Z", "TIME")
        .replaceAll("(\"(images_per_s|seconds)\" ?: ?)[-+.0-9eE]+", "$1TIME")
        // metrics.csv: method,metric,threshold,value,n,forward,backward,seconds,…
        .replaceAll("(?m)^((?:ttame|untrained|random),(?:[^,\n]*,){6})[^,\n]*", "$1TIME")
        // report.html: the methods' seconds, and those of all.
        .replaceAll("<td>\\d+\\.\\d</td>", "<td>TIME</td>")
        .replaceAll("\\d+ s in all", "TIME in all")
        .replaceAll("[0-9.]+ (s|ms|images/s)\\b", "TIME");
  }

  private interface Work {
    String run() throws IOException;
  }

  private static String under(Locale locale, Work work) throws IOException {
    Locale before = Locale.getDefault();
    Locale.setDefault(locale);
    try {
      return work.run();
    } finally {
      Locale.setDefault(before);
    }
  }
}
