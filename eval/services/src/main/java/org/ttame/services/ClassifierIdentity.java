package org.ttame.services;

import java.util.LinkedHashMap;
import java.util.Map;
import org.ttame.core.classifier.ClassifierSpec;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.engine.Precision;
import org.ttame.core.image.InputSpec;
import org.ttame.core.image.ResizeRule;

/**
 * What of a classifier numbers depend on, beside its file, and how it is computed, for folders that
 * are resumed.
 */
final class ClassifierIdentity {
  private ClassifierIdentity() {}

  /** By name; what earlier versions did not know is left out where it is as they had it. */
  static Map<String, String> of(FrozenClassifier classifier) {
    ClassifierSpec spec = classifier.spec();
    Map<String, String> identity = new LinkedHashMap<>();
    InputSpec input = spec.input();
    boolean square = input.height() == input.width();
    identity.put("side", square ? String.valueOf(input.height()) : input.size());
    if (!spec.output().name().isEmpty()) {
      identity.put("output", spec.output().name());
    }
    if (!spec.output().kind().isExclusive()) {
      identity.put("output_kind", spec.output().kind().optionName());
    }
    if (input.resize() != ResizeRule.CROP) {
      identity.put("resize", input.resize().optionName());
    }
    identity.put("mean", input.mean().toString());
    identity.put("std", input.std().toString());
    if (classifier.precision() != Precision.FLOAT32) {
      identity.put("precision", classifier.precision().optionName());
    }
    return identity;
  }
}
