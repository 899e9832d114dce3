package org.ttame.eval.figure;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.ttame.core.image.PngWriter;

/** The files a figure can be written to, for papers and slides. */
public enum FigureFormat {
  /** Pixels, 216 to the inch. */
  PNG,
  /** Text stays text, pictures are inside. */
  SVG,
  /** One page: text stays text in an embedded font, pictures are inside. */
  PDF;

  /** The ending of its files, without the dot. */
  public String ending() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** A figure as the bytes of a file. */
  byte[] encode(Figure figure) {
    String title = figure.name();
    return switch (this) {
      case PNG -> PngWriter.encode(figure.sheet().toCanvas().toImage());
      case SVG -> figure.sheet().toSvg(title, figure.caption()).getBytes(StandardCharsets.UTF_8);
      case PDF -> figure.sheet().toPdf(title, figure.caption());
    };
  }
}
