package org.ttame.services;

import java.util.List;
import java.util.function.IntFunction;
import org.ttame.core.image.InputSpec;
import org.ttame.eval.metric.Box;
import org.ttame.training.data.ImageList;

/** Where the objects are in the images of a set. */
@FunctionalInterface
public interface KnownObjects {
  /**
   * The objects of listed images.
   *
   * @param images any selection of the set, in any order
   * @param spec whose test crop is looked at
   * @return objects by index in that list, in pixels of the crop; an empty list where none is known
   */
  IntFunction<List<Box>> in(ImageList images, InputSpec spec);
}
