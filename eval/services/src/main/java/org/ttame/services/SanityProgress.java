package org.ttame.services;

import org.ttame.core.ProgressListener;
import org.ttame.core.Text;
import org.ttame.eval.sanity.SanityCheck;
import org.ttame.eval.sanity.SanityStage;

/** Shows how a sanity check goes: images over all stages. */
final class SanityProgress implements SanityCheck.Listener {
  private final ProgressListener listener;
  private final int images;
  private long before;
  private String detail = "original maps";

  SanityProgress(ProgressListener listener, int stages, int images) {
    this.listener = listener;
    this.images = images;
    listener.note(Text.format("%d stages of %d images", stages, images));
    listener.begin("checking", (1L + stages) * images, 0);
  }

  @Override
  public void stage(SanityStage stage, boolean done) {
    if (stage == null) {
      return;
    }
    before += images;
    detail = Text.format("%s %d, %s", stage.cascade().word(), stage.number(), stage.name());
    if (done) {
      listener.detail(detail + " is measured already");
      measured(images);
    }
  }

  @Override
  public void measured(int count) {
    listener.advance(before + count, detail);
  }
}
