package org.ttame.core.engine;

import java.util.ArrayList;
import java.util.Collection;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.array.SingleThreadArrayHolder;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.autodiff.samediff.internal.Variable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A graph's constants, of which the weights of convolutions and products are kept in bfloat16 and
 * not in float32: as kernels multiply them. They are in memory once, with the bits as they are
 * ({@link #bits}) or where a kernel's own copy of them is ({@link #release}).
 *
 * <p>Whoever asks the graph for one gets an array of float32 with the rounded values, and the
 * weight stays float32 from then on. The array is the same one before and after; in between it has
 * a shape and no values. Like the graph, this serves one thread at a time.
 *
 * <p>{@link GraphRunner#of} makes a graph's constants such. A graph that is written for bfloat16
 * can have its weights so from the start, and never needs room for them in float32: {@link #in},
 * {@link #add} for each, {@link #settle} at the end.
 */
public final class NarrowConstants extends SingleThreadArrayHolder implements AutoCloseable {
  /** Values below which an array is not worth the trouble. */
  private static final long LEAST = 1024;

  /** Operations whose second input is multiplied in bfloat16. */
  private static final Set<String> PRODUCTS = Set.of("conv2d", "matmul");

  private final IdentityHashMap<INDArray, Narrow> narrow = new IdentityHashMap<>();

  /** Bits of weights that are float32 again, which kernels read. */
  private final List<INDArray> stillRead = new ArrayList<>();

  private boolean asTheyAre;

  /** A weight in bfloat16. */
  private static final class Narrow {
    /** Its values, or null while a kernel has the only copy. */
    private INDArray bits;

    /** Makes the values anew from that copy. */
    private Supplier<INDArray> back;

    /** Whether a kernel reads the bits where they lie. */
    private boolean read;
  }

  private NarrowConstants() {}

  /**
   * Constants of a graph that is being written.
   *
   * @param graph without constants yet
   * @return the graph's own from now on
   */
  public static NarrowConstants in(SameDiff graph) {
    NarrowConstants constants = new NarrowConstants();
    constants.asTheyAre = true;
    graph.setConstantArrays(constants);
    return constants;
  }

  /** Whether a weight of a shape is worth keeping in bfloat16. */
  public static boolean takes(long... shape) {
    return shape.length > 1 && OperationCall.length(shape) >= LEAST;
  }

  /**
   * A weight for the graph.
   *
   * @param bits its values, of type BFLOAT16, dense in c order; this object's from now on
   * @return of type float32 and the same shape, without values: to be given to the graph
   */
  public INDArray add(INDArray bits) {
    INDArray array;
    try (RawMemory untouched =
        new RawMemory(RawMemory.kind(DataType.FLOAT), bits.length() * Float.BYTES)) {
      array = untouched.array(DataType.FLOAT, 0, bits.shape());
    }
    Narrow entry = new Narrow();
    entry.bits = bits;
    narrow.put(array, entry);
    return array;
  }

  /**
   * Rounds a weight to bfloat16.
   *
   * @param weight of type float32, dense in c order; stays the caller's
   * @return of type BFLOAT16 and the same shape; the caller's
   * @throws java.util.NoSuchElementException if oneDNN is not there, see {@link Precision}
   */
  public static INDArray rounded(INDArray weight) {
    INDArray bits = Nd4j.createUninitialized(DataType.BFLOAT16, weight.shape(), 'c');
    cast(casts().narrow(weight.length()), weight, bits);
    return bits;
  }

  /** Loads a weight with its exact values. */
  @FunctionalInterface
  public interface Exact<E extends Exception> {
    /**
     * Loads.
     *
     * @param name the graph's
     * @param shape what is needed
     * @return of type float32; the graph's from now on
     */
    INDArray load(String name, long... shape) throws E;
  }

  /**
   * Ends the writing of a graph: who asks for a weight gets its values from now on. Weights that
   * something else than a convolution or a product reads, too, must not be rounded, and are loaded
   * again.
   *
   * @param graph whose constants these are
   */
  public <E extends Exception> void settle(SameDiff graph, Exact<E> exact) throws E {
    for (Variable variable : graph.getVariables().values()) {
      String name = variable.getName();
      INDArray array = hasArray(name) ? super.getArray(name) : null;
      if (isNarrow(array) && !isMultipliedOnly(graph, variable)) {
        narrow.remove(array).bits.close();
        setArray(name, exact.load(name, array.shape()));
      }
    }
    asTheyAre = false;
  }

  /** A graph's, if it has them; otherwise some of no graph's, until {@link #narrow}. */
  static NarrowConstants of(SameDiff graph) {
    return graph.getConstantArrays() instanceof NarrowConstants own ? own : new NarrowConstants();
  }

  /**
   * Rounds a graph's weights to bfloat16, for good. Other constants are left alone, and so are
   * weights that something else reads, too.
   *
   * @param graph whose constants are kept here from now on
   */
  void narrow(SameDiff graph) {
    if (graph.getConstantArrays() == this) {
      return;
    }
    initFrom(graph.getConstantArrays());
    graph.setConstantArrays(this);
    for (Variable variable : graph.getVariables().values()) {
      INDArray array = hasArray(variable.getName()) ? getArray(variable.getName()) : null;
      if (array != null && isMultipliedOnly(graph, variable) && canBeNarrow(array)) {
        narrow(array);
      }
    }
  }

  private static boolean isMultipliedOnly(SameDiff graph, Variable constant) {
    Collection<String> readers = constant.getInputsForOp();
    return readers != null
        && !readers.isEmpty()
        && readers.stream()
            .map(graph.getOps()::get)
            .allMatch(reader -> multipliesBy(reader, constant.getName()));
  }

  private static boolean multipliesBy(SameDiffOp reader, String constant) {
    List<String> inputs = reader.getInputsToOp();
    return PRODUCTS.contains(reader.getOp().opName())
        && inputs.indexOf(constant) == 1
        && inputs.lastIndexOf(constant) == 1;
  }

  private static boolean canBeNarrow(INDArray array) {
    return array.dataType() == DataType.FLOAT
        && takes(array.shape())
        && array.ordering() == 'c'
        && array.elementWiseStride() == 1
        && array.offset() == 0
        && array.closeable()
        && array.data().length() == array.length();
  }

  private void narrow(INDArray array) {
    Narrow entry = new Narrow();
    entry.bits = rounded(array);
    narrow.put(array, entry);
    array.data().close();
  }

  private static PrecisionPass.Casts casts() {
    return DnnKernels.casts(OneDnn.instance().orElseThrow());
  }

  private static void cast(Kernel kernel, INDArray from, INDArray to) {
    try (kernel) {
      kernel.bind(List.of(from), to).run();
    }
  }

  @Override
  public INDArray getArray(String name) {
    INDArray array = super.getArray(name);
    return asTheyAre ? array : wide(array);
  }

  @Override
  public INDArray removeArray(String name) {
    return wide(super.removeArray(name));
  }

  /** Runs something that asks the graph for arrays and reads no values. */
  <T> T asTheyAre(Supplier<T> work) {
    boolean before = asTheyAre;
    asTheyAre = true;
    try {
      return work.get();
    } finally {
      asTheyAre = before;
    }
  }

  /** Whether an array is a weight in bfloat16, and has no values of its own. */
  boolean isNarrow(INDArray array) {
    return narrow.containsKey(array);
  }

  /**
   * An array with its values.
   *
   * @param array any, or null; a weight in bfloat16 is float32 from now on
   * @return the same one
   */
  INDArray wide(INDArray array) {
    if (!isNarrow(array)) {
      return array;
    }
    INDArray bits = bits(array);
    INDArray values = Nd4j.createUninitialized(DataType.FLOAT, array.shape(), 'c');
    cast(casts().widen(array.length()), bits, values);
    array.setData(values.data());
    if (narrow.remove(array).read) {
      stillRead.add(bits);
    } else {
      bits.close();
    }
    return array;
  }

  /** Gives all weights their float32 values again. */
  void widen() {
    List.copyOf(narrow.keySet()).forEach(this::wide);
  }

  /**
   * The values of a weight in bfloat16.
   *
   * @param array one that {@link #isNarrow}
   * @return of type BFLOAT16 and the same shape; stays this object's, until it is released
   */
  INDArray bits(INDArray array) {
    Narrow entry = narrow.get(array);
    if (entry.bits == null) {
      entry.bits = entry.back.get();
      entry.back = null;
    }
    return entry.bits;
  }

  /** As {@link #bits}, of which a kernel reads the memory as long as there is the graph. */
  INDArray readBits(INDArray array) {
    INDArray bits = bits(array);
    narrow.get(array).read = true;
    return bits;
  }

  /**
   * Frees a weight's values until somebody asks for them, unless a kernel reads them here.
   *
   * @param array one that {@link #isNarrow}
   * @param back makes them anew: of type BFLOAT16 and the same shape
   */
  void release(INDArray array, Supplier<INDArray> back) {
    Narrow entry = narrow.get(array);
    if (!entry.read) {
      entry.bits.close();
      entry.bits = null;
      entry.back = back;
    }
  }

  /** Frees all weights in bfloat16, whoever needs them. */
  @Override
  public void close() {
    narrow.values().forEach(entry -> GraphResult.release(entry.bits));
    narrow.clear();
    stillRead.forEach(INDArray::close);
    stillRead.clear();
  }
}
