package org.ttame.eval.experiment;

import java.util.Objects;
import java.util.regex.Pattern;
import org.ttame.core.Text;
import org.ttame.training.TrainingOptions;

/**
 * One training of an experiment.
 *
 * @param name its folder's name: small letters, digits, dots, dashes and underscores
 * @param options all that decides what it computes
 */
public record Trial(String name, TrainingOptions options) {
  private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9._+-]*");

  public Trial {
    Objects.requireNonNull(options, "options");
    if (!NAME.matcher(name).matches()) {
      throw new IllegalArgumentException(Text.format("\"%s\" cannot name a trial's folder", name));
    }
  }
}
