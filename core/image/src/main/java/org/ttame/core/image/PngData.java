package org.ttame.core.image;

import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import org.ttame.core.Text;

/**
 * Unpacks a PNG's picture data once, keeping nothing, to see that they are whole.
 *
 * <p>libpng would find the same faults, but it reports them to the process's error stream, where no
 * Java program can catch them.
 */
final class PngData {
  /** First column and row, and steps, of the seven passes of an interlaced picture. */
  private static final int[][] PASSES = {
    {0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}
  };

  private static final int LAST_FILTER = 4;

  private final int width;
  private final int height;
  private final int bits;
  private final int[][] passes;
  private final byte[] buffer = new byte[32 * 1024];

  private int pass = -1;
  private long rowsLeft;
  private long row;
  private long rowLeft;

  /** Bytes after the last row; a few occur and harm nobody. */
  private int excess;

  /** A check of a picture of so many bits a pixel, perhaps coded in passes. */
  PngData(int width, int height, int bits, boolean interlaced) {
    this.width = width;
    this.height = height;
    this.bits = bits;
    this.passes = interlaced ? PASSES : new int[][] {{0, 0, 1, 1}};
    nextPass();
  }

  /** Moves to the next pass that has pixels. */
  private void nextPass() {
    rowsLeft = 0;
    while (rowsLeft == 0 && ++pass < passes.length) {
      int[] p = passes[pass];
      long across = Math.max(0, ((long) width - p[0] + p[2] - 1) / p[2]);
      rowsLeft = across == 0 ? 0 : Math.max(0, ((long) height - p[1] + p[3] - 1) / p[3]);
      row = (across * bits + 7) / 8;
    }
  }

  /**
   * Unpacks pieces of compressed data, each by first byte and length; refused if they are not the
   * whole picture.
   */
  void check(byte[] file, Iterable<int[]> pieces) throws Refusal {
    Inflater inflater = new Inflater();
    try {
      for (int[] piece : pieces) {
        inflater.setInput(file, piece[0], piece[1]);
        while (!inflater.finished()) {
          int count = inflater.inflate(buffer);
          if (inflater.needsDictionary()) {
            throw Refusal.corrupt("the PNG's data ask for a dictionary");
          }
          if (count == 0) {
            break;
          }
          rows(count);
          if (excess > buffer.length) {
            throw Refusal.corrupt("the PNG's data unpack to more than the picture");
          }
        }
      }
      if (pass < passes.length || rowLeft > 0 || !inflater.finished()) {
        throw Refusal.corrupt("the PNG's data hold only a part of the picture");
      }
    } catch (DataFormatException e) {
      throw Refusal.corrupt(Text.format("the PNG's data are damaged (%s)", e.getMessage()), e);
    } finally {
      inflater.end();
    }
  }

  /** Follows the rows through unpacked bytes; each starts with the number of its filter. */
  private void rows(int count) throws Refusal {
    int at = 0;
    while (at < count) {
      if (rowLeft > 0) {
        long step = Math.min(rowLeft, count - (long) at);
        at += (int) step;
        rowLeft -= step;
        continue;
      }
      if (pass == passes.length) {
        excess += count - at;
        return;
      }
      int filter = buffer[at++] & 0xFF;
      if (filter > LAST_FILTER) {
        throw Refusal.corrupt(Text.format("a row of the PNG has the unknown filter %d", filter));
      }
      rowLeft = row;
      if (--rowsLeft == 0) {
        nextPass();
      }
    }
  }
}
