package org.ttame.cli;

import java.util.function.LongSupplier;
import org.ttame.core.Text;
import org.ttame.eval.explain.ExplanationMethod;
import org.ttame.eval.explain.MethodOptions;

/** Shows how far methods of many passes are with an image, and how long that will still take. */
final class PassProgress implements MethodOptions.Listener {
  private final LongSupplier clock;
  private ImageFeed feed;
  private ExplanationMethod method;
  private long last;
  private long began;
  private long first;

  PassProgress() {
    this(System::nanoTime);
  }

  /**
   * With a clock of one's own.
   *
   * @param clock nanoseconds
   */
  PassProgress(LongSupplier clock) {
    this.clock = clock;
  }

  /** Shows it with the progress of these images from now on. */
  void in(ImageFeed images) {
    feed = images;
  }

  @Override
  public void passed(ExplanationMethod of, long done, long total) {
    String detail = detail(of, done, total);
    if (feed != null) {
      feed.during(detail);
    }
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
        ? text + ", " + Progress.duration(seconds * (total - done) / (done - first))
        : text;
  }
}
