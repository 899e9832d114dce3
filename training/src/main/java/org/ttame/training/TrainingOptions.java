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
import org.ttame.core.image.ImageLimits;
import org.ttame.core.loss.LossMode;
import org.ttame.core.loss.LossOptions;
import org.ttame.core.masking.Masking;
import org.ttame.training.data.Augment;
import org.ttame.training.data.BatchOptions;
import org.ttame.training.data.ImageSettings;

/**
 * Everything that decides what a training run computes, and three settings that only decide how
 * (threads, strict, saving).
 *
 * @param layers torchvision node names in order, latest last, before the variant drops any; empty
 *     for the classifier's own choice
 * @param variant the form of the attention mechanism
 * @param masking how maps are laid over images; null for the classifier's own choice
 * @param loss weights and reading of the loss
 * @param epochs how often each image is seen
 * @param batchSize images a step
 * @param maxLr the largest learning rate of the OneCycle policy
 * @param maxSteps the most steps of the run; 0 for as many as the epochs have
 * @param weightDecay of every parameter whose name does not end in bias
 * @param seed of initial values, order, crops and drawn classes
 * @param augment what is done to training images
 * @param shuffle whether every epoch has an order of its own
 * @param decodeThreads how many threads decode images
 * @param strict whether an unreadable image ends the run
 * @param maxPixels images of more pixels, width × height, count as unreadable
 * @param saveEvery how long an epoch may go on before its state is saved
 * @param recordClasses whether the classes of Ψ are written to a file
 * @param targets what each image's map is trained to explain
 */
public record TrainingOptions(
    List<String> layers,
    Variant variant,
    Masking masking,
    LossOptions loss,
    int epochs,
    int batchSize,
    double maxLr,
    long maxSteps,
    double weightDecay,
    long seed,
    Augment augment,
    boolean shuffle,
    int decodeThreads,
    boolean strict,
    long maxPixels,
    Duration saveEvery,
    boolean recordClasses,
    Targets targets) {
  private static final String LIST_SEPARATOR = ",";

  public TrainingOptions {
    layers = List.copyOf(layers);
    Objects.requireNonNull(variant, "variant");
    Objects.requireNonNull(loss, "loss");
    Objects.requireNonNull(augment, "augment");
    Objects.requireNonNull(saveEvery, "saveEvery");
    Objects.requireNonNull(targets, "targets");
    atLeast(1, epochs, "epochs");
    atLeast(1, batchSize, "batch-size");
    atLeast(0, maxSteps, "max-steps");
    atLeast(1, decodeThreads, "decode-threads");
    ImageLimits.DEFAULT.withMaxPixels(maxPixels);
    if (!(maxLr > 0) || Double.isInfinite(maxLr)) {
      throw new IllegalArgumentException("max-lr must be a positive number, got " + maxLr);
    }
    if (!(weightDecay >= 0) || Double.isInfinite(weightDecay)) {
      throw new IllegalArgumentException("weight-decay cannot be negative, got " + weightDecay);
    }
    if (saveEvery.isNegative() || saveEvery.isZero()) {
      throw new IllegalArgumentException("save-every must be a positive time, got " + saveEvery);
    }
  }

  /** The paper's protocol, four epochs in batches of 32. */
  public static TrainingOptions defaults() {
    return builder().build();
  }

  /** Starts from the defaults. */
  public static Builder builder() {
    return new Builder();
  }

  /** Starts from these options. */
  public Builder toBuilder() {
    return of(toProperties(), new Builder());
  }

  /**
   * Reads options by the names {@link #toProperties()} writes; what is not given has its default.
   *
   * @param properties names and values
   * @return the options
   * @throws IllegalArgumentException quoting an unknown name or a value that does not fit
   */
  public static TrainingOptions of(Properties properties) {
    return of(properties, new Builder()).build();
  }

  private static Builder of(Properties properties, Builder builder) {
    Set<String> unknown = new TreeSet<>(properties.stringPropertyNames());
    unknown.removeAll(builder.build().toProperties().stringPropertyNames());
    unknown.removeAll(List.of("masking", "targets"));
    if (!unknown.isEmpty()) {
      throw new IllegalArgumentException("Training has no option " + String.join(", ", unknown));
    }
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
    return builder;
  }

  /**
   * The options by name, as the command line names them; {@code save-every} is in seconds, and
   * {@code masking} is left out where the classifier chooses, {@code targets} where they are the
   * classifier's answers.
   *
   * @return names and values
   */
  public Properties toProperties() {
    Properties p = new Properties();
    p.setProperty("layers", String.join(LIST_SEPARATOR, layers));
    p.setProperty("variant", variant.optionName());
    if (masking != null) {
      p.setProperty("masking", masking.optionName());
    }
    p.setProperty("loss", loss.mode().optionName());
    p.setProperty("lambda1", Double.toString(loss.lambda1()));
    p.setProperty("lambda2", Double.toString(loss.lambda2()));
    p.setProperty("lambda3", Double.toString(loss.lambda3()));
    p.setProperty("lambda4", Double.toString(loss.lambda4()));
    p.setProperty("epochs", Integer.toString(epochs));
    p.setProperty("batch-size", Integer.toString(batchSize));
    p.setProperty("max-lr", Double.toString(maxLr));
    p.setProperty("max-steps", Long.toString(maxSteps));
    p.setProperty("weight-decay", Double.toString(weightDecay));
    p.setProperty("seed", Long.toString(seed));
    p.setProperty("augment", augment.optionName());
    p.setProperty("shuffle", Boolean.toString(shuffle));
    p.setProperty("decode-threads", Integer.toString(decodeThreads));
    p.setProperty("strict", Boolean.toString(strict));
    p.setProperty("max-pixels", Long.toString(maxPixels));
    p.setProperty("save-every", Long.toString(Math.max(1, saveEvery.toSeconds())));
    p.setProperty("record-classes", Boolean.toString(recordClasses));
    if (targets != Targets.PREDICTED) {
      p.setProperty("targets", targets.optionName());
    }
    return p;
  }

  /** The names of the settings that change how a run goes on but not what it computes. */
  public static Set<String> harmless() {
    return Set.of("decode-threads", "strict", "save-every", "record-classes");
  }

  /** How images are gone through that nothing is trained on. */
  public ImageSettings measuring() {
    return new ImageSettings(ImageSettings.BATCH_SIZE, Optional.empty(), strict, maxPixels);
  }

  /** What an image may ask for. */
  ImageLimits limits() {
    return ImageLimits.DEFAULT.withMaxPixels(maxPixels);
  }

  /** How batches are made of images. */
  BatchOptions batches() {
    return new BatchOptions(batchSize, shuffle, seed, decodeThreads, 2, strict);
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
      default -> throw new IllegalArgumentException("neither true nor false");
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
      throw new IllegalArgumentException(Text.format("%s: '%s' is not a number", name, text), e);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          Text.format("%s: '%s' does not fit: %s", name, text, e.getMessage()), e);
    }
  }

  private static void atLeast(long least, long value, String name) {
    if (value < least) {
      throw new IllegalArgumentException(
          Text.format("%s must be at least %d, got %d", name, least, value));
    }
  }

  /** Collects options; starts from the defaults. */
  public static final class Builder {
    private List<String> layers = List.of();
    private Variant variant = Variant.PROPOSED;
    private Masking masking;
    private LossOptions loss = LossOptions.defaults();
    private int epochs = 4;
    private int batchSize = 32;
    private double maxLr = 1e-3;
    private long maxSteps;
    private double weightDecay = 5e-4;
    private long seed = 42;
    private Augment augment = Augment.CROP;
    private boolean shuffle = true;
    private int decodeThreads = BatchOptions.defaultThreads();
    private boolean strict;
    private long maxPixels = ImageLimits.DEFAULT.maxPixels();
    private Duration saveEvery = Duration.ofMinutes(10);
    private boolean recordClasses;
    private Targets targets = Targets.PREDICTED;

    private Builder() {}

    /** Node names, latest last; empty for the classifier's own choice. */
    public Builder layers(List<String> value) {
      return set(() -> layers = value);
    }

    /** The form of the attention mechanism. */
    public Builder variant(Variant value) {
      return set(() -> variant = value);
    }

    /** How maps are laid over images; null for the classifier's own choice. */
    public Builder masking(Masking value) {
      return set(() -> masking = value);
    }

    /** Weights and reading of the loss. */
    public Builder loss(LossOptions value) {
      return set(() -> loss = value);
    }

    /** How often each image is seen. */
    public Builder epochs(int value) {
      return set(() -> epochs = value);
    }

    /** Images a step. */
    public Builder batchSize(int value) {
      return set(() -> batchSize = value);
    }

    /** The largest learning rate. */
    public Builder maxLr(double value) {
      return set(() -> maxLr = value);
    }

    /** The most steps; 0 for no limit. */
    public Builder maxSteps(long value) {
      return set(() -> maxSteps = value);
    }

    /** Decay of all parameters but biases. */
    public Builder weightDecay(double value) {
      return set(() -> weightDecay = value);
    }

    /** Of all that is drawn. */
    public Builder seed(long value) {
      return set(() -> seed = value);
    }

    /** What is done to training images. */
    public Builder augment(Augment value) {
      return set(() -> augment = value);
    }

    /** Whether every epoch has an order of its own. */
    public Builder shuffle(boolean value) {
      return set(() -> shuffle = value);
    }

    /** How many threads decode images. */
    public Builder decodeThreads(int value) {
      return set(() -> decodeThreads = value);
    }

    /** Whether an unreadable image ends the run. */
    public Builder strict(boolean value) {
      return set(() -> strict = value);
    }

    /** Images of more pixels count as unreadable. */
    public Builder maxPixels(long value) {
      return set(() -> maxPixels = value);
    }

    /** How long an epoch may go on before its state is saved. */
    public Builder saveEvery(Duration value) {
      return set(() -> saveEvery = value);
    }

    /** Whether the classes of Ψ are written to a file. */
    public Builder recordClasses(boolean value) {
      return set(() -> recordClasses = value);
    }

    /** What each image's map is trained to explain. */
    public Builder targets(Targets value) {
      return set(() -> targets = value);
    }

    /** The options. */
    public TrainingOptions build() {
      return new TrainingOptions(
          layers,
          variant,
          masking,
          loss,
          epochs,
          batchSize,
          maxLr,
          maxSteps,
          weightDecay,
          seed,
          augment,
          shuffle,
          decodeThreads,
          strict,
          maxPixels,
          saveEvery,
          recordClasses,
          targets);
    }

    private Builder set(Runnable change) {
      change.run();
      return this;
    }
  }
}
