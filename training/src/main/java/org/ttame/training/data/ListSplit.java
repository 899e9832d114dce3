package org.ttame.training.data;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.ttame.core.SplitMix;
import org.ttame.core.Text;
import org.ttame.core.storage.AtomicFile;
import org.ttame.core.storage.FileNames;

/**
 * Disjoint validation and test images, drawn from a list without replacement; the paper draws 2000
 * and 2000 of ImageNet's 50,000.
 *
 * @param validation places in the list, ascending
 * @param test places in the list, ascending
 */
public record ListSplit(List<Integer> validation, List<Integer> test) {
  private static final long SPLIT = 0x5350_4C54;

  public ListSplit {
    validation = List.copyOf(validation);
    test = List.copyOf(test);
  }

  /**
   * Draws.
   *
   * @param size how many images there are
   * @param validation how many to validate on, 0 or more
   * @param test how many to test on, 0 or more
   * @param seed of the draw: the same numbers give the same split
   * @throws IllegalArgumentException if there are fewer images than asked for
   */
  public static ListSplit draw(int size, int validation, int test, long seed) {
    if (validation < 0 || test < 0 || (long) validation + test > size) {
      throw new IllegalArgumentException(
          Text.format(
              "Cannot draw %d images for validation and %d for test out of %d",
              validation, test, size));
    }
    List<Integer> drawn =
        Arrays.stream(new SplitMix(SPLIT, seed).draw(size, validation + test)).boxed().toList();
    return new ListSplit(
        drawn.subList(0, validation).stream().sorted().toList(),
        drawn.subList(validation, drawn.size()).stream().sorted().toList());
  }

  /**
   * Writes a part of a list as a text file that {@link ImageList#of} reads: {@code path[ label]}
   * lines, paths relative to the file where both are on one file system root.
   *
   * @param list the whole list
   * @param places which of its images
   * @throws IOException if it cannot be written, or an image has a name that such a line cannot
   *     hold
   */
  public static void write(ImageList list, List<Integer> places, Path file) throws IOException {
    Path folder = file.toAbsolutePath().normalize().getParent();
    StringBuilder text = new StringBuilder();
    for (int place : places) {
      String path = path(list, place, folder);
      if (!ImageListBuilder.isListable(path, list.label(place))) {
        throw new IOException(
            Text.format(
                "'%s' has a name that a list of lines in UTF-8 cannot hold; rename it or leave it out",
                FileNames.shown(path)));
      }
      text.append(path);
      if (list.label(place) != ImageList.NO_LABEL) {
        text.append(' ').append(list.label(place));
      }
      text.append('\n');
    }
    AtomicFile.writeText(file, text.toString());
  }

  /**
   * Whether {@link #write} can name an image in a line: not where its name has a line break, a
   * blank at its end, bytes that are not UTF-8, or reads like a label.
   *
   * @param list the whole list
   * @param place which of its images
   * @param file where it would be named
   */
  public static boolean canName(ImageList list, int place, Path file) {
    Path folder = file.toAbsolutePath().normalize().getParent();
    return ImageListBuilder.isListable(path(list, place, folder), list.label(place));
  }

  private static String path(ImageList list, int place, Path folder) {
    Path image = list.path(place).toAbsolutePath().normalize();
    boolean related = folder != null && image.getRoot().equals(folder.getRoot());
    return ImageList.withSlashes(FileNames.text(related ? folder.relativize(image) : image));
  }
}
