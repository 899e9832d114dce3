package org.ttame.cli;

import java.io.PrintStream;
import org.ttame.core.storage.Printable;

/**
 * Where a command speaks: results to standard output, everything else to standard error. Whatever
 * names and files say, a line stays one line, and drives no terminal.
 *
 * <p>Not for several threads at once, but for {@link #warn}.
 */
final class Console {
  private final PrintStream out;
  private final PrintStream err;
  private final boolean quiet;
  private final boolean verbose;
  private final boolean terminal;
  private Progress open;

  Console(PrintStream out, PrintStream err, boolean quiet, boolean verbose, boolean terminal) {
    this.out = out;
    this.err = err;
    this.quiet = quiet;
    this.verbose = verbose;
    this.terminal = terminal;
  }

  boolean isVerbose() {
    return verbose;
  }

  /** A line of the result. */
  void result(String line) {
    endProgress();
    out.println(Printable.of(line));
  }

  /** A line about the work, unless {@code --quiet}. */
  void note(String line) {
    if (!quiet) {
      endProgress();
      err.println(Printable.of(line));
    }
  }

  /** A line that is worth saying even with {@code --quiet}. */
  void warn(String line) {
    synchronized (err) {
      endProgress();
      err.println("ttame: " + Printable.of(line));
    }
  }

  /**
   * Begins a progress display; the next line of any kind, or the next display, ends it.
   *
   * @param what is being done, e.g. {@code training}
   * @param total how many units there are
   */
  Progress progress(String what, long total) {
    endProgress();
    open = new Progress(quiet ? null : err, terminal, what, total, System::nanoTime);
    return open;
  }

  private void endProgress() {
    if (open != null) {
      open.end();
      open = null;
    }
  }

  /**
   * Whether a person watches: since Java 22 a {@link java.io.Console} also stands for a pipe and
   * has to be asked.
   */
  @SuppressWarnings("SystemConsoleNull") // before Java 22 null is the answer
  static boolean isTerminal() {
    java.io.Console console = System.console();
    if (console == null) {
      return false;
    }
    try {
      return (Boolean) java.io.Console.class.getMethod("isTerminal").invoke(console);
    } catch (NoSuchMethodException e) {
      return true;
    } catch (ReflectiveOperationException e) {
      return false;
    }
  }
}
