package org.ttame.training;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Function;
import org.ttame.core.Text;
import org.ttame.core.attention.Variant;
import org.ttame.core.loss.LossMode;
import org.ttame.core.loss.LossOptions;
import org.ttame.core.masking.Masking;
import org.ttame.training.data.Augment;
import org.ttame.training.data.BatchOptions;
import org.ttame.training.data.ImageSettings;
import org.ttame.training.data.TrainingImages;
import org.ttame.training.run.RunFolder;

/**
 * Everything that decides what a training run computes, and what it keeps. Each part belongs to the
 * class that reads it and is validated there; run folders and the command line name all settings in
 * one list.
 *
 * @param mechanism which layers are read, in which variant
 * @param trainer what a step computes
 * @param plan how many steps of how many images
 * @param images how training images are read
 * @param keeping what the run folder keeps, and how often
 * @param seed of initial values, order, crops and drawn classes
 */
public record TrainingOptions(
    InitialMechanism.Options mechanism,
    Trainer.Options trainer,
    TrainingPlan.Options plan,
    TrainingImages images,
    RunFolder.Keeping keeping,
    long seed) {
  private static final String LIST_SEPARATOR = ",";
  private static final long DEFAULT_SEED = 42;

  public TrainingOptions {
    Objects.requireNonNull(mechanism, "mechanism");
    Objects.requireNonNull(trainer, "trainer");
    Objects.requireNonNull(plan, "plan");
    Objects.requireNonNull(images, "images");
    Objects.requireNonNull(keeping, "keeping");
  }

  /** The paper's protocol, four epochs in batches of 32. */
  public static TrainingOptions defaults() {
    return new TrainingOptions(
        InitialMechanism.Options.defaults(),
        Trainer.Options.defaults(),
        TrainingPlan.Options.defaults(),
        TrainingImages.defaults(),
        RunFolder.Keeping.defaults(),
        DEFAULT_SEED);
  }

  /** Starts from the defaults. */
  public static Builder builder() {
    return new Builder(defaults());
  }

  /** Starts from these options. */
  public Builder toBuilder() {
    return new Builder(this);
  }

  /**
   * Reads options by the names {@link #toProperties()} writes; what is not given has its default.
   *
   * @param properties names and values
   * @throws IllegalArgumentException quoting an unknown name or a value that does not fit
   */
  public static TrainingOptions of(Properties properties) {
    Set<String> unknown = new TreeSet<>(properties.stringPropertyNames());
    unknown.removeAll(defaults().toProperties().stringPropertyNames());
    unknown.removeAll(List.of("masking", "targets", "accumulate"));
    if (!unknown.isEmpty()) {
      throw new IllegalArgumentException("Training has no option " + String.join(", ", unknown));
    }
    Builder builder = builder();
    set(properties, "layers", TrainingOptions::list, builder::layers);
    set(properties, "variant", Variant::parse, builder::variant);
    set(properties, "masking", Masking::parse, builder::masking);
    LossOptions d = LossOptions.defaults();
    builder.loss(
        new LossOptions(
            get(properties, "loss", LossMode::parse, d.mode()),
            get(properties, "lambda1", Double::valueOf, d.lambda1()),
            get(properties, "lambda2", Double::valueOf, d.lambda2()),
            get(properties, "lambda3", Double::valueOf, d.lambda3()),
            get(properties, "lambda4", Double::valueOf, d.lambda4())));
    set(properties, "epochs", Integer::valueOf, builder::epochs);
    set(properties, "batch-size", Integer::valueOf, builder::batchSize);
    set(properties, "accumulate", Integer::valueOf, builder::accumulate);
    set(properties, "max-lr", Double::valueOf, builder::maxLr);
    set(properties, "max-steps", Long::valueOf, builder::maxSteps);
    set(properties, "weight-decay", Double::valueOf, builder::weightDecay);
    set(properties, "seed", Long::valueOf, builder::seed);
    set(properties, "augment", Augment::parse, builder::augment);
    set(properties, "shuffle", TrainingOptions::bool, builder::shuffle);
    set(properties, "decode-threads", Integer::valueOf, builder::decodeThreads);
    set(properties, "strict", TrainingOptions::bool, builder::strict);
    set(properties, "max-pixels", Long::valueOf, builder::maxPixels);
    set(
        properties,
        "save-every",
        text -> Duration.ofSeconds(Long.parseLong(text)),
        builder::saveEvery);
    set(properties, "record-classes", TrainingOptions::bool, builder::recordClasses);
    set(properties, "targets", Targets::parse, builder::targets);
    return builder.build();
  }

  /**
   * The options by name, as the command line names them; {@code save-every} is in seconds, and
   * {@code masking} is left out where the classifier chooses, {@code targets} where they are the
   * classifier's answers, {@code accumulate} where it is 1.
   *
   * @return names and values
   */
  public Properties toProperties() {
    Properties p = new Properties();
    LossOptions loss = trainer.loss();
    p.setProperty("layers", String.join(LIST_SEPARATOR, mechanism.layers()));
    p.setProperty("variant", mechanism.variant().optionName());
    if (trainer.masking() != null) {
      p.setProperty("masking", trainer.masking().optionName());
    }
    p.setProperty("loss", loss.mode().optionName());
    p.setProperty("lambda1", Double.toString(loss.lambda1()));
    p.setProperty("lambda2", Double.toString(loss.lambda2()));
    p.setProperty("lambda3", Double.toString(loss.lambda3()));
    p.setProperty("lambda4", Double.toString(loss.lambda4()));
    p.setProperty("epochs", Integer.toString(plan.epochs()));
    p.setProperty("batch-size", Integer.toString(plan.batchSize()));
    if (plan.workers() > 1) {
      p.setProperty("accumulate", Integer.toString(plan.workers()));
    }
    p.setProperty("max-lr", Double.toString(trainer.maxLr()));
    p.setProperty("max-steps", Long.toString(plan.maxSteps()));
    p.setProperty("weight-decay", Double.toString(trainer.weightDecay()));
    p.setProperty("seed", Long.toString(seed));
    p.setProperty("augment", images.augment().optionName());
    p.setProperty("shuffle", Boolean.toString(images.shuffle()));
    p.setProperty("decode-threads", Integer.toString(images.decodeThreads()));
    p.setProperty("strict", Boolean.toString(images.strict()));
    p.setProperty("max-pixels", Long.toString(images.maxPixels()));
    p.setProperty("save-every", Long.toString(Math.max(1, keeping.saveEvery().toSeconds())));
    p.setProperty("record-classes", Boolean.toString(keeping.recordClasses()));
    if (trainer.targets() != Targets.PREDICTED) {
      p.setProperty("targets", trainer.targets().optionName());
    }
    return p;
  }

  /** The names of the settings that change how a run is carried out but not what it computes. */
  public static Set<String> harmless() {
    return Set.of("decode-threads", "strict", "save-every", "record-classes");
  }

  /** How images are gone through that nothing is trained on. */
  public ImageSettings measuring() {
    return new ImageSettings(
        ImageSettings.BATCH_SIZE, Optional.empty(), images.strict(), images.maxPixels());
  }

  /** How batches are made of the training images. */
  BatchOptions batches() {
    return images.batches(plan.batchSize(), seed);
  }

  private static List<String> list(String text) {
    return Arrays.stream(text.split(LIST_SEPARATOR))
        .map(String::strip)
        .filter(word -> !word.isEmpty())
        .toList();
  }

  private static boolean bool(String text) {
    return switch (text) {
      case "true" -> true;
      case "false" -> false;
      default -> throw new IllegalArgumentException("'" + text + "' is neither true nor false");
    };
  }

  private static <T> void set(
      Properties properties, String name, Function<String, T> parse, Consumer<T> target) {
    T value = get(properties, name, parse, null);
    if (value != null) {
      target.accept(value);
    }
  }

  private static <T> T get(
      Properties properties, String name, Function<String, T> parse, T otherwise) {
    String text = properties.getProperty(name);
    if (text == null) {
      return otherwise;
    }
    try {
      return parse.apply(text.strip());
    } catch (NumberFormatException e) {
      boolean digits = text.strip().matches("[-+]?[0-9.]+");
      throw new IllegalArgumentException(
          Text.format(
              "%s: '%s' is not a %s",
              name, text, digits ? "whole number, or is too large" : "number"),
          e);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(Text.format("%s: %s", name, e.getMessage()), e);
    }
  }

  /** Changes single settings; each is checked when it is set. */
  public static final class Builder {
    private InitialMechanism.Options mechanism;
    private Trainer.Options trainer;
    private TrainingPlan.Options plan;
    private TrainingImages images;
    private RunFolder.Keeping keeping;
    private long seed;

    private Builder(TrainingOptions from) {
      mechanism = from.mechanism;
      trainer = from.trainer;
      plan = from.plan;
      images = from.images;
      keeping = from.keeping;
      seed = from.seed;
    }

    /** Node names, latest last; empty for the classifier's own choice. */
    public Builder layers(List<String> value) {
      mechanism = new InitialMechanism.Options(value, mechanism.variant());
      return this;
    }

    /** The form of the attention mechanism. */
    public Builder variant(Variant value) {
      mechanism = new InitialMechanism.Options(mechanism.layers(), value);
      return this;
    }

    /** How maps are laid over images; null for the classifier's own choice. */
    public Builder masking(Masking value) {
      trainer =
          new Trainer.Options(
              value, trainer.loss(), trainer.targets(), trainer.maxLr(), trainer.weightDecay());
      return this;
    }

    /** Weights and reading of the loss. */
    public Builder loss(LossOptions value) {
      trainer =
          new Trainer.Options(
              trainer.masking(), value, trainer.targets(), trainer.maxLr(), trainer.weightDecay());
      return this;
    }

    /** How often each image is seen. */
    public Builder epochs(int value) {
      plan = new TrainingPlan.Options(value, plan.batchSize(), plan.maxSteps(), plan.workers());
      return this;
    }

    /** Images a step. */
    public Builder batchSize(int value) {
      plan = new TrainingPlan.Options(plan.epochs(), value, plan.maxSteps(), plan.workers());
      return this;
    }

    /** The largest learning rate. */
    public Builder maxLr(double value) {
      trainer =
          new Trainer.Options(
              trainer.masking(), trainer.loss(), trainer.targets(), value, trainer.weightDecay());
      return this;
    }

    /** The most steps; 0 for no limit. */
    public Builder maxSteps(long value) {
      plan = new TrainingPlan.Options(plan.epochs(), plan.batchSize(), value, plan.workers());
      return this;
    }

    /** Among how many workers each step's images are shared, as in data-parallel training. */
    public Builder accumulate(int value) {
      plan = new TrainingPlan.Options(plan.epochs(), plan.batchSize(), plan.maxSteps(), value);
      return this;
    }

    /** Decay of all parameters but biases. */
    public Builder weightDecay(double value) {
      trainer =
          new Trainer.Options(
              trainer.masking(), trainer.loss(), trainer.targets(), trainer.maxLr(), value);
      return this;
    }

    /** Of all that is drawn. */
    public Builder seed(long value) {
      seed = value;
      return this;
    }

    /** What is done to training images. */
    public Builder augment(Augment value) {
      images =
          new TrainingImages(
              value, images.shuffle(), images.decodeThreads(), images.strict(), images.maxPixels());
      return this;
    }

    /** Whether every epoch has an order of its own. */
    public Builder shuffle(boolean value) {
      images =
          new TrainingImages(
              images.augment(), value, images.decodeThreads(), images.strict(), images.maxPixels());
      return this;
    }

    /** How many threads decode images. */
    public Builder decodeThreads(int value) {
      images =
          new TrainingImages(
              images.augment(), images.shuffle(), value, images.strict(), images.maxPixels());
      return this;
    }

    /** Whether an unreadable image ends the run. */
    public Builder strict(boolean value) {
      images =
          new TrainingImages(
              images.augment(),
              images.shuffle(),
              images.decodeThreads(),
              value,
              images.maxPixels());
      return this;
    }

    /** Images of more pixels count as unreadable. */
    public Builder maxPixels(long value) {
      images =
          new TrainingImages(
              images.augment(), images.shuffle(), images.decodeThreads(), images.strict(), value);
      return this;
    }

    /** How long an epoch may go on before its state is saved. */
    public Builder saveEvery(Duration value) {
      keeping = new RunFolder.Keeping(value, keeping.recordClasses());
      return this;
    }

    /** Whether the classes of Ψ are written to a file. */
    public Builder recordClasses(boolean value) {
      keeping = new RunFolder.Keeping(keeping.saveEvery(), value);
      return this;
    }

    /** What each image's map is trained to explain. */
    public Builder targets(Targets value) {
      trainer =
          new Trainer.Options(
              trainer.masking(), trainer.loss(), value, trainer.maxLr(), trainer.weightDecay());
      return this;
    }

    /** The options. */
    public TrainingOptions build() {
      return new TrainingOptions(mechanism, trainer, plan, images, keeping, seed);
    }
  }
}
