package org.ttame.cli;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * Lets Ctrl-C and SIGTERM end work in order: the work is asked to stop, and the JVM lives until it
 * has, with everything written that must last, or until patience ends. The exit code is then the
 * signal's, {@value Main#INTERRUPTED} or {@value Main#TERMINATED}.
 */
final class StopHook {
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private StopHook() {}

  /**
   * Works; Ctrl-C {@code ask}s the work to stop, from another thread and at once, and lets it end
   * in order.
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

  /**
   * Works; Ctrl-C waits for the work's own way to stop, which saves what must last, and for nothing
   * after it, unless what it returns is {@code whole}: what is measured leaves nothing half done.
   */
  static <T> T leaving(Consumer<Duration> ask, Callable<T> work, Predicate<T> whole)
      throws Exception {
    Thread hook = new Thread(() -> ask.accept(PATIENCE), "ttame-stop");
    Runtime.getRuntime().addShutdownHook(hook);
    T result = work.call();
    if (whole.test(result)) {
      Runtime.getRuntime().removeShutdownHook(hook);
    }
    return result;
  }

  private static void await(CountDownLatch ended) {
    try {
      ended.await(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
