package org.ttame.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintStream;
import java.util.function.LongSupplier;
import org.ttame.core.ProgressListener;
import org.ttame.core.Text;
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

  /**
   * How far the work is: on a terminal a bar that redraws itself, elsewhere a line every tenth of
   * the way, at most one in five seconds but for the last.
   */
  static final class Progress {
    private static final int WIDTH = 24;
    private static final long REDRAW_NANOS = 200_000_000L;
    private static final long LINE_NANOS = 5_000_000_000L;

    private static final long PATIENCE_NANOS = 30_000_000_000L;

    private final PrintStream err;
    private final boolean terminal;
    private final String what;
    private final long total;
    private final LongSupplier clock;
    private final long began;
    private final long first;
    private long finished;
    private long shownAt;
    private long shown = -1;
    private int drawn;

    /**
     * Draws to {@code err}, or nowhere if it is null; a terminal's line is redrawn. {@code total}
     * is zero where unknown; {@code before} counts what was there before a resumed run; the clock
     * counts nanoseconds.
     */
    Progress(
        PrintStream err,
        boolean terminal,
        String what,
        long total,
        long before,
        LongSupplier clock) {
      this.err = err;
      this.terminal = terminal;
      this.what = what;
      this.total = total;
      this.first = before;
      this.finished = before;
      this.clock = clock;
      this.began = clock.getAsLong();
      this.shownAt = began;
    }

    /** Reports units finished, with a phrase such as the loss, or empty text. */
    void at(long done, String detail) {
      finished = done;
      if (err == null) {
        return;
      }
      long now = clock.getAsLong();
      if (terminal) {
        if (done < total && shown >= 0 && now - shownAt < REDRAW_NANOS) {
          return;
        }
        String line = line(done, detail, now);
        err.print("\r" + line + " ".repeat(Math.max(0, drawn - line.length())));
        err.flush();
        drawn = line.length();
      } else {
        boolean tenth = total > 0 && done * 10 / total != Math.max(shown, first) * 10 / total;
        boolean last = done == total && shown != total;
        if (!last && !(tenth && now - shownAt >= LINE_NANOS)) {
          return;
        }
        err.println(line(done, detail, now));
      }
      shown = done;
      shownAt = now;
    }

    /**
     * Reports from within a unit that may take long: a terminal's line is redrawn, elsewhere a line
     * is written if none was for half a minute.
     */
    void during(String detail) {
      if (err == null) {
        return;
      }
      long now = clock.getAsLong();
      if (terminal) {
        at(finished, detail);
      } else if (now - shownAt >= PATIENCE_NANOS) {
        err.println(line(finished, detail, now));
        shownAt = now;
      }
    }

    /** Leaves the line that a terminal redraws. */
    void end() {
      if (err != null && drawn > 0) {
        err.println();
        drawn = 0;
      }
    }

    private String line(long done, String detail, long now) {
      StringBuilder line = new StringBuilder(what).append(' ');
      if (total > 0) {
        if (terminal) {
          int full = (int) Math.min(WIDTH, done * WIDTH / total);
          line.append('[').append("#".repeat(full)).append(" ".repeat(WIDTH - full)).append("] ");
        }
        line.append(done).append('/').append(total);
      } else {
        line.append(done);
      }
      if (!detail.isEmpty()) {
        line.append("  ").append(Printable.of(detail));
      }
      double seconds = (now - began) / 1e9;
      if (total > done && done > first && seconds > 1) {
        line.append("  ")
            .append(Text.duration(seconds * (total - done) / (done - first)))
            .append(" left");
      }
      return line.toString();
    }
  }
}
