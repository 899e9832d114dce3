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
import java.util.OptionalDouble;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Notices that threads of this process are ready to run and have no core, because of other
 * processes or of each other, and has OpenMP's waiting threads sleep at once as long as that lasts.
 *
 * <p>Linux counts for each thread how long it ran, and how long it was ready and had to wait
 * ({@code schedstat}). On an idle machine all threads together wait for some hundredths of the time
 * that the busiest one wants; beside one busy process for half of it or more, whether or not they
 * spin.
 *
 * <p>GNU's OpenMP spins a hundred times instead of {@code GOMP_SPINCOUNT} while it has more threads
 * than the process has processors. So a second team of threads, which do nothing but sleep, is all
 * that it takes to change that while it runs. It is there from the beginning, as the first work of
 * a process may be its only one, goes when work has had its cores for a second, and comes back.
 */
final class CoreShortage {
  private static final Logger LOG = LoggerFactory.getLogger(CoreShortage.class);
  private static final Path THREADS = Path.of("/proc/self/task");
  private static final Path MAPPED = Path.of("/proc/self/maps");
  private static final String STATISTICS = "schedstat";
  private static final String SLEEPERS = "ttame-openmp-sleepers";
  private static final long INTERVAL_MILLIS = 500;

  /** How long all threads wait, for each second that the busiest one wants: cores are short. */
  static final double SHORT = 0.4;

  /** Less work in an interval tells nothing. */
  private static final long LEAST_NANOS = 5_000_000;

  /** Intervals of work with cores enough before threads spin. */
  private static final int CALM = 2;

  private final Map<String, Times> last = new HashMap<>();
  private CountDownLatch release;
  private int calm;

  /**
   * What a thread had and did not have, in nanoseconds.
   *
   * @param ran on a core
   * @param waited ready to run, without a core
   */
  private record Times(long ran, long waited) {
    private static final Times NONE = new Times(0, 0);

    private static Times parse(String statistics) {
      String[] numbers = statistics.trim().split(" ", -1);
      return new Times(Long.parseLong(numbers[0]), Long.parseLong(numbers[1]));
    }

    private Times since(Times before) {
      return new Times(ran - before.ran, waited - before.waited);
    }

    private long wanted() {
      return ran + waited;
    }
  }

  /** Once in a process. */
  private static final class Watch {
    private static final boolean STARTED = start();

    private static boolean start() {
      if (!isTold()) {
        return false;
      }
      Thread thread = new Thread(new CoreShortage()::observe, "ttame-core-shortage");
      thread.setDaemon(true);
      thread.start();
      return true;
    }
  }

  /**
   * Starts to watch, unless that has been done.
   *
   * @return whether it can: whether this is Linux, and tells how long threads wait
   */
  static boolean watch() {
    return Watch.STARTED;
  }

  private static boolean isTold() {
    try {
      return Times.parse(Files.readString(Path.of("/proc/self", STATISTICS))).ran() > 0;
    } catch (IOException | IllegalArgumentException | IndexOutOfBoundsException e) {
      return false;
    }
  }

  private void observe() {
    try {
      since();
      while (true) {
        see(since());
        Thread.sleep(INTERVAL_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException | LinkageError e) {
      // Threads go on as they do: slower beside other processes, same results.
      LOG.debug("no longer watching for a shortage of cores: {}", e.toString());
    }
  }

  /** What the last interval means for waiting threads. */
  private void see(OptionalDouble shortage) throws IOException {
    if (shortage.isPresent()) {
      calm = shortage.getAsDouble() < SHORT ? calm + 1 : 0;
    }
    if (calm < CALM && release == null) {
      openMp().ifPresent(library -> release = sleepAtOnce(library, SLEEPERS));
    } else if (calm >= CALM && release != null) {
      release.countDown();
      release = null;
    }
  }

  /**
   * How long the threads of this process waited since the last call, for each second that the
   * busiest of them wanted; empty where there was too little work to tell.
   */
  OptionalDouble since() throws IOException {
    Map<String, Times> now = new HashMap<>();
    long waited = 0;
    long busiest = 0;
    try (DirectoryStream<Path> threads = Files.newDirectoryStream(THREADS)) {
      for (Path thread : threads) {
        String name = thread.getFileName().toString();
        try {
          Times total = Times.parse(Files.readString(thread.resolve(STATISTICS)));
          Times times = total.since(last.getOrDefault(name, Times.NONE));
          now.put(name, total);
          waited += times.waited();
          busiest = Math.max(busiest, times.wanted());
        } catch (IOException e) {
          LOG.trace("{} has ended", thread);
        }
      }
    }
    last.clear();
    last.putAll(now);
    return busiest < LEAST_NANOS
        ? OptionalDouble.empty()
        : OptionalDouble.of((double) waited / busiest);
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
   * @param name of the threads that see to it
   * @return ends it
   */
  static CountDownLatch sleepAtOnce(NativeLibrary openMp, String name) {
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
            name);
    leader.setDaemon(true);
    leader.start();
    return release;
  }
}
