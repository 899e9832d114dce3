package org.ttame.backbones;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.ttame.backbones.architecture.Architecture;
import org.ttame.backbones.graph.BackboneGraph;
import org.ttame.backbones.source.BackboneException;
import org.ttame.core.Text;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.engine.GraphResult;
import org.ttame.core.engine.GraphRunner;
import org.ttame.core.image.InputSpec;

/**
 * Makes sure that a graph which runs at one batch size only keeps the images of a batch apart: that
 * an image gives the same at every place of the batch, whatever the others are. Shapes cannot show
 * that, so it is tried.
 */
final class OwnBatch {
  /** Places of a large batch that are tried. */
  private static final int PLACES = 8;

  /** So many reasons are said in a sentence. */
  private static final int REASONS = 3;

  /** Of the largest value; a graph run again on other neighbours gives the same bits as a rule. */
  private static final double TOLERANCE = 1e-6;

  private final BackboneGraph graph;
  private final InputSpec input;
  private final int images;
  private final Random random = new Random(1);

  private OwnBatch(BackboneGraph graph, InputSpec input, int images) {
    this.graph = graph;
    this.input = input;
    this.images = images;
  }

  /** What is said of a classifier that runs so. */
  static String describe(int images) {
    return images == 1
        ? "its graph is for one image: images go through one after another"
        : Text.format(
            "its graph is for %d images at once: batches are cut to %d, and short ones filled up"
                + " with copies, which changes no number and costs time; export it with a free"
                + " batch to avoid that",
            images, images);
  }

  /**
   * The graph of a file that is written for one number of images, without those of its layers in
   * which images are mixed; refused if they are mixed in its logits.
   */
  static BackboneGraph keptApart(
      Path file, Architecture architecture, BackboneGraph graph, InputSpec input)
      throws BackboneException {
    int images = architecture.ownBatch();
    List<Integer> mixed = new OwnBatch(graph, input, images).mixed();
    if (mixed.contains(0)) {
      throw new BackboneException(
          Text.format(
              "%s takes %d images at once, and what it says of one depends on the others or on its"
                  + " place among them: %s; export it with a batch of one, or with a free batch",
              file, images, first(architecture.mixing())),
          null,
          architecture.mixing());
    }
    List<FeatureLayer> layers = new ArrayList<>(graph.layers());
    mixed.stream().map(i -> graph.layers().get(i - 1)).forEach(layers::remove);
    List<String> names = layers.stream().map(FeatureLayer::node).toList();
    return new BackboneGraph(
        graph.graph(),
        graph.logits(),
        layers,
        graph.aliases().entrySet().stream()
            .filter(alias -> names.contains(alias.getValue()))
            .collect(java.util.stream.Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue)),
        graph.defaultLayers().stream().filter(names::contains).toList(),
        graph.camLayer().filter(names::contains),
        graph.masking(),
        graph.parameters(),
        Optional.empty());
  }

  /** The first few of many reasons; what follows them in the graph is often of the same kind. */
  private static String first(List<String> reasons) {
    String few = String.join("; ", reasons.subList(0, Math.min(REASONS, reasons.size())));
    return reasons.size() > REASONS
        ? Text.format("%s; and %d more", few, reasons.size() - REASONS)
        : few;
  }

  /** 0 if the logits mix images, i + 1 if layer i does. */
  private List<Integer> mixed() {
    List<String> variables = new ArrayList<>(List.of(graph.logits()));
    graph.layers().forEach(layer -> variables.add(layer.variable()));
    List<Integer> mixed = new ArrayList<>();
    List<INDArray> expected = new ArrayList<>();
    int step = Math.max(1, (images + PLACES - 1) / PLACES);
    try (GraphRunner runner = GraphRunner.of(graph.graph());
        INDArray image = noise(1)) {
      for (int place = 0; place < images; place += step) {
        try (INDArray batch = noise(images)) {
          row(batch, place).assign(image);
          try (GraphResult result = runner.run(Map.of(BackboneGraph.INPUT, batch), variables)) {
            for (int i = 0; i < variables.size(); i++) {
              INDArray found = result.output(variables.get(i));
              boolean batched = found.rank() > 0 && found.size(0) == images;
              INDArray own = batched ? row(found, place).dup('c') : found.dup('c');
              if (expected.size() == i) {
                expected.add(own);
                batched &= !own.isNaN().any() && !own.isInfinite().any();
              } else {
                batched &= isSame(expected.get(i), own);
                own.close();
              }
              if (!batched && !mixed.contains(i)) {
                mixed.add(i);
              }
            }
          }
        }
      }
    } finally {
      expected.forEach(INDArray::close);
    }
    return mixed;
  }

  private static boolean isSame(INDArray expected, INDArray found) {
    try (INDArray difference = expected.sub(found)) {
      double largest = Math.max(expected.amaxNumber().doubleValue(), Float.MIN_NORMAL);
      return difference.amaxNumber().doubleValue() <= TOLERANCE * largest;
    }
  }

  private static INDArray row(INDArray batch, int place) {
    return batch.get(NDArrayIndex.interval(place, place + 1));
  }

  /** Standardised images of noise. */
  private INDArray noise(int count) {
    int channels = input.channels();
    double[] values =
        IntStream.range(0, Math.multiplyExact(count, Math.toIntExact(input.values())))
            .mapToDouble(
                at -> {
                  int channel = at % channels;
                  return (random.nextDouble() - input.mean().get(channel))
                      / input.std().get(channel);
                })
            .toArray();
    return Nd4j.create(values, input.shape(count), 'c')
        .castTo(graph.graph().getVariable(BackboneGraph.INPUT).dataType());
  }
}
