package org.ttame.cli;

import java.util.List;
import java.util.Optional;
import java.util.Properties;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.Text;
import org.ttame.services.SampleInputs;
import org.ttame.services.TrainingInputs;
import org.ttame.training.TrainingOptions;
import org.ttame.training.sample.SampleData;

/** The options that say how and on what to train, for every command that trains. */
final class TrainingArguments {
  static final OptionSpec VAL =
      OptionSpec.of(
          "val", "PATH", "images to choose the best epoch by, and to report on at the end");
  static final OptionSpec EPOCHS = OptionSpec.of("epochs", "N", "passes over the images (4)");
  static final OptionSpec BATCH_SIZE =
      OptionSpec.of(
          "batch-size",
          "N|auto",
          "images per step; auto: up to 32, as memory allows (32; sample: 8)");
  static final OptionSpec ACCUMULATE =
      OptionSpec.of(
          "accumulate",
          "N",
          "batches per step; their gradients are averaged as N data-parallel workers would (1)");
  static final OptionSpec MAX_LR =
      OptionSpec.of("max-lr", "X", "the OneCycle policy's largest learning rate (1e-3)");
  static final OptionSpec MAX_STEPS =
      OptionSpec.of("max-steps", "N", "stop after N steps; the learning-rate schedule spans them");
  static final OptionSpec VARIANT =
      OptionSpec.of(
          "variant",
          "NAME",
          "proposed",
          "proposed, no-skip, no-skip-no-bn, sigmoid, two-maps, one-map or lcam");
  static final OptionSpec MASKING =
      OptionSpec.of("masking", "cnn|vit", "Eq. 13 or Eq. 14 (the classifier's own)");
  static final OptionSpec LOSS =
      OptionSpec.of(
          "loss", "MODE", "paper", "paper: Eq. 11-17; released: as used for the published numbers");
  static final OptionSpec LAMBDA1 =
      OptionSpec.of("lambda1", "X", "weight of the masked images' cross-entropy (1.5)");
  static final OptionSpec LAMBDA2 =
      OptionSpec.of("lambda2", "X", "weight of area and variation (2)");
  static final OptionSpec LAMBDA3 =
      OptionSpec.of("lambda3", "X", "weight of variation within lambda2 (0.005)");
  static final OptionSpec LAMBDA4 = OptionSpec.of("lambda4", "X", "exponent of the area (0.3)");
  static final OptionSpec AUGMENT =
      OptionSpec.of("augment", "MODE", "crop", "none, crop or crop-flip");
  static final OptionSpec NO_SHUFFLE =
      OptionSpec.flag("no-shuffle", "use the images in listed order");
  static final OptionSpec INIT =
      OptionSpec.of("init", "FILE.npz", "start from these attention weights");
  static final OptionSpec WEIGHT_DECAY =
      OptionSpec.of("weight-decay", "X", "weight decay of all parameters but biases (5e-4)");
  static final OptionSpec RECORD_CLASSES =
      OptionSpec.flag("record-classes", "write each step's drawn classes to RUN/classes.jsonl");
  static final OptionSpec SAVE_EVERY =
      OptionSpec.of("save-every", "SECONDS", "save at least this often, also within epochs (600)");
  static final OptionSpec DECODE_THREADS =
      OptionSpec.of("decode-threads", "N", "threads that read images (half of the processors)");

  /** What the loss is. */
  static final List<OptionSpec> LOSSES = List.of(MASKING, LOSS, LAMBDA1, LAMBDA2, LAMBDA3, LAMBDA4);

  /** Options that {@link TrainingOptions} knows by the same name. */
  private static final List<OptionSpec> BY_NAME =
      OptionSpec.all(
          List.of(CommonOptions.LAYERS, EPOCHS, ACCUMULATE, MAX_LR, MAX_STEPS, VARIANT),
          LOSSES,
          List.of(AUGMENT, CommonOptions.SEED, CommonOptions.MAX_PIXELS),
          List.of(WEIGHT_DECAY, SAVE_EVERY, DECODE_THREADS));

  private TrainingArguments() {}

  /** Whether the bundled sample is trained on, for want of a classifier and images. */
  static boolean isSample(Arguments arguments, String command) throws UsageException {
    boolean weights = arguments.has(CommonOptions.WEIGHTS);
    if (weights != arguments.has(CommonOptions.DATA)) {
      throw new UsageException(
          Text.format(
              "--weights and --data belong together; without both, %s runs the bundled sample",
              command));
    }
    return !weights;
  }

  /** What is trained on. */
  static TrainingInputs.Source source(Arguments arguments, String command) throws UsageException {
    boolean sample = isSample(arguments, command);
    if (sample && arguments.has(VAL)) {
      throw new UsageException("--val needs --weights and --data; the sample brings its own");
    }
    return new TrainingInputs.Source(
        sample ? Optional.of(family(arguments.text(CommonOptions.BACKBONE))) : Optional.empty(),
        arguments.path(CommonOptions.WEIGHTS),
        arguments.path(CommonOptions.DATA),
        arguments.path(VAL),
        ImageArguments.draw(arguments, CommonOptions.LIMIT),
        arguments.path(CommonOptions.LABELS));
  }

  private static String family(Optional<String> backbone) throws UsageException {
    try {
      return SampleData.family(backbone.orElse(SampleInputs.STANDARD));
    } catch (IllegalArgumentException e) {
      throw new UsageException("--backbone: " + e.getMessage());
    }
  }

  /** What is known of the classifier's file. */
  static BackboneOptions classifier(Arguments arguments, TrainingInputs.Source source)
      throws UsageException {
    return source.sample().isPresent()
        ? ClassifierArguments.images(arguments, SampleInputs.backbone())
        : ClassifierArguments.options(arguments);
  }

  /** Whether the batch size is to be found. */
  static boolean isAuto(Arguments arguments) {
    return arguments.text(BATCH_SIZE).filter("auto"::equals).isPresent();
  }

  /** How it is trained; the sample has a default of its own. */
  static TrainingOptions options(Arguments arguments, boolean sample) throws UsageException {
    Properties properties = new Properties();
    if (sample) {
      properties.putAll(SampleInputs.options());
    }
    for (OptionSpec option : BY_NAME) {
      arguments.text(option).ifPresent(value -> properties.setProperty(option.name(), value));
    }
    Optional<String> batchSize = arguments.text(BATCH_SIZE);
    if (batchSize.isPresent() && !isAuto(arguments)) {
      int size = Arguments.toInteger(BATCH_SIZE.dashed(), batchSize.get(), 1);
      properties.setProperty("batch-size", String.valueOf(size));
    }
    properties.setProperty("shuffle", String.valueOf(!arguments.has(NO_SHUFFLE)));
    properties.setProperty("strict", String.valueOf(arguments.has(CommonOptions.STRICT)));
    properties.setProperty("record-classes", String.valueOf(arguments.has(RECORD_CLASSES)));
    try {
      return TrainingOptions.of(properties);
    } catch (IllegalArgumentException e) {
      String sentence = e.getMessage();
      boolean named = properties.containsKey(sentence.split("[ :]", 2)[0]);
      throw new UsageException(named ? "--" + sentence : sentence);
    }
  }
}
