package org.ttame.eval.render;

import java.awt.Shape;
import java.awt.geom.AffineTransform;
import java.awt.geom.PathIterator;
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
import org.apache.pdfbox.pdmodel.graphics.state.PDExtendedGraphicsState;
import org.apache.pdfbox.util.Matrix;
import org.ttame.core.image.RgbImage;

/**
 * Writes a PDF of one page: text stays text in an embedded font, pictures keep every sample. Equal
 * drawings give equal files.
 */
final class PdfDrawing implements Drawing, AutoCloseable {
  private final float height;
  private final PDDocument document = new PDDocument();
  private final PDFont font;
  private final PDPageContentStream page;

  /** Does what can fail only where memory does. */
  @FunctionalInterface
  private interface Writing {
    void write() throws IOException;
  }

  /** An empty page, of points. */
  PdfDrawing(double width, double height) {
    this.height = (float) Math.ceil(height);
    // Files would differ by the time of day otherwise.
    document.setDocumentId(0L);
    PDPage sheet = new PDPage(new PDRectangle((float) Math.ceil(width), this.height));
    document.addPage(sheet);
    try (InputStream in = Typeface.file()) {
      font = PDType0Font.load(document, in);
      page = new PDPageContentStream(document, sheet);
    } catch (IOException e) {
      throw new UncheckedIOException("A PDF could not be begun", e);
    }
  }

  @Override
  public void fill(Shape shape, int rgb, double opacity) {
    write(
        () -> {
          PDExtendedGraphicsState state = new PDExtendedGraphicsState();
          state.setNonStrokingAlphaConstant((float) opacity);
          page.setGraphicsStateParameters(state);
          page.setNonStrokingColor(part(rgb, 16), part(rgb, 8), part(rgb, 0));
          trace(shape);
          page.fill();
        });
  }

  @Override
  public void stroke(Shape path, double width, int rgb, float... dashes) {
    write(
        () -> {
          page.setStrokingColor(part(rgb, 16), part(rgb, 8), part(rgb, 0));
          page.setLineWidth((float) width);
          page.setLineJoinStyle(1);
          page.setLineDashPattern(dashes, 0);
          trace(path);
          page.stroke();
        });
  }

  @Override
  public void text(String text, double x, double y, double size, double angle, int rgb) {
    if (text.isEmpty()) {
      return;
    }
    write(
        () -> {
          page.beginText();
          page.setFont(font, (float) size);
          page.setNonStrokingColor(part(rgb, 16), part(rgb, 8), part(rgb, 0));
          page.setTextMatrix(
              Matrix.getRotateInstance(Math.toRadians(angle), (float) x, height - (float) y));
          page.showText(text);
          page.endText();
        });
  }

  @Override
  public void picture(RgbImage picture, double x, double y, double width, double height) {
    write(
        () ->
            page.drawImage(
                LosslessFactory.createFromImage(document, Thumbnail.buffered(picture)),
                (float) x,
                this.height - (float) (y + height),
                (float) width,
                (float) height));
  }

  /**
   * The bytes of a PDF file with the name and the subject that readers show; nothing can be drawn
   * afterwards.
   */
  byte[] document(String title, String description) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      page.close();
      document.getDocumentInformation().setTitle(title);
      document.getDocumentInformation().setSubject(description);
      document.getDocumentInformation().setCreator("T-TAME for Java");
      document.save(out);
    } catch (IOException e) {
      throw new UncheckedIOException("A PDF could not be written in memory", e);
    }
    return out.toByteArray();
  }

  @Override
  public void close() {
    try {
      document.close();
    } catch (IOException e) {
      throw new UncheckedIOException("A PDF could not be closed", e);
    }
  }

  /** Draws with a state that is forgotten afterwards. */
  private void write(Writing writing) {
    try {
      page.saveGraphicsState();
      writing.write();
      page.restoreGraphicsState();
    } catch (IOException e) {
      throw new UncheckedIOException("A PDF could not be written in memory", e);
    }
  }

  private void trace(Shape shape) throws IOException {
    // PDF counts from the bottom.
    AffineTransform up = new AffineTransform(1, 0, 0, -1, 0, height);
    float[] at = new float[6];
    for (PathIterator i = shape.getPathIterator(up); !i.isDone(); i.next()) {
      switch (i.currentSegment(at)) {
        case PathIterator.SEG_MOVETO -> page.moveTo(at[0], at[1]);
        case PathIterator.SEG_LINETO -> page.lineTo(at[0], at[1]);
        case PathIterator.SEG_CUBICTO -> page.curveTo(at[0], at[1], at[2], at[3], at[4], at[5]);
        case PathIterator.SEG_CLOSE -> page.closePath();
        default -> throw new IllegalArgumentException("Quadratic curves cannot be drawn: " + shape);
      }
    }
  }

  private static float part(int rgb, int shift) {
    return (rgb >> shift & 255) / 255f;
  }
}
