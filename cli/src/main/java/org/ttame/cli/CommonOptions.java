package org.ttame.cli;

import java.util.List;
import org.ttame.core.image.ImageLimits;

/** The options that several commands share, so that one name means one thing. */
final class CommonOptions {
  static final OptionSpec BACKBONE =
      OptionSpec.of(
          "backbone", "NAME", "family: vgg16, resnet50 or vit_b_16 (detected from the file)");
  static final OptionSpec WEIGHTS =
      OptionSpec.of("weights", "FILE", "classifier: an ONNX file, or one written by import");
  static final OptionSpec DATA =
      OptionSpec.of(
          "data",
          "PATH",
          "images: a folder, a folder of class folders, or a text file of 'path[ label]' lines");
  static final OptionSpec IMAGES =
      OptionSpec.of("images", "PATH", "images: one file, a folder, or a text file of paths");
  static final OptionSpec RUN = OptionSpec.of("run", "DIR", "a training run");
  static final OptionSpec LAYERS =
      OptionSpec.of(
          "layers", "A,B,C", "layers to read, by torchvision's names (the paper's, see inspect)");
  static final OptionSpec LABELS =
      OptionSpec.of("labels", "FILE", "class names, one per line, in order of class index");
  static final OptionSpec OUT = OptionSpec.of("out", "DIR", "where results go");
  static final OptionSpec SEED = OptionSpec.of("seed", "N", "42", "random seed");
  static final OptionSpec BATCH_SIZE =
      OptionSpec.of("batch-size", "N", "8", "images per network pass");
  static final OptionSpec LIMIT = OptionSpec.of("limit", "N", "use N images, drawn at random");
  static final OptionSpec LIMIT_SEED =
      OptionSpec.of(
          "limit-seed",
          "N|spread",
          "0",
          "seed of the draw of --limit; spread takes every" + " k-th image instead");
  static final OptionSpec SHARD =
      OptionSpec.of(
          "shard",
          "I/N",
          "process only shard I of N of the images, I from 0, on one of N machines; 'ttame merge'"
              + " puts the results together");
  static final OptionSpec STRICT =
      OptionSpec.flag("strict", "stop at the first unreadable image instead of skipping it");
  static final OptionSpec MAX_PIXELS =
      OptionSpec.of(
          "max-pixels",
          "N",
          String.valueOf(ImageLimits.DEFAULT.maxPixels()),
          "skip images of more pixels (width × height), before they are decoded");
  static final OptionSpec MEAN =
      OptionSpec.of("mean", "R,G,B", "channel means, one per channel (the file's, or ImageNet's)");
  static final OptionSpec STD =
      OptionSpec.of("std", "R,G,B", "channel standard deviations (likewise)");
  static final OptionSpec INPUT_SIZE =
      OptionSpec.of(
          "input-size",
          "N|HxW",
          "height and width of the classifier's input if its file leaves them"
              + " free (the file's, or 224)");
  static final OptionSpec RESIZE =
      OptionSpec.of(
          "resize",
          "RULE",
          "how images are resized to it: crop (shorter side to 256/224 of it,"
              + " then the centre), stretch, letterbox (crop, or the file's)");
  static final OptionSpec OUTPUT =
      OptionSpec.of(
          "output",
          "NAME",
          "which of several outputs is the classifier's prediction (see inspect)");
  static final OptionSpec OUTPUT_KIND =
      OptionSpec.of(
          "output-kind",
          "KIND",
          "what that output contains: auto, logits, probabilities, multi-label (auto: by"
              + " how the graph ends)");
  static final OptionSpec DEVICE =
      OptionSpec.of("device", "cpu|cuda", "where to compute (cpu; cuda in a build with -Pcuda)");
  static final OptionSpec ENGINE =
      OptionSpec.of(
          "engine",
          "NAME",
          "execution engine: auto; nd4j: without direct calls of oneDNN;"
              + " samediff: SameDiff's session, slow (auto)");
  static final OptionSpec PRECISION =
      OptionSpec.of(
          "precision",
          "NAME",
          "precision of convolutions and matrix products: float32, or bfloat16 if the"
              + " processor supports it (float32)");
  static final OptionSpec THREADS =
      OptionSpec.of("threads", "N", "computing threads (as many as physical cores)");

  static final OptionSpec QUIET = OptionSpec.flag("quiet", "no progress, only results and errors");
  static final OptionSpec VERBOSE =
      OptionSpec.flag("verbose", "more logging, and the stack trace of an error");
  static final OptionSpec CONFIG =
      OptionSpec.of(
          "config", "FILE", "properties file with options; the command line takes precedence");
  static final OptionSpec HELP = OptionSpec.flag("help", "this text");

  /** Options of every command. */
  static final List<OptionSpec> EVERYWHERE = List.of(QUIET, VERBOSE, CONFIG, HELP);

  /** Options of every command that computes. */
  static final List<OptionSpec> COMPUTING = List.of(DEVICE, ENGINE, THREADS);

  /** Those, for the commands that may compute in bfloat16. */
  static final List<OptionSpec> COMPUTING_ROUNDED = List.of(DEVICE, ENGINE, PRECISION, THREADS);

  /** What a classifier's file may leave open. */
  static final List<OptionSpec> CLASSIFIER =
      List.of(MEAN, STD, INPUT_SIZE, RESIZE, OUTPUT, OUTPUT_KIND);

  /** Which images are read, and how. */
  static final List<OptionSpec> READING = List.of(LIMIT, LIMIT_SEED, STRICT, MAX_PIXELS);

  /** Shared options of the commands that train. */
  static final List<OptionSpec> TRAINING =
      OptionSpec.all(CLASSIFIER, List.of(SEED), READING, COMPUTING_ROUNDED);

  /** Shared options of the commands that make or judge maps of a run's classifier. */
  static final List<OptionSpec> MEASURING =
      OptionSpec.all(
          List.of(WEIGHTS, BACKBONE),
          CLASSIFIER,
          List.of(SEED, BATCH_SIZE),
          READING,
          COMPUTING_ROUNDED);

  private CommonOptions() {}
}
