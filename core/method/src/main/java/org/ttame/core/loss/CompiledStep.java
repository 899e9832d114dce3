package org.ttame.core.loss;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.nd4j.autodiff.samediff.SDIndex;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.FusionGradient;
import org.ttame.core.attention.FusionRows;
import org.ttame.core.attention.TrainableMaps;
import org.ttame.core.attention.Upsampling;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.engine.EngineProfile;
import org.ttame.core.engine.GraphResult;
import org.ttame.core.engine.GraphRunner;
import org.ttame.core.engine.PendingGradients;
import org.ttame.core.engine.Precision;
import org.ttame.core.image.InputSpec;
import org.ttame.core.masking.ImageMasker;

/** The graph of a training step for one batch size and one |Ψ|, with its runner. */
final class CompiledStep implements AutoCloseable {
  static final String MASKED = "masked";
  static final String AREA = "area";
  static final String VARIATION = "variation";

  private static final String IMAGES = "images";
  private static final String COTANGENT = "cotangent";
  private static final String OBJECTIVE = "objective";
  private static final String FEATURE = "feature.";

  private final AttentionMechanism mechanism;
  private final SameDiff graph = SameDiff.create();
  private final TrainableMaps maps;
  private final GraphRunner runner;
  private final List<String> outputs = new ArrayList<>(List.of(MASKED, AREA, VARIATION));
  private final List<String> differentiated = new ArrayList<>();
  private final int batch;

  /** Memory of gradients that are lent: made when the first are. */
  private FusionGradient fusion;

  private final Map<String, INDArray> zeros = new HashMap<>();

  CompiledStep(
      AttentionMechanism mechanism,
      ImageMasker masker,
      LossOptions options,
      InputSpec input,
      Precision precision,
      int batch,
      int mapsPerImage) {
    this.mechanism = mechanism;
    this.batch = batch;
    DataType type = mechanism.dataType();
    List<SDVariable> features = new ArrayList<>();
    for (FeatureLayer layer : mechanism.spec().features()) {
      String name = FEATURE + features.size();
      features.add(graph.placeHolder(name, type, layer.outputShape(batch)));
    }
    SDVariable images = graph.placeHolder(IMAGES, type, input.shape(batch));
    SDVariable cotangent = graph.placeHolder(COTANGENT, type, input.shape(batch));

    int h = mechanism.mapHeight();
    int w = mechanism.mapWidth();
    maps = TrainableMaps.append(mechanism, graph, features, batch, mapsPerImage);
    SDVariable explanations = graph.nn().sigmoid(maps.maps());
    MapLoss terms =
        MapLoss.append(graph, maps.maps(), explanations, batch, mapsPerImage, h, w, options);

    SDVariable own =
        explanations
            .reshape(batch, mapsPerImage, h, w)
            .get(SDIndex.all(), SDIndex.interval(0, 1), SDIndex.all(), SDIndex.all())
            .reshape(batch, h, w);
    ImageMasker.Masked masked =
        masker.append(
            graph, Upsampling.append(graph, own, h, w, input.height(), input.width()), images);
    // <cotangent, masked images>, the part of CE that is linear in them: its gradient is CE's.
    SDVariable crossEntropy =
        masked.product().mul(cotangent).reshape(batch, input.values()).sum(1).sum(0);
    crossEntropy
        .mul(options.lambda1())
        .add(terms.area().add(terms.variation().mul(options.lambda3())).mul(options.lambda2()))
        .rename(OBJECTIVE);
    masked.images().rename(MASKED);
    terms.area().rename(AREA);
    terms.variation().rename(VARIATION);

    outputs.addAll(maps.means());
    outputs.addAll(maps.variances());
    differentiated.addAll(maps.parameters().keySet());
    differentiated.addAll(maps.fusionRows());
    differentiated.add(maps.fusionBias());
    runner = GraphRunner.of(graph, precision);
  }

  PendingGradients begin(List<INDArray> features, INDArray unitImages, FusionRows rows) {
    Map<String, INDArray> inputs = new HashMap<>();
    for (int i = 0; i < features.size(); i++) {
      inputs.put(FEATURE + i, features.get(i));
      inputs.put(maps.fusionRows().get(i), rows.rows().get(i));
    }
    inputs.put(maps.fusionBias(), rows.bias());
    inputs.put(IMAGES, unitImages);
    for (String name : maps.parameters().keySet()) {
      inputs.put(name, mechanism.parameters().get(name));
    }
    return runner.begin(inputs, Set.of(COTANGENT), OBJECTIVE, outputs, differentiated);
  }

  /** Bytes of the plan of {@link #begin}, which is not run. */
  long plannedBytes() {
    Map<String, INDArray> inputs = new HashMap<>();
    try {
      for (SDVariable variable : graph.variables()) {
        if (variable.isPlaceHolder() && !variable.name().equals(COTANGENT)) {
          inputs.put(
              variable.name(),
              Nd4j.createUninitialized(variable.dataType(), variable.placeholderShape()));
        }
      }
      return runner.plannedBytes(inputs, Set.of(COTANGENT), OBJECTIVE, outputs, differentiated);
    } finally {
      inputs.values().forEach(INDArray::close);
    }
  }

  void profile(EngineProfile profile) {
    runner.profile(profile);
  }

  StepGradients finish(PendingGradients pending, FusionRows rows, INDArray cotangent) {
    try (GraphResult result = pending.finish(Map.of(COTANGENT, cotangent))) {
      Map<String, INDArray> gradients =
          gradients(
              name ->
                  switch (name) {
                    case FusionGradient.WEIGHT ->
                        rows.weightGradient(mechanism, rowGradients(result));
                    case FusionGradient.BIAS ->
                        rows.biasGradient(mechanism, result.gradient(maps.fusionBias()));
                    default ->
                        maps.parameters().containsKey(name)
                            ? result.detachGradient(name)
                            : zerosFor(name);
                  });
      return step(pending, gradients, () -> StepGradients.release(gradients));
    }
  }

  StepGradients finishBorrowing(PendingGradients pending, FusionRows rows, INDArray cotangent) {
    if (fusion == null) {
      fusion = new FusionGradient(mechanism);
    }
    GraphResult result = pending.finishBorrowing(Map.of(COTANGENT, cotangent));
    fusion.set(rows, rowGradients(result), result.gradient(maps.fusionBias()));
    Map<String, INDArray> gradients =
        gradients(
            name ->
                switch (name) {
                  case FusionGradient.WEIGHT -> fusion.weight();
                  case FusionGradient.BIAS -> fusion.bias();
                  default ->
                      maps.parameters().containsKey(name)
                          ? result.gradient(name)
                          : zeros.computeIfAbsent(name, this::zerosFor);
                });
    return step(pending, gradients, result::close);
  }

  private Map<String, INDArray> gradients(Function<String, INDArray> gradient) {
    Map<String, INDArray> gradients = new LinkedHashMap<>();
    mechanism.parameters().keySet().forEach(name -> gradients.put(name, gradient.apply(name)));
    return gradients;
  }

  private StepGradients step(
      PendingGradients pending, Map<String, INDArray> gradients, Runnable giveBack) {
    return new StepGradients(
        pending.output(AREA).getDouble(0),
        pending.output(VARIATION).getDouble(0),
        gradients,
        maps.batchStatistics(mechanism, batch, pending::output),
        giveBack);
  }

  private List<INDArray> rowGradients(GraphResult result) {
    return maps.fusionRows().stream().map(result::gradient).toList();
  }

  /** The gradient of a bias that batch normalisation cancels. */
  private INDArray zerosFor(String name) {
    return Nd4j.zeros(mechanism.dataType(), mechanism.parameters().get(name).shape());
  }

  @Override
  public void close() {
    runner.closeWithGraph();
    if (fusion != null) {
      fusion.close();
    }
    zeros.values().forEach(INDArray::close);
  }
}
