package org.ttame.backbones.onnx;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.ttame.core.classifier.FeatureKind;
import org.ttame.core.classifier.FeatureLayer;

/**
 * Which layers of an imported graph can be explained: the values whose channels lie at places of
 * the image, as maps or as tokens, without those that only show another one, and without the
 * image's own pixels, however they are moved or scaled. They have the names that the file gives
 * their values; nodes, and views of them, are further names.
 */
final class ReadableLayers {
  /** Operators that only show their input. */
  static final Set<String> VIEWS =
      Set.of("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Cast", "Identity");

  /** Operators that make features of pixels: convolutions, products and pools with windows. */
  private static final Set<String> MAKE_FEATURES =
      Set.of(
          "Conv",
          "Gemm",
          "MatMul",
          "Einsum",
          Fusion.LINEAR,
          "Attention",
          "MaxPool",
          "AveragePool",
          "LpPool");

  private final List<Operation> operations;
  private final IdentityHashMap<Value, FeatureLayer> layers = new IdentityHashMap<>();
  private final List<Value> inOrder = new ArrayList<>();
  private final Map<String, String> aliases = new LinkedHashMap<>();

  private ReadableLayers(List<Operation> operations) {
    this.operations = operations;
  }

  /**
   * Finds them.
   *
   * @param operations from image to logits
   * @param emitter has written them
   */
  static ReadableLayers of(List<Operation> operations, Emitter emitter) {
    ReadableLayers found = new ReadableLayers(operations);
    found.find(emitter);
    return found;
  }

  /** By value. */
  Map<Value, FeatureLayer> layers() {
    return layers;
  }

  /** Their values, from image to logits. */
  List<Value> inOrder() {
    return inOrder;
  }

  /** Other names of layers: those of the nodes that compute them. */
  Map<String, String> aliases() {
    return aliases;
  }

  /** Where the layers lie in the file's graph. */
  Map<String, OnnxBackbone.LayerValue> values(Emitter emitter) {
    Map<String, OnnxBackbone.LayerValue> values = new HashMap<>();
    layers.forEach(
        (value, layer) -> {
          int[] order = emitter.tensor(value).order();
          values.put(
              layer.node(),
              new OnnxBackbone.LayerValue(value, Arrays.stream(order).boxed().toList()));
        });
    return values;
  }

  private void find(Emitter emitter) {
    Set<String> names = new HashSet<>();
    Set<Value> features = Collections.newSetFromMap(new IdentityHashMap<>());
    TokenGrids grids = new TokenGrids(operations, emitter.geometry(), emitter.batch());
    for (Operation operation : operations) {
      if ((MAKE_FEATURES.contains(operation.type()) && !isView(operation))
          || operation.values().stream().anyMatch(features::contains)) {
        features.addAll(operation.outputs());
      }
      for (Value value : operation.outputs()) {
        Tensor tensor = emitter.tensor(value);
        if (tensor == null
            || !features.contains(value)
            || isView(operation)
            || isFramed(operation)) {
          continue;
        }
        String node = names.contains(value.name()) ? tensor.variable().name() : value.name();
        FeatureLayer layer = emitter.geometry().layer(value, node, tensor).orElse(null);
        layer = layer == null ? map(node, tensor, emitter) : layer;
        layer = layer == null ? grids.layer(node, tensor) : layer;
        if (layer == null) {
          continue;
        }
        names.add(node);
        layers.put(value, layer);
        inOrder.add(value);
      }
    }
    IdentityHashMap<Value, FeatureLayer> viewed = new IdentityHashMap<>(layers);
    for (Operation operation : operations) {
      Value value = operation.output();
      if (isView(operation) && viewed.containsKey(operation.value(0))) {
        FeatureLayer origin = viewed.get(operation.value(0));
        if (emitter.geometry().places(value).filter(at -> isOf(at, value, origin)).isPresent()) {
          viewed.put(value, origin);
          alias(value.name(), origin, names);
        }
      }
      if (viewed.containsKey(value)) {
        alias(operation.node().name(), viewed.get(value), names);
      }
    }
  }

  private void alias(String name, FeatureLayer layer, Set<String> names) {
    if (!name.isEmpty() && names.add(name)) {
      aliases.put(name, layer.node());
    }
  }

  /** Whether a view of a layer still holds each of its places. */
  private static boolean isOf(Geometry.Places at, Value value, FeatureLayer layer) {
    return at.height() == layer.height()
        && at.width() == layer.width()
        && at.prefix() == layer.prefix()
        && value.shape()[at.channel()] == layer.channels();
  }

  private static FeatureLayer map(String node, Tensor tensor, Emitter emitter) {
    long[] shape = tensor.shape();
    boolean map =
        tensor.rank() == 4
            && tensor.batchFirst()
            && shape[0] == emitter.batch()
            && Arrays.equals(tensor.order(), Tensor.channelsLast(4))
            && shape[2] * shape[3] > 1
            && emitter.geometry().isGrid(shape[2], shape[3]);
    return map
        ? new FeatureLayer(
            node,
            tensor.variable().name(),
            FeatureKind.MAP,
            Math.toIntExact(shape[1]),
            Math.toIntExact(shape[2]),
            Math.toIntExact(shape[3]))
        : null;
  }

  /** Whether it has a frame around what it reads, which is not in the image, or is moved. */
  private static boolean isFramed(Operation operation) {
    return operation.is("Pad");
  }

  private static boolean isView(Operation operation) {
    if (VIEWS.contains(operation.type())) {
      return true;
    }
    // A pool by 1×1 that keeps the size only views, too.
    long[] kernel = operation.node().integers("kernel_shape");
    return operation.is("MaxPool", "AveragePool")
        && kernel != null
        && Arrays.stream(kernel).allMatch(size -> size == 1)
        && Arrays.equals(operation.value(0).shape(), operation.output().shape());
  }
}
