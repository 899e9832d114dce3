package org.ttame.eval.report;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ttame.core.Text;
import org.ttame.core.provenance.BuildInfo;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.output.Provenance;

/** Who made the numbers, from what, with which settings, and what it cost. */
public final class ProvenanceSection {
  private ProvenanceSection() {}

  /**
   * The section of a page.
   *
   * @param more what else there is to say
   */
  public static Section of(Provenance provenance, Html... more) {
    List<Html> parts = new ArrayList<>();
    parts.add(program(provenance.build()));
    parts.add(Table.pairs("Classifier", "Classifier", provenance.backbone()));
    parts.add(Table.pairs("Settings", "Settings", provenance.settings()));
    parts.addAll(List.of(more));
    return Section.of("provenance", "Provenance", Html.join(parts));
  }

  static Section of(EvaluationResult result, Provenance provenance) {
    return of(
        provenance,
        Table.pairs("Metrics", "Settings that change what the numbers mean", result.parameters()),
        costs(result));
  }

  /** This program as a table. */
  public static Html program(BuildInfo build) {
    Map<String, Object> program = new LinkedHashMap<>();
    program.put("program", "T-TAME for Java " + build.describe());
    program.put("ND4J", build.nd4j());
    program.put("Java", System.getProperty("java.version"));
    return Table.pairs("Program", "Program", program);
  }

  private static Html costs(EvaluationResult result) {
    Table table =
        new Table(
            "Methods",
            Html.text(
                Text.format(
                    "Methods and their cost. In addition %,d passes over clean images and"
                        + " %,d over masked or imputed ones; %.0f s in all.",
                    result.cleanPasses(), result.metricPasses(), result.seconds())),
            Table.heads("method", "FP", "back", "seconds", "settings"));
    for (MethodResult method : result.methods()) {
      List<String> settings = new ArrayList<>();
      method.settings().forEach((name, value) -> settings.add(name + " " + value));
      table.row(
          Html.name(method.title()),
          List.of(
              Table.Cell.of(method.fp()),
              Table.Cell.of(method.bp()),
              Table.Cell.of(Text.format("%.1f", method.seconds())),
              new Table.Cell(Html.name(String.join(", ", settings)), "words")));
    }
    return table.markup();
  }
}
