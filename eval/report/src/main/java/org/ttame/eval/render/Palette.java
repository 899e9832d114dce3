package org.ttame.eval.render;

import java.util.List;
import java.util.Map;

/**
 * The colours of plots and sheets. Those of curves are Okabe and Ito's, which colour-blind readers
 * tell apart, darkened where lines on white would be too pale. In a page each is a variable of its
 * style sheet, which has others for the dark.
 */
final class Palette {
  static final int PAPER = 0xffffff;
  static final int INK = 0x1a1a1a;
  static final int FAINT = 0x595959;
  static final int PALE = 0xa8a8a8;
  static final int GRID = 0xe2e2e2;

  /** Curves in order; after the last they begin again, dashed. */
  static final List<Integer> CURVES =
      List.of(0x0072b2, 0xd55e00, 0x009e73, 0xb0568f, 0xb57a00, 0x3a9ad9, 0x6b4c9a, 0x333333);

  private static final Map<Integer, String> NAMES =
      Map.of(PAPER, "panel", INK, "ink", FAINT, "soft", PALE, "soft", GRID, "rule");

  private Palette() {}

  /** A colour as the page's own. */
  static String variable(int rgb) {
    int curve = CURVES.indexOf(rgb);
    return "var(--" + (curve < 0 ? NAMES.get(rgb) : "series-" + (curve + 1)) + ")";
  }
}
