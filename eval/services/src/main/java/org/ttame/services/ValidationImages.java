package org.ttame.services;

import java.util.BitSet;
import org.ttame.core.ProgressListener;
import org.ttame.core.image.InputSpec;
import org.ttame.eval.evaluation.AdIcValidator;
import org.ttame.eval.evaluation.ImageStream;
import org.ttame.training.data.Batch;
import org.ttame.training.data.ImageList;
import org.ttame.training.data.ImageSettings;
import org.ttame.training.data.SkippedCount;

/**
 * The images that epochs are chosen by, read again for each; those that cannot be read are named
 * and counted once, not once an epoch.
 */
final class ValidationImages implements AdIcValidator.Images {
  private final ImageList list;
  private final InputSpec spec;
  private final ImageSettings settings;
  private final ProgressListener listener;
  private final BitSet known = new BitSet();
  private final SkippedCount skipped = new SkippedCount();

  /** The images of a list. */
  ValidationImages(
      ImageList list, InputSpec spec, ImageSettings settings, ProgressListener listener) {
    this.list = list;
    this.spec = spec;
    this.settings = settings;
    this.listener = listener;
  }

  @Override
  public ImageStream open() {
    return new ImageStream(settings.open(list, spec), list).onSkipped(this::skip);
  }

  @Override
  public String fingerprint() {
    return list.namesSha256();
  }

  /** Those met so far that could not be read. */
  SkippedCount skipped() {
    return skipped;
  }

  private void skip(Batch.BadImage image) {
    if (!known.get(image.index())) {
      known.set(image.index());
      skipped.add(image.kind());
      listener.warn("skipped: " + image.reason());
    }
  }
}
