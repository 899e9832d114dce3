package org.ttame.eval.render;

import java.nio.charset.StandardCharsets;
import org.ttame.core.Named;
import org.ttame.core.image.PngWriter;

/**
 * The files a plot or a sheet can be written to, for screens, papers and slides; named by its
 * ending.
 */
public enum FigureFormat implements Named {
  /** Pixels, 216 to the inch. */
  PNG,
  /** Text stays text, pictures and letters are inside. */
  SVG,
  /** One page: text stays text in an embedded font, pictures are inside. */
  PDF;

  /**
   * A plot or a sheet as the bytes of a file.
   *
   * @param graphic what to draw
   * @param title what programs show as its name
   * @param description what they say of it
   */
  public byte[] encode(Graphic graphic, String title, String description) {
    return switch (this) {
      case PNG -> PngWriter.encode(graphic.toImage());
      case SVG -> graphic.toSvg(title, description).getBytes(StandardCharsets.UTF_8);
      case PDF -> graphic.toPdf(title, description);
    };
  }
}
