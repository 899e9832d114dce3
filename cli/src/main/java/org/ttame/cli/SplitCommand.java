package org.ttame.cli;

import java.nio.file.Path;
import java.util.List;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.ListSplit;

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
            "Writes OUT/val.txt and OUT/test.txt, lines of 'path[ label]' relative to OUT, for"
                + " --data, --val and --images of other commands. The labels are those of class"
                + " folders or of a list given as --data."));
  }

  @Override
  public Job parse(Arguments arguments) throws UsageException {
    Path data = arguments.requiredPath(CommonOptions.DATA);
    int validation = arguments.requiredInteger(VALIDATION, 0);
    int test = arguments.requiredInteger(TEST, 0);
    Path out = arguments.path(OUT).orElseThrow();
    long seed = arguments.requiredLong(CommonOptions.SEED);
    return console -> {
      ImageList list = ImageList.of(data);
      ListSplit split = ListSplit.draw(list.size(), validation, test, seed);
      write(list, split.validation(), out.resolve("val.txt"), console);
      write(list, split.test(), out.resolve("test.txt"), console);
    };
  }

  private static void write(ImageList list, List<Integer> places, Path file, Console console)
      throws java.io.IOException {
    ListSplit.write(list, places, file);
    console.result("%s: %d of %s".formatted(file, places.size(), list.describe()));
  }
}
