package org.ttame.core.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.factory.Nd4j;

/** How a shortage of cores is noticed, and what OpenMP is made to do then. */
class CoreShortageTest {
  /** Not the name that the team has which is there for whatever computes in this process. */
  private static final String TEAM = "test-sleepers";

  @BeforeAll
  static void onLinux() {
    assumeThat(Platform.isLinux()).isTrue();
  }

  /** Twice as many busy threads as processors: about half of their time they wait for one. */
  @Test
  void threadsWithoutACoreAreNoticed() throws Exception {
    AtomicBoolean over = new AtomicBoolean();
    List<Thread> busy = new ArrayList<>();
    CoreShortage shortage = new CoreShortage();
    shortage.since();
    for (int i = 0; i < 2 * Runtime.getRuntime().availableProcessors(); i++) {
      Thread thread =
          new Thread(
              () -> {
                while (!over.get()) {
                  Thread.onSpinWait();
                }
              });
      thread.start();
      busy.add(thread);
    }
    TimeUnit.SECONDS.sleep(1);
    double share = shortage.since().orElseThrow();
    over.set(true);
    for (Thread thread : busy) {
      thread.join();
    }
    assertThat(share).isGreaterThan(CoreShortage.SHORT);
  }

  /** The second team is there as long as it should be, and computing goes on beside it. */
  @Test
  void aTeamThatSleepsComesAndGoes() throws Exception {
    NativeBinary.select();
    Nd4j.ones(100, 100).mmul(Nd4j.ones(100, 100)).close();
    NativeLibrary library = CoreShortage.openMp().orElseThrow();
    int processors = library.getFunction("omp_get_num_procs").invokeInt(new Object[0]);
    CountDownLatch release = CoreShortage.sleepAtOnce(library, TEAM);
    awaitSleepers(processors + 1);
    assertThat(Nd4j.ones(100, 100).mmul(Nd4j.ones(100, 100)).sumNumber().doubleValue())
        .isEqualTo(1e6);
    release.countDown();
    awaitSleepers(0);
  }

  /** The one that asks for the team, and those that OpenMP makes: they have its name. */
  private static long sleepers() throws Exception {
    try (Stream<Path> threads = Files.list(Path.of("/proc/self/task"))) {
      return threads.filter(CoreShortageTest::sleeps).count();
    }
  }

  private static boolean sleeps(Path thread) {
    try {
      return Files.readString(thread.resolve("comm")).startsWith(TEAM);
    } catch (IOException e) {
      return false; // it has ended
    }
  }

  private static void awaitSleepers(long count) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (sleepers() != count && System.nanoTime() < deadline) {
      TimeUnit.MILLISECONDS.sleep(20);
    }
    assertThat(sleepers()).isEqualTo(count);
  }
}
