package org.ttame.backbones.onnx;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.ttame.core.classifier.FeatureKind;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.image.ImageSize;
import org.ttame.core.masking.Masking;

/**
 * Which layers of an imported graph are explained by default.
 *
 * <p>A <em>cut point</em> is a value that every path from image to logits passes. A stage is a
 * resolution, with those that are less than half as large or small again: windows that do not fit,
 * or a border that is lost, begin none. What a max pool gives belongs to the stage before it. Of
 * each of the last three stages that are eight times coarser than the image the last cut point
 * counts that is a sum or a concatenation, with the activation behind it; the last cut point of all
 * where there is none, where a max pool ends the stage, and in the last stage. Where that gives
 * fewer than three, because branches of several resolutions run side by side, resolutions without a
 * cut point give their last sum or concatenation, too.
 */
final class LayerChoice {
  private static final int STAGES = 3;
  private static final int COARSE = 8;

  /** Values of an attention may be fewer than the tokens' own by this factor. */
  private static final int PART = 2;

  private static final Set<String> POOLS =
      Set.of(
          "MaxPool",
          "AveragePool",
          "LpPool",
          "GlobalAveragePool",
          "GlobalMaxPool",
          "GlobalLpPool",
          "ReduceMean",
          "ReduceMax",
          "ReduceSum");
  private static final Set<String> ACTIVATIONS =
      Set.of(
          "Relu",
          "Clip",
          "LeakyRelu",
          "PRelu",
          "Elu",
          "Selu",
          "Celu",
          "Softplus",
          "Softsign",
          "Mish",
          "HardSwish",
          "Tanh",
          "Gelu",
          Fusion.GELU);
  private static final Set<String> NORMS =
      Set.of(Fusion.NORM, "LayerNormalization", "RMSNormalization");
  private static final Set<String> GATES = Set.of("Sigmoid", "HardSigmoid");

  /** What else may stand between a head with a channel for each class and the logits. */
  private static final Set<String> BY_CHANNEL =
      Set.of("Softmax", "LogSoftmax", "Slice", "Gather", "Add", "Sub", "Mul", "Div");

  private final List<Operation> operations;
  private final ImageSize image;
  private final int classes;
  private boolean mixes;
  private Influence influence;
  private final ReadableLayers readable;
  private final Map<Value, FeatureLayer> layers;
  private final List<Value> cuts = new ArrayList<>();

  /** For each cut point the most values of an image that an operation behind it mixes. */
  private final Map<Value, Long> mixed = new LinkedHashMap<>();

  private LayerChoice(
      List<Operation> operations, ReadableLayers readable, ImageSize image, int classes) {
    this.operations = operations;
    this.readable = readable;
    this.layers = readable.layers();
    this.image = image;
    this.classes = classes;
  }

  /**
   * Chooses.
   *
   * @param operations from image to logits
   * @param emitter has written them
   * @param image height and width of the image
   * @param classes K
   */
  static LayerChoice of(List<Operation> operations, Emitter emitter, ImageSize image, int classes) {
    LayerChoice choice =
        new LayerChoice(operations, ReadableLayers.of(operations, emitter), image, classes);
    choice.findCuts(emitter);
    choice.influence = Influence.of(operations, emitter.geometry());
    return choice;
  }

  /** All layers that can be explained, from image to logits. */
  List<FeatureLayer> layers() {
    return readable.inOrder().stream().map(layers::get).toList();
  }

  /** Other names of layers: those of the nodes that compute them. */
  Map<String, String> aliases() {
    return readable.aliases();
  }

  /** Eq. 14 where places attend to each other, else Eq. 13. */
  Masking masking() {
    return mixes ? Masking.VIT : Masking.CNN;
  }

  /** Attention, or a product over the tokens of a sequence. */
  private static boolean mixesTokens(Operation operation, Emitter emitter) {
    if (operation.is("Attention")) {
      return true;
    }
    if (operation.is("MatMul", "Einsum")) {
      return operation.values().size() == 2 || operation.input(0) instanceof Constant;
    }
    if (!operation.is(Fusion.LINEAR)) {
      return false;
    }
    Tensor tensor = emitter.tensor(operation.value(0));
    return tensor.rank() == 3 && !Tensor.isPlain(tensor.order());
  }

  /** A value is a cut point if nothing computed before it is read after it. */
  private void findCuts(Emitter emitter) {
    IdentityHashMap<Value, Integer> unread = new IdentityHashMap<>();
    for (Operation operation : operations) {
      new HashSet<>(operation.values()).forEach(value -> unread.merge(value, 1, Integer::sum));
    }
    Set<Value> open = Collections.newSetFromMap(new IdentityHashMap<>());
    for (Operation operation : operations) {
      for (Value value : new HashSet<>(operation.values())) {
        open.add(value);
        if (unread.merge(value, -1, Integer::sum) == 0) {
          open.remove(value);
        }
      }
      boolean alone = open.isEmpty() && operation.outputs().size() == 1;
      open.addAll(operation.outputs().stream().filter(unread::containsKey).toList());
      if (mixesTokens(operation, emitter)) {
        mixes = true;
        if (!cuts.isEmpty()) {
          // A weight mixes all that it reads, an attention all that it gives.
          boolean weighted = operation.values().size() == 1;
          Value all = weighted ? operation.values().get(0) : operation.output();
          mixed.merge(last(cuts), Constant.count(all.shape()) / emitter.batch(), Math::max);
        }
      }
      if (alone && layers.containsKey(operation.output())) {
        cuts.add(operation.output());
      }
    }
    while (!cuts.isEmpty() && layers.get(last(cuts)).channels() == classes && isHead(last(cuts))) {
      cuts.remove(cuts.size() - 1);
    }
  }

  /** Whether a cut point's channels are the classes: what follows lets every channel be. */
  private boolean isHead(Value cut) {
    Stream<Operation> behind = operations.stream().skip(operations.indexOf(cut.producer()) + 1L);
    List<Set<String>> known = List.of(ReadableLayers.VIEWS, POOLS, ACTIVATIONS, GATES, BY_CHANNEL);
    return behind.allMatch(o -> known.stream().anyMatch(types -> types.contains(o.type())));
  }

  private static <T> T last(List<T> list) {
    return list.get(list.size() - 1);
  }

  /** The layer that the CAM family reads by default. */
  Optional<String> camLayer() {
    return usualCamLayer()
        .map(usual -> influence.ofPlaces(usual) ? usual : lastWithInfluence().orElse(usual))
        .map(value -> layers.get(value).node());
  }

  /**
   * Of the coarsest grid the last sum or normalisation of whose places the logits depend on any.
   */
  private Optional<Value> lastWithInfluence() {
    return operations.stream()
        .filter(o -> joins(o) || NORMS.contains(o.type()))
        .map(Operation::output)
        .filter(value -> layers.containsKey(value) && influence.ofPlaces(value))
        .reduce((earlier, later) -> places(later) > places(earlier) ? earlier : later);
  }

  private int places(Value value) {
    return layers.get(value).height() * layers.get(value).width();
  }

  private Optional<Value> usualCamLayer() {
    // What lies behind the last attention has no influence where a class token is read.
    Value end = tokens().isEmpty() ? lastWithClassToken() : lastSum();
    List<Value> mixedTokens = end == null ? List.of() : mixedBefore(end);
    if (!mixedTokens.isEmpty()) {
      Value read = last(mixedTokens);
      return operations.stream()
          .filter(o -> NORMS.contains(o.type()) && o.values().contains(read))
          .map(Operation::output)
          .filter(layers::containsKey)
          .findFirst()
          .or(() -> Optional.of(read));
    }
    return cuts.stream()
        .filter(cut -> !POOLS.contains(cut.producer().type()))
        .reduce((earlier, later) -> later)
        .or(() -> readable.inOrder().stream().reduce((earlier, later) -> later));
  }

  /** The last cut point of all, if tokens that stand for no place are in front of its others. */
  private Value lastWithClassToken() {
    return cuts.isEmpty() || layers.get(last(cuts)).prefix() == 0 ? null : last(cuts);
  }

  /**
   * The last cut point that is a sum of tokens; null if there is none. Where the last attention is
   * that of a class token only, tokens stand for places up to there.
   */
  private Value lastSum() {
    List<Value> read = List.copyOf(mixed.keySet());
    int places = read.size();
    while (places > 0 && !mixesPlaces(read.get(places - 1))) {
      places--;
    }
    boolean pooled = places > 0 && places < read.size();
    for (int i = pooled ? cuts.indexOf(read.get(places)) : cuts.size() - 1; i >= 0; i--) {
      if (joins(cuts.get(i).producer()) && isTokens(cuts.get(i))) {
        return cuts.get(i);
      }
    }
    return null;
  }

  private boolean isTokens(Value value) {
    return layers.get(value).kind() == FeatureKind.TOKENS;
  }

  /**
   * Whether the tokens of a cut point are mixed for every place of theirs, not only for a token
   * that asks all others: by an operation that mixes the values of each place, or a good part.
   */
  private boolean mixesPlaces(Value cut) {
    FeatureLayer layer = layers.get(cut);
    long values = (long) layer.height() * layer.width() * layer.channels();
    return isTokens(cut) && mixed.get(cut) >= values / PART;
  }

  /** The tokens that are mixed before a cut point, latest last. */
  private List<Value> mixedBefore(Value end) {
    List<Value> before = cuts.subList(0, cuts.indexOf(end));
    return mixed.keySet().stream().filter(this::mixesPlaces).filter(before::contains).toList();
  }

  /**
   * Of a network that ends in tokens of one grid: those that are read by the last two operations
   * that mix tokens, and the last sum. Else none.
   */
  private List<Value> tokens() {
    Value end = cuts.isEmpty() || !isTokens(last(cuts)) ? null : lastSum();
    long grids = cuts.stream().filter(this::isTokens).map(this::resolution).distinct().count();
    if (end == null || grids > 1) {
      return List.of();
    }
    List<Value> read = mixedBefore(end);
    if (read.isEmpty()) {
      return List.of();
    }
    List<Value> chosen = new ArrayList<>(read.subList(Math.max(0, read.size() - 2), read.size()));
    chosen.add(end);
    return chosen;
  }

  /** The layers explained by default, latest last. */
  List<String> defaultLayers() {
    List<Value> tokens = tokens();
    if (!tokens.isEmpty()) {
      return tokens.stream().map(value -> layers.get(value).node()).toList();
    }
    Map<List<Long>, List<Value>> stages = new LinkedHashMap<>();
    for (Value cut : cuts) {
      List<Long> own = stage(cut);
      List<Long> known =
          stages.keySet().stream().filter(other -> areAlike(own, other)).findFirst().orElse(own);
      stages.computeIfAbsent(known, key -> new ArrayList<>()).add(cut);
    }
    List<Value> chosen = new ArrayList<>();
    List<Value> fine = new ArrayList<>();
    List<List<Value>> inTurn = new ArrayList<>(stages.values());
    for (List<Value> stage : inTurn) {
      Value value = choose(stage, stage == last(inTurn));
      (isCoarse(layers.get(value)) ? chosen : fine).add(value);
    }
    if (!chosen.isEmpty() && chosen.size() < STAGES) {
      chosen.addAll(0, sideBySide(stages.keySet(), chosen.get(0)));
    }
    List<Value> usable = chosen.isEmpty() ? fine : chosen;
    usable = usable.isEmpty() ? sideBySide(Set.of(), null) : usable;
    return usable.subList(Math.max(0, usable.size() - STAGES), usable.size()).stream()
        .map(value -> layers.get(value).node())
        .toList();
  }

  /**
   * Where branches of several resolutions run side by side, no cut point is in them: of each
   * resolution without one the last sum or concatenation, with the activation behind it.
   *
   * @param known resolutions of cut points
   * @param end only what is computed before it, and of maps only; null for all
   */
  private List<Value> sideBySide(Set<List<Long>> known, Value end) {
    Map<List<Long>, Value> found = new LinkedHashMap<>();
    for (Operation operation : operations) {
      Value value = operation.output();
      if (value == end) {
        break;
      }
      FeatureLayer layer = layers.get(value);
      if (layer == null || (layer.kind() != FeatureKind.MAP && end != null) || !isCoarse(layer)) {
        continue;
      }
      List<Long> resolution = resolution(value);
      Value before = found.get(resolution);
      if (!known.contains(resolution)
          && (joins(operation) || (before != null && activates(before, value)))) {
        found.remove(resolution);
        found.put(resolution, value);
      }
    }
    return List.copyOf(found.values());
  }

  private boolean isCoarse(FeatureLayer layer) {
    return COARSE * (layer.height() - 1) < image.height()
        && COARSE * (layer.width() - 1) < image.width();
  }

  /** The resolution that a cut point belongs to; a max pool to the one before it. */
  private List<Long> stage(Value cut) {
    if (cut.producer().is("MaxPool")) {
      long[] shape = cut.producer().value(0).shape();
      return List.of(shape[2], shape[3]);
    }
    return resolution(cut);
  }

  private List<Long> resolution(Value value) {
    FeatureLayer layer = layers.get(value);
    return List.of((long) layer.height(), (long) layer.width());
  }

  /** Whether neither height nor width of one is half as large again as the other's, or more. */
  private static boolean areAlike(List<Long> one, List<Long> other) {
    for (int i = 0; i < one.size(); i++) {
      long larger = Math.max(one.get(i), other.get(i));
      long smaller = Math.min(one.get(i), other.get(i));
      if (2 * larger >= 3 * smaller) {
        return false;
      }
    }
    return true;
  }

  private static Value choose(List<Value> stage, boolean last) {
    if (last || last(stage).producer().is("MaxPool")) {
      return last(stage);
    }
    for (int i = stage.size() - 1; i >= 0; i--) {
      if (joins(stage.get(i).producer())) {
        boolean activated = i + 1 < stage.size() && activates(stage.get(i), stage.get(i + 1));
        return stage.get(activated ? i + 1 : i);
      }
    }
    return last(stage);
  }

  private static boolean joins(Operation operation) {
    return operation.is("Add", "Sum", "Concat") && operation.values().size() > 1;
  }

  /** Whether a value is another one's activation: of it alone, or of it and its gate. */
  private static boolean activates(Value from, Value to) {
    Operation operation = to.producer();
    if (ACTIVATIONS.contains(operation.type()) && operation.input(0) == from) {
      return true;
    }
    return operation.is("Mul")
        && operation.values().contains(from)
        && operation.values().stream()
            .anyMatch(
                other ->
                    other.producer() != null
                        && GATES.contains(other.producer().type())
                        && other.producer().input(0) == from);
  }
}
