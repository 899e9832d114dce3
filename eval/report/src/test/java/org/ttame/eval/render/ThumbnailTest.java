package org.ttame.eval.render;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Base64;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.ttame.core.image.PngWriter;
import org.ttame.core.image.RgbImage;
import org.ttame.eval.Lcg;

class ThumbnailTest {
  private static final String JPEG = "data:image/jpeg;base64,";
  private static final String PNG = "data:image/png;base64,";

  /** As big as a classifier's input: smaller as JPEG, and no worse than one sees. */
  @Test
  void aPhotographIsAJpeg() throws IOException {
    RgbImage photo = photo(224, 224);
    String address = Thumbnail.photo(photo);
    assertThat(address).startsWith(JPEG);
    byte[] bytes = Base64.getDecoder().decode(address.substring(JPEG.length()));
    assertThat(bytes.length).isLessThan(PngWriter.encode(photo).length / 2);
    BufferedImage seen = ImageIO.read(new ByteArrayInputStream(bytes));
    assertThat(seen.getWidth()).isEqualTo(224);
    assertThat(seen.getHeight()).isEqualTo(224);
    // Channel by channel, so that none may stand for another.
    for (int shift : new int[] {16, 8, 0}) {
      double difference = 0;
      for (int y = 0; y < 224; y++) {
        for (int x = 0; x < 224; x++) {
          int was = photo.rgb(x, y) >> shift & 255;
          difference += Math.abs((seen.getRGB(x, y) >> shift & 255) - was);
        }
      }
      assertThat(difference / (224 * 224)).isLessThan(6);
    }
  }

  @Test
  void longSidesDecide() {
    assertThat(Thumbnail.photo(photo(97, 10))).startsWith(JPEG);
    assertThat(Thumbnail.photo(photo(10, 97))).startsWith(JPEG);
  }

  @Test
  void aTinyPhotographIsKeptExactly() throws IOException {
    RgbImage photo = photo(96, 96);
    String address = Thumbnail.photo(photo);
    assertThat(address).startsWith(PNG);
    byte[] bytes = Base64.getDecoder().decode(address.substring(PNG.length()));
    BufferedImage seen = ImageIO.read(new ByteArrayInputStream(bytes));
    for (int y = 0; y < 96; y++) {
      for (int x = 0; x < 96; x++) {
        assertThat(seen.getRGB(x, y) & 0xFFFFFF).isEqualTo(photo.rgb(x, y) & 0xFFFFFF);
      }
    }
  }

  /** Red from left to right, green downwards, blue in waves, and a little grain. */
  private static RgbImage photo(int width, int height) {
    float[] random = new Lcg(7).next(width * height);
    byte[] rgb = new byte[width * height * 3];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int i = (y * width + x) * 3;
        int grain = (int) (16 * random[y * width + x]);
        rgb[i] = (byte) (230 * x / width + grain);
        rgb[i + 1] = (byte) (230 * y / height + grain);
        rgb[i + 2] = (byte) (115 + 100 * Math.sin((x + y) / 15.0) + grain);
      }
    }
    return RgbImage.wrap(width, height, rgb);
  }
}
