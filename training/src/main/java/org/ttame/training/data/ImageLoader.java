package org.ttame.training.data;

import java.io.IOException;
import java.nio.file.Path;
import java.util.random.RandomGenerator;

/** Reads one image into a batch. Called from several threads at once. */
@FunctionalInterface
public interface ImageLoader {
  /**
   * Decodes, resizes and crops an image.
   *
   * @param random where random crops come from
   * @param target receives H·W·C values in [0,1]: rows, columns, then channels
   * @param offset where in the target
   * @throws IOException with a sentence naming the file, if it is no readable image
   */
  void load(Path file, RandomGenerator random, float[] target, int offset) throws IOException;
}
