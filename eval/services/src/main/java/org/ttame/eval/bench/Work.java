package org.ttame.eval.bench;

import org.ttame.core.Named;

/** What can be measured, in passes of a whole batch. */
public enum Work implements Named {
  /** A pass through the classifier: logits. */
  FORWARD,

  /** A pass, and the predicted class's map: attention, min-max, upsampling to the image. */
  EXPLAIN,

  /** A pass forwards and backwards: the cross-entropy's gradient at the images. */
  GRADIENT,

  /**
   * A training step: the clean pass, attention, the masked pass and its way back, the way back
   * through attention, the update.
   */
  STEP,

  /**
   * A batch of RISE's masks over the first image: as many passes, all that a mask costs included.
   */
  RISE,

  /** Score-CAM of the first image: a pass for each channel of its layer, in batches. */
  SCORECAM,

  /** Ablation-CAM of the first image: for each channel what follows its layer, in batches. */
  ABLATIONCAM
}
