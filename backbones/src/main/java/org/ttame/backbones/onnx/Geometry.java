package org.ttame.backbones.onnx;

import java.util.Arrays;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.ttame.core.classifier.FeatureKind;
import org.ttame.core.classifier.FeatureLayer;

/**
 * Where in the image the values of an imported graph are: which axes of each are rows and columns,
 * which is both as tokens, and how many tokens stand in front. Followed from the image on; lost
 * where windows are cut, found again where heads are joined, where a sum joins what was computed in
 * windows, and where the pixels of patches become channels.
 */
final class Geometry {
  private final IdentityHashMap<Value, Places> known = new IdentityHashMap<>();

  /** Of values under another shape, the value whose shape gives their places back. */
  private final IdentityHashMap<Value, Value> hidden = new IdentityHashMap<>();

  /**
   * The axes of a value that say where its numbers are.
   *
   * @param channel axis of the channels
   * @param row axis of the rows, or of the tokens
   * @param column axis of the columns; −1 for tokens
   * @param height of the grid
   * @param width of the grid
   * @param prefix tokens in front of those of the grid
   */
  record Places(int channel, int row, int column, long height, long width, long prefix) {
    boolean tokens() {
      return column < 0;
    }

    /** With every axis moved; empty if one of them is lost. */
    Optional<Places> moved(int[] to) {
      int c = to[channel];
      int r = to[row];
      int k = column < 0 ? -1 : to[column];
      return c < 0 || r < 0 || (column >= 0 && k < 0)
          ? Optional.empty()
          : Optional.of(new Places(c, r, k, height, width, prefix));
    }
  }

  /** How many images the shapes are for. */
  private final long images;

  private final TokenRows rows;

  /** Heights and widths of the maps whose places are known. */
  private final Set<List<Long>> grids = new HashSet<>();

  private Geometry(long images) {
    this.images = images;
    rows = new TokenRows(images);
  }

  /** Of values that are in no image, as far as is known. */
  static Geometry unknown() {
    return new Geometry(0);
  }

  /**
   * Follows places through a graph.
   *
   * @param operations from image to logits
   * @param batch how many images the shapes are for
   */
  static Geometry of(ImageInput image, List<Operation> operations, long batch) {
    Geometry geometry = new Geometry(batch);
    geometry.known.put(image.value(), image.places());
    geometry.grids.add(List.of(image.places().height(), image.places().width()));
    for (Operation operation : operations) {
      for (Value output : operation.outputs()) {
        geometry.follow(operation, output, batch).ifPresent(at -> geometry.known.put(output, at));
        geometry.hide(operation, output);
        Optional<Places> again = geometry.rows.follow(operation, output);
        again.ifPresent(at -> geometry.known.putIfAbsent(output, at));
        geometry.places(output).ifPresent(at -> geometry.note(output, at));
      }
    }
    return geometry;
  }

  private void note(Value value, Places at) {
    rows.put(value, at);
    if (!at.tokens()) {
      grids.add(List.of(at.height(), at.width()));
    }
  }

  /**
   * Whether values of an image with so many rows and columns lie as the image does: as those do
   * whose places are known. What was cut into patches, and is put together again, has the size that
   * it had before; pixels of a patch beside patches of the image have another.
   */
  boolean isGrid(long height, long width) {
    return grids.contains(List.of(height, width));
  }

  /** Where a value's numbers are, if that is known. */
  Optional<Places> places(Value value) {
    return Optional.ofNullable(known.get(value));
  }

  /**
   * Of what a window makes of a map, along whose axes it has other sizes. What is not known to be
   * one is taken for one by its size, but for patches of images.
   */
  private Optional<Places> map(Value from, Value to) {
    long[] shape = to.shape();
    Optional<Places> of = places(from);
    if (of.isEmpty() && from.shape()[0] <= images && isGrid(from.shape()[2], from.shape()[3])) {
      return Optional.of(new Places(1, 2, 3, shape[2], shape[3], 0));
    }
    return of.filter(at -> at.channel() == 1 && Math.min(at.row(), at.column()) > 1)
        .map(at -> new Places(1, at.row(), at.column(), shape[at.row()], shape[at.column()], 0));
  }

  private Optional<Places> follow(Operation operation, Value output, long batch) {
    if (operation.is("Conv", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool")) {
      return output.rank() == 4 ? map(operation.value(0), output) : Optional.empty();
    }
    return switch (operation.type()) {
      case "Transpose" -> transposed(operation);
      case "Reshape", "Flatten", "Squeeze", "Unsqueeze" ->
          reshaped(operation, batch).or(() -> Patches.of(operation, this::places));
      case "Concat" -> joined(operation);
      case "Slice" -> sliced(operation);
      case "Resize", "Upsample", "Pad" -> resized(operation);
      case "DepthToSpace", "SpaceToDepth" -> map(operation.value(0), output);
      case "MatMul", "Gemm", Fusion.LINEAR -> product(operation);
      case "Gather", "Split" -> Optional.empty();
      default -> alike(operation, output);
    };
  }

  /**
   * Groups of channels are normalised under another shape, and given the old one again: as long as
   * every value stays where it is, its place is known again then.
   */
  private void hide(Operation operation, Value output) {
    if (operation.values().isEmpty() || known.containsKey(output)) {
      return;
    }
    Value from = operation.values().get(0);
    boolean reshape = operation.is("Reshape", "Flatten");
    boolean kept = operation.values().size() == 1 && Arrays.equals(from.shape(), output.shape());
    if (reshape && known.containsKey(from)) {
      hidden.put(output, from);
    } else if (hidden.containsKey(from) && (reshape || (kept && !operation.is("Transpose")))) {
      Value origin = hidden.get(from);
      if (Arrays.equals(origin.shape(), output.shape())) {
        known.put(output, known.get(origin));
      } else {
        hidden.put(output, origin);
      }
    }
  }

  /** Of an operand that has the output's shape, as sums and activations have. */
  private Optional<Places> alike(Operation operation, Value output) {
    return operation.values().stream()
        .filter(value -> Arrays.equals(value.shape(), output.shape()))
        .flatMap(value -> places(value).stream())
        .findFirst();
  }

  private Optional<Places> transposed(Operation transpose) {
    Value from = transpose.value(0);
    int[] permutation = Movement.permutation(transpose.node(), from.rank());
    int[] to =
        IntStream.range(0, from.rank()).map(axis -> Tensor.place(permutation, axis)).toArray();
    return places(from).flatMap(at -> at.moved(to));
  }

  private Optional<Places> reshaped(Operation reshape, long batch) {
    Value from = reshape.value(0);
    Optional<Places> before = places(from);
    if (before.isEmpty()) {
      return before;
    }
    Places at = before.get();
    long[] shape = from.shape();
    long[] target = reshape.output().shape();
    Regrouping groups;
    try {
      groups = Regrouping.of(shape, target, 0, batch, reshape);
    } catch (UnsupportedGraphException e) {
      return Optional.empty();
    }
    int[] to = new int[shape.length];
    Arrays.fill(to, -1);
    int[] grid = {};
    for (Regrouping.Group group : groups.groups()) {
      int[] own = large(shape, group.start(), group.end());
      int[] theirs = large(target, group.first(), group.last());
      if (own.length == 1 && theirs.length == 1) {
        to[own[0]] = theirs[0];
      } else if (isMerged(at, own, theirs) || isSplit(at, own, theirs, target)) {
        grid = theirs;
      }
    }
    int channel = to[at.channel()];
    if (grid.length == 0) {
      return at.moved(to);
    }
    return channel < 0
        ? Optional.empty()
        : Optional.of(
            new Places(
                channel, grid[0], grid.length == 1 ? -1 : grid[1], at.height(), at.width(), 0));
  }

  /** Whether rows and columns became tokens. */
  private static boolean isMerged(Places at, int[] own, int[] theirs) {
    return !at.tokens()
        && Arrays.equals(own, new int[] {at.row(), at.column()})
        && theirs.length == 1;
  }

  /** Whether tokens became rows and columns. */
  private static boolean isSplit(Places at, int[] own, int[] theirs, long[] target) {
    return at.tokens()
        && at.prefix() == 0
        && Arrays.equals(own, new int[] {at.row()})
        && theirs.length == 2
        && target[theirs[0]] == at.height()
        && target[theirs[1]] == at.width();
  }

  /** The axes of a range that have more than one place. */
  static int[] large(long[] shape, int from, int to) {
    return IntStream.range(from, to).filter(axis -> shape[axis] != 1).toArray();
  }

  /** Tokens put in front of a grid's become its prefix. */
  private Optional<Places> joined(Operation concat) {
    Value last = concat.values().get(concat.values().size() - 1);
    Optional<Places> of = places(last);
    int axis = Movement.axis(concat.node().integer("axis", 1), concat.output().rank());
    if (of.isEmpty() || axis != of.get().row()) {
      return of.isPresent() && axis == of.get().channel() ? of : Optional.empty();
    }
    Places at = of.get();
    boolean behind = concat.inputs().get(concat.inputs().size() - 1) == last;
    long more = concat.output().shape()[axis] - last.shape()[axis];
    return at.tokens() && behind
        ? Optional.of(
            new Places(at.channel(), at.row(), -1, at.height(), at.width(), at.prefix() + more))
        : Optional.empty();
  }

  /** Without some of the tokens in front, or with fewer channels. */
  private Optional<Places> sliced(Operation slice) {
    Value from = slice.value(0);
    long[] shape = from.shape();
    long[] target = slice.output().shape();
    Optional<Places> of = places(from);
    if (of.isEmpty()) {
      return of;
    }
    Places at = of.get();
    if (isSampled(at, shape, target)) {
      return Optional.of(
          new Places(
              at.channel(), at.row(), at.column(), target[at.row()], target[at.column()], 0));
    }
    long gone = shape[at.row()] - target[at.row()];
    boolean rest =
        IntStream.range(0, shape.length)
            .allMatch(
                axis -> axis == at.row() || axis == at.channel() || shape[axis] == target[axis]);
    boolean whole = at.tokens() && target[at.row()] == at.height() * at.width();
    return rest && (gone == 0 || (whole && gone == at.prefix()))
        ? Optional.of(
            new Places(
                at.channel(), at.row(), at.column(), at.height(), at.width(), at.prefix() - gone))
        : Optional.empty();
  }

  /** With more or fewer rows and columns. */
  private Optional<Places> resized(Operation resize) {
    long[] shape = resize.output().shape();
    return places(resize.value(0))
        .filter(at -> !at.tokens())
        .map(
            at ->
                new Places(
                    at.channel(), at.row(), at.column(), shape[at.row()], shape[at.column()], 0));
  }

  /** Whether every second row and column is left, or every third and so on. */
  private static boolean isSampled(Places at, long[] shape, long[] target) {
    return !at.tokens()
        && !Arrays.equals(shape, target)
        && IntStream.range(0, shape.length)
            .allMatch(
                axis ->
                    shape[axis] == target[axis]
                        || ((axis == at.row() || axis == at.column())
                            && target[axis] * 2 <= shape[axis] + 1));
  }

  /**
   * The order in which a value's axes lie as those of layers do: batch first, channels last; empty
   * where its places are not known.
   *
   * @param carrier the axis with the batch; if it has been lost track of, {@link Tensor#NONE}, the
   *     one that is left, if it has as many values as there are images
   */
  Optional<int[]> order(Value value, int carrier) {
    return places(value).flatMap(at -> order(value, at, carrier));
  }

  private Optional<int[]> order(Value value, Places at, int carrier) {
    int[] inner =
        at.tokens()
            ? new int[] {at.row(), at.channel()}
            : new int[] {at.row(), at.column(), at.channel()};
    if (inner.length + 1 != value.rank()) {
      return Optional.empty();
    }
    int batch = carrier;
    if (carrier == Tensor.NONE) {
      batch = IntStream.rangeClosed(0, inner.length).sum() - IntStream.of(inner).sum();
    }
    int carries = batch;
    if (IntStream.of(inner).anyMatch(axis -> axis == carries)
        || (carrier == Tensor.NONE && value.shape()[batch] != images)) {
      return Optional.empty();
    }
    return Optional.of(IntStream.concat(IntStream.of(batch), IntStream.of(inner)).toArray());
  }

  /** Rows times a weight: the same places, with other channels. */
  private Optional<Places> product(Operation product) {
    if (product.values().size() != 1 || !(product.input(0) instanceof Value from)) {
      return Optional.empty();
    }
    return places(from).filter(at -> at.channel() == from.rank() - 1);
  }

  /**
   * A value as a layer, if its places are known and lie as layers do: batch first, channels last.
   *
   * @param node what to call it
   * @param tensor where it lies
   */
  Optional<FeatureLayer> layer(Value value, String node, Tensor tensor) {
    Optional<Places> of = places(value);
    if (of.isEmpty() || of.get().height() * of.get().width() == 1) {
      return Optional.empty();
    }
    Places at = of.get();
    boolean lies =
        order(value, tensor.batch()).filter(o -> Arrays.equals(o, tensor.order())).isPresent()
            && tensor.shape()[tensor.order()[0]] == images;
    if (!lies) {
      return Optional.empty();
    }
    return Optional.of(
        new FeatureLayer(
            node,
            tensor.variable().name(),
            at.tokens() ? FeatureKind.TOKENS : FeatureKind.MAP,
            Math.toIntExact(value.shape()[at.channel()]),
            Math.toIntExact(at.height()),
            Math.toIntExact(at.width()),
            Math.toIntExact(at.prefix())));
  }
}
