package org.ttame.eval.render;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import org.apache.pdfbox.pdmodel.PDDocument;
import org.apache.pdfbox.pdmodel.PDPage;
import org.apache.pdfbox.pdmodel.PDPageContentStream;
import org.apache.pdfbox.pdmodel.common.PDRectangle;
import org.apache.pdfbox.pdmodel.font.PDFont;
import org.apache.pdfbox.pdmodel.font.PDType0Font;
import org.apache.pdfbox.pdmodel.graphics.image.LosslessFactory;
import org.apache.pdfbox.pdmodel.graphics.image.PDImageXObject;
import org.apache.pdfbox.pdmodel.graphics.state.PDExtendedGraphicsState;
import org.apache.pdfbox.util.Matrix;
import org.ttame.core.image.RgbImage;

/**
 * Writes a plot or a figure as a PDF of one page, a pixel being a point of 1/72 inch: text stays
 * text in an embedded font, pictures keep every sample. Equal drawings give equal files.
 */
final class PdfSurface implements PlotSurface, AutoCloseable {
  /** The size at which {@link #text}, made for a font of fixed width, fits its places. */
  private static final double TEXT = 18;

  private final int height;
  private final PDDocument document = new PDDocument();
  private final PDFont font;
  private final PDPageContentStream page;

  /** Does what can fail only where memory does. */
  @FunctionalInterface
  private interface Writing {
    void write() throws IOException;
  }

  PdfSurface(int width, int height) {
    this.height = height;
    // Files would differ by the time of day otherwise.
    document.setDocumentId(0L);
    PDPage sheet = new PDPage(new PDRectangle(width, height));
    document.addPage(sheet);
    try (InputStream in = Typeface.file()) {
      font = PDType0Font.load(document, in);
      page = new PDPageContentStream(document, sheet);
    } catch (IOException e) {
      throw new UncheckedIOException("A PDF could not be begun", e);
    }
  }

  @Override
  public void fill(double x0, double y0, double x1, double y1, int rgb, double opacity) {
    inside(
        opacity,
        () -> {
          color(rgb);
          page.addRect((float) x0, up(y1), (float) (x1 - x0), (float) (y1 - y0));
          page.fill();
        });
  }

  @Override
  public void band(double[] x, double[] low, double[] high, int rgb, double opacity) {
    inside(
        opacity,
        () -> {
          color(rgb);
          page.moveTo((float) x[0], up(low[0]));
          for (int i = 1; i < x.length; i++) {
            page.lineTo((float) x[i], up(low[i]));
          }
          for (int i = x.length - 1; i >= 0; i--) {
            page.lineTo((float) x[i], up(high[i]));
          }
          page.fill();
        });
  }

  @Override
  public void line(double[] x, double[] y, double thickness, int rgb) {
    inside(
        1,
        () -> {
          page.setStrokingColor(part(rgb, 16), part(rgb, 8), part(rgb, 0));
          page.setLineWidth((float) thickness);
          page.moveTo((float) x[0], up(y[0]));
          for (int i = 1; i < x.length; i++) {
            page.lineTo((float) x[i], up(y[i]));
          }
          page.stroke();
        });
  }

  @Override
  public void text(String text, double x, double y, int rgb) {
    label(Typeface.get().printable(text), x, y + LETTER, TEXT, rgb);
  }

  @Override
  public void textUp(String text, double x, double y, int rgb) {
    Matrix turned = Matrix.getRotateInstance(Math.PI / 2, (float) (x + LETTER), up(y));
    write(Typeface.get().printable(text), turned, TEXT, rgb);
  }

  @Override
  public void label(String text, double x, double y, double size, int rgb) {
    write(text, Matrix.getTranslateInstance((float) x, up(y)), size, rgb);
  }

  @Override
  public void picture(RgbImage picture, double x0, double y0, double x1, double y1) {
    BufferedImage pixels =
        new BufferedImage(picture.width(), picture.height(), BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < picture.height(); y++) {
      for (int x = 0; x < picture.width(); x++) {
        pixels.setRGB(x, y, picture.rgb(x, y));
      }
    }
    doing(
        () -> {
          PDImageXObject image = LosslessFactory.createFromImage(document, pixels);
          page.drawImage(image, (float) x0, up(y1), (float) (x1 - x0), (float) (y1 - y0));
        });
  }

  /**
   * The document; nothing can be drawn afterwards.
   *
   * @param title what readers show as its name
   * @param description its subject
   * @return the bytes of a PDF file
   */
  byte[] document(String title, String description) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    doing(
        () -> {
          page.close();
          document.getDocumentInformation().setTitle(title);
          document.getDocumentInformation().setSubject(description);
          document.getDocumentInformation().setCreator("T-TAME for Java");
          document.save(out);
        });
    return out.toByteArray();
  }

  @Override
  public void close() {
    doing(document::close);
  }

  private void write(String text, Matrix placed, double size, int rgb) {
    if (text.isEmpty()) {
      return;
    }
    doing(
        () -> {
          page.beginText();
          page.setFont(font, (float) size);
          color(rgb);
          page.setTextMatrix(placed);
          page.showText(text);
          page.endText();
        });
  }

  /** Draws with a state that is forgotten afterwards. */
  private void inside(double opacity, Writing writing) {
    doing(
        () -> {
          page.saveGraphicsState();
          if (opacity < 1) {
            PDExtendedGraphicsState state = new PDExtendedGraphicsState();
            state.setNonStrokingAlphaConstant((float) opacity);
            page.setGraphicsStateParameters(state);
          }
          writing.write();
          page.restoreGraphicsState();
        });
  }

  private void color(int rgb) throws IOException {
    page.setNonStrokingColor(part(rgb, 16), part(rgb, 8), part(rgb, 0));
  }

  private static float part(int rgb, int shift) {
    return (rgb >> shift & 255) / 255f;
  }

  /** PDF counts from the bottom. */
  private float up(double y) {
    return (float) (height - y);
  }

  private static void doing(Writing writing) {
    try {
      writing.write();
    } catch (IOException e) {
      throw new UncheckedIOException("A PDF could not be written in memory", e);
    }
  }
}
