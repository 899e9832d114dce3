package org.ttame.core.engine;

import java.util.function.Supplier;
import org.ttame.core.Text;

/**
 * Holds an object to one thread at a time. Classifiers, explainers and trainings work in memory
 * that their next use overwrites; two threads would get each other's maps. A second one is refused
 * at once, while the first is inside a call or has not given back what it borrowed. One after the
 * other any thread may come; a thread that is inside may come again.
 */
public final class ThreadGuard {
  private Thread owner;
  private int depth;
  private Loan loan;
  private boolean closed;

  /** Goes on when the call that lent has ended: others stay out until this ends, too. */
  final class Loan {
    private Loan() {}

    /** Ends it; of an older loan than the last nothing is left to end. */
    void end() {
      synchronized (ThreadGuard.this) {
        if (loan == this) {
          loan = null;
          letOthersIn();
        }
      }
    }
  }

  /**
   * Does work that nobody else may disturb.
   *
   * @return what it returns
   * @throws IllegalStateException if another thread is inside or has borrowed, or the object is
   *     closed
   */
  public <T> T call(Supplier<T> work) {
    enter(/* last= */ false);
    try {
      return work.get();
    } finally {
      leave();
    }
  }

  /** As {@link #call}, for work that returns nothing. */
  public void run(Runnable work) {
    enter(/* last= */ false);
    try {
      work.run();
    } finally {
      leave();
    }
  }

  /** As {@link #run}, for the work that closes the object; closing again is no error. */
  public void close(Runnable work) {
    enter(/* last= */ true);
    try {
      work.run();
    } finally {
      leave();
    }
  }

  /** Lends, inside a call, what the next use overwrites; the loan before ends. */
  synchronized Loan lend() {
    loan = new Loan();
    return loan;
  }

  private synchronized void enter(boolean last) {
    if (closed && !last) {
      throw new IllegalStateException("This classifier or explainer is closed; make another");
    }
    Thread current = Thread.currentThread();
    if (owner != null && owner != current) {
      if (owner.isAlive()) {
        throw new IllegalStateException(
            Text.format(
                "Thread \"%s\" uses a classifier, explainer or training that thread \"%s\" is"
                    + " using, or whose borrowed result it has not closed; make one for each"
                    + " thread",
                current.getName(), owner.getName()));
      }
      depth = 0; // it has ended without closing what it borrowed
      loan = null;
    }
    owner = current;
    closed |= last;
    depth++;
  }

  private synchronized void leave() {
    depth--;
    letOthersIn();
  }

  private void letOthersIn() {
    if (depth == 0 && loan == null) {
      owner = null;
    }
  }
}
