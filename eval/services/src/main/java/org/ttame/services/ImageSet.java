package org.ttame.services;

import java.util.Objects;
import java.util.Optional;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.Shard;

/**
 * The images of a call: a whole list, or a shard of one.
 *
 * @param own the images that are gone through, in the list's order
 * @param part which part of the list they are; empty for all of it
 * @param images how many images the whole list has
 * @param namesSha256 of the whole list, see {@link ImageList#namesSha256}
 * @param description of the whole list, for people
 */
public record ImageSet(
    ImageList own, Optional<Shard> part, int images, String namesSha256, String description) {
  public ImageSet {
    Objects.requireNonNull(part, "part");
    Objects.requireNonNull(namesSha256, "namesSha256");
    Objects.requireNonNull(description, "description");
    int expected = part.map(shard -> shard.size(images)).orElse(images);
    if (own.size() != expected) {
      throw new IllegalArgumentException(
          "Shard " + part + " of " + images + " images does not have " + own.size());
    }
  }

  /**
   * A list, or a shard of it.
   *
   * @throws InvalidOptionException if there are more shards than images
   */
  public static ImageSet of(ImageList whole, Optional<Shard> part) {
    if (part.isPresent() && part.get().count() > whole.size()) {
      throw new InvalidOptionException(
          "shard",
          part.get()
              + ": there are only "
              + whole.describe()
              + ", and each shard needs at least one");
    }
    ImageList own = part.map(shard -> shard.of(whole)).orElse(whole);
    return new ImageSet(own, part, whole.size(), whole.namesSha256(), whole.describe());
  }

  /** Whether these are all images of the list. */
  boolean isWhole() {
    return part.isEmpty();
  }

  /** Which part of the list they are; 0/1 for all of it. */
  Shard shard() {
    return part.orElse(new Shard(0, 1));
  }

  /** The name of the image at a place of the whole list, if it is one of these. */
  Optional<String> name(int place) {
    Shard shard = shard();
    return place % shard.count() == shard.index()
        ? Optional.of(own.name(place / shard.count()))
        : Optional.empty();
  }

  /** How many images each pass has at least, so that results do not depend on shards. */
  int passSize(int batchSize) {
    return Math.min(batchSize, images);
  }
}
