package org.ttame.training;

import java.io.IOException;

/**
 * How the workers of data-parallel training learn of each other's shares. Each calls it once a
 * step, with the sum of its own, and each gets the same sum of all, added in worker order.
 */
@FunctionalInterface
public interface StepExchange {
  /** All workers are in this process: their sum is known already. */
  StepExchange LOCAL = own -> own;

  /**
   * Waits for the other workers.
   *
   * @param own the sum over this process's workers
   * @return the sum over all
   * @throws IOException if another worker is lost
   */
  StepShare all(StepShare own) throws IOException;
}
