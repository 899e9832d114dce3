package org.ttame.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.ttame.core.Text;
import org.ttame.eval.bench.Work;
import org.ttame.services.ClassifierChoice;

/** {@code ttame bench}. */
final class BenchCommand implements Command {
  private static final OptionSpec WORK =
      OptionSpec.of(
          "work",
          "A,B",
          "forward,explain,step",
          "forward, explain (forward and a map), gradient (at the images), step (of training), rise"
              + " (a batch of its masks), scorecam, ablationcam (of an image)");
  private static final OptionSpec BATCH_SIZES =
      OptionSpec.of("batch-sizes", "A,B", "4,16", "images per batch");
  private static final OptionSpec REPEATS =
      OptionSpec.of("repeats", "N", "7", "timed runs of each, interleaved");
  private static final OptionSpec WARMUP =
      OptionSpec.of("warmup", "N", "2", "warm-up runs of each");
  private static final OptionSpec PROFILE =
      OptionSpec.flag("profile", "show the time per operation");
  private static final OptionSpec ENDURANCE =
      OptionSpec.of(
          "endurance",
          "N",
          "repeat the work N times, and compare memory and time of the first"
              + " tenth with the last");
  private static final OptionSpec PHOTOS =
      OptionSpec.of(
          "images",
          "PATH",
          "compare work on image files, decoding included, with the same work in memory");
  private static final OptionSpec LOCKSTEP =
      OptionSpec.flag(
          "lockstep",
          "for scripts that interleave measurements: one timed run per line of"
              + " standard input");
  private static final OptionSpec OUT =
      OptionSpec.of("out", "FILE.json", "also write the figures to this file");

  @Override
  public CommandSpec spec() {
    return new CommandSpec(
        "bench",
        "measures the speed of a classifier and its explanation on this machine",
        null,
        List.of(
            CommonOptions.WEIGHTS,
            WORK,
            BATCH_SIZES,
            REPEATS,
            WARMUP,
            PROFILE,
            ENDURANCE,
            PHOTOS,
            LOCKSTEP,
            OUT),
        List.of(
            CommonOptions.BACKBONE,
            CommonOptions.INPUT_SIZE,
            CommonOptions.RESIZE,
            CommonOptions.OUTPUT,
            CommonOptions.OUTPUT_KIND,
            CommonOptions.SEED,
            CommonOptions.LIMIT,
            CommonOptions.LIMIT_SEED,
            CommonOptions.DEVICE,
            CommonOptions.ENGINE,
            CommonOptions.PRECISION,
            CommonOptions.THREADS),
        "ttame bench --weights resnet50.onnx --work forward,step --batch-sizes 16 --profile",
        List.of(
            "Works on seeded random images in memory, with an untrained mechanism. Use an otherwise"
                + " idle machine: on a busy one the figures mean nothing.",
            "core/docs/benchmarks.md compares with PyTorch and ONNX Runtime."));
  }

  @Override
  public Job parse(Arguments arguments) throws UsageException {
    List<Work> work = new ArrayList<>();
    List<String> names = Arrays.stream(Work.values()).map(Work::optionName).toList();
    for (String word : arguments.list(WORK)) {
      work.add(Work.values()[names.indexOf(Arguments.oneOf(WORK, word, names))]);
    }
    List<Integer> batches = new ArrayList<>();
    for (double size : arguments.numbers(BATCH_SIZES)) {
      if (size < 1 || size != (int) size) {
        throw new UsageException(
            Text.format("--batch-sizes: %s is not a whole number of at least 1", size));
      }
      batches.add((int) size);
    }
    if (arguments.path(CommonOptions.WEIGHTS).isEmpty()) {
      throw new UsageException("--weights FILE is missing: the classifier to measure");
    }
    arguments.exclusive(LOCKSTEP, ENDURANCE);
    arguments.exclusive(LOCKSTEP, PHOTOS);
    return new BenchJob(
        new ClassifierChoice(
            arguments.path(CommonOptions.WEIGHTS),
            Optional.empty(),
            ClassifierArguments.options(arguments)),
        work,
        batches,
        arguments.requiredInteger(REPEATS, 1),
        arguments.requiredInteger(WARMUP, 0),
        arguments.has(PROFILE),
        arguments.integer(ENDURANCE, 20),
        arguments.path(PHOTOS),
        ImageArguments.draw(arguments, CommonOptions.LIMIT),
        arguments.has(LOCKSTEP),
        arguments.requiredLong(CommonOptions.SEED),
        arguments.path(OUT),
        Engine.Settings.parse(arguments));
  }
}
