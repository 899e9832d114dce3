package org.ttame.eval.explain;

import java.util.Map;
import java.util.Objects;

/** A method of a name that counts what it meets. */
abstract class CountingExplainer implements Explainer {
  final MapWarnings warnings = new MapWarnings();
  private final String name;

  CountingExplainer(String name) {
    this.name = Objects.requireNonNull(name, "name");
  }

  @Override
  public final String name() {
    return name;
  }

  @Override
  public final Map<String, Long> warnings() {
    return warnings.counts();
  }
}
