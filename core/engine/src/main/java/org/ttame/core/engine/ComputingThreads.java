package org.ttame.core.engine;

import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOpsHolder;
import org.ttame.core.Text;

/**
 * How many threads compute. Thousands exhaust the process's address space inside OpenMP, which ends
 * it; so the number is held against a limit wherever one is given.
 */
public final class ComputingThreads {
  /** Where the number is asked of OpenMP itself. */
  static final String VARIABLE = "OMP_NUM_THREADS";

  /** More than any machine of its time needs; a run from a larger machine repeats on this one. */
  private static final int ALWAYS_ALLOWED = 64;

  private ComputingThreads() {}

  /** The largest number allowed here: four for each processor, and never less than 64. */
  public static int most() {
    return Math.max(ALWAYS_ALLOWED, 4 * Runtime.getRuntime().availableProcessors());
  }

  /**
   * Lets ND4J and oneDNN compute with this many threads when the calling thread runs something; the
   * number of OpenMP's threads belongs to it. Loads ND4J: {@link NativeBinary#select()} first.
   *
   * @param threads 1 to {@link #most()}
   * @throws IllegalArgumentException if it is none of those
   */
  public static void use(int threads) {
    check("threads", threads);
    NativeOpsHolder.getInstance().getDeviceNativeOps().setOmpNumThreads(threads);
    Nd4j.getEnvironment().setMaxThreads(threads);
    Nd4j.getEnvironment().setMaxMasterThreads(threads);
    Nd4j.factory().blas().setMaxThreads(threads);
  }

  /**
   * How many compute what the calling thread runs: what {@link #use} was told there. Loads ND4J,
   * whose own maxThreads() says how many there were at first, whatever it is set to.
   */
  public static int current() {
    return NativeOpsHolder.getInstance().getDeviceNativeOps().ompGetMaxThreads();
  }

  /**
   * Refuses a number of threads.
   *
   * @param where what the number was given as, for the message
   */
  private static void check(String where, long threads) {
    if (threads < 1 || threads > most()) {
      throw new IllegalArgumentException(
          Text.format(
                  "%s=%d: a number of computing threads is 1 to %d here, and more than the"
                      + " processor has",
                  where, threads, most())
              + " cores gains nothing");
    }
  }

  /**
   * Refuses what OpenMP would die of, and what ND4J does not start with: it reads one whole number
   * there, no list of one a nesting level as OpenMP does, and no word.
   *
   * @param variable {@value #VARIABLE} of the environment; null if it is not set
   */
  static void checkVariable(String variable) {
    if (variable == null || variable.isEmpty()) {
      return;
    }
    if (!variable.matches("[0-9]{1,18}")) {
      throw new IllegalArgumentException(
          Text.format(
              "%s=%s: ND4J reads one whole number there, 1 to %d; set it to one, or unset it",
              VARIABLE, variable, most()));
    }
    check(VARIABLE, Long.parseLong(variable));
  }
}
