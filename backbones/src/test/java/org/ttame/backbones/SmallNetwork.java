package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.InputGradient;

/** Small networks around one operator or a few, and what must hold of each of them. */
final class SmallNetwork {
  /** Rounding of float32 through a few layers in another order of summation. */
  private static final double TOLERANCE = 2e-5;

  private static final double STEP = 1e-5;

  /** Of gradients in double precision: rounding over twice the step, and curvature. */
  private static final double GRADIENT_TOLERANCE = 1e-6;

  static final int SIDE = 11;
  static final int CLASSES = 5;

  private SmallNetwork() {}

  /** Something between the image and a linear layer that reads all of what it gives. */
  interface Body {
    String write(OnnxWriter onnx, String image);
  }

  static Body conv(int out, int height, int width, int groups, Object... attributes) {
    List<Object> all = new ArrayList<>(List.of(attributes));
    all.addAll(List.of("group", groups, "kernel_shape", new long[] {height, width}));
    return (onnx, image) ->
        onnx.node(
            "Conv",
            List.of(
                image, onnx.weight(0, 0.3, out, 3 / groups, height, width), onnx.weight(0, 1, out)),
            all.toArray());
  }

  static String norm(OnnxWriter onnx, String x, int width) {
    return onnx.node(
        "BatchNormalization",
        List.of(
            x,
            onnx.weight(1, 0.2, width),
            onnx.weight(0, 0.2, width),
            onnx.weight(0, 0.2, width),
            onnx.weight(1, 0.2, width)),
        "epsilon",
        1e-3f);
  }

  /** Writes a network around a body. */
  static Path network(Path folder, String name, Body body) throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", 2, 3, SIDE, SIDE);
    String features = body.write(onnx, "image");
    String flat = onnx.node("Flatten", List.of(features));
    Path probe = folder.resolve(name + "-probe.onnx");
    // How many values the body gives is asked of ONNX Runtime.
    OnnxWriter sized = new OnnxWriter("image", 2, 3, SIDE, SIDE);
    sized.output(sized.node("Flatten", List.of(body.write(sized, "image"))), "logits");
    sized.write(probe, 1);
    long width;
    try (OnnxOracle oracle = new OnnxOracle(probe);
        INDArray images = Nd4j.zeros(2, SIDE, SIDE, 3)) {
      width = oracle.run(images).get("logits").size(1);
    }
    double spread = 1 / Math.sqrt((double) width);
    onnx.output(
        onnx.node(
            "Gemm",
            List.of(flat, onnx.weight(0, spread, width, CLASSES), onnx.weight(0, 0.1, CLASSES))),
        "logits");
    Path file = folder.resolve(name + ".onnx");
    onnx.write(file, 1);
    return file;
  }

  /**
   * Compares a network around a body with ONNX Runtime, itself after an import, and differences.
   */
  static void isRight(Path folder, Body body) throws Exception {
    Path file = network(folder, "body", body);
    Nd4j.getRandom().setSeed(5);
    try (INDArray images = Nd4j.randn(DataType.FLOAT, 2, SIDE, SIDE, 3);
        FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults());
        OnnxOracle oracle = new OnnxOracle(file);
        ClassifierOutput output = classifier.forward(images, List.of())) {
      INDArray expected = oracle.run(images).get("logits");
      assertThat(classifier.provenance().get("architecture")).contains("operations");
      assertThat(Members.difference(output.logits(), expected)).isLessThan(TOLERANCE);
      assertThat(classifier.plannedStepBytes(2, List.of())).as("a plan").isPositive();
      worksImageByImage(classifier, images, expected);
      isTheSameAfterImport(folder, file, images, output);
    }
    hasRightGradients(file);
  }

  private static void worksImageByImage(
      FrozenClassifier classifier, INDArray images, INDArray expected) {
    for (int b = 0; b < 2; b++) {
      try (INDArray image =
              images
                  .get(
                      org.nd4j.linalg.indexing.NDArrayIndex.interval(b, b + 1),
                      org.nd4j.linalg.indexing.NDArrayIndex.all(),
                      org.nd4j.linalg.indexing.NDArrayIndex.all(),
                      org.nd4j.linalg.indexing.NDArrayIndex.all())
                  .dup('c');
          ClassifierOutput output = classifier.forward(image, List.of());
          INDArray row = expected.getRow(b, true).dup('c')) {
        assertThat(Members.difference(output.logits(), row)).isLessThan(TOLERANCE);
      }
    }
  }

  private static void isTheSameAfterImport(
      Path folder, Path file, INDArray images, ClassifierOutput output) throws Exception {
    Path imported = folder.resolve("body.ttame");
    Backbones.importTo(file, imported, BackboneOptions.defaults());
    try (FrozenClassifier again = Backbones.load(imported, BackboneOptions.defaults());
        ClassifierOutput same = again.forward(images, List.of())) {
      assertThat(Members.floats(same.logits())).isEqualTo(Members.floats(output.logits()));
    }
    Files.delete(imported);
  }

  private static void hasRightGradients(Path file) throws Exception {
    BackboneOptions options = BackboneOptions.defaults().inDoublePrecision();
    int[] labels = {1, 3};
    try (INDArray images = Nd4j.randn(DataType.DOUBLE, 2, SIDE, SIDE, 3);
        FrozenClassifier classifier = Backbones.load(file, options);
        InputGradient result = classifier.crossEntropyGradient(images, labels)) {
      for (long i = 0; i < images.length(); i += 37) {
        double at = images.getDouble(i);
        images.putScalar(i, at + STEP);
        double above = loss(classifier, images, labels);
        images.putScalar(i, at - STEP);
        double below = loss(classifier, images, labels);
        images.putScalar(i, at);
        assertThat(result.gradient().getDouble(i))
            .as("gradient at %d", i)
            .isCloseTo(
                (above - below) / (2 * STEP),
                org.assertj.core.data.Offset.offset(GRADIENT_TOLERANCE));
      }
    }
  }

  private static double loss(FrozenClassifier classifier, INDArray images, int[] labels) {
    try (InputGradient result = classifier.crossEntropyGradient(images, labels)) {
      return result.crossEntropy();
    }
  }
}
