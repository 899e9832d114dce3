package org.ttame.services;

import java.util.function.LongSupplier;
import org.ttame.core.ProgressListener;
import org.ttame.core.Text;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.explain.MethodOptions;

/** Shows how far methods of many passes are with an image, and how long that will still take. */
final class PassProgress implements MethodOptions.Listener {
  private final ProgressListener listener;
  private final LongSupplier clock;
  private ExplanationMethod method;
  private long last;
  private long began;
  private long first;

  /** Passes of images whose progress a listener hears. */
  PassProgress(ProgressListener listener) {
    this(listener, System::nanoTime);
  }

  /** With another clock of nanoseconds. */
  PassProgress(ProgressListener listener, LongSupplier clock) {
    this.listener = listener;
    this.clock = clock;
  }

  @Override
  public void passed(ExplanationMethod of, long done, long total) {
    listener.linger(detail(of, done, total));
  }

  /** A phrase such as {@code rise 1200/4000 passes, 40 s}. */
  String detail(ExplanationMethod of, long done, long total) {
    long now = clock.getAsLong();
    if (of != method || done <= last) {
      // Another image: the time begins with its first passes, for nobody says when those began.
      method = of;
      began = now;
      first = done;
    }
    last = done;
    String text = Text.format("%s %d/%d passes", of.optionName(), done, total);
    double seconds = (now - began) / 1e9;
    return done > first && done < total
        ? text + ", " + Text.duration(seconds * (total - done) / (done - first))
        : text;
  }
}
