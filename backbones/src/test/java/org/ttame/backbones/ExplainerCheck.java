package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import onnx.Onnx;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;
import org.ttame.backbones.onnx.Attachment.Place;
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
import org.ttame.core.attention.MinMax;
import org.ttame.core.attention.Variant;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.image.InputSpec;

/** A classifier, a mechanism on it, and whether ONNX Runtime makes our maps of the two's file. */
final class ExplainerCheck implements AutoCloseable {
  /** Of maps in [0, 1]: rounding of float32 in another order of summation. */
  static final double TOLERANCE = 1e-5;

  /** Rounding of a map's values before they are scaled, in units in the last place. */
  private static final int ULPS = 4;

  /** Of logits, relative to the largest: what a runtime fuses may change with an extra reader. */
  private static final double LOGITS = 1e-6;

  private final Path file;
  final FrozenClassifier classifier;
  private final OnnxBackbone source;

  ExplainerCheck(Path file, BackboneOptions options) throws IOException {
    this.file = file;
    Nd4j.getRandom().setSeed(5);
    classifier = Backbones.load(file, options);
    source = OnnxBackbone.read(file, options);
  }

  ExplainerCheck(Path file) throws IOException {
    this(file, BackboneOptions.defaults());
  }

  @Override
  public void close() throws IOException {
    source.close();
    classifier.close();
  }

  /** A mechanism on the default layers whose values nobody trained, but are none of the initial. */
  AttentionMechanism mechanism(Variant variant) {
    return mechanism(classifier.defaultLayers(), variant);
  }

  AttentionMechanism mechanism(List<FeatureLayer> layers, Variant variant) {
    List<FeatureLayer> enough =
        layers.size() < variant.mapsOf(layers.size())
            ? List.copyOf(classifier.layers().values())
            : layers;
    AttentionSpec spec = AttentionSpec.of(enough, classifier.classes(), variant);
    AttentionMechanism mechanism = AttentionMechanism.create(spec, 7);
    Stream.concat(
            mechanism.parameters().values().stream(), mechanism.statistics().values().stream())
        .forEach(array -> array.addi(Nd4j.rand(array.shape()).muli(0.5)));
    return mechanism;
  }

  /** Writes the file, with some metadata. */
  Path write(AttentionMechanism mechanism, Classes classes, MapSizes size, Path out)
      throws IOException {
    ExplainerFile.write(
        source, mechanism, new ExplainerFile.Options(classes, size, Map.of("run", "r")), out);
    return out;
  }

  /** The file's maps are ours, for every batch that it takes. */
  void agrees(AttentionMechanism mechanism, Classes classes, MapSizes size, Path out)
      throws Exception {
    agrees(mechanism, classes, size, out, OptLevel.ALL_OPT);
  }

  /** The same with the file optimised so far. */
  void agrees(
      AttentionMechanism mechanism, Classes classes, MapSizes size, Path out, OptLevel level)
      throws Exception {
    write(mechanism, classes, size, out);
    try (OnnxOracle explained = new OnnxOracle(out, level)) {
      long fixed = explained.shape(output(classes))[0];
      for (int batch : fixed > 0 ? List.of((int) fixed) : List.of(1, 3)) {
        agrees(mechanism, explained, classes, size, batch);
      }
    }
  }

  static String output(Classes classes) {
    return classes == Classes.ALL ? "explanations" : "explanation";
  }

  /** Images in whole 64ths, which float16 has too; of bytes whole numbers. */
  INDArray images(int batch) {
    InputSpec input = classifier.inputSpec();
    boolean bytes = input.stored().type() == InputSpec.Type.UINT8;
    INDArray unit = Nd4j.rand(input.shape(batch)).muli(bytes ? 255 : 256);
    Transforms.floor(unit, false);
    return bytes ? unit : unit.subi(128).divi(64);
  }

  /** As the file has them. */
  INDArray planes(INDArray images) {
    boolean first = classifier.inputSpec().stored().layout() == InputSpec.Layout.NCHW;
    return (first ? images.permute(0, 3, 1, 2) : images).dup('c');
  }

  private void agrees(
      AttentionMechanism mechanism, OnnxOracle explained, Classes classes, MapSizes size, int batch)
      throws Exception {
    int[] given = IntStream.range(0, batch).map(i -> (i * 5 + 1) % classifier.classes()).toArray();
    ClassChoice choice =
        switch (classes) {
          case PREDICTED -> ClassChoice.predicted();
          case INPUT ->
              ClassChoice.perImage(
                  IntStream.of(given).mapToObj(k -> new int[] {k}).toArray(int[][]::new));
          case ALL ->
              ClassChoice.perImage(
                  Stream.generate(() -> IntStream.range(0, classifier.classes()).toArray())
                      .limit(batch)
                      .toArray(int[][]::new));
        };
    try (INDArray images = images(batch);
        INDArray planes = planes(images);
        MapExplainer explainer = new MapExplainer(classifier, mechanism);
        Explanation expected = explainer.explain(images, choice)) {
      Map<String, INDArray> found =
          explained.run(planes, IntStream.of(given).asLongStream().toArray());
      INDArray maps = found.get(output(classes));
      InputSpec input = classifier.inputSpec();
      INDArray ours =
          size == MapSizes.IMAGE
              ? expected.upsampled(input.height(), input.width())
              : expected.maps();
      long[] shape = ours.shape();
      assertThat(maps.shape())
          .isEqualTo(classes == Classes.ALL ? shape : new long[] {shape[0], shape[2], shape[3]});
      assertAgree(maps, ours, expected.rawMaps(), TOLERANCE);
      found.values().forEach(INDArray::close);
    }
  }

  /**
   * The file's maps of the predicted classes are what our mechanism makes of the layers' values as
   * ONNX Runtime has them: for networks whose own rounding is large.
   *
   * @param tolerance of maps in [0, 1]
   */
  void agreesOnItsLayers(AttentionMechanism mechanism, double tolerance, Path out)
      throws Exception {
    write(mechanism, Classes.PREDICTED, MapSizes.NATIVE, out);
    List<Place> places = new ArrayList<>();
    for (FeatureLayer layer : mechanism.spec().features()) {
      places.add(source.attachment().place(layer));
    }
    Onnx.ModelProto.Builder model = Onnx.ModelProto.parseFrom(Files.readAllBytes(out)).toBuilder();
    for (Place place : places) {
      model.getGraphBuilder().addOutputBuilder().setName(place.value());
    }
    Path open = Files.write(out.resolveSibling("open.onnx"), model.build().toByteArray());
    try (OnnxOracle explained = new OnnxOracle(open);
        MapExplainer explainer = new MapExplainer(classifier, mechanism)) {
      long fixed = explained.shape("explanation")[0];
      try (INDArray images = images(fixed > 0 ? (int) fixed : 3);
          INDArray planes = planes(images)) {
        Map<String, INDArray> found = explained.run(planes, new long[0]);
        List<INDArray> features =
            places.stream()
                .map(
                    place ->
                        found
                            .get(place.value())
                            .permute(place.axes().stream().mapToInt(Integer::intValue).toArray())
                            .dup('c'))
                .toList();
        int[][] classes =
            ClassChoice.predicted().classes(found.get(classifier.spec().output().name()));
        INDArray raw = explainer.rawMaps(features, classes);
        assertAgree(found.get("explanation"), MinMax.scale(raw), raw, tolerance);
      }
    }
  }

  /**
   * Maps are others up to rounding.
   *
   * @param found {@code [B, M, H, W]}, or without M
   * @param expected {@code [B, M, H, W]}
   * @param raw the expected ones before they were scaled
   */
  private static void assertAgree(
      INDArray found, INDArray expected, INDArray raw, double tolerance) {
    INDArray theirs = found.reshape(expected.shape());
    for (int b = 0; b < raw.size(0); b++) {
      for (int k = 0; k < raw.size(1); k++) {
        INDArray z = raw.slice(b).slice(k);
        double range = z.maxNumber().doubleValue() - z.minNumber().doubleValue();
        double bound =
            tolerance + ULPS * Math.ulp(z.amaxNumber().floatValue()) / Math.max(range, 1e-30);
        INDArray gap = theirs.slice(b).slice(k).sub(expected.slice(b).slice(k));
        assertThat(gap.amaxNumber().doubleValue()).as("image %d, map %d", b, k).isLessThan(bound);
      }
    }
  }

  /** The classifier's own outputs: the same bits as computed, nearly the same as optimised. */
  void keepsLogits(Path out) throws Exception {
    for (OptLevel level : List.of(OptLevel.NO_OPT, OptLevel.ALL_OPT)) {
      try (OnnxOracle before = new OnnxOracle(file, level);
          OnnxOracle after = new OnnxOracle(out, level)) {
        int fixed = (int) before.shape(before.inputs().iterator().next())[0];
        int batch = fixed > 0 ? fixed : 2;
        try (INDArray images = images(batch);
            INDArray planes = planes(images)) {
          Map<String, INDArray> expected = before.run(planes, new long[0]);
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
  }
}
