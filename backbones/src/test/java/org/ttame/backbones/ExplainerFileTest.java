package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.onnx.OnnxBackbone;
import org.ttame.backbones.onnx.export.ExplainerFile;
import org.ttame.backbones.onnx.export.ExplainerFile.Classes;
import org.ttame.backbones.onnx.export.ExplainerFile.MapSizes;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.core.attention.ClassChoice;
import org.ttame.core.attention.Explanation;
import org.ttame.core.attention.MapExplainer;
import org.ttame.core.attention.Variant;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.image.InputSpec;

/** Files with a mechanism behind the classifier, run by ONNX Runtime: its maps are ours. */
class ExplainerFileTest {
  /** Of maps in [0, 1]: rounding of float32 in another order of summation. */
  private static final double TOLERANCE = 1e-5;

  /** Rounding of a map's values before they are scaled, in units in the last place. */
  private static final int ULPS = 4;

  /** Of logits, relative to the largest: what is fused may change with an extra reader. */
  private static final double LOGITS = 1e-6;

  @TempDir static Path folder;

  @TestFactory
  Stream<DynamicTest> everyMember() throws IOException {
    List<Path> files =
        Members.unpack(Files.createDirectories(folder.resolve("members"))).stream()
            .filter(file -> !file.toString().contains("-training")) // not frozen: refused
            .toList();
    return IntStream.range(0, files.size())
        .mapToObj(
            i -> {
              Path file = files.get(i);
              Variant variant = Variant.values()[i % Variant.values().length];
              Classes classes = Classes.values()[i % 3];
              MapSizes size = MapSizes.values()[i / 3 % 2];
              return DynamicTest.dynamicTest(
                  file.getFileName() + " " + variant + " " + classes + " " + size,
                  () -> agrees(file, variant, classes, size));
            });
  }

  private static void agrees(Path file, Variant variant, Classes classes, MapSizes size)
      throws Exception {
    Path out = folder.resolve("out-" + file.getFileName() + "-" + variant + classes + size);
    try (FrozenClassifier classifier = Backbones.load(file, BackboneOptions.defaults());
        AttentionMechanism mechanism = mechanism(classifier, variant)) {
      try (OnnxBackbone source = OnnxBackbone.read(file, BackboneOptions.defaults())) {
        ExplainerFile.write(
            source, mechanism, new ExplainerFile.Options(classes, size, Map.of("run", "r")), out);
      }
      try (OnnxOracle explained = new OnnxOracle(out)) {
        long fixed = explained.shape(output(classes))[0];
        for (int batch : fixed > 0 ? List.of((int) fixed) : List.of(1, 3)) {
          agrees(classifier, mechanism, explained, classes, size, batch);
          keepsLogits(file, out, classifier.inputSpec(), batch);
        }
      }
    }
  }

  private static String output(Classes classes) {
    return classes == Classes.ALL ? "explanations" : "explanation";
  }

  /** The classifier's own outputs: the same bits as computed, nearly the same as optimised. */
  private static void keepsLogits(Path file, Path out, InputSpec input, int batch)
      throws Exception {
    for (OptLevel level : List.of(OptLevel.NO_OPT, OptLevel.ALL_OPT)) {
      try (OnnxOracle before = new OnnxOracle(file, level);
          OnnxOracle after = new OnnxOracle(out, level);
          INDArray images = Nd4j.rand(input.shape(batch)).muli(4).subi(2);
          INDArray planes = images.permute(0, 3, 1, 2).dup('c')) {
        Map<String, INDArray> expected = before.run(planes, null);
        Map<String, INDArray> found = after.run(planes, new long[batch]);
        expected.forEach(
            (name, logits) -> {
              if (level == OptLevel.NO_OPT) {
                assertThat(found.get(name)).as(name).isEqualTo(logits);
              } else {
                assertThat(Members.difference(found.get(name), logits)).isLessThan(LOGITS);
              }
            });
      }
    }
  }

  /** Values that have been trained by nobody, but are none of the initial ones. */
  private static AttentionMechanism mechanism(FrozenClassifier classifier, Variant variant) {
    AttentionSpec spec =
        AttentionSpec.of(classifier.defaultLayers(), classifier.classes(), variant);
    AttentionMechanism mechanism = AttentionMechanism.create(spec, 7);
    Stream.concat(
            mechanism.parameters().values().stream(), mechanism.statistics().values().stream())
        .forEach(array -> array.addi(Nd4j.rand(array.shape()).muli(0.5)));
    return mechanism;
  }

  private static void agrees(
      FrozenClassifier classifier,
      AttentionMechanism mechanism,
      OnnxOracle explained,
      Classes classes,
      MapSizes size,
      int batch)
      throws Exception {
    InputSpec input = classifier.inputSpec();
    int[] given = IntStream.range(0, batch).map(i -> (i * 5 + 1) % classifier.classes()).toArray();
    ClassChoice choice =
        switch (classes) {
          case PREDICTED -> ClassChoice.predicted();
          case INPUT -> ClassChoice.perImage(column(given));
          case ALL ->
              ClassChoice.perImage(
                  Stream.generate(() -> IntStream.range(0, classifier.classes()).toArray())
                      .limit(batch)
                      .toArray(int[][]::new));
        };
    try (INDArray images = Nd4j.rand(input.shape(batch)).muli(4).subi(2);
        INDArray planes = images.permute(0, 3, 1, 2).dup('c');
        MapExplainer explainer = new MapExplainer(classifier, mechanism);
        Explanation expected = explainer.explain(images, choice)) {
      Map<String, INDArray> found =
          explained.run(planes, IntStream.of(given).asLongStream().toArray());
      INDArray maps = found.get(output(classes));
      INDArray ours =
          size == MapSizes.IMAGE
              ? expected.upsampled(input.height(), input.width())
              : expected.maps();
      assertThat(maps.length()).isEqualTo(ours.length());
      INDArray raw = expected.rawMaps();
      long m = raw.size(1);
      INDArray theirs = maps.reshape(ours.shape());
      for (int b = 0; b < batch; b++) {
        for (int k = 0; k < m; k++) {
          INDArray z = raw.slice(b).slice(k);
          double range = z.maxNumber().doubleValue() - z.minNumber().doubleValue();
          double bound =
              TOLERANCE + ULPS * Math.ulp(z.amaxNumber().floatValue()) / Math.max(range, 1e-30);
          INDArray gap = theirs.slice(b).slice(k).sub(ours.slice(b).slice(k));
          assertThat(gap.amaxNumber().doubleValue()).isLessThan(bound);
        }
      }
    }
  }

  private static int[][] column(int... classes) {
    return IntStream.of(classes).mapToObj(k -> new int[] {k}).toArray(int[][]::new);
  }
}
