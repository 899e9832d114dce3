package org.ttame.training;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import javax.imageio.ImageIO;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;
import org.ttame.core.classifier.FeatureKind;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.image.InputSpec;

/** A classifier and pictures small enough to train on in milliseconds. */
public final class Fixtures {
  static final int SIDE = 14;
  static final int CLASSES = 5;

  private Fixtures() {}

  /** Two strided 2×2 convolutions (as reshaped matrix products) and a mean, six classes. */
  public static FrozenClassifier classifier() {
    return classifier(false);
  }

  /** The same, whose mean of the last map is a layer, too: of 1×1, as a ResNet's of 32 pixels. */
  static FrozenClassifier classifierToOnePixel() {
    return classifier(true);
  }

  private static FrozenClassifier classifier(boolean onePixel) {
    SameDiff graph = SameDiff.create();
    Random random = new Random(11);
    SDVariable input = graph.placeHolder("input", DataType.FLOAT, -1, SIDE, SIDE, 3);
    SDVariable early = pooledConvolution(graph, random, input, SIDE, 3, 6).rename("early");
    SDVariable late = pooledConvolution(graph, random, early, SIDE / 2, 6, 8).rename("late");
    SDVariable mean = late.mean(true, 1, 2).rename("mean");
    graph.mmul(mean.reshape(-1, 8), weights(graph, random, 8, CLASSES)).rename("logits");
    return FrozenClassifier.builder(graph)
        .name("tiny")
        .input("input")
        .logits("logits")
        .classes(CLASSES)
        .inputSpec(InputSpec.imageNet(SIDE))
        .layers(
            List.of(
                new FeatureLayer("early", "early", FeatureKind.MAP, 6, 7, 7),
                onePixel
                    ? new FeatureLayer("mean", "mean", FeatureKind.MAP, 8, 1, 1)
                    : new FeatureLayer("late", "late", FeatureKind.MAP, 8, 3, 3)))
        .build();
  }

  /** 1×1 convolution, ReLU, 2×2 max pooling. */
  private static SDVariable pooledConvolution(
      SameDiff graph, Random random, SDVariable x, int side, int in, int out) {
    SDVariable flat = x.reshape(-1, in);
    SDVariable y = graph.nn().relu(graph.mmul(flat, weights(graph, random, in, out)), 0);
    SDVariable map = y.reshape(-1, side, side, out);
    org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig pool =
        org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig.builder()
            .kH(2)
            .kW(2)
            .sH(2)
            .sW(2)
            .isNHWC(true)
            .build();
    return graph.cnn().maxPooling2d(map, pool);
  }

  private static SDVariable weights(SameDiff graph, Random random, int in, int out) {
    float[] values = new float[in * out];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextGaussian() / Math.sqrt(in));
    }
    return graph.constant(Nd4j.create(values, new long[] {in, out}, 'c'));
  }

  /** Writes pictures {@code 00.png …} of coloured noise over a coloured ground. */
  public static Path pictures(Path folder, int count) throws IOException {
    Files.createDirectories(folder);
    Random random = new Random(5);
    for (int i = 0; i < count; i++) {
      BufferedImage image = new BufferedImage(20, 17, BufferedImage.TYPE_INT_RGB);
      int ground = random.nextInt(0x1000000);
      for (int y = 0; y < 17; y++) {
        for (int x = 0; x < 20; x++) {
          image.setRGB(x, y, ground ^ (random.nextInt(0x404040) & 0x3F3F3F));
        }
      }
      ImageIO.write(image, "png", folder.resolve(Text.format("%02d.png", i)).toFile());
    }
    return folder;
  }

  /** Unit images of noise. */
  public static INDArray noise(int batch, long seed) {
    Random random = new Random(seed);
    float[] values = new float[batch * SIDE * SIDE * 3];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat();
    }
    return Nd4j.create(values, new long[] {batch, SIDE, SIDE, 3}, 'c');
  }
}
