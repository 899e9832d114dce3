package org.ttame.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.ttame.core.Text;
import org.ttame.services.ClassFolders;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.ImageSettings;
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
                + " --data, --val and --images of other commands. The labels are those of a"
                + " list given as --data, or the numbers that class folders are named by, or else"
                + " the folders' places in order: right for a classifier of just those classes."));
  }

  @Override
  public Job parse(Arguments arguments) throws UsageException {
    Path data = arguments.requiredPath(CommonOptions.DATA);
    int validation = arguments.requiredInteger(VALIDATION, 0);
    int test = arguments.requiredInteger(TEST, 0);
    Path out = arguments.path(OUT).orElseThrow();
    long seed = arguments.requiredLong(CommonOptions.SEED);
    return console -> {
      ImageList found = labelled(ImageSettings.find(data, console), console);
      ImageList list = nameable(found, out.resolve("val.txt"), console);
      ListSplit split = ListSplit.draw(list.size(), validation, test, seed);
      write(list, split.validation(), out.resolve("val.txt"), console);
      write(list, split.test(), out.resolve("test.txt"), console);
    };
  }

  /** The images by the classes that their folders say, and a line on what that is. */
  private static ImageList labelled(ImageList list, Console console) {
    List<String> folders = list.classNames();
    if (folders.isEmpty()) {
      return list;
    }
    Optional<int[]> numbers = ClassFolders.byNumber(folders);
    console.result(
        numbers.isPresent()
            ? Text.format(
                "labels are the numbers that the %d class folders are named by", folders.size())
            : Text.format(
                "labels are the places of the %d class folders in order, 0 (%s) to %d (%s): right for a classifier of just these classes",
                folders.size(),
                folders.get(0),
                folders.size() - 1,
                folders.get(folders.size() - 1)));
    return numbers.isPresent() ? list.relabelled(place -> numbers.get()[place]) : list;
  }

  /** Without the images that a line of a list cannot name; they are named here. */
  private static ImageList nameable(ImageList list, Path file, Console console) throws IOException {
    int[] good =
        IntStream.range(0, list.size()).filter(i -> ListSplit.canName(list, i, file)).toArray();
    if (good.length == list.size()) {
      return list;
    }
    if (good.length == 0) {
      throw new IOException(
          Text.format("no image of '%s' has a name that a line of a list can hold", list.source()));
    }
    for (int i = 0; i < list.size(); i++) {
      if (!ListSplit.canName(list, i, file)) {
        console.warn("skipped: no line of a list can hold the name of " + list.name(i));
      }
    }
    console.result(Text.format("%d images skipped", list.size() - good.length));
    return list.select(good);
  }

  private static void write(ImageList list, List<Integer> places, Path file, Console console)
      throws IOException {
    ListSplit.write(list, places, file);
    console.result(Text.format("%s: %d of %s", file, places.size(), list.describe()));
  }
}
