package org.ttame.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintStream;
import org.ttame.core.ProgressListener;
import org.ttame.core.storage.Printable;

/**
 * Where a command speaks: results to standard output, everything else to standard error. Whatever
 * names and files say, a line stays one line, and drives no terminal.
 *
 * <p>Not for several threads at once, but for {@link #warn}.
 */
final class Console implements ProgressListener {
  private final PrintStream out;
  private final PrintStream err;
  private final boolean quiet;
  private final boolean verbose;
  private final boolean terminal;
  private Progress progress;

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

  /** A result for programs. */
  void result(JsonNode json) {
    json.toPrettyString().lines().forEach(this::result);
  }

  /** A line about the work, unless {@code --quiet}. */
  @Override
  public void note(String line) {
    if (!quiet) {
      endProgress();
      err.println(Printable.of(OptionSpec.typed(line)));
    }
  }

  /** A line that is worth saying even with {@code --quiet}. */
  @Override
  public void warn(String line) {
    synchronized (err) {
      endProgress();
      err.println("ttame: " + Printable.of(OptionSpec.typed(line)));
    }
  }

  @Override
  public void detail(String sentence) {
    if (verbose) {
      note(sentence);
    }
  }

  /** Begins a progress display. */
  @Override
  public void begin(String what, long total, long before) {
    endProgress();
    progress = new Progress(quiet ? null : err, terminal, what, total, before, System::nanoTime);
  }

  @Override
  public void advance(long done, String detail) {
    progress.at(done, detail);
  }

  @Override
  public void linger(String detail) {
    progress.during(detail);
  }

  /** What is said next stands on a line of its own; the display continues below it. */
  private void endProgress() {
    if (progress != null) {
      progress.end();
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
