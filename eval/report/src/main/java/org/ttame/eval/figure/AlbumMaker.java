package org.ttame.eval.figure;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.NonFiniteException;
import org.ttame.core.image.RgbImage;
import org.ttame.core.masking.Masking;
import org.ttame.eval.explain.Explainer;
import org.ttame.eval.explain.SaliencyMaps;
import org.ttame.eval.metric.ImageBatch;
import org.ttame.eval.metric.MaskedInput;
import org.ttame.eval.render.HeatmapOverlay;

/** Asks a classifier about images, and its methods for maps; batch by batch. */
public final class AlbumMaker {
  private final ExplainedModel model;
  private final HeatmapOverlay overlay;
  private final MaskedInput input;

  /** Says which maps an image needs. */
  @FunctionalInterface
  interface Need {
    /** The maps of an image, all of the model's methods. */
    Set<Scene.Wanted> of(int place, List<Integer> truth, Prediction answer);
  }

  /**
   * For a classifier.
   *
   * @param model it and its methods
   * @param overlay how maps are drawn
   */
  public AlbumMaker(ExplainedModel model, HeatmapOverlay overlay) {
    this.model = model;
    this.overlay = overlay;
    // Clean inputs are the same under both maskings.
    input = new MaskedInput(model.classifier().inputSpec(), Masking.CNN);
  }

  /**
   * Chooses images by the classifier's answers: one pass an image, until nothing more can be
   * chosen.
   *
   * @param batches the images in the order of the list
   * @param selection offered each of them
   */
  public void choose(Iterator<SceneBatch> batches, SceneSelection selection) {
    while (!selection.isComplete() && batches.hasNext()) {
      SceneBatch batch = batches.next();
      List<Prediction> answers = answers(batch.images());
      for (int b = 0; b < batch.images().size(); b++) {
        selection.offer(batch.places().get(b), batch.truths().get(b), answers.get(b));
      }
    }
  }

  /**
   * Explains the chosen images.
   *
   * @param batches the chosen images
   * @param selection which figure shows which
   * @return pictures of images and maps
   */
  public Album explain(Iterator<SceneBatch> batches, SceneSelection selection) {
    return explain(batches, (place, truth, answer) -> wanted(selection, place, truth, answer));
  }

  Album explain(Iterator<SceneBatch> batches, Need need) {
    Album album = new Album(model.title(), model.methods());
    while (batches.hasNext()) {
      explain(batches.next(), need, album);
    }
    return album;
  }

  private Set<Scene.Wanted> wanted(
      SceneSelection selection, int place, List<Integer> truth, Prediction answer) {
    Set<Scene.Wanted> all = new LinkedHashSet<>();
    for (FigureKind kind : FigureKind.values()) {
      if (selection.places(kind).contains(place)) {
        List<String> methods = model.methods();
        int most = kind == FigureKind.METHODS ? methods.size() : 1;
        for (String method : methods.subList(0, most)) {
          for (int c : SceneSelection.classes(kind, truth, answer)) {
            all.add(new Scene.Wanted(method, c));
          }
        }
      }
    }
    return all;
  }

  private void explain(SceneBatch batch, Need need, Album album) {
    ImageBatch images = batch.images();
    List<Prediction> answers = answers(images);
    List<List<Scene.Wanted>> wanted = new ArrayList<>();
    List<Scene> scenes = new ArrayList<>();
    for (int b = 0; b < images.size(); b++) {
      int place = batch.places().get(b);
      List<Integer> truth = batch.truths().get(b);
      wanted.add(List.copyOf(need.of(place, truth, answers.get(b))));
      Scene scene =
          new Scene(images.names().get(b), truth, answers.get(b), ScenePictures.photo(images, b));
      scenes.add(scene);
      album.scenes().put(place, scene);
    }
    for (Explainer explainer : model.explainers()) {
      List<List<Integer>> classes =
          wanted.stream().map(all -> classes(all, explainer.name())).toList();
      int rounds = classes.stream().mapToInt(List::size).max().orElse(0);
      for (int round = 0; round < rounds; round++) {
        explain(explainer, images, scenes, classes, round);
      }
    }
  }

  /** Explains a class of each image that has so many. */
  private void explain(
      Explainer explainer,
      ImageBatch images,
      List<Scene> scenes,
      List<List<Integer>> classes,
      int round) {
    List<Integer> members = new ArrayList<>();
    for (int b = 0; b < images.size(); b++) {
      if (classes.get(b).size() > round) {
        members.add(b);
      }
    }
    ImageBatch some = images.some(members);
    int[] asked = members.stream().mapToInt(b -> classes.get(b).get(round)).toArray();
    SaliencyMaps maps;
    try (INDArray standardised = input.clean(some)) {
      maps = explainer.explain(standardised, asked, some.names());
    } catch (NonFiniteException e) {
      throw e.of(model.classifier().name(), some.names());
    }
    List<RgbImage> pictures = ScenePictures.maps(some, maps, asked, overlay);
    for (int i = 0; i < asked.length; i++) {
      Scene.Wanted wanted = new Scene.Wanted(explainer.name(), asked[i]);
      scenes.get(members.get(i)).maps().put(wanted, pictures.get(i));
    }
  }

  private List<Prediction> answers(ImageBatch images) {
    try (INDArray standardised = input.clean(images);
        ClassifierOutput output = model.classifier().forward(standardised, List.of())) {
      List<Prediction> answers = new ArrayList<>();
      for (double[] row : output.probabilities()) {
        answers.add(new Prediction(row));
      }
      return answers;
    } catch (NonFiniteException e) {
      throw e.of(model.classifier().name(), images.names());
    }
  }

  private static List<Integer> classes(List<Scene.Wanted> wanted, String method) {
    return wanted.stream()
        .filter(one -> one.method().equals(method))
        .map(Scene.Wanted::classIndex)
        .toList();
  }
}
