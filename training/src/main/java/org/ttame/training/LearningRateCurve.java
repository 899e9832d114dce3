package org.ttame.training;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalDouble;

/**
 * The loss at growing learning rates: what a range test measured.
 *
 * @param points the steps taken, in order
 * @param ending why there are no more
 */
public record LearningRateCurve(List<Point> points, Ending ending) {
  /** How losses are smoothed, for people. */
  public static final String SMOOTHING =
      "exponential moving average of the steps' losses, beta 0.9, bias corrected";

  /** How the suggestion is made, for people. */
  public static final String RULE =
      "the learning rate where the smoothed loss falls most steeply with log10(learning rate):"
          + " smallest least-squares slope over a window of a tenth of the steps taken, at least"
          + " five, up to the lowest smoothed loss";

  private static final double BETA = 0.9;
  private static final int WINDOWS = 10;
  private static final int SMALLEST_WINDOW = 5;

  /** Why a range test ended. */
  public enum Ending {
    /** All steps were taken. */
    COMPLETE,
    /** The smoothed loss rose far above its lowest, or was no number any more. */
    DIVERGED,
    /** It was asked to stop. */
    STOPPED
  }

  /**
   * A step.
   *
   * @param step 1 for the first
   * @param lr its learning rate
   * @param loss the loss before the step changed anything
   * @param smoothed the smoothed loss
   */
  public record Point(long step, double lr, double loss, double smoothed) {}

  public LearningRateCurve {
    points = List.copyOf(points);
    Objects.requireNonNull(ending, "ending");
  }

  /** Adds up the points of a test, smoothing as it goes. */
  static final class Recorder {
    private final List<Point> points = new ArrayList<>();
    private double average;
    private double lowest = Double.POSITIVE_INFINITY;

    /** Adds a step's loss; returns the smoothed one. */
    double add(double lr, double loss) {
      average = BETA * average + (1 - BETA) * loss;
      double smoothed = average / (1 - Math.pow(BETA, points.size() + 1));
      points.add(new Point(points.size() + 1L, lr, loss, smoothed));
      lowest = Math.min(lowest, smoothed);
      return smoothed;
    }

    /** The lowest smoothed loss so far. */
    double lowest() {
      return lowest;
    }

    LearningRateCurve end(Ending ending) {
      return new LearningRateCurve(points, ending);
    }
  }

  /** The point of the lowest smoothed loss, of equal ones the first; there must be points. */
  public Point lowest() {
    Point best = points.get(0);
    for (Point point : points) {
      if (point.smoothed() < best.smoothed()) {
        best = point;
      }
    }
    return best;
  }

  /**
   * The learning rate suggested by {@link #RULE}.
   *
   * @return the rate; empty where the loss fell nowhere or the points are too few to tell
   */
  public OptionalDouble suggestion() {
    int window = Math.max(SMALLEST_WINDOW, points.size() / WINDOWS);
    int end = points.isEmpty() ? 0 : points.indexOf(lowest()) + 1;
    double steepest = 0;
    OptionalDouble found = OptionalDouble.empty();
    for (int from = 0; from + window <= end; from++) {
      List<Point> part = points.subList(from, from + window);
      double slope = slope(part);
      if (slope < steepest) {
        steepest = slope;
        // The geometric centre of the window.
        found = OptionalDouble.of(Math.sqrt(part.get(0).lr() * part.get(part.size() - 1).lr()));
      }
    }
    return found;
  }

  private static double slope(List<Point> part) {
    double x = part.stream().mapToDouble(p -> Math.log10(p.lr())).average().orElseThrow();
    double y = part.stream().mapToDouble(Point::smoothed).average().orElseThrow();
    double xx = 0;
    double xy = 0;
    for (Point point : part) {
      double dx = Math.log10(point.lr()) - x;
      xx += dx * dx;
      xy += dx * (point.smoothed() - y);
    }
    return xy / xx;
  }
}
