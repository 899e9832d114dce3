package org.ttame.services;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.ttame.core.Text;
import org.ttame.core.storage.AtomicFile;
import org.ttame.core.storage.TextFile;
import org.ttame.eval.output.EvaluationComparison;
import org.ttame.eval.output.EvaluationComparison.Row;
import org.ttame.eval.output.MetricsFiles;
import org.ttame.eval.statistics.Bootstrap;

/** Compares two evaluations of the same images: which differences are real. */
public final class Compare {
  private final Options options;
  private final Measured a;
  private final Measured b;

  /**
   * What to compare.
   *
   * @param a the output folder of an evaluation, or a training run with its closing report
   * @param b another
   * @param out where to write
   * @param failIf what of B − A is a failure
   */
  public record Options(Path a, Path b, Path out, List<Condition> failIf) {
    public Options {
      failIf = List.copyOf(failIf);
    }
  }

  /**
   * What was found.
   *
   * @param comparison the differences
   * @param failures a sentence for each condition that is met
   */
  public record Result(EvaluationComparison comparison, List<String> failures) {}

  /** An evaluation's folder, and what its {@code metrics.json} says. */
  private record Measured(Path folder, JsonNode metrics) {
    static Measured of(Path run) throws IOException {
      Path folder =
          Files.exists(run.resolve(MetricsFiles.JSON)) ? run : run.resolve(ClosingReport.FOLDER);
      Path file = folder.resolve(MetricsFiles.JSON);
      if (!Files.exists(file)) {
        throw new IOException(
            Text.format(
                "'%s' holds no evaluation: there is no %s in it or in its %s folder",
                run, MetricsFiles.JSON, ClosingReport.FOLDER));
      }
      JsonNode metrics;
      try {
        metrics = new ObjectMapper().readTree(TextFile.text(file));
      } catch (JacksonException e) {
        throw new IOException(Text.format("'%s' is damaged: it is not JSON", file), e);
      }
      return new Measured(folder, metrics);
    }

    Map<String, Object> describe() {
      Map<String, Object> said = new LinkedHashMap<>();
      said.put("folder", folder.toString());
      said.put("provenance", metrics.path("provenance"));
      return said;
    }

    String classifier() {
      return metrics.path("provenance").path("backbone").path("name").asText();
    }

    String sha256() {
      return metrics.path("provenance").path("backbone").path("sha256").asText();
    }
  }

  /**
   * Finds both evaluations.
   *
   * @throws IOException naming the folder, if it holds none
   */
  public Compare(Options options) throws IOException {
    this.options = options;
    a = Measured.of(options.a());
    b = Measured.of(options.b());
  }

  /** Whether A and B explain two classifiers, and which. */
  public Optional<String> classifiers() {
    return a.sha256().equals(b.sha256())
        ? Optional.empty()
        : Optional.of(
            Text.format(
                "two classifiers: A explains %s, B explains %s", a.classifier(), b.classifier()));
  }

  /**
   * Compares, and writes {@code compare.json} and {@code compare.csv}.
   *
   * @throws IOException if they cannot be compared, or a file cannot be read or written
   * @throws InvalidOptionException if a condition names what was not measured in both
   */
  public Result run() throws IOException {
    EvaluationComparison comparison;
    try {
      comparison =
          new EvaluationComparison(
              EvaluationComparison.read(a.folder(), a.metrics()),
              EvaluationComparison.read(b.folder(), b.metrics()),
              Bootstrap.standard());
    } catch (IllegalArgumentException e) {
      throw new IOException(
          Text.format(
              "A ('%s') and B ('%s') cannot be compared: %s",
              a.folder(), b.folder(), e.getMessage()),
          e);
    }
    List<Row> rows = comparison.rows();
    List<String> methods = rows.stream().map(Row::method).distinct().toList();
    options
        .failIf()
        .forEach(
            condition ->
                condition.require(methods, rows.stream().map(Row::key).distinct().toList()));
    Path out = options.out();
    AtomicFile.writeText(
        out.resolve(EvaluationComparison.JSON), comparison.json(a.describe(), b.describe()));
    AtomicFile.writeText(out.resolve(EvaluationComparison.CSV), comparison.csv());
    return new Result(
        comparison,
        Condition.met(
            options.failIf(),
            methods,
            (method, key) ->
                rows.stream()
                    .filter(row -> row.method().equals(method) && row.key().equals(key))
                    .findFirst()
                    .orElseThrow()
                    .difference()
                    .mean()));
  }
}
