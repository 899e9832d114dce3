package org.ttame.eval.experiment;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import org.ttame.core.Text;
import org.ttame.training.TrainingOptions;

/**
 * A grid search: a training for every combination of values, each a OneCycle run of its own.
 *
 * @param trials the trainings, the last axis changing fastest
 */
public record SearchPlan(List<Trial> trials) {
  /**
   * Values of one setting.
   *
   * @param setting as {@link TrainingOptions#toProperties()} names it, e.g. {@code max-lr}
   * @param values as typed, at least one, none twice
   */
  public record Axis(String setting, List<String> values) {
    public Axis {
      values = List.copyOf(values);
      if (values.isEmpty()) {
        throw new IllegalArgumentException(Text.format("%s needs a value to try", setting));
      }
    }
  }

  public SearchPlan {
    trials = List.copyOf(trials);
  }

  /**
   * Plans.
   *
   * @param base settings that all trainings share
   * @param axes what is tried, possibly nothing: then the base alone
   * @throws IllegalArgumentException quoting a setting that does not exist or a value that does not
   *     fit
   */
  public static SearchPlan of(TrainingOptions base, List<Axis> axes) {
    List<Properties> combinations = new ArrayList<>(List.of(base.toProperties()));
    List<String> names = new ArrayList<>(List.of(""));
    for (Axis axis : axes) {
      List<Properties> more = new ArrayList<>();
      List<String> longer = new ArrayList<>();
      for (int i = 0; i < combinations.size(); i++) {
        for (String value : axis.values()) {
          Properties combination = new Properties();
          combination.putAll(combinations.get(i));
          combination.setProperty(axis.setting(), value);
          more.add(combination);
          String part = axis.setting() + "-" + value.toLowerCase(Locale.ROOT);
          longer.add(names.get(i).isEmpty() ? part : names.get(i) + "_" + part);
        }
      }
      combinations = more;
      names = longer;
    }
    List<Trial> trials = new ArrayList<>();
    for (int i = 0; i < combinations.size(); i++) {
      String name = names.get(i).isEmpty() ? "base" : names.get(i);
      trials.add(new Trial(name, TrainingOptions.of(combinations.get(i))));
    }
    return new SearchPlan(trials);
  }
}
