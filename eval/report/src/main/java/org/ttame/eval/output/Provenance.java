package org.ttame.eval.output;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.ttame.core.Text;
import org.ttame.core.classifier.Assumption;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.image.InputSpec;
import org.ttame.core.provenance.BuildInfo;

/**
 * Who made a result, from what and how: written with every result.
 *
 * @param build the program's version and commit
 * @param backbone the classifier's name, where it comes from (file, SHA-256) and what runs it
 * @param settings what else the result depends on: seed, run, image set, protocol
 */
public record Provenance(
    BuildInfo build, Map<String, String> backbone, Map<String, String> settings) {
  public Provenance {
    backbone = unmodifiable(backbone);
    settings = unmodifiable(settings);
  }

  /**
   * The provenance of what this build finds of a classifier.
   *
   * @param settings seed, run, image set and the like
   */
  public static Provenance of(FrozenClassifier classifier, Map<String, String> settings) {
    Map<String, String> backbone = new LinkedHashMap<>();
    backbone.put("name", classifier.name());
    backbone.putAll(new java.util.TreeMap<>(classifier.provenance()));
    InputSpec input = classifier.inputSpec();
    if (input.height() == input.width()) {
      backbone.put("side", String.valueOf(input.height()));
    }
    backbone.put("input", Text.format("%s×%d", input.size(), input.channels()));
    backbone.put("resize", input.resize().optionName());
    backbone.put("output_kind", classifier.spec().output().kind().optionName());
    backbone.put("mean", input.mean().toString());
    backbone.put("std", input.std().toString());
    String assumed =
        classifier.assumptions().stream().map(Assumption::value).collect(Collectors.joining("; "));
    if (!assumed.isEmpty()) {
      backbone.put("assumed", assumed);
    }
    backbone.put("precision", classifier.precision().optionName());
    backbone.put("engine", classifier.engine());
    return new Provenance(BuildInfo.current(), backbone, settings);
  }

  /** For JSON: {@code program}, {@code backbone}, {@code settings}. */
  public Map<String, Object> toMap() {
    Map<String, Object> program = new LinkedHashMap<>();
    program.put("version", build.version());
    program.put("commit", build.commit());
    program.put("local_changes", build.dirty());
    program.put("java", System.getProperty("java.version"));
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("program", program);
    map.put("backbone", backbone);
    map.put("settings", settings);
    return map;
  }

  private static Map<String, String> unmodifiable(Map<String, String> map) {
    return java.util.Collections.unmodifiableMap(new LinkedHashMap<>(map));
  }
}
