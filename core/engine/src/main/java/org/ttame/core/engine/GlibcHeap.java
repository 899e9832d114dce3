package org.ttame.core.engine;

import com.sun.jna.Function;
import com.sun.jna.Platform;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the GNU C library to keep large arrays out of its heap.
 *
 * <p>Left alone, {@code malloc} takes the first freed large array as a reason to put all later ones
 * of that size on its heap, among the hundreds of small records that ND4J keeps of each operation
 * until a garbage collection. These records pin the pages between them: a training loop that closes
 * all it opens grew by 700 MB in 1200 steps. With a fixed threshold every large array has pages of
 * its own, which go back to the system when it is closed, and the same loop grew by 50 MB.
 */
final class GlibcHeap {
  private static final Logger LOG = LoggerFactory.getLogger(GlibcHeap.class);

  /** {@code M_MMAP_THRESHOLD} of malloc.h. */
  private static final int MMAP_THRESHOLD = -3;

  /** What glibc starts with; setting it stops it from rising. */
  private static final int BYTES = 128 << 10;

  private GlibcHeap() {}

  /** Fixes the threshold, on Linux; on other systems and C libraries it does nothing. */
  static void keepLargeArraysApart() {
    if (System.getenv("MALLOC_MMAP_THRESHOLD_") != null) {
      return; // the user has decided
    }
    try {
      if (Platform.isLinux()) {
        int done =
            Function.getFunction("c", "mallopt").invokeInt(new Object[] {MMAP_THRESHOLD, BYTES});
        LOG.debug("mallopt(M_MMAP_THRESHOLD, {}) gave {}", BYTES, done);
      }
    } catch (LinkageError e) {
      // A C library without mallopt, or a place where JNA cannot unpack: more memory, same results.
      LOG.debug("mallopt could not be called: {}", e.toString());
    }
  }
}
