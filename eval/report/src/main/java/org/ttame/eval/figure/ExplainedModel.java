package org.ttame.eval.figure;

import java.util.List;
import java.util.Objects;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.eval.explain.Explainer;

/**
 * A classifier and the methods that explain it.
 *
 * @param title what it is called in figures
 * @param classifier stays its owner's
 * @param explainers the methods, the one that is shown where only one is first; stay their owner's
 */
public record ExplainedModel(
    String title, FrozenClassifier classifier, List<Explainer> explainers) {
  public ExplainedModel {
    Objects.requireNonNull(title, "title");
    Objects.requireNonNull(classifier, "classifier");
    explainers = List.copyOf(explainers);
    if (explainers.isEmpty()) {
      throw new IllegalArgumentException(title + " has no method that could explain it");
    }
  }

  /** The methods' names. */
  List<String> methods() {
    return explainers.stream().map(Explainer::name).toList();
  }
}
