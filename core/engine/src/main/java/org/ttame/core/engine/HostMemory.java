package org.ttame.core.engine;

import org.nd4j.linalg.factory.Nd4j;

/**
 * Whether code may read and write ND4J's arrays where they lie. On the processor they lie in the
 * process's own memory; other backends keep them on a device, and an address means nothing here.
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
}
