package org.ttame.eval.report;

/** Finds text that is hard to read, by WCAG 2.1's contrast ratio. */
final class Contrast {
  /** Returns the texts whose contrast with what is behind them is below 4.5. */
  static final String SCRIPT =
      """
      const channel = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
      const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
      const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
      const behind = (element) => {
        for (let e = element; e; e = e.parentElement) {
          const colour = numbers(getComputedStyle(e).backgroundColor);
          if (colour.length === 3 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
      };
      const bad = [];
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
        if (element.closest('script, .skip, .hidden')) continue;
        const a = luminance(numbers(getComputedStyle(element).color));
        const b = luminance(behind(element));
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) bad.push(ratio.toFixed(2) + ' ' + walker.currentNode.data.trim());
      }
      return bad;
      """;

  private Contrast() {}
}
