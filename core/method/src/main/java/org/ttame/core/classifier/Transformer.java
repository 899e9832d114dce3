package org.ttame.core.classifier;

import java.util.List;
import java.util.Objects;
import org.ttame.core.Text;

/**
 * What a classifier's graph looks like inside if it is a vision transformer: for methods that
 * follow attention through it.
 *
 * @param grid height and width of the patch grid; with the class token in front there are T = 1 +
 *     grid² tokens
 * @param width D of a token
 * @param heads H of each attention
 * @param hidden width of the perceptrons' first layers
 * @param blocks from input to logits
 * @param head from the normalised class token, {@code [B, D]}, to the logits
 */
public record Transformer(
    int grid, int width, int heads, int hidden, List<AttentionBlock> blocks, LinearLayer head) {
  public Transformer {
    Objects.requireNonNull(head, "head");
    blocks = List.copyOf(blocks);
    if (blocks.isEmpty() || grid < 1 || heads < 1 || hidden < 1 || width % heads != 0) {
      throw new IllegalArgumentException(
          Text.format(
              "A transformer cannot have %d blocks of %d heads on %d×%d patches of width %d",
              blocks.size(), heads, grid, grid, width));
    }
  }

  /** T, the class token counted. */
  public int tokens() {
    return grid * grid + 1;
  }
}
