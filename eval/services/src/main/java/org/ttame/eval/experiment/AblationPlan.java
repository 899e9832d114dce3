package org.ttame.eval.experiment;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.ttame.core.attention.Variant;
import org.ttame.core.classifier.FeatureKind;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.masking.Masking;
import org.ttame.training.TrainingOptions;

/**
 * The trainings behind Tables VI and VII of the paper, for one classifier: every variant of the
 * mechanism on each set of layers, and the proposed one under either masking.
 *
 * @param rows of Table VI, in the paper's order
 * @param maskings of Table VII: masking to trial
 * @param trials all trainings, each once
 */
public record AblationPlan(List<Row> rows, Map<Masking, String> maskings, List<Trial> trials) {
  /** The variants of Table VI, in its order, with its words. */
  private static final Map<Variant, String> VARIANTS = variants();

  /**
   * A row of Table VI.
   *
   * @param extraction where feature maps are taken, in the paper's words where it has them
   * @param variant the form of the mechanism, in the paper's words
   * @param trial the training it shows
   * @param reference the training of the proposed form on the same layers
   */
  public record Row(String extraction, String variant, String trial, String reference) {}

  public AblationPlan {
    rows = List.copyOf(rows);
    maskings = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(maskings));
    trials = List.copyOf(trials);
  }

  /**
   * Plans.
   *
   * @param base settings of every training; its layers, where given, are the one set tried, its
   *     variant is not used, its masking, where given, is that of Table VI
   * @throws IllegalArgumentException if the layers do not exist, or are fewer than two
   */
  public static AblationPlan of(FrozenClassifier classifier, TrainingOptions base) {
    List<Row> rows = new ArrayList<>();
    List<Trial> trials = new ArrayList<>();
    Map<Masking, String> maskings = new LinkedHashMap<>();
    Masking usual = base.trainer().maskingOf(classifier);
    Masking other = usual == Masking.CNN ? Masking.VIT : Masking.CNN;
    boolean first = true;
    for (Map.Entry<String, List<String>> set : layerSets(classifier, base).entrySet()) {
      String prefix = set.getKey().toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-");
      String reference = prefix + "." + Variant.PROPOSED.optionName();
      for (Map.Entry<Variant, String> variant : VARIANTS.entrySet()) {
        String name = prefix + "." + variant.getKey().optionName();
        rows.add(new Row(set.getKey(), variant.getValue(), name, reference));
        trials.add(new Trial(name, options(base, set.getValue(), variant.getKey(), usual)));
      }
      if (first) {
        String swapped = reference + "." + other.optionName() + "-masking";
        trials.add(new Trial(swapped, options(base, set.getValue(), Variant.PROPOSED, other)));
        maskings.put(Masking.VIT, usual == Masking.VIT ? reference : swapped);
        maskings.put(Masking.CNN, usual == Masking.CNN ? reference : swapped);
        first = false;
      }
    }
    return new AblationPlan(rows, maskings, trials);
  }

  private static TrainingOptions options(
      TrainingOptions base, List<String> layers, Variant variant, Masking masking) {
    return base.toBuilder().layers(layers).variant(variant).masking(masking).build();
  }

  /** Sets of node names by the paper's words for them. */
  private static Map<String, List<String>> layerSets(
      FrozenClassifier classifier, TrainingOptions base) {
    Map<String, List<String>> sets = new LinkedHashMap<>();
    if (!base.mechanism().layers().isEmpty()) {
      List<FeatureLayer> given = classifier.layers(base.mechanism().layers());
      if (given.size() < 2) {
        throw new IllegalArgumentException(
            "The ablations drop layers one by one, so they need two or more, got "
                + base.mechanism().layers());
      }
      sets.put("Layers given", base.mechanism().layers());
      return sets;
    }
    List<FeatureLayer> usual = classifier.defaultLayers();
    List<String> nodes = usual.stream().map(FeatureLayer::node).toList();
    if (usual.get(0).kind() == FeatureKind.TOKENS) {
      sets.put("Block Outputs", nodes);
    } else if (nodes.get(0).startsWith("features.")) {
      sets.put("Max-pooling layers", nodes);
      sets.put("Convolutional layers", nodes.stream().map(n -> before(classifier, n)).toList());
    } else {
      sets.put("Stage Outputs", nodes);
    }
    return sets;
  }

  /** The layer before a pool: the ReLU of its stage's last convolution. */
  private static String before(FrozenClassifier classifier, String pool) {
    List<String> all = List.copyOf(classifier.layers().keySet());
    return all.get(all.indexOf(pool) - 1);
  }

  private static Map<Variant, String> variants() {
    Map<Variant, String> variants = new LinkedHashMap<>();
    variants.put(Variant.PROPOSED, "T-TAME (Proposed)");
    variants.put(Variant.NO_SKIP, "No skip connection");
    variants.put(Variant.NO_SKIP_NO_BN, "No skip + No batch norm");
    variants.put(Variant.SIGMOID, "Sigmoid in feature branch");
    variants.put(Variant.TWO_MAPS, "FMs from two layers");
    variants.put(Variant.ONE_MAP, "FMs from one layer");
    return java.util.Collections.unmodifiableMap(variants);
  }
}
