package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.engine.GraphResult;
import org.ttame.core.masking.Masking;
import org.ttame.core.npz.Npz;

/**
 * Tiny classifiers of every kind of block, exported by PyTorch's two exporters (see {@code
 * src/test/python/blocks.py}): logits and gradients are PyTorch's in double precision, and so they
 * are after an import; the layers read by default are those of the paper's rule.
 */
class BlocksTest {
  /** Float32 through some twenty layers; where PyTorch's own is further away, twice that. */
  private static final double TOLERANCE = 1e-5;

  /** Layers read by default, tokens in front and shapes, and the masking. */
  private static final Map<String, String> LAYERS =
      Stream.of(
              "affine: 0+8×4×4 0+8×4×4 vit",
              "channel-attention: 0+4×4×4 0+8×2×2 cnn",
              "class-attention: 0+8×4×4 0+8×4×4 0+8×4×4 vit",
              "cosine-windows: 0+8×4×4 vit",
              "dense: 0+16×4×4 0+16×2×2 cnn",
              "distilled: 2+8×4×4 2+8×4×4 2+8×4×4 vit",
              "dual: 0+8×4×4 0+8×2×2 vit",
              "groups: 0+8×4×4 cnn",
              "mixer: 0+8×4×4 0+8×4×4 vit",
              "modern: 0+8×4×4 0+8×2×2 cnn",
              "patches: 0+16×8×8 cnn",
              "pooled-attention: 0+8×4×4 0+8×4×4 0+8×4×4 vit",
              "pyramid: 0+8×4×4 0+8×2×2 vit",
              "registers: 3+8×4×4 3+8×4×4 3+8×4×4 vit",
              "relative: 1+8×4×4 1+8×4×4 1+8×4×4 vit",
              "resnext: 0+16×4×4 0+32×2×2 cnn",
              "scaled: 0+32×4×4 cnn",
              "scales: 0+16×4×4 0+32×2×2 cnn",
              "searched: 0+96×4×4 cnn",
              "sequence: 0+8×4×4 0+8×4×4 0+8×4×4 vit",
              "side-by-side: 0+8×4×4 0+16×2×2 cnn",
              "selective: 0+4×4×4 0+8×2×2 cnn",
              "shuffle: 0+16×4×4 0+16×2×2 cnn",
              "squeeze: 0+4×4×4 0+8×2×2 cnn",
              "standardised: 0+16×4×4 cnn",
              "windows: 0+8×4×4 vit")
          .map(line -> line.split(": ", -1))
          .collect(Collectors.toMap(parts -> parts[0], parts -> parts[1]));

  @TempDir static Path folder;

  @TestFactory
  Stream<DynamicTest> everyKindOfBlock() throws IOException {
    List<Path> files = Members.archive("blocks.zip", folder);
    try (InputStream in = BlocksTest.class.getResourceAsStream("blocks.npz")) {
      Files.copy(Objects.requireNonNull(in), folder.resolve("blocks.npz"));
    }
    assertThat(files).hasSize(LAYERS.size());
    return files.stream()
        .map(
            file ->
                DynamicTest.dynamicTest(
                    String.valueOf(file.getFileName()), () -> computesTheSame(file)));
  }

  private static void computesTheSame(Path file) throws IOException {
    String name = String.valueOf(file.getFileName()).replaceFirst("(\\.new)?\\.onnx$", "");
    Path imported = folder.resolve(name + ".ttame");
    Backbones.importTo(file, imported, BackboneOptions.defaults());
    Map<String, INDArray> golden = Npz.read(folder.resolve("blocks.npz"));
    try (INDArray images = Members.images(golden.get("x"));
        FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults());
        FrozenClassifier again = Backbones.load(imported, BackboneOptions.defaults());
        GraphResult result = gradients(classifier, golden.get(name + ".classes"), images);
        GraphResult same = gradients(again, golden.get(name + ".classes"), images)) {
      INDArray logits = result.output(classifier.logitsName());
      INDArray gradient = result.gradient(classifier.inputName());
      double[] rounding = golden.get(name + ".distance").toDoubleVector();
      assertThat(Members.difference(logits, golden.get(name + ".logits")))
          .isLessThan(Math.max(TOLERANCE, 2 * rounding[0]));
      assertThat(Members.difference(patches(gradient), golden.get(name + ".gradient")))
          .isLessThan(Math.max(TOLERANCE, 2 * rounding[1]));
      assertThat(Members.floats(same.output(again.logitsName()))).isEqualTo(Members.floats(logits));
      assertThat(Members.floats(same.gradient(again.inputName())))
          .isEqualTo(Members.floats(gradient));
      isTheSameAlone(classifier, images, logits);
      String masking = classifier.defaultMasking() == Masking.VIT ? "vit" : "cnn";
      String shapes =
          classifier.defaultLayers().stream()
              .map(layer -> layer.prefix() + "+" + layer.shape())
              .collect(Collectors.joining(" "));
      assertThat(shapes + " " + masking).isEqualTo(LAYERS.get(name));
    } finally {
      golden.values().forEach(INDArray::close);
    }
  }

  /** Each image alone, so the batch that a file was exported for is free. */
  private static void isTheSameAlone(
      FrozenClassifier classifier, INDArray images, INDArray logits) {
    for (int b = 0; b < 2; b++) {
      try (INDArray image = images.slice(b).reshape(1, images.size(1), images.size(2), 3).dup('c');
          ClassifierOutput output = classifier.forward(image, List.of());
          INDArray row = logits.getRow(b, true).dup('c')) {
        assertThat(Members.difference(output.logits(), row)).isLessThan(TOLERANCE);
      }
    }
  }

  private static GraphResult gradients(
      FrozenClassifier classifier, INDArray classes, INDArray images) {
    return classifier.logitGradients(
        Map.of(classifier.inputName(), images),
        classes.toIntVector(),
        List.of(classifier.logitsName()),
        List.of(classifier.inputName()));
  }

  /** Summed over patches of 4×4, channels first, as the golden values are. */
  private static INDArray patches(INDArray gradient) {
    long count = gradient.size(1) / 4;
    return gradient
        .permute(0, 3, 1, 2)
        .dup('c')
        .reshape(gradient.size(0), 3, count, 4, count, 4)
        .sum(3, 5);
  }
}
