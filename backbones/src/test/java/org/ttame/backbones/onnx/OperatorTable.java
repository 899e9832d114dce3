package org.ttame.backbones.onnx;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.ttame.backbones.onnx.ConformanceCase.Kind;
import org.ttame.backbones.onnx.ConformanceCase.Outcome;
import org.ttame.core.Text;

/**
 * Writes {@code docs/operators.md}: what becomes of ONNX's official node tests in the importer.
 *
 * <pre>
 * python backbones/src/test/python/conformance.py FOLDER
 * mvn -q -pl backbones -am test-compile dependency:build-classpath -Dmdep.outputFile=target/classpath
 * cd backbones
 * java -Dttame.conformance=FOLDER -cp target/test-classes:target/classes:$(cat target/classpath)
 *     org.ttame.backbones.onnx.OperatorTable docs/operators.md
 * </pre>
 */
final class OperatorTable {
  private static final int MOST_REASONS = 4;
  private static final String NONE = "no converter";

  /** How the importer says that it has no converter for an operator. */
  private static final Pattern MISSING =
      Pattern.compile(
          "(?:a |operator |\\d+ )?(?<type>\\w+)"
              + "( nodes?, .*| node \\(\".*\"\\) is not supported| is not supported"
              + "| node \".*\" cannot be computed on values that depend on the image)");

  private static final Pattern FORM = Pattern.compile("(?s)(.*?)(\\w+) node \"[^\"]*\" (.*)");

  /** What became of an operator's tests, and why those refused were. */
  private static final class Row {
    int passed;
    int ownBatch;
    int refused;
    int wrong;
    final Map<String, Integer> reasons = new TreeMap<>();

    int all() {
      return passed + refused + wrong;
    }

    void add(String operator, Outcome outcome) {
      switch (outcome.kind()) {
        case PASSED -> passed++;
        case PASSED_AT_ITS_OWN_BATCH -> {
          passed++;
          ownBatch++;
        }
        case WRONG -> wrong++;
        case REFUSED -> {
          refused++;
          reasons.merge(clause(operator, outcome.reason()), 1, Integer::sum);
        }
      }
    }
  }

  private OperatorTable() {}

  /**
   * Writes the table.
   *
   * @param arguments where to
   */
  public static void main(String... arguments) throws IOException {
    String folder = System.getProperty("ttame.conformance");
    if (arguments.length != 1 || folder == null) {
      throw new IllegalArgumentException(
          "Give the file to write, and -Dttame.conformance=FOLDER with the tests of conformance.py");
    }
    Map<String, Row> rows = new LinkedHashMap<>();
    for (ConformanceCase test : ConformanceCase.in(Path.of(folder))) {
      if (test.float32()) {
        Outcome outcome = ImportedNode.outcome(test);
        rows.computeIfAbsent(test.operator(), key -> new Row()).add(test.operator(), outcome);
        if (outcome.kind() == Kind.WRONG) {
          System.err.println(test + ": " + outcome.reason());
        }
      }
    }
    Path file = Path.of(arguments[0]);
    Files.createDirectories(file.toAbsolutePath().getParent());
    Files.writeString(file, page(rows));
  }

  private static String page(Map<String, Row> rows) {
    int passed = rows.values().stream().mapToInt(row -> row.passed).sum();
    int refused = rows.values().stream().mapToInt(row -> row.refused).sum();
    int wrong = rows.values().stream().mapToInt(row -> row.wrong).sum();
    int ownBatch = rows.values().stream().mapToInt(row -> row.ownBatch).sum();
    int all = passed + refused + wrong;
    List<String> lines = new ArrayList<>();
    lines.add("# Operators");
    lines.add("");
    lines.add(
        Text.format(
            "ONNX's official node tests, those of float32 inference: of %d, %d pass (%.1f %%), %d of them at their own batch only (so %.1f %% in a classifier whose batch is free), %d are refused and %d are wrong.",
            all,
            passed,
            100.0 * passed / all,
            ownBatch,
            100.0 * (passed - ownBatch) / all,
            refused,
            wrong));
    lines.add("");
    lines.add(
        """
        A test is imported as part of a classifier, in every way that a classifier may hold it: one of its inputs comes from
        the image, or all do (shapes, indices and weights never); the images of a batch lie along any one axis, or along none;
        the values lie in memory as ONNX has them, or with channels last. It counts as wrong if one way gives other values than
        ONNX's, outside the test's own tolerance, or fails otherwise than by a refusal; as passed if some way gives them; else
        as refused. Tests whose name ends in `expanded` write an operator out in simpler ones; they count for the operator and
        are refused for what they are written in.

        "Own batch" says how many of those that pass do so only where no axis carries images: at the batch that a file was
        exported with. They sum over all axes, say, which would mix the images of a batch. A whole classifier that does so is
        refused, unless it runs at its own batch and gives for each image the same whatever the others are.

        "From" says from which version of the operator set on there is a converter; several where the operator's meaning has
        changed; "steps" where it is written out in simpler operators. Operators without one may still be read where they do not depend on the image: shapes, masks, position tables,
        and what is folded into weights. The table is written by `org.ttame.backbones.onnx.OperatorTable`, see there for the
        command.
        """
            .strip());
    lines.add("");
    lines.add(
        "| operator | from | passed | own batch | refused | in the suite | refused because (tests) |");
    lines.add("|---|---|---|---|---|---|---|");
    rows.forEach(
        (operator, row) ->
            lines.add(
                Text.format(
                    "| %s | %s | %d | %d | %d | %d | %s |",
                    operator,
                    versions(operator),
                    row.passed,
                    row.ownBatch,
                    row.refused,
                    row.all(),
                    reasons(row))));
    lines.add("");
    lines.add("Most frequent reasons:");
    lines.add("");
    Map<String, Integer> reasons = new TreeMap<>();
    rows.forEach(
        (operator, row) ->
            row.reasons.forEach(
                (reason, count) ->
                    reasons.merge(
                        reason.equals(NONE) ? operator + ": " + NONE : reason,
                        count,
                        Integer::sum)));
    sorted(reasons)
        .limit(15)
        .forEach(entry -> lines.add(Text.format("- %d × %s", entry.getValue(), entry.getKey())));
    return String.join("\n", lines) + "\n";
  }

  private static String versions(String operator) {
    String versions =
        ConverterRegistry.all().versions(operator).stream()
            .map(String::valueOf)
            .collect(Collectors.joining(", "));
    if (!versions.isEmpty()) {
      return versions;
    }
    return Composites.OPERATORS.contains(operator) ? "steps" : "–";
  }

  private static String reasons(Row row) {
    List<String> most =
        new ArrayList<>(
            sorted(row.reasons)
                .limit(MOST_REASONS)
                .map(entry -> Text.format("%s (%d)", entry.getKey(), entry.getValue()))
                .toList());
    int rest = sorted(row.reasons).skip(MOST_REASONS).mapToInt(Map.Entry::getValue).sum();
    if (rest > 0) {
      most.add(Text.format("others (%d)", rest));
    }
    return String.join("; ", most).replace("|", "\\|");
  }

  private static Stream<Map.Entry<String, Integer>> sorted(Map<String, Integer> reasons) {
    return reasons.entrySet().stream()
        .sorted(
            Map.Entry.<String, Integer>comparingByValue()
                .reversed()
                .thenComparing(Map.Entry.comparingByKey(Comparator.naturalOrder())));
  }

  /** A refusal in short: without names of nodes, and only the first of several. */
  private static String clause(String operator, String reason) {
    String first = reason.replaceFirst("^not supported are ", "").split("; ", 2)[0];
    Matcher missing = MISSING.matcher(first);
    if (missing.matches()) {
      String type = missing.group("type");
      return type.equals(operator) ? NONE : type + ": " + NONE;
    }
    Matcher form = FORM.matcher(first);
    if (form.matches()) {
      String type = form.group(2);
      String clause = form.group(3).replaceFirst(", which is not supported$", "");
      return type.equals(operator) ? clause : type + " " + clause;
    }
    return first;
  }
}
