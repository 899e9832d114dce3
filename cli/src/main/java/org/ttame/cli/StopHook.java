package org.ttame.cli;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Lets Ctrl-C end work in order: the work is asked to stop, and the JVM lives until it has, with
 * everything written that must last, or until patience ends.
 */
final class StopHook {
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private StopHook() {}

  /**
   * Works.
   *
   * @param ask asks the work to stop, from another thread, and returns at once
   * @param work what is to end in order
   * @return what the work returns
   */
  static <T> T during(Runnable ask, Callable<T> work) throws Exception {
    CountDownLatch ended = new CountDownLatch(1);
    Thread hook =
        new Thread(
            () -> {
              ask.run();
              await(ended);
            },
            "ttame-stop");
    Runtime.getRuntime().addShutdownHook(hook);
    try {
      return work.call();
    } finally {
      ended.countDown();
      try {
        Runtime.getRuntime().removeShutdownHook(hook);
      } catch (IllegalStateException e) {
        // Ctrl-C came: the hook is running, and ends now.
      }
    }
  }

  private static void await(CountDownLatch ended) {
    try {
      ended.await(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
