package org.ttame.eval.render;

import java.awt.geom.GeneralPath;
import java.awt.geom.Path2D;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.apache.fontbox.ttf.CmapLookup;
import org.apache.fontbox.ttf.GlyphData;
import org.apache.fontbox.ttf.TTFParser;
import org.apache.fontbox.ttf.TTFSubsetter;
import org.apache.fontbox.ttf.TrueTypeFont;
import org.apache.pdfbox.io.RandomAccessReadBuffer;
import org.apache.pdfbox.pdmodel.PDDocument;

/**
 * The typeface of figures: Liberation Sans, whose widths are those of Helvetica and Arial. PDFBox
 * carries it, so that pictures are the same on every machine, and on one without any font.
 */
final class Typeface {
  /** Where PDFBox keeps the file. */
  private static final String RESOURCE =
      "/org/apache/pdfbox/resources/ttf/LiberationSans-Regular.ttf";

  /**
   * What a reader of TrueType must find; without the programs that fit letters to coarse pixels.
   */
  private static final List<String> TABLES =
      List.of("head", "hhea", "maxp", "name", "OS/2", "post", "glyf", "loca", "cmap", "hmtx");

  private static final String ELLIPSIS = "…";
  private static final int UNKNOWN = '?';

  /** How much of the room a text that is too long gives to its beginning. */
  private static final double BEGINNING = 0.55;

  private static final Typeface INSTANCE = read();

  private final TrueTypeFont font;
  private final CmapLookup glyphs;
  private final double unitsPerEm;

  private Typeface(TrueTypeFont font) throws IOException {
    this.font = font;
    glyphs = font.getUnicodeCmapLookup();
    unitsPerEm = font.getUnitsPerEm();
  }

  static Typeface get() {
    return INSTANCE;
  }

  /** The font's file; the caller closes it. */
  static InputStream file() throws IOException {
    InputStream in = PDDocument.class.getResourceAsStream(RESOURCE);
    if (in == null) {
      throw new IOException("PDFBox lacks " + RESOURCE + "; this build is incomplete");
    }
    return in;
  }

  /**
   * A text with question marks for what the typeface cannot show or should not: characters it
   * lacks, control characters, marks that turn the writing direction.
   */
  String printable(String text) {
    StringBuilder result = new StringBuilder(text.length());
    text.codePoints().map(c -> isPrintable(c) ? c : UNKNOWN).forEach(result::appendCodePoint);
    return result.toString();
  }

  private boolean isPrintable(int codePoint) {
    int type = Character.getType(codePoint);
    boolean invisible =
        type == Character.CONTROL || type == Character.FORMAT || type == Character.SURROGATE;
    return !invisible && glyphs.getGlyphId(codePoint) != 0;
  }

  /** The width of a printable text, in the unit of {@code size}. */
  double width(String text, double size) {
    return text.codePoints().mapToDouble(this::advance).sum() * size / unitsPerEm;
  }

  /**
   * A text made to fit a width: printable, and what is too long loses its middle, since names
   * differ at both ends.
   */
  String fitted(String text, double size, double width) {
    String printable = printable(text);
    if (width(printable, size) <= width) {
      return printable;
    }
    int[] points = printable.codePoints().toArray();
    double room = width - width(ELLIPSIS, size);
    int head = 0;
    double used = 0;
    while (head < points.length && used + wide(points[head], size) <= BEGINNING * room) {
      used += wide(points[head++], size);
    }
    int tail = points.length;
    while (tail > head && used + wide(points[tail - 1], size) <= room) {
      used += wide(points[--tail], size);
    }
    return new String(points, 0, head) + ELLIPSIS + new String(points, tail, points.length - tail);
  }

  /** Breaks a text at spaces into lines; a word that is too long is {@link #fitted}. */
  List<String> wrapped(String text, double size, double width) {
    List<String> lines = new ArrayList<>();
    String line = "";
    for (String word : printable(text).split(" ", -1)) {
      String longer = line.isEmpty() ? word : line + " " + word;
      if (!line.isEmpty() && width(longer, size) > width) {
        lines.add(fitted(line, size, width));
        line = word;
      } else {
        line = longer;
      }
    }
    lines.add(fitted(line, size, width));
    return lines;
  }

  /**
   * The same, but of at most so many lines: the last takes all that is left, and loses its middle
   * where it is too long.
   */
  List<String> wrapped(String text, double size, double width, int most) {
    List<String> lines = wrapped(text, size, width);
    if (lines.size() <= most) {
      return lines;
    }
    // A line that was fitted already must not lose its middle twice.
    List<String> words = new ArrayList<>(List.of(printable(text).split(" ", -1)));
    for (String line : lines.subList(0, most - 1)) {
      words.subList(0, line.split(" ", -1).length).clear();
    }
    List<String> shortened = new ArrayList<>(lines.subList(0, most - 1));
    shortened.add(fitted(String.join(" ", words), size, width));
    return shortened;
  }

  /** How far the next character is, in units of {@link #unitsPerEm}. */
  synchronized int advance(int codePoint) {
    try {
      return font.getAdvanceWidth(glyphs.getGlyphId(codePoint));
    } catch (IOException e) {
      throw new UncheckedIOException("The typeface of figures could not be read", e);
    }
  }

  /** The outline of a character on its line, y upwards, in units of {@link #unitsPerEm}. */
  synchronized Path2D outline(int codePoint) {
    try {
      GlyphData glyph = font.getGlyph().getGlyph(glyphs.getGlyphId(codePoint));
      return glyph == null ? new GeneralPath() : glyph.getPath();
    } catch (IOException e) {
      throw new UncheckedIOException("The typeface of figures could not be read", e);
    }
  }

  /**
   * A TrueType file of some characters, for documents that carry what they show; equal characters
   * give equal bytes.
   */
  synchronized byte[] subset(Collection<Integer> points) {
    try {
      TTFSubsetter subsetter = new TTFSubsetter(font, TABLES);
      points.forEach(subsetter::add);
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      subsetter.writeToStream(out);
      return out.toByteArray();
    } catch (IOException e) {
      throw new UncheckedIOException("The typeface of figures could not be read", e);
    }
  }

  /** The unit of outlines and advances: so many are the size of the typeface. */
  double unitsPerEm() {
    return unitsPerEm;
  }

  private double wide(int codePoint, double size) {
    return advance(codePoint) * size / unitsPerEm;
  }

  @SuppressWarnings("resource") // the font reads from it for as long as the program runs
  private static Typeface read() {
    try (InputStream in = file()) {
      return new Typeface(new TTFParser().parse(new RandomAccessReadBuffer(in)));
    } catch (IOException e) {
      throw new UncheckedIOException("The typeface of figures could not be read", e);
    }
  }
}
