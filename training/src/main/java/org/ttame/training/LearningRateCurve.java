package org.ttame.training;

import java.util.ArrayList;
import java.util.Comparator;
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
      "a tenth of the learning rate at the lowest smoothed loss; the first tenth of the steps, at"
          + " least five, is left out, as few losses are averaged there";

  private static final double BETA = 0.9;
  private static final int SHARE_LEFT_OUT = 10;
  private static final int LEAST_LEFT_OUT = 5;
  private static final double BELOW_LOWEST = 10;

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

  /**
   * The point of the lowest smoothed loss by {@link #RULE}, of equal ones the first; of all points
   * where there are too few to leave any out. There must be points.
   */
  public Point lowest() {
    List<Point> settled = settled();
    return lowest(settled.isEmpty() ? points : settled);
  }

  private static Point lowest(List<Point> points) {
    return points.stream().min(Comparator.comparingDouble(Point::smoothed)).orElseThrow();
  }

  /** Without the first points, in which few losses are averaged. */
  private List<Point> settled() {
    int leftOut = Math.max(LEAST_LEFT_OUT, points.size() / SHARE_LEFT_OUT);
    return points.subList(Math.min(leftOut, points.size()), points.size());
  }

  /**
   * The learning rate suggested by {@link #RULE}, not below the smallest one tried.
   *
   * @return the rate; empty where the loss fell nowhere or the points are too few to tell
   */
  public OptionalDouble suggestion() {
    List<Point> settled = settled();
    if (settled.isEmpty()) {
      return OptionalDouble.empty();
    }
    Point lowest = lowest(settled);
    return lowest.step() == settled.get(0).step()
        ? OptionalDouble.empty()
        : OptionalDouble.of(Math.max(points.get(0).lr(), lowest.lr() / BELOW_LOWEST));
  }
}
