package org.ttame.cli;

import java.io.PrintStream;
import java.util.function.LongSupplier;
import org.ttame.core.Text;
import org.ttame.core.storage.Printable;

/**
 * How far the work is: on a terminal a bar that redraws itself, elsewhere a line every tenth of the
 * way, at most one in five seconds but for the last.
 */
final class Progress {
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
   * Draws to {@code err}, or nowhere if it is null; a terminal's line is redrawn. {@code total} is
   * zero where unknown; {@code before} counts what was there before a resumed run; the clock counts
   * nanoseconds.
   */
  Progress(
      PrintStream err, boolean terminal, String what, long total, long before, LongSupplier clock) {
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
