package org.ttame.services;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;
import org.ttame.core.ProgressListener;
import org.ttame.core.Text;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.ImageSettings;
import org.ttame.training.data.ListSplit;

/** Draws seeded, disjoint validation and test lists. */
public final class Split {
  private Split() {}

  /**
   * What to draw from.
   *
   * @param data the images
   * @param validation how many to validate on
   * @param test how many to test on
   * @param out where {@code val.txt} and {@code test.txt} go
   * @param seed of the draw
   */
  public record Options(Path data, int validation, int test, Path out, long seed) {
    public Options {
      Objects.requireNonNull(data, "data");
      Objects.requireNonNull(out, "out");
      if (validation < 0 || test < 0) {
        throw new InvalidOptionException(
            validation < 0 ? "validation" : "test", "is below zero: a list has 0 images or more");
      }
    }
  }

  /**
   * A list that was written.
   *
   * @param file where
   * @param images how many it names
   */
  public record Written(Path file, int images) {}

  /**
   * What was done.
   *
   * @param labels what the labels in the lists are, in words; empty where there are no folders
   * @param skipped images that no line of a list can name
   * @param from what was drawn from, in words
   * @param lists what was written
   */
  public record Result(Optional<String> labels, int skipped, String from, List<Written> lists) {}

  /**
   * Draws.
   *
   * @param listener is notified of images that are left out
   */
  public static Result run(Options options, ProgressListener listener) throws IOException {
    ImageList found = ImageSettings.find(options.data(), listener);
    Optional<int[]> numbers = ClassFolders.byNumber(found.classNames());
    Optional<String> labels = describe(found.classNames(), numbers.isPresent());
    if (labels.isPresent() && numbers.isPresent()) {
      found = found.relabelled(place -> numbers.get()[place]);
    }
    Path validation = options.out().resolve("val.txt");
    Path test = options.out().resolve("test.txt");
    ImageList list = nameable(found, validation, listener);
    ListSplit split =
        ListSplit.draw(list.size(), options.validation(), options.test(), options.seed());
    ListSplit.write(list, split.validation(), validation);
    ListSplit.write(list, split.test(), test);
    return new Result(
        labels,
        found.size() - list.size(),
        list.describe(),
        List.of(
            new Written(validation, split.validation().size()),
            new Written(test, split.test().size())));
  }

  private static Optional<String> describe(List<String> folders, boolean numbered) {
    if (folders.isEmpty()) {
      return Optional.empty();
    }
    int last = folders.size() - 1;
    return Optional.of(
        numbered
            ? Text.format(
                "labels are the numbers that the %d class folders are named by", folders.size())
            : Text.format(
                "labels are the positions of the %d class folders, 0 (%s) to %d (%s):"
                    + " correct for a classifier of exactly these classes",
                folders.size(), folders.get(0), last, folders.get(last)));
  }

  /** Without the images that a line of a list cannot name; they are named here. */
  private static ImageList nameable(ImageList list, Path file, ProgressListener listener)
      throws IOException {
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
        listener.warn("skipped: no line of a list can hold the name of " + list.name(i));
      }
    }
    return list.select(good);
  }
}
