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
 * <p>Left alone GNU's runtime lets a thread that has done its part spin for some ten milliseconds
 * before it sleeps. That is quick on an idle machine: to wake a sleeping thread takes longer than
 * many a kernel of a small network. Where something else wants a core, the thread that is waited
 * for gets none while the other spins, and two threads are slower than one by far. So threads spin,
 * but hardly at all while {@link CoreShortage} finds that cores are short; where it cannot tell,
 * they never spin for long. The runtime reads its environment when it is loaded, so the C library
 * is told before that.
 */
final class WaitingThreads {
  private static final Logger LOG = LoggerFactory.getLogger(WaitingThreads.class);

  private static final String SPINS = "GOMP_SPINCOUNT";
  private static final String POLICY = "OMP_WAIT_POLICY";

  /** Turns of the loop in which a thread waits, where nothing tells whether cores are short. */
  private static final String SHORT_SPIN = "100";

  private WaitingThreads() {}

  /** How threads wait, a phrase: what the C library, whom OpenMP asks, has been told. */
  static String describe() {
    String given = given(System.getenv());
    if (given != null) {
      return given;
    }
    return CoreShortage.watch()
        ? "as OpenMP does, briefly while cores are short"
        : Platform.isLinux() ? SPINS + "=" + SHORT_SPIN : "as OpenMP does";
  }

  /** Sees to it that waiting threads leave cores to others, unless the user has decided. */
  static void shareCores() {
    if (given(System.getenv()) != null || CoreShortage.watch()) {
      return;
    }
    try {
      Object[] variable = {SPINS, SHORT_SPIN, 1};
      if (Platform.isLinux() && Function.getFunction("c", "setenv").invokeInt(variable) != 0) {
        LOG.debug("setenv refused {}", SPINS);
      }
    } catch (LinkageError e) {
      // A place where JNA cannot unpack: slower beside other processes, same results.
      LOG.debug("setenv could not be called: {}", e.toString());
    }
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
