package org.ttame.eval.figure;

import java.util.List;
import org.ttame.core.Text;
import org.ttame.eval.metric.ImageBatch;

/**
 * Images that figures may show, and what is known of them.
 *
 * @param images B images, with the boxes of their objects where those are known
 * @param places the place of each in the list of images
 * @param truths the true classes of each, without repeats; empty where they are not known
 */
public record SceneBatch(ImageBatch images, List<Integer> places, List<List<Integer>> truths) {
  public SceneBatch {
    places = List.copyOf(places);
    truths = truths.stream().map(List::copyOf).toList();
    if (places.size() != images.size() || truths.size() != images.size()) {
      throw new IllegalArgumentException(
          Text.format(
              "%d images need as many places and true classes, got %d and %d",
              images.size(), places.size(), truths.size()));
    }
  }
}
