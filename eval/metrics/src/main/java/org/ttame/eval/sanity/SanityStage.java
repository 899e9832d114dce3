package org.ttame.eval.sanity;

import java.io.IOException;
import java.util.List;
import org.ttame.core.Named;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.eval.explain.Explainer;

/**
 * A stage of a sanity check: something that was learnt is lost.
 *
 * @param cascade what loses it
 * @param number 1 for the first stage
 * @param name of what becomes random at this stage
 * @param setting makes the methods as they are at this stage
 */
public record SanityStage(Cascade cascade, int number, String name, Setting setting) {
  /** What is randomised. */
  public enum Cascade implements Named {
    /** The classifier, from logits to input. */
    BACKBONE,
    /** The attention mechanism, from fusion to the first branch. */
    MECHANISM,
    /** What the mechanism was trained to explain. */
    LABELS,
    /**
     * Nothing but chance: a mechanism trained the same way from other initial values. No check, but
     * what the others are to be read against: how alike maps are that say the same.
     */
    SEED;

    /** Whether something is lost, so that maps must change. */
    public boolean isCheck() {
      return this != SEED;
    }
  }

  /** Makes methods. */
  @FunctionalInterface
  public interface Setting {
    /**
     * Makes the methods.
     *
     * @return them and the classifier they explain; the caller closes it
     */
    Methods open() throws IOException;
  }

  /** A classifier and methods that explain it. */
  public interface Methods extends AutoCloseable {
    /** The classifier. */
    FrozenClassifier classifier();

    /** The methods, of different names. */
    List<Explainer> explainers();

    @Override
    void close();
  }

  /** The name of its files, e.g. {@code backbone-03}. */
  String fileName() {
    return Text.format("%s-%02d", cascade.optionName(), number);
  }
}
