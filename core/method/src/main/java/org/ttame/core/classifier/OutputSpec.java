package org.ttame.core.classifier;

import java.util.List;
import java.util.Objects;
import org.ttame.core.Text;

/**
 * What a classifier answers.
 *
 * @param name of the output in its file; may be empty
 * @param kind what its numbers mean
 * @param classes K; of a single logit 2
 * @param labels names of the classes as the file has them: K of them, or none
 */
public record OutputSpec(String name, OutputKind kind, int classes, List<String> labels) {
  public OutputSpec {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(kind, "kind");
    labels = List.copyOf(labels);
    if (classes < 2) {
      throw new IllegalArgumentException("A classifier needs two classes or more, got " + classes);
    }
    if (kind == OutputKind.ONE_LOGIT && classes != 2) {
      throw new IllegalArgumentException(
          Text.format("One logit tells two classes apart, not %d", classes));
    }
    if (!labels.isEmpty() && labels.size() != classes) {
      throw new IllegalArgumentException(
          Text.format("%d classes cannot have %d labels", classes, labels.size()));
    }
  }

  /**
   * Logits of K classes that are mutually exclusive.
   *
   * @param classes K
   */
  public static OutputSpec logits(int classes) {
    return new OutputSpec("", OutputKind.LOGITS, classes, List.of());
  }

  /** The same of another kind. */
  public OutputSpec withKind(OutputKind other) {
    return new OutputSpec(name, other, classes, labels);
  }
}
