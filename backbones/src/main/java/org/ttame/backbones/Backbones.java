package org.ttame.backbones;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.ttame.backbones.architecture.Architecture;
import org.ttame.backbones.graph.BackboneGraph;
import org.ttame.backbones.onnx.OnnxBackbone;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.InputSpec;

/** Loads image classifiers as SameDiff graphs. */
public final class Backbones {
  private Backbones() {}

  /**
   * Loads a classifier from an ONNX file of a VGG, ResNet or ViT.
   *
   * @param file the file
   * @param options what is expected of it
   * @return the classifier; the caller closes it
   * @throws BackboneException if the file is damaged, holds something else, or is not what was
   *     expected
   * @throws IOException if it cannot be read
   */
  public static FrozenClassifier load(Path file, BackboneOptions options) throws IOException {
    try (OnnxBackbone onnx = OnnxBackbone.read(file)) {
      Architecture architecture = onnx.architecture();
      check(file, architecture, options);
      Map<String, String> provenance = new LinkedHashMap<>();
      provenance.put("file", file.getFileName().toString());
      provenance.put("architecture", architecture.describe());
      provenance.put("producer", onnx.producer());
      provenance.put("opset", String.valueOf(onnx.opset()));
      BackboneGraph graph = BackboneGraph.of(architecture, onnx);
      return FrozenClassifier.builder(graph.graph())
          .name(architecture.name())
          .input(BackboneGraph.INPUT)
          .logits(graph.logits())
          .classes(architecture.classes())
          .inputSpec(
              new InputSpec(
                  architecture.side(),
                  options.mean().orElse(InputSpec.IMAGENET_MEAN),
                  options.std().orElse(InputSpec.IMAGENET_STD)))
          .layers(graph.layers())
          .defaultLayers(graph.defaultLayers())
          .defaultMasking(graph.masking())
          .provenance(provenance)
          .build();
    }
  }

  private static void check(Path file, Architecture architecture, BackboneOptions options)
      throws BackboneException {
    if (options.name().isPresent()) {
      String expected = options.name().get();
      if (!expected.equals(architecture.name()) && !expected.equals(architecture.family())) {
        throw new BackboneException(
            "%s holds a %s (%s), not a %s; leave --backbone out or give another file"
                .formatted(file, architecture.name(), architecture.describe(), expected));
      }
    }
    if (options.classes().isPresent() && options.classes().getAsInt() != architecture.classes()) {
      throw new BackboneException(
          "%s tells %d classes apart where %d are expected"
              .formatted(file, architecture.classes(), options.classes().getAsInt()));
    }
  }
}
