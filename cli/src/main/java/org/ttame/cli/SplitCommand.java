package org.ttame.cli;

import java.util.List;
import org.ttame.core.Text;
import org.ttame.services.Split;

/** {@code ttame split}. */
final class SplitCommand implements Command {
  private static final OptionSpec VALIDATION =
      OptionSpec.of("validation", "N", "2000", "images to validate on");
  private static final OptionSpec TEST = OptionSpec.of("test", "N", "2000", "images to test on");
  private static final OptionSpec OUT = OptionSpec.of("out", "DIR", ".", "where the lists go");

  @Override
  public CommandSpec spec() {
    return new CommandSpec(
        "split",
        "draws seeded, disjoint validation and test lists from a folder",
        null,
        List.of(CommonOptions.DATA, VALIDATION, TEST, OUT, CommonOptions.SEED),
        List.of(),
        "ttame split --data imagenet/val --validation 2000 --test 2000 --out lists",
        List.of(
            "Writes OUT/val.txt and OUT/test.txt, lines of 'path[ label]' relative"
                + " to OUT, for --data, --val and --images of other commands. The labels"
                + " are those of a list given as --data, or the numbers that class"
                + " folders are named by, or else the folders' positions: correct for a"
                + " classifier of exactly those classes."));
  }

  @Override
  public Job parse(Arguments arguments) throws UsageException {
    Split.Options options =
        new Split.Options(
            arguments.requiredPath(CommonOptions.DATA),
            arguments.requiredInteger(VALIDATION, 0),
            arguments.requiredInteger(TEST, 0),
            arguments.path(OUT).orElseThrow(),
            arguments.requiredLong(CommonOptions.SEED));
    return console -> {
      Split.Result result = Split.run(options, console);
      result.labels().ifPresent(console::result);
      if (result.skipped() > 0) {
        console.result(Text.format("%d images skipped", result.skipped()));
      }
      for (Split.Written list : result.lists()) {
        console.result(Text.format("%s: %d of %s", list.file(), list.images(), result.from()));
      }
    };
  }
}
