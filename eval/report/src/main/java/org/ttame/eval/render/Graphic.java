package org.ttame.eval.render;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.ttame.core.image.RgbImage;
import org.ttame.core.storage.AtomicFile;

/** A plot or a sheet of pictures: one layout, drawn as PNG, SVG or PDF. */
public sealed interface Graphic permits LinePlot, FigureSheet {
  /** Pixels a point in a PNG: 216 to the inch. */
  double RESOLUTION = 3;

  /** Points of 1/72 inch across. */
  double width();

  /** Points down. */
  double height();

  /** Draws everything inside width and height; the paper is white already. */
  void draw(Drawing drawing);

  /** The picture in pixels, three to a point. */
  default RgbImage toImage() {
    RasterDrawing drawing = new RasterDrawing(width(), height(), RESOLUTION);
    paint(drawing);
    return drawing.toImage();
  }

  /**
   * The picture as an SVG document.
   *
   * @param title what programs show as its name
   * @param description what they say of it
   */
  default String toSvg(String title, String description) {
    SvgDrawing drawing = new SvgDrawing(width(), height(), false);
    paint(drawing);
    Typeface typeface = Typeface.get();
    return drawing.document(typeface.printable(title), typeface.printable(description));
  }

  /**
   * The picture as a PDF of one page.
   *
   * @param title what readers show as its name
   * @param description its subject
   */
  default byte[] toPdf(String title, String description) {
    Typeface typeface = Typeface.get();
    try (PdfDrawing drawing = new PdfDrawing(width(), height())) {
      draw(drawing);
      return drawing.document(typeface.printable(title), typeface.printable(description));
    }
  }

  /**
   * Writes {@code NAME.png} and so on, each whole or not at all.
   *
   * @param folder where to; made if missing
   * @param name without an ending, and what programs show as its title
   * @param description what they say of it
   * @param formats which files
   */
  default List<Path> write(
      Path folder, String name, String description, Collection<FigureFormat> formats)
      throws IOException {
    List<Path> files = new ArrayList<>();
    for (FigureFormat format : formats) {
      byte[] content = format.encode(this, name, description);
      Path file = folder.resolve(name + "." + format.optionName());
      AtomicFile.write(file, out -> out.write(content));
      files.add(file);
    }
    return files;
  }

  private void paint(Drawing drawing) {
    drawing.fill(0, 0, Math.ceil(width()), Math.ceil(height()), Palette.PAPER);
    draw(drawing);
  }
}
