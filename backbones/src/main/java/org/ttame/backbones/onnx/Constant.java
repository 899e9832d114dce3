package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.Arrays;
import java.util.function.DoublePredicate;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.ttame.core.Text;

/**
 * A tensor whose elements are known: a strided view on a {@link Storage}, so that transposing,
 * slicing or reshaping a weight of any size moves nothing.
 */
final class Constant implements Operand {
  /** Elements of a weight that are in memory at once while it is only looked through. */
  private static final int BLOCK = 1 << 14;

  /** Steps from storage to storage that wait until elements are read. */
  private static final int DEPTH = 8;

  private final Storage storage;
  private final long[] shape;
  private final long[] strides;
  private final long offset;

  private Constant(Storage storage, long[] shape, long[] strides, long offset) {
    this.storage = storage;
    this.shape = shape;
    this.strides = strides;
    this.offset = offset;
  }

  /** All elements of a storage, row by row. */
  static Constant of(Storage storage, long... shape) {
    return new Constant(storage, shape.clone(), rowMajor(shape), 0);
  }

  /** Elements of a storage by strides. */
  static Constant strided(Storage storage, long[] shape, long[] strides) {
    return new Constant(storage, shape.clone(), strides.clone(), 0);
  }

  static Constant ofIntegers(long[] values, long... shape) {
    double[] doubles = LongStream.of(values).asDoubleStream().toArray();
    return of(new Storage.InMemory(doubles, true), shape);
  }

  /** What was computed, rounded to the type it was computed in; takes the array over. */
  static Constant computed(double[] values, ElementType type, long... shape) {
    for (int i = 0; i < values.length; i++) {
      values[i] = type.fit(values[i]);
    }
    return of(new Storage.InMemory(values, type), shape);
  }

  /** Memory for all elements of a tensor; the one place where evaluation takes any. */
  static double[] room(long... shape) {
    return new double[Budget.inMemory(count(shape))];
  }

  static Constant ofValues(double[] values, boolean integer, long... shape) {
    return of(new Storage.InMemory(values, integer), shape);
  }

  /** The positions 0, 1, 2 … of a tensor of that shape. */
  static Constant positions(long... shape) {
    return of(new Storage.Counting(count(shape)), shape);
  }

  @Override
  public long[] shape() {
    return shape.clone();
  }

  Storage storage() {
    return storage;
  }

  long stride(int axis) {
    return strides[axis];
  }

  long offset() {
    return offset;
  }

  /** Whether it is the numbers 0, 1, 2 … row by row: {@link #positions} that nothing has moved. */
  boolean isInOrder() throws IOException {
    if (storage instanceof Storage.Counting) {
      return size() == storage.size() && contiguous();
    }
    long[] next = {0};
    boolean[] inOrder = {true};
    inParts(1, (index, values, from) -> inOrder[0] &= values[from] == next[0]++);
    return inOrder[0];
  }

  /** Whether its numbers can be read here; those of weights of a backbone file cannot. */
  boolean isAtHand() {
    return !(storage instanceof Storage.Elsewhere);
  }

  /**
   * One element of an axis along which all are the same, which stays as an axis of one.
   *
   * @throws UnsupportedGraphException if they are not
   */
  Constant unrepeated(int axis, Object what) throws IOException {
    Constant first = slice(axis, 0, 1, 1);
    if (shape[axis] > 1 && strides[axis] != 0 && isAtHand()) {
      double[] expected = first.values();
      for (long i = 1; i < shape[axis]; i++) {
        if (!Arrays.equals(expected, slice(axis, i, 1, 1).values())) {
          throw new UnsupportedGraphException(
              what + " has a constant that differs between the images of a batch");
        }
      }
    }
    return first;
  }

  boolean integer() {
    return storage.integer();
  }

  ElementType type() {
    return storage.type();
  }

  long size() {
    return count(shape);
  }

  /** The same elements in another type; nothing is read for it, but after many such steps. */
  Constant cast(ElementType type) throws IOException {
    if (type == type()) {
      return this;
    }
    return storage.depth() < DEPTH
        ? new Constant(new Storage.Cast(storage, type), shape, strides, offset)
        : computed(values(), type, shape);
  }

  /**
   * Each element times its channel's factor plus its channel's summand. Nothing is computed before
   * it is read: normalised weights take no more memory than others.
   */
  Constant perChannel(int axis, double[] factors, double[] summands) throws IOException {
    boolean rows =
        contiguous() && offset == 0 && storage.size() == size() && storage.depth() < DEPTH;
    Storage source = rows ? storage : new Storage.InMemory(values(), type());
    long inner = count(Arrays.copyOfRange(shape, axis + 1, shape.length));
    return of(new Storage.PerChannel(source, inner, factors, summands), shape);
  }

  /** The elements, row by row. */
  double[] values() throws IOException {
    double[] result = room(shape);
    if (result.length == 0) {
      return result;
    }
    if (contiguous()) {
      storage.read(offset, result.length, result);
      return result;
    }
    boolean counting = storage instanceof Storage.Counting;
    double[] base = counting ? null : span();
    long[] index = new long[shape.length];
    int at = 0;
    for (int i = 0; i < result.length; i++) {
      result[i] = counting ? offset + at : base[at];
      for (int axis = shape.length - 1; axis >= 0; axis--) {
        at += (int) strides[axis];
        if (++index[axis] < shape[axis]) {
          break;
        }
        at -= (int) (strides[axis] * shape[axis]);
        index[axis] = 0;
      }
    }
    return result;
  }

  /** What is done with equally long parts of the elements, one after another. */
  interface Part {
    /**
     * Takes a part.
     *
     * @param index of the part
     * @param values an array that has it, overwritten afterwards
     * @param from where it begins there
     */
    void take(int index, double[] values, int from);
  }

  /**
   * Hands out the elements, row by row, in parts: a weight that lies in a file is in memory block
   * by block.
   *
   * @param length of a part, more than nothing; all together are whole parts
   */
  void inParts(int length, Part part) throws IOException {
    int count = Math.toIntExact(size() / length);
    boolean whole = !contiguous();
    int together = whole ? count : Math.max(1, BLOCK / length);
    double[] block =
        whole ? values() : new double[Budget.inMemory((long) Math.min(count, together) * length)];
    for (int first = 0; first < count; first += together) {
      int here = Math.min(together, count - first);
      if (!whole) {
        storage.read(offset + (long) first * length, here * length, block);
      }
      for (int i = 0; i < here; i++) {
        part.take(first + i, block, i * length);
      }
    }
  }

  long[] integers() throws IOException {
    double[] values = values();
    long[] result = new long[values.length];
    for (int i = 0; i < values.length; i++) {
      result[i] = (long) values[i];
    }
    return result;
  }

  /** The only element. */
  double scalar() throws IOException {
    if (size() != 1) {
      throw new UnsupportedGraphException(
          "expected a single value, got a tensor of shape " + Arrays.toString(shape));
    }
    return values()[0];
  }

  /** Whether it shows the same elements in the same order and shape. */
  boolean equalsView(Constant other) {
    return storage.equals(other.storage)
        && offset == other.offset
        && Arrays.equals(shape, other.shape)
        && IntStream.range(0, shape.length)
            .allMatch(axis -> shape[axis] == 1 || strides[axis] == other.strides[axis]);
  }

  /** Whether every element has that value. */
  boolean all(double value) throws IOException {
    return every(element -> element == value);
  }

  /** Whether no element has that value. */
  boolean none(double value) throws IOException {
    return every(element -> element != value);
  }

  private boolean every(DoublePredicate condition) throws IOException {
    Constant distinct = this;
    for (int axis = shape.length - 1; axis >= 0; axis--) {
      if (strides[axis] == 0 && shape[axis] > 0) {
        distinct = distinct.select(axis, 0);
      }
    }
    for (double element : distinct.values()) {
      if (!condition.test(element)) {
        return false;
      }
    }
    return true;
  }

  /** Every element that the view can reach, from its first on. */
  private double[] span() throws IOException {
    long reach = 1;
    for (int axis = 0; axis < shape.length; axis++) {
      reach += (shape[axis] - 1) * strides[axis];
    }
    double[] base = new double[Budget.inMemory(reach)];
    storage.read(offset, base.length, base);
    return base;
  }

  Constant transpose(int... permutation) {
    return new Constant(
        storage,
        IntStream.of(permutation).mapToLong(axis -> shape[axis]).toArray(),
        IntStream.of(permutation).mapToLong(axis -> strides[axis]).toArray(),
        offset);
  }

  /** Elements {@code start, start + step …} of an axis, {@code length} of them; step positive. */
  Constant slice(int axis, long start, long length, long step) {
    long[] newShape = shape.clone();
    long[] newStrides = strides.clone();
    newShape[axis] = length;
    newStrides[axis] = strides[axis] * step;
    return new Constant(storage, newShape, newStrides, offset + start * strides[axis]);
  }

  /**
   * Elements of an axis in any order, as often as they are named; they are copied, once where other
   * axes repeat them.
   */
  Constant pick(int axis, long... indices) throws IOException {
    Constant distinct = this;
    long[] target = shape.clone();
    target[axis] = indices.length;
    for (int other = 0; other < shape.length; other++) {
      if (other != axis && strides[other] == 0 && shape[other] > 0) {
        distinct = distinct.slice(other, 0, 1, 1);
      }
    }
    long[] newShape = distinct.shape();
    newShape[axis] = indices.length;
    int inner = (int) count(Arrays.copyOfRange(newShape, axis + 1, shape.length));
    int outer = (int) count(Arrays.copyOf(newShape, axis));
    double[] result = room(newShape);
    double[] values = result.length == 0 ? result : distinct.values();
    for (int row = 0; row < outer; row++) {
      for (int i = 0; i < indices.length; i++) {
        long from = (row * shape[axis] + indices[i]) * inner;
        int to = (row * indices.length + i) * inner;
        System.arraycopy(values, (int) from, result, to, inner);
      }
    }
    return of(new Storage.InMemory(result, type()), newShape).broadcast(target);
  }

  /** One element of an axis, which goes. */
  Constant select(int axis, long index) {
    return new Constant(
        storage, without(shape, axis), without(strides, axis), offset + index * strides[axis]);
  }

  /** Numpy's broadcasting to a larger shape. */
  Constant broadcast(long... target) {
    long[] newStrides = new long[target.length];
    int shift = target.length - shape.length;
    for (int axis = 0; axis < shape.length; axis++) {
      if (shape[axis] == target[axis + shift]) {
        newStrides[axis + shift] = strides[axis];
      } else if (shape[axis] != 1) {
        throw new UnsupportedGraphException(
            Text.format(
                "cannot broadcast %s to %s", Arrays.toString(shape), Arrays.toString(target)));
      }
    }
    count(target);
    return new Constant(storage, target.clone(), newStrides, offset);
  }

  Constant reshape(long... target) throws IOException {
    if (count(target) != size()) {
      throw new UnsupportedGraphException(
          Text.format("cannot reshape %s to %s", Arrays.toString(shape), Arrays.toString(target)));
    }
    long[] newStrides = size() == 0 ? rowMajor(target) : reshapedStrides(target);
    if (newStrides != null) {
      return new Constant(storage, target.clone(), newStrides, offset);
    }
    return of(new Storage.InMemory(values(), type()), target);
  }

  /** Strides of the same elements under another shape, or null where there are none. */
  private long[] reshapedStrides(long[] target) {
    long[] result = new long[target.length];
    int from = 0;
    int to = 0;
    while (from < shape.length || to < target.length) {
      int fromEnd = from;
      int toEnd = to;
      long left = fromEnd < shape.length ? shape[fromEnd++] : 1;
      long right = toEnd < target.length ? target[toEnd++] : 1;
      while (left != right) {
        if (left < right) {
          left *= shape[fromEnd++];
        } else {
          right *= target[toEnd++];
        }
      }
      long stride = -1;
      long run = 1;
      for (int axis = fromEnd - 1; axis >= from; axis--) {
        if (shape[axis] == 1) {
          continue;
        }
        if (stride < 0) {
          stride = strides[axis];
        } else if (strides[axis] != stride * run) {
          return null;
        }
        run *= shape[axis];
      }
      long step = Math.max(stride, 0);
      for (int axis = toEnd - 1; axis >= to; axis--) {
        result[axis] = step;
        step *= target[axis];
      }
      from = fromEnd;
      to = toEnd;
    }
    return result;
  }

  private boolean contiguous() {
    long[] rows = rowMajor(shape);
    return IntStream.range(0, shape.length)
        .allMatch(axis -> shape[axis] == 1 || strides[axis] == rows[axis]);
  }

  /**
   * The number of elements.
   *
   * @throws ArithmeticException if it is too large or a size is negative
   */
  static long count(long... shape) {
    long count = 1;
    for (long size : shape) {
      if (size < 0) {
        throw new ArithmeticException("a tensor cannot have a size of " + size);
      }
      count = Math.multiplyExact(count, size);
    }
    return count;
  }

  /** How far apart neighbours along each axis are where elements lie row by row. */
  static long[] rowMajor(long[] shape) {
    long[] strides = new long[shape.length];
    long step = 1;
    for (int axis = shape.length - 1; axis >= 0; axis--) {
      strides[axis] = step;
      step *= shape[axis];
    }
    return strides;
  }

  private static long[] without(long[] array, int axis) {
    return IntStream.range(0, array.length)
        .filter(i -> i != axis)
        .mapToLong(i -> array[i])
        .toArray();
  }
}
