package org.ttame.eval.evaluation;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.ttame.core.Text;
import org.ttame.core.image.ImageReader;
import org.ttame.core.image.PngWriter;
import org.ttame.core.image.RgbImage;
import org.ttame.eval.Lcg;
import org.ttame.eval.LinearClassifier;
import org.ttame.training.data.BatchOptions;
import org.ttame.training.data.BatchSource;
import org.ttame.training.data.ImageList;

/** A folder of noise, and a source that reads it without resizing. */
public final class TestImages {
  private TestImages() {}

  public static void write(Path folder, int count, int side, long seed) throws IOException {
    Files.createDirectories(folder);
    Lcg lcg = new Lcg(seed);
    for (int i = 0; i < count; i++) {
      float[] values = lcg.next(side * side * 3);
      byte[] samples = new byte[values.length];
      for (int p = 0; p < samples.length; p++) {
        samples[p] = (byte) (values[p] * 255);
      }
      PngWriter.write(
          RgbImage.wrap(side, side, samples), folder.resolve(Text.format("image-%02d.png", i)));
    }
  }

  public static ImageStream open(Path folder, int batchSize) throws IOException {
    ImageList list = ImageList.of(folder);
    BatchOptions options = BatchOptions.inOrder(batchSize);
    long steps = BatchSource.stepsPerEpoch(list.size(), batchSize);
    BatchSource source =
        new BatchSource(
            list,
            LinearClassifier.PLAIN,
            options,
            (file, random, target, offset) -> {
              byte[] samples = new ImageReader().read(file).samples();
              for (int p = 0; p < samples.length; p++) {
                target[offset + p] = (samples[p] & 255) / 255f;
              }
            },
            0,
            steps);
    return new ImageStream(source, list);
  }
}
