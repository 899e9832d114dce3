package org.ttame.services;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.ttame.core.ProgressListener;
import org.ttame.core.Text;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.image.ImageException;
import org.ttame.eval.evaluation.Evaluation;
import org.ttame.eval.evaluation.EvaluationResult;
import org.ttame.eval.evaluation.ImageRecord;
import org.ttame.eval.evaluation.ImageStream;
import org.ttame.eval.evaluation.MapObserver;
import org.ttame.eval.evaluation.MethodResult;
import org.ttame.eval.explain.MapFolderExplainer;
import org.ttame.eval.output.EvaluationFolder;
import org.ttame.training.data.Batch;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.ImageSettings;

/** Measures the images of a list that an evaluation's folder does not know yet. */
final class EvaluationRunner {
  /** So many images without a map are named, the others counted. */
  private static final int NAMED = 10;

  private static final String WITHOUT_MAP = "images had no map and were left out for every method";

  private final Evaluation evaluation;
  private final EvaluationFolder folder;
  private final ImageList list;
  private final ImageSettings settings;
  private final ProgressListener listener;
  private final ImageSet set;
  private final List<LeftOut> leftOut = new ArrayList<>();
  private int withoutMap;

  EvaluationRunner(
      Evaluation evaluation,
      EvaluationFolder folder,
      ImageSet set,
      ImageSettings settings,
      ProgressListener listener) {
    this.evaluation = evaluation;
    this.folder = folder;
    this.set = set;
    this.list = set.own();
    this.settings = settings;
    this.listener = listener;
  }

  /**
   * Measures what is left, and returns what was found, now and before; {@code maps} are those made
   * elsewhere, and {@code observer} sees them all.
   */
  EvaluationResult run(
      FrozenClassifier classifier,
      List<MapFolderExplainer> maps,
      Optional<BoxTable> objects,
      MapObserver observer)
      throws IOException {
    EvaluationResult before = folder.finished();
    int[] left = left(before);
    left = withMaps(left, maps);
    EvaluationResult result = before;
    if (left.length > 0) {
      result = measure(classifier, before, left, objects, observer);
    } else if (before.images() > 0) {
      listener.note("the evaluation is complete; rewriting its tables");
    }
    return withoutMap == 0
        ? result
        : EvaluationResult.join(
            List.of(result, warning(evaluation.nothing(), names(maps), withoutMap)));
  }

  /** The images that could not be read, or have no map, in the list's order. */
  List<LeftOut> leftOut() {
    return leftOut.stream().sorted(Comparator.comparingInt(LeftOut::place)).toList();
  }

  /** How many images were left out because they have no map. */
  int withoutMap() {
    return withoutMap;
  }

  private EvaluationResult measure(
      FrozenClassifier classifier,
      EvaluationResult before,
      int[] places,
      Optional<BoxTable> objects,
      MapObserver observer)
      throws IOException {
    ImageList images = list.select(places);
    if (before.images() > 0) {
      listener.note(
          Text.format("resuming: %d of %d images are measured", before.images(), list.size()));
    }
    KnownObjects known =
        objects
            .map(table -> table.objects(settings.limits()))
            .orElse((any, spec) -> index -> List.of());
    try (ImageStream stream =
        new ImageStream(
                settings.open(images, classifier.inputSpec()),
                images,
                known.in(images, classifier.inputSpec()))
            .reporting(listener, "evaluating", before.images())) {
      EvaluationResult result = evaluation.resume(before, stream, folder, observer);
      for (Batch.BadImage bad : stream.bad()) {
        leftOut.add(leftOut(places[bad.index()], bad.kind(), bad.reason()));
      }
      if (before.images() == 0 && set.isWhole()) {
        stream.requireAny();
      }
      return result;
    }
  }

  private LeftOut leftOut(int own, ImageException.Kind kind, String reason) {
    return new LeftOut(set.shard().place(own), list.name(own), kind, reason);
  }

  /** The places of images that were not measured; a name that is there twice is measured twice. */
  private int[] left(EvaluationResult before) {
    if (before.images() == 0) {
      return IntStream.range(0, list.size()).toArray();
    }
    Map<String, Integer> measured = new HashMap<>();
    for (ImageRecord record : before.methods().get(0).records()) {
      measured.merge(record.image(), 1, Integer::sum);
    }
    return IntStream.range(0, list.size())
        .filter(i -> measured.merge(list.name(i), -1, Integer::sum) < 0)
        .toArray();
  }

  /** The names of some folders of maps, which have no comma. */
  static String names(List<MapFolderExplainer> maps) {
    return maps.stream().map(MapFolderExplainer::name).collect(Collectors.joining(","));
  }

  private static boolean hasAll(List<MapFolderExplainer> maps, String image) {
    return maps.stream().allMatch(one -> one.has(image));
  }

  /** Where the first map of an image is looked for that there is not. */
  private static Path expected(List<MapFolderExplainer> maps, String image) {
    return maps.stream().filter(one -> !one.has(image)).findFirst().orElseThrow().expected(image);
  }

  private int[] withMaps(int[] left, List<MapFolderExplainer> maps) throws IOException {
    int[] there = IntStream.of(left).filter(i -> hasAll(maps, list.name(i))).toArray();
    withoutMap = left.length - there.length;
    if (withoutMap == 0) {
      return there;
    }
    List<String> missing =
        IntStream.of(left).mapToObj(list::name).filter(name -> !hasAll(maps, name)).toList();
    if (there.length == 0 && folder.finished().images() == 0 && set.isWhole()) {
      throw new IOException(
          Text.format(
              "none of the %d images of %s has a map: expected '%s' and so on",
              list.size(), list.source(), expected(maps, missing.get(0))));
    }
    if (settings.strict()) {
      throw new IOException(
          Text.format(
              "There is no map for %s: expected '%s'; without option 'strict' it would be left out",
              missing.get(0), expected(maps, missing.get(0))));
    }
    IntStream.of(left)
        .filter(i -> !hasAll(maps, list.name(i)))
        .forEach(i -> leftOut.add(leftOut(i, null, "there is no map")));
    for (String name : missing.subList(0, Math.min(NAMED, missing.size()))) {
      listener.warn(Text.format("skipped: there is no map for %s", name));
    }
    if (missing.size() > NAMED) {
      listener.warn(Text.format("skipped: %d more images without a map", missing.size() - NAMED));
    }
    return there;
  }

  /** A part of a result that says nothing but that so many images had no map. */
  static EvaluationResult warning(EvaluationResult nothing, String maps, int withoutMap) {
    List<MethodResult> methods = new ArrayList<>();
    for (MethodResult method : nothing.methods()) {
      boolean own = List.of(maps.split(",", -1)).contains(method.method());
      methods.add(
          new MethodResult(
              method.method(),
              method.settings(),
              method.keys(),
              List.of(),
              0,
              own ? Map.of(WITHOUT_MAP, (long) withoutMap) : Map.of()));
    }
    return new EvaluationResult(nothing.keys(), nothing.parameters(), methods, 0, 0, 0, 0);
  }
}
