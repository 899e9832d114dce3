package org.ttame.cli;

import org.ttame.core.Text;
import org.ttame.eval.sanity.SanityCheck;
import org.ttame.eval.sanity.SanityStage;

/** Shows how a sanity check goes: images over all stages. */
final class SanityProgress implements SanityCheck.Listener {
  private final Console console;
  private final int images;
  private final Progress progress;
  private long before;
  private String detail = "original maps";

  SanityProgress(Console console, int stages, int images) {
    this.console = console;
    this.images = images;
    console.note(Text.format("%d stages of %d images", stages, images));
    progress = console.progress("checking", (1L + stages) * images);
  }

  @Override
  public void stage(SanityStage stage, boolean done) {
    if (stage == null) {
      return;
    }
    before += images;
    detail = Text.format("%s %d, %s", stage.cascade().word(), stage.number(), stage.name());
    if (done && console.isVerbose()) {
      console.note(detail + " is measured already");
    }
    if (done) {
      measured(images);
    }
  }

  @Override
  public void measured(int count) {
    progress.at(before + count, detail);
  }
}
