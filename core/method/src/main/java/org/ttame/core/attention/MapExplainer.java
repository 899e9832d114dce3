package org.ttame.core.attention;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.NonFiniteException;
import org.ttame.core.classifier.PassRunner;
import org.ttame.core.engine.EngineProfile;
import org.ttame.core.engine.GraphResult;
import org.ttame.core.engine.GraphRunner;

/**
 * Explains images: the classifier runs once for each batch, the mechanism turns its feature maps
 * into the maps of the classes asked for.
 *
 * <p>The mechanism's values are taken when the explainer is made. It and its classifier serve one
 * thread at a time: a second one gets an {@link IllegalStateException}.
 */
public final class MapExplainer implements AutoCloseable {
  private static final String CLASSES = "classes";
  private static final String FEATURE = "feature.";

  private final FrozenClassifier classifier;
  private final List<FeatureLayer> layers;
  private final SameDiff graph = SameDiff.create();
  private final String maps;
  private final PassRunner runner;

  /**
   * Joins a classifier and a mechanism.
   *
   * @param classifier stays the caller's, and must stay open
   * @param mechanism stays the caller's; copied
   * @throws IllegalArgumentException if the mechanism was made for other layers or classes
   */
  public MapExplainer(FrozenClassifier classifier, AttentionMechanism mechanism) {
    this.classifier = classifier;
    this.layers = mechanism.spec().features();
    if (mechanism.spec().classes() != classifier.classes()) {
      throw new IllegalArgumentException(
          Text.format(
              "The mechanism explains %d classes, %s has %d",
              mechanism.spec().classes(), classifier.name(), classifier.classes()));
    }
    if (!classifier.layers().values().containsAll(layers)) {
      throw new IllegalArgumentException(
          Text.format(
              "The mechanism reads %s, which %s does not have in this form; it has %s",
              layers, classifier.name(), classifier.layers().values()));
    }
    List<SDVariable> features = new ArrayList<>();
    for (FeatureLayer layer : layers) {
      String name = FEATURE + features.size();
      features.add(graph.placeHolder(name, DataType.FLOAT, layer.outputShape(-1)));
    }
    SDVariable classes = graph.placeHolder(CLASSES, DataType.INT32, -1, -1);
    maps = mechanism.attach(graph, features, classes).name();
    runner = new PassRunner(GraphRunner.of(graph, classifier.precision()));
  }

  /**
   * Explains a batch.
   *
   * @param images standardised, {@code [B, H, W, C]}; stay the caller's
   * @param choice the classes to explain
   * @return logits and maps; the caller closes them
   * @throws NonFiniteException if a logit or a map's value is NaN or infinite
   */
  public Explanation explain(INDArray images, ClassChoice choice) {
    try (ClassifierOutput output = classifier.forwardBorrowed(images, layers)) {
      int[][] classes = choice.classes(output.requireFinite().logits());
      INDArray raw = rawMaps(output.features(), classes);
      try {
        return new Explanation(
            classifier.spec().output().kind(),
            output.logits().dup('c'),
            classes,
            raw,
            MinMax.scale(raw));
      } catch (NonFiniteException e) {
        raw.close();
        throw e;
      }
    }
  }

  /**
   * Maps from feature maps that are already available; no pass through the classifier.
   *
   * @param features of the mechanism's layers, in order; stay the caller's
   * @param classes B rows of M classes
   * @return maps before the sigmoid, {@code [B, M, h, w]}; the caller closes them
   */
  public INDArray rawMaps(List<INDArray> features, int[][] classes) {
    Map<String, INDArray> inputs = new HashMap<>();
    for (int i = 0; i < features.size(); i++) {
      inputs.put(FEATURE + i, features.get(i));
    }
    try (INDArray index = Nd4j.createFromArray(classes)) {
      inputs.put(CLASSES, index);
      runner.least(classifier.passSize());
      try (GraphResult result = runner.run(inputs, List.of(maps))) {
        return result.detachOutput(maps);
      }
    }
  }

  /**
   * Has each operation of classifier and mechanism timed.
   *
   * @param profile where to add up from now on; null to stop
   */
  public void profile(EngineProfile profile) {
    classifier.profile(profile);
    runner.profile(profile);
  }

  @Override
  public void close() {
    runner.closeWithGraph();
  }
}
