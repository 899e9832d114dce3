package org.ttame.eval.render;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Base64;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import org.ttame.core.image.PngWriter;
import org.ttame.core.image.RgbImage;

/** Pictures as {@code data:} addresses, small enough for many of them to live in one page. */
public final class Thumbnail {
  /** Up to this side a photograph is kept exactly: JPEG would not make it smaller. */
  private static final int EXACT_SIDE = 96;

  private static final float QUALITY = 0.85f;

  private Thumbnail() {}

  /**
   * A photograph: JPEG, or PNG where it is tiny.
   *
   * @param image the photograph
   * @return its address
   */
  public static String photo(RgbImage image) {
    return Math.max(image.width(), image.height()) <= EXACT_SIDE
        ? address("png", PngWriter.encode(image))
        : address("jpeg", jpeg(image));
  }

  /**
   * A map in colours, as a PNG with the colour map as its palette.
   *
   * @param map side·side values in [0,1], row by row
   * @param width in pixels
   * @param height in pixels
   * @param colors its colours
   * @return its address
   */
  public static String heat(float[] map, int width, int height, ColorMap colors) {
    byte[] steps = new byte[map.length];
    for (int i = 0; i < map.length; i++) {
      steps[i] = (byte) colors.step(map[i]);
    }
    return address("png", PngWriter.encode(width, height, steps, colors.steps()));
  }

  private static String address(String type, byte[] bytes) {
    return "data:image/" + type + ";base64," + Base64.getEncoder().encodeToString(bytes);
  }

  /** A picture as Java 2D has it. */
  static BufferedImage buffered(RgbImage picture) {
    BufferedImage pixels =
        new BufferedImage(picture.width(), picture.height(), BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < picture.height(); y++) {
      for (int x = 0; x < picture.width(); x++) {
        pixels.setRGB(x, y, picture.rgb(x, y));
      }
    }
    return pixels;
  }

  private static byte[] jpeg(RgbImage image) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
    try (MemoryCacheImageOutputStream stream = new MemoryCacheImageOutputStream(out)) {
      ImageWriteParam settings = writer.getDefaultWriteParam();
      settings.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
      settings.setCompressionQuality(QUALITY);
      writer.setOutput(stream);
      writer.write(null, new IIOImage(buffered(image), null, null), settings);
    } catch (IOException e) {
      throw new IllegalStateException("Writing into memory does not fail", e);
    } finally {
      writer.dispose();
    }
    return out.toByteArray();
  }
}
