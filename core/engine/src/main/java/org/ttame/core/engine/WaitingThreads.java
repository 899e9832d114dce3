package org.ttame.core.engine;

import com.sun.jna.Function;
import com.sun.jna.Platform;
import java.util.Locale;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.ttame.core.Text;

/**
 * How OpenMP's threads wait for each other.
 *
 * <p>Left alone GNU's runtime lets a thread that has done its part spin for some ten milliseconds.
 * That is quick on an idle machine. Where another process wants a core, the thread that is waited
 * for gets none while the other spins, and two threads are slower than one by far. A short spin,
 * and then sleep, is as quick and lets others in. The runtime reads its environment when it is
 * loaded, so the C library is told before that.
 */
final class WaitingThreads {
  private static final Logger LOG = LoggerFactory.getLogger(WaitingThreads.class);

  private static final String SPINS = "GOMP_SPINCOUNT";
  private static final String POLICY = "OMP_WAIT_POLICY";

  /** Turns of the loop in which a thread waits before it sleeps. */
  static final int COUNT = 100;

  private WaitingThreads() {}

  /** How threads wait, a phrase: what the C library, whom OpenMP asks, has been told. */
  static String describe() {
    String given = given(System.getenv());
    if (given != null) {
      return given;
    }
    String spins = null;
    try {
      if (Platform.isLinux()) {
        spins = Function.getFunction("c", "getenv").invokeString(new Object[] {SPINS}, false);
      }
    } catch (LinkageError e) {
      LOG.debug("getenv could not be called: {}", e.toString());
    }
    return spins == null ? "as OpenMP does" : Text.format("%s=%s", SPINS, spins);
  }

  /** Sets the short spin, on Linux, unless the user has decided. */
  static void spinBriefly() {
    if (given(System.getenv()) != null) {
      return;
    }
    try {
      if (Platform.isLinux() && Function.getFunction("c", "setenv").invokeInt(variable()) != 0) {
        LOG.debug("setenv refused {}", SPINS);
      }
    } catch (LinkageError e) {
      // A place where JNA cannot unpack: slower beside other processes, same results.
      LOG.debug("setenv could not be called: {}", e.toString());
    }
  }

  private static Object[] variable() {
    return new Object[] {SPINS, Integer.toString(COUNT), 1};
  }

  /** What the user's environment says; null if nothing. */
  static String given(Map<String, String> environment) {
    for (String name : new String[] {SPINS, POLICY}) {
      if (environment.get(name) != null) {
        return Text.format(
            "%s=%s, as the environment says", name, environment.get(name).toLowerCase(Locale.ROOT));
      }
    }
    return null;
  }
}
