package org.ttame.eval.experiment;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.ttame.core.storage.WholeFile;
import org.ttame.eval.metric.MetricKey;
import org.ttame.eval.output.Csv;
import org.ttame.eval.output.Provenance;

/**
 * {@code search.json} and {@code search.csv}: every trial of a search and the one it selects. Each
 * is written whole or not at all.
 */
public final class SearchFiles {
  /** The record's name. */
  public static final String JSON = "search.json";

  /** How a trial is selected, for people. */
  public static final String RULE =
      "smallest AD(15) - IC(15) on the validation images after the last epoch, of equal ones the"
          + " first";

  private static final MetricKey AD = MetricKey.at("ad", 15);
  private static final MetricKey IC = MetricKey.at("ic", 15);

  private SearchFiles() {}

  /**
   * AD(15) − IC(15) of a trial.
   *
   * @param result of a trial that did not diverge
   */
  public static double score(TrialResult result) {
    return result.mean(AD) - result.mean(IC);
  }

  /**
   * Selects.
   *
   * @param results of all trials, in order
   * @return the best one; empty where all diverged
   */
  public static Optional<TrialResult> best(List<TrialResult> results) {
    return results.stream()
        .filter(result -> !result.diverged() && !Double.isNaN(score(result)))
        .min(Comparator.comparingDouble(SearchFiles::score));
  }

  /**
   * Writes the files.
   *
   * @param folder where to
   * @param results of all trials, in order
   * @param provenance who made it, from what
   * @throws IOException naming the file, if one cannot be written
   */
  public static void write(Path folder, List<TrialResult> results, Provenance provenance)
      throws IOException {
    StringBuilder csv =
        new StringBuilder(Csv.row(List.of("trial", "ad_15", "ic_15", "score", "failure")));
    List<Object> trials = new ArrayList<>();
    for (TrialResult result : results) {
      boolean lost = result.diverged();
      csv.append(
          Csv.row(
              List.of(
                  result.trial().name(),
                  lost ? "" : Csv.number(result.mean(AD)),
                  lost ? "" : Csv.number(result.mean(IC)),
                  lost ? "" : Csv.number(score(result)),
                  result.failure())));
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("trial", result.trial().name());
      entry.put("settings", new java.util.TreeMap<>(result.trial().options().toProperties()));
      entry.put("ad15", lost ? null : result.mean(AD));
      entry.put("ic15", lost ? null : result.mean(IC));
      entry.put("score", lost ? null : score(result));
      entry.put("failure", result.failure());
      entry.put("images", result.images().size());
      entry.put("seconds", result.seconds());
      trials.add(entry);
    }
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("rule", RULE);
    root.put("best", best(results).map(result -> result.trial().name()).orElse(null));
    root.put("trials", trials);
    root.put("provenance", provenance.toMap());
    ObjectMapper mapper = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
    WholeFile.writeText(folder.resolve("search.csv"), csv.toString());
    WholeFile.writeText(folder.resolve(JSON), mapper.writeValueAsString(root) + "\n");
  }
}
