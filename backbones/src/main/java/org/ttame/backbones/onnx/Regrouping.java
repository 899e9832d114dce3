package org.ttame.backbones.onnx;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.ttame.core.Text;

/**
 * What a change of shape does: the smallest groups of neighbouring axes that hold the same values
 * before and after.
 */
final class Regrouping {
  /** A prime that no axis has as a factor. */
  private static final long MARK = 1_000_003;

  private final long[] from;
  private final long[] to;
  private final int fromBatch;
  private final int batch;
  private final List<Group> groups;

  /**
   * Axes {@code start} to {@code end} before, {@code first} to {@code last} after; ends excluded.
   */
  record Group(int start, int end, int first, int last) {}

  private Regrouping(long[] from, long[] to, int fromBatch, int batch, List<Group> groups) {
    this.from = from;
    this.to = to;
    this.fromBatch = fromBatch;
    this.batch = batch;
    this.groups = groups;
  }

  /**
   * Finds the groups.
   *
   * @param from shape before
   * @param to shape after
   * @param batch the axis of {@code from} with the batch as its outermost factor; or {@link
   *     Tensor#NONE}
   * @param images how many images that is
   * @param what for messages
   * @throws UnsupportedGraphException if the batch is outermost on no axis afterwards
   */
  static Regrouping of(long[] from, long[] to, int batch, long images, Object what) {
    if (images == 1 && batch != Tensor.NONE) {
      // One image's axis is like any other of one: what it may be afterwards is marked.
      int after = ofSameReach(from, to, batch);
      if (after < 0) {
        throw new UnsupportedGraphException(what + " mixes the images of a batch");
      }
      return of(marked(from, batch), marked(to, after), batch, MARK, what);
    }
    List<Group> groups = new ArrayList<>();
    int i = 0;
    int j = 0;
    int batchAfter = -1;
    while (i < from.length || j < to.length) {
      int start = i;
      int first = j;
      long left = i < from.length ? from[i++] : 1;
      long right = j < to.length ? to[j++] : 1;
      while (left != right) {
        if (left < right ? i == from.length : j == to.length) {
          throw new UnsupportedGraphException(
              Text.format(
                  "%s cannot reshape %s to %s", what, Arrays.toString(to), Arrays.toString(from)));
        }
        if (left < right) {
          left *= from[i++];
        } else {
          right *= to[j++];
        }
      }
      groups.add(new Group(start, i, first, j));
      if (batch >= start && batch < i) {
        batchAfter = batchAfter(from, to, start, batch, first, j, images);
      }
    }
    if (batchAfter < 0 && batch != Tensor.NONE) {
      throw new UnsupportedGraphException(what + " mixes the images of a batch");
    }
    return new Regrouping(from, to, batch, batchAfter, groups);
  }

  /** The first axis with as many values in front of it as an axis had before; -1 if none has. */
  private static int ofSameReach(long[] from, long[] to, int batch) {
    long reach = Constant.count(Arrays.copyOf(from, batch));
    return IntStream.range(0, to.length)
        .filter(axis -> Constant.count(Arrays.copyOf(to, axis)) == reach)
        .findFirst()
        .orElse(-1);
  }

  private static long[] marked(long[] shape, int axis) {
    long[] marked = shape.clone();
    marked[axis] *= MARK;
    return marked;
  }

  private static int batchAfter(
      long[] from, long[] to, int start, int batch, int first, int last, long images) {
    for (int axis = start; axis < batch; axis++) {
      if (from[axis] != 1) {
        return -1;
      }
    }
    int axis = first;
    while (images > 1 && axis < last && to[axis] == 1) {
      axis++;
    }
    return axis < last && to[axis] % images == 0 ? axis : -1;
  }

  /** The groups, in order. */
  List<Group> groups() {
    return List.copyOf(groups);
  }

  /** The axis with the batch afterwards. */
  int batch() {
    return batch;
  }

  /**
   * In which order the axes lie afterwards if no value moves.
   *
   * @param order in which they lie before
   * @return the order; null where values must move, because axes of a group lie apart
   */
  int[] order(int[] order) {
    int[] lying = IntStream.of(order).filter(this::counts).toArray();
    List<Integer> result = new ArrayList<>();
    List<Integer> ones = new ArrayList<>();
    int at = 0;
    boolean[] placed = new boolean[groups.size()];
    while (at < lying.length) {
      int number = groupOf(lying[at]);
      Group group = groups.get(number);
      int[] own = IntStream.range(group.start, group.end).filter(this::counts).toArray();
      int end = Math.min(lying.length, at + own.length);
      if (!Arrays.equals(own, Arrays.copyOfRange(lying, at, end))) {
        return null;
      }
      IntStream.range(group.first, group.last).forEach(result::add);
      placed[number] = true;
      at = end;
    }
    for (int number = 0; number < placed.length; number++) {
      if (!placed[number]) {
        IntStream.range(groups.get(number).first, groups.get(number).last).forEach(ones::add);
      }
    }
    // Axes of one value are free to lie anywhere; behind the rest they are in nobody's way.
    result.addAll(ones);
    return result.stream().mapToInt(Integer::intValue).toArray();
  }

  private boolean counts(int axis) {
    return from[axis] != 1 || axis == fromBatch;
  }

  private int groupOf(int axis) {
    return IntStream.range(0, groups.size())
        .filter(i -> axis >= groups.get(i).start && axis < groups.get(i).end)
        .findFirst()
        .orElseThrow();
  }

  @Override
  public String toString() {
    return Arrays.toString(from) + " → " + Arrays.toString(to);
  }
}
