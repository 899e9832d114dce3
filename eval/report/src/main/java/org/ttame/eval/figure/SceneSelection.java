package org.ttame.eval.figure;

import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.ttame.core.Text;

/**
 * Which images figures show. For {@link FigureKind#BACKBONES} and {@link FigureKind#METHODS} they
 * are spread evenly over the list; for the others they are the first in its order of which
 * something is true that the figure is about, so that the choice can be repeated and nobody's taste
 * is in it.
 */
public final class SceneSelection {
  /** From this probability on a false class is worth a picture. */
  public static final double NOTABLE = 0.05;

  /** Of an image of many objects so many are shown. */
  private static final int MOST_CLASSES = 3;

  private final Set<FigureKind> kinds;
  private final int shown;
  private final int count;
  private final boolean truthKnown;
  private final Map<FigureKind, List<Integer>> chosen = new EnumMap<>(FigureKind.class);
  private final Set<Integer> leftOut = new HashSet<>();
  private int offered;

  /**
   * Nothing chosen yet.
   *
   * @param shown the most images a figure shows
   * @param count how many images the list has
   * @param truthKnown whether any image's true class is known
   */
  public SceneSelection(Collection<FigureKind> kinds, int shown, int count, boolean truthKnown) {
    if (shown < 1 || count < 1) {
      throw new IllegalArgumentException(
          Text.format("A figure shows one image of one at least, got %d of %d", shown, count));
    }
    this.kinds = EnumSet.noneOf(FigureKind.class);
    this.kinds.addAll(kinds);
    this.shown = shown;
    this.count = count;
    this.truthKnown = truthKnown;
    kinds.forEach(kind -> chosen.put(kind, new ArrayList<>()));
    for (FigureKind kind : List.of(FigureKind.BACKBONES, FigureKind.METHODS)) {
      int most = chosen.containsKey(kind) ? Math.min(shown, count) : 0;
      for (int i = 0; i < most; i++) {
        chosen.get(kind).add((int) ((long) i * count / most));
      }
    }
  }

  /** Whether no image that is still to come could be chosen. */
  public boolean isComplete() {
    return kinds.stream()
        .filter(FigureKind::isChosenByAnswer)
        .allMatch(kind -> chosen.get(kind).size() == shown || isHopeless(kind));
  }

  private boolean isHopeless(FigureKind kind) {
    return !truthKnown && kind != FigureKind.WRONG_CLASS;
  }

  /**
   * Looks at an image; images are to be offered in the order of the list.
   *
   * @param place of the image in the list
   * @param truth its true classes; empty where they are not known
   * @param answer of the first classifier
   */
  public void offer(int place, List<Integer> truth, Prediction answer) {
    offered++;
    for (FigureKind kind : kinds) {
      if (kind.isChosenByAnswer()
          && chosen.get(kind).size() < shown
          && isAbout(kind, truth, answer)) {
        chosen.get(kind).add(place);
      }
    }
  }

  /**
   * Leaves an image out that cannot be read, so that it is not opened again.
   *
   * @param place of the image in the list
   */
  public void leaveOut(int place) {
    leftOut.add(place);
  }

  private boolean isAbout(FigureKind kind, List<Integer> truth, Prediction answer) {
    boolean right = truth.contains(answer.predicted());
    return switch (kind) {
      case SEVERAL_CLASSES -> truth.size() > 1;
      case MISCLASSIFIED -> !truth.isEmpty() && !right;
      case WRONG_CLASS -> {
        List<Integer> known = truth(truth, answer);
        yield (right || !truthKnown)
            && answer.probability(answer.mostProbableBeside(known)) >= NOTABLE;
      }
      default -> false;
    };
  }

  /**
   * The classes whose maps a figure shows of an image, in order, by the true ones, where they are
   * known, and the classifier's answer.
   */
  static List<Integer> classes(FigureKind kind, List<Integer> truth, Prediction answer) {
    return switch (kind) {
      case BACKBONES, METHODS -> List.of(answer.predicted());
      case SEVERAL_CLASSES -> truth.subList(0, Math.min(MOST_CLASSES, truth.size()));
      case WRONG_CLASS, MISCLASSIFIED -> {
        List<Integer> known = truth(truth, answer);
        yield List.of(answer.mostProbable(known), answer.mostProbableBeside(known));
      }
      case ROAD -> List.of();
    };
  }

  /** The true classes or, where they are not known, the answer in their place. */
  static List<Integer> truth(List<Integer> known, Prediction answer) {
    return known.isEmpty() ? List.of(answer.predicted()) : known;
  }

  /** The images of a figure, in the order of the list. */
  List<Integer> places(FigureKind kind) {
    return List.copyOf(chosen.getOrDefault(kind, List.of()));
  }

  /**
   * The images of all figures, without those that are left out.
   *
   * @return their places in the list, ascending
   */
  public int[] places() {
    Set<Integer> all = new TreeSet<>();
    chosen.values().forEach(all::addAll);
    all.removeAll(leftOut);
    return all.stream().mapToInt(place -> place).toArray();
  }

  /** How a figure's images were chosen, as a sentence. */
  String rule(FigureKind kind, String first) {
    return switch (kind) {
      case BACKBONES, METHODS ->
          Text.format("The images are spread evenly over the %,d of the list.", count);
      case SEVERAL_CLASSES ->
          "The images are the first in list order that show objects of several classes.";
      case MISCLASSIFIED ->
          Text.format(
              "The images are the first in list order for which %s predicts none of"
                  + " the true classes.",
              first);
      case WRONG_CLASS ->
          truthKnown
              ? Text.format(
                  "The images are the first in list order that %s classifies correctly"
                      + " while it gives an absent class %.0f %% or more.",
                  first, 100 * NOTABLE)
              : Text.format(
                  "No true class is known, so the prediction is used instead; the images"
                      + " are the first in list order for which %s gives another class %.0f %%"
                      + " or more.",
                  first, 100 * NOTABLE);
      case ROAD -> "";
    };
  }

  /** Why a figure has no image, as a sentence. */
  String absence(FigureKind kind, String first) {
    return switch (kind) {
      case SEVERAL_CLASSES ->
          truthKnown
              ? "No image of the list is known to show objects of several classes."
              : "No true class is known: give labels or a table of boxes.";
      case MISCLASSIFIED ->
          truthKnown
              ? Text.format("%s predicts a true class for each of %,d images.", first, offered)
              : "No true class is known: give labels or a table of boxes.";
      case WRONG_CLASS ->
          Text.format(
              "For none of %,d correctly classified images does %s give an absent"
                  + " class %.0f %% or more.",
              offered, first, 100 * NOTABLE);
      default -> "None of its images could be read.";
    };
  }
}
