package org.ttame.eval.figure;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.ttame.core.provenance.BuildInfo;
import org.ttame.eval.output.Provenance;
import org.ttame.training.data.SkippedCount;

/**
 * Figures and where they come from.
 *
 * @param figures in the order in which they are shown
 * @param missing those that could not be made
 * @param skipped the images that could not be read
 * @param build the program that made them
 * @param runs for each classifier, by its title, where it comes from; empty where none takes part
 * @param settings what else the figures depend on
 */
public record FigureSet(
    List<Figure> figures,
    List<Missing> missing,
    SkippedCount skipped,
    BuildInfo build,
    Map<String, Provenance> runs,
    Map<String, String> settings) {
  /** A figure that could not be made, and why, as a sentence. */
  public record Missing(FigureKind kind, String reason) {}

  public FigureSet {
    figures = List.copyOf(figures);
    missing = List.copyOf(missing);
    Objects.requireNonNull(skipped, "skipped");
    Objects.requireNonNull(build, "build");
    runs = Collections.unmodifiableMap(new LinkedHashMap<>(runs));
    settings = Collections.unmodifiableMap(new LinkedHashMap<>(settings));
  }
}
