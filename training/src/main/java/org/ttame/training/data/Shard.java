package org.ttame.training.data;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.ttame.core.Text;

/**
 * One of n equal parts of a list of images, for one of n machines: the images whose place leaves
 * the remainder i when divided by n.
 *
 * @param index i, 0 … n − 1
 * @param count n
 */
public record Shard(int index, int count) {
  private static final Pattern FORM = Pattern.compile("(\\d{1,9})/(\\d{1,9})");

  public Shard {
    if (count < 1 || index < 0 || index >= count) {
      throw new IllegalArgumentException(
          Text.format("%d/%d is not a shard: I must be from 0 to N − 1", index, count));
    }
  }

  /**
   * Reads {@code I/N}.
   *
   * @throws IllegalArgumentException if it is not of that form, or there is no such shard
   */
  public static Shard parse(String text) {
    Matcher form = FORM.matcher(text.strip());
    if (!form.matches()) {
      throw new IllegalArgumentException("'" + text + "' is not of the form I/N, such as 0/4");
    }
    return new Shard(Integer.parseInt(form.group(1)), Integer.parseInt(form.group(2)));
  }

  /** How many of a list's images it has. */
  public int size(int images) {
    return (int) (((long) images - index + count - 1) / count);
  }

  /** The place in the whole list of the image at a place of the shard. */
  public int place(int own) {
    return Math.addExact(index, Math.multiplyExact(own, count));
  }

  /**
   * Its images.
   *
   * @throws IllegalArgumentException if the list has fewer images than there are shards
   */
  public ImageList of(ImageList whole) {
    if (whole.size() < count) {
      throw new IllegalArgumentException(
          Text.format(
              "%s cannot be cut into %d shards: each needs at least one image",
              whole.describe(), count));
    }
    return whole.select(IntStream.range(0, size(whole.size())).map(this::place).toArray());
  }

  /** {@code I/N}. */
  @Override
  public String toString() {
    return index + "/" + count;
  }
}
