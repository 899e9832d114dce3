package org.ttame.core.image;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.ttame.core.Text;

/**
 * Height and width of an image in pixels.
 *
 * @param height rows
 * @param width columns
 */
public record ImageSize(int height, int width) {
  private static final Pattern FORM = Pattern.compile("(\\d{1,5})(?:[xX×](\\d{1,5}))?");

  public ImageSize {
    if (height < 1 || width < 1) {
      throw new IllegalArgumentException(
          Text.format("An image cannot have %d×%d pixels", height, width));
    }
  }

  /** As high as wide. */
  public static ImageSize square(int side) {
    return new ImageSize(side, side);
  }

  /**
   * Reads an option's value.
   *
   * @param text {@code 224}, or height and width as {@code 224x160}
   * @throws IllegalArgumentException if it is neither
   */
  public static ImageSize parse(String text) {
    Matcher form = FORM.matcher(text.strip());
    if (!form.matches()) {
      throw new IllegalArgumentException(
          Text.format("\"%s\" is neither a number of pixels nor HEIGHTxWIDTH", text));
    }
    int height = Integer.parseInt(form.group(1));
    return new ImageSize(height, form.group(2) == null ? height : Integer.parseInt(form.group(2)));
  }

  /** Height times width. */
  public int pixels() {
    return Math.multiplyExact(height, width);
  }

  /** As an option has it: {@code 224}, or {@code 224x160}. */
  public String optionText() {
    return height == width ? String.valueOf(height) : Text.format("%dx%d", height, width);
  }

  /** As people write it: {@code 224×160}. */
  @Override
  public String toString() {
    return Text.format("%d×%d", height, width);
  }
}
