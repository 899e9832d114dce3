package org.ttame.eval.output;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.ttame.core.storage.AtomicFile;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.EvaluationStatistics;
import org.ttame.eval.render.FigureFormat;
import org.ttame.eval.render.LinePlot;
import org.ttame.training.data.SkippedCount;

/**
 * What is written of a whole evaluation beside its records: {@code metrics.json} and {@code
 * metrics.csv}, {@code tables.md} and {@code tables.tex}, and where ROAD was measured {@code
 * morf.png}, {@code morf.svg}, {@code lerf.png} and {@code lerf.svg}. Every file is written whole
 * or not at all.
 */
public final class EvaluationFiles {
  /** The tables in Markdown. */
  public static final String MARKDOWN = "tables.md";

  /** The table in LaTeX. */
  public static final String LATEX = "tables.tex";

  private EvaluationFiles() {}

  /**
   * Writes the files.
   *
   * @param folder where to; made if missing
   * @param statistics its intervals
   * @param skipped the images that were left out
   * @return the files, {@code metrics.json} first
   */
  public static List<Path> write(
      Path folder,
      EvaluationResult result,
      EvaluationStatistics statistics,
      SkippedCount skipped,
      Provenance provenance)
      throws IOException {
    MetricsFiles.write(folder, result, statistics, skipped, provenance);
    PaperTable table = new PaperTable(result, statistics);
    AtomicFile.writeText(folder.resolve(MARKDOWN), table.markdown());
    AtomicFile.writeText(folder.resolve(LATEX), table.latex());
    List<Path> files = new ArrayList<>();
    for (String name : List.of(MetricsFiles.JSON, MetricsFiles.CSV, MARKDOWN, LATEX)) {
      files.add(folder.resolve(name));
    }
    for (Map.Entry<String, LinePlot> curve : RoadCurves.of(result, statistics).entrySet()) {
      LinePlot plot = curve.getValue();
      files.addAll(
          plot.write(folder, curve.getKey(), plot.title(), List.of(FigureFormat.values())));
    }
    return files;
  }
}
