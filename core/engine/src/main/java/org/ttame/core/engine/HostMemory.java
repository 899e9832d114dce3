package org.ttame.core.engine;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.nd4j.linalg.api.concurrency.AffinityManager.Location;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.core.Text;

/**
 * ND4J's arrays as memory of this process. On the processor they lie there; other backends keep
 * them on a device with a copy here, and an address means nothing.
 */
public final class HostMemory {
  /** ND4J's backend for the processor. */
  private static final String PROCESSOR = "CpuBackend";

  private HostMemory() {}

  /** The name of ND4J's backend: the simple name of its class. */
  public static String backend() {
    return Nd4j.getBackend().getClass().getSimpleName();
  }

  /**
   * Whether arrays lie in this process's memory.
   *
   * @param backend as {@link #backend()} names it
   */
  public static boolean holdsArrays(String backend) {
    return backend.equals(PROCESSOR);
  }

  /** Writes an array's values. */
  @FunctionalInterface
  public interface Writer<E extends Exception> {
    /**
     * Writes.
     *
     * @param memory of the array's length and type, in the processor's byte order
     */
    void write(ByteBuffer memory) throws E;
  }

  /**
   * Gives an array new values through its copy in this process, and tells ND4J that this is the
   * current one: a device would go on with its own.
   *
   * @param array dense, of less than 2 GiB
   * @param values puts them there, in the array's order
   * @throws IllegalArgumentException if the array is larger
   */
  public static <E extends Exception> void fill(INDArray array, Writer<E> values) throws E {
    values.write(memory(array));
    Nd4j.getAffinityManager().tagLocation(array, Location.HOST);
  }

  /**
   * An array's values, brought from its device where it has one.
   *
   * @param array dense, of less than 2 GiB
   * @return to be read only, in the array's order and the processor's byte order, as long as the
   *     array lives
   * @throws IllegalArgumentException if the array is larger
   */
  public static ByteBuffer values(INDArray array) {
    return memory(array).asReadOnlyBuffer().order(ByteOrder.nativeOrder());
  }

  private static ByteBuffer memory(INDArray array) {
    long width = array.dataType().width();
    long end = (array.offset() + array.length()) * width;
    if (end > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          Text.format(
              "An array of %s takes more than the 2 GiB that can be read or written at once",
              Arrays.toString(array.shape())));
    }
    int first = (int) (array.offset() * width);
    return array.data().asNio().slice(first, (int) end - first).order(ByteOrder.nativeOrder());
  }
}
