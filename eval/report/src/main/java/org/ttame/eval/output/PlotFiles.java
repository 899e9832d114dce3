package org.ttame.eval.output;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.ttame.core.image.PngWriter;
import org.ttame.core.storage.WholeFile;
import org.ttame.eval.render.LinePlot;

/** A plot as files for screens and for papers. */
public final class PlotFiles {
  private PlotFiles() {}

  /**
   * Writes {@code NAME.png}, {@code NAME.svg} and {@code NAME.pdf}, each whole or not at all.
   *
   * @param folder where to; made if missing
   * @param name without an ending
   * @param plot what to draw, with at least one curve
   * @return the files
   * @throws IOException naming the file, if one cannot be written
   */
  public static List<Path> write(Path folder, String name, LinePlot plot) throws IOException {
    Path png = folder.resolve(name + ".png");
    write(png, PngWriter.encode(plot.toCanvas().toImage()));
    Path svg = folder.resolve(name + ".svg");
    WholeFile.writeText(svg, plot.toSvg());
    Path pdf = folder.resolve(name + ".pdf");
    write(pdf, plot.toPdf());
    return List.of(png, svg, pdf);
  }

  private static void write(Path file, byte[] bytes) throws IOException {
    WholeFile.write(file, out -> out.write(bytes));
  }
}
