package org.ttame.core.engine;

import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Notices that threads of this process are ready to run and have no core, because of other
 * processes or of each other, and has OpenMP's waiting threads sleep at once as long as that lasts.
 *
 * <p>Linux counts for each thread how long it was ready and had to wait ({@code schedstat}). On an
 * idle machine that is a few hundredths of a second in a second for all threads together; beside
 * one busy process, half a second or more, whether or not threads spin.
 *
 * <p>GNU's OpenMP spins a hundred times instead of {@code GOMP_SPINCOUNT} while it has more threads
 * than the process has processors. So a second team of threads, which do nothing but sleep, is all
 * that it takes to change that while it runs; it goes when cores are no longer short.
 */
final class CoreShortage {
  private static final Logger LOG = LoggerFactory.getLogger(CoreShortage.class);
  private static final Path THREADS = Path.of("/proc/self/task");
  private static final Path MAPPED = Path.of("/proc/self/maps");
  private static final String STATISTICS = "schedstat";
  private static final long INTERVAL_MILLIS = 500;

  /** Seconds in a second that all threads together were ready and waited. */
  static final double SHORT = 0.4;

  /** Intervals without a shortage before threads spin again. */
  private static final int CALM = 4;

  private static boolean watching;

  private final Map<String, Long> last = new HashMap<>();
  private CountDownLatch release;
  private int calm;

  /**
   * Starts to watch, once in a process.
   *
   * @return whether it can: whether this is Linux, and tells how long threads wait
   */
  static synchronized boolean watch() {
    if (!watching && isTold()) {
      Thread thread = new Thread(new CoreShortage()::observe, "ttame-core-shortage");
      thread.setDaemon(true);
      thread.start();
      watching = true;
    }
    return watching;
  }

  private static boolean isTold() {
    try {
      String[] numbers = Files.readString(Path.of("/proc/self", STATISTICS)).trim().split(" ", -1);
      return numbers.length >= 2 && Long.parseLong(numbers[0]) > 0;
    } catch (IOException | NumberFormatException e) {
      return false;
    }
  }

  private void observe() {
    try {
      waited();
      long before = System.nanoTime();
      while (true) {
        Thread.sleep(INTERVAL_MILLIS);
        long now = System.nanoTime();
        see((double) waited() / (now - before));
        before = now;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException | LinkageError e) {
      // Threads go on as they do: slower beside other processes, same results.
      LOG.debug("no longer watching for a shortage of cores: {}", e.toString());
    }
  }

  /** What the share of the last interval means for waiting threads. */
  private void see(double share) throws IOException {
    calm = share >= SHORT ? 0 : calm + 1;
    if (share >= SHORT && release == null) {
      openMp().ifPresent(library -> release = sleepAtOnce(library));
    } else if (release != null && calm >= CALM) {
      release.countDown();
      release = null;
    }
  }

  /**
   * Nanoseconds that threads of this process have been ready without a core since the last call.
   */
  long waited() throws IOException {
    Map<String, Long> now = new HashMap<>();
    try (DirectoryStream<Path> threads = Files.newDirectoryStream(THREADS)) {
      for (Path thread : threads) {
        try {
          String[] numbers = Files.readString(thread.resolve(STATISTICS)).trim().split(" ", -1);
          now.put(thread.getFileName().toString(), Long.parseLong(numbers[1]));
        } catch (IOException e) {
          LOG.trace("{} has ended", thread);
        }
      }
    }
    long waited = 0;
    for (Map.Entry<String, Long> thread : now.entrySet()) {
      waited += thread.getValue() - last.getOrDefault(thread.getKey(), 0L);
    }
    last.clear();
    last.putAll(now);
    return waited;
  }

  /** The one that computes; empty as long as it is not loaded, or where it is another's. */
  static Optional<NativeLibrary> openMp() throws IOException {
    try (Stream<String> lines = Files.lines(MAPPED)) {
      return lines
          .filter(line -> line.contains("/libgomp"))
          .map(line -> line.substring(line.indexOf('/')))
          .distinct()
          .reduce((one, other) -> "")
          .filter(path -> !path.isEmpty())
          .map(NativeLibrary::getInstance);
    }
  }

  /**
   * Has waiting threads sleep at once.
   *
   * @param openMp the library
   * @return ends it
   */
  static CountDownLatch sleepAtOnce(NativeLibrary openMp) {
    int all = openMp.getFunction("omp_get_num_procs").invokeInt(new Object[0]) + 1;
    // What a team calls must be native, and do nothing: this only reads a number.
    Function nothing = openMp.getFunction("omp_get_thread_num");
    Function parallel = openMp.getFunction("GOMP_parallel");
    CountDownLatch release = new CountDownLatch(1);
    Thread leader =
        new Thread(
            () -> {
              parallel.invokeVoid(new Object[] {nothing, Pointer.NULL, all, 0});
              try {
                release.await();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            },
            "ttame-openmp-sleepers");
    leader.setDaemon(true);
    leader.start();
    return release;
  }
}
