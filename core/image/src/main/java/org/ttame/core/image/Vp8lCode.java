package org.ttame.core.image;

import java.util.Arrays;

/**
 * A prefix code of lossless WebP (RFC 9649, section 6.2): canonical, at most 15 bits, complete, or
 * of a single symbol that takes no bits. Anything else is refused, so a decoder never leaves its
 * tables.
 */
final class Vp8lCode {
  private static final int LONGEST = 15;
  private static final int QUICK = 8;

  private static final int[] LENGTH_ORDER = {
    17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
  };

  /** The symbols by length, then by value. */
  private final short[] symbols;

  private final int[] counts = new int[LONGEST + 1];
  private final int quickBits;

  /** For each of the next bits, {@code symbol << 4 | length}; 0 where the code is longer. */
  private final int[] quick;

  private Vp8lCode(int[] lengths) throws Refusal {
    int used = 0;
    int longest = 0;
    for (int length : lengths) {
      if (length > 0) {
        counts[length]++;
        used++;
        longest = Math.max(longest, length);
      }
    }
    symbols = new short[used];
    int[] next = new int[LONGEST + 2];
    for (int length = 1; length <= LONGEST; length++) {
      next[length + 1] = next[length] + counts[length];
    }
    for (int symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] > 0) {
        symbols[next[lengths[symbol]]++] = (short) symbol;
      }
    }
    if (used == 1) {
      quickBits = 0;
      quick = new int[0];
      return;
    }
    int free = 1 << LONGEST;
    for (int length = 1; length <= LONGEST; length++) {
      free -= counts[length] << (LONGEST - length);
    }
    if (used == 0 || free != 0) {
      throw Refusal.corrupt("the WebP's lossless data hold a prefix code that is not complete");
    }
    quickBits = Math.min(QUICK, longest);
    quick = quickTable();
  }

  private int[] quickTable() {
    int[] table = new int[1 << quickBits];
    int code = 0;
    int index = 0;
    for (int length = 1; length <= quickBits; length++) {
      for (int i = 0; i < counts[length]; i++, code++, index++) {
        // Codes are read from their highest bit, data from their lowest.
        int reversed = Integer.reverse(code) >>> (32 - length);
        for (int bits = reversed; bits < table.length; bits += 1 << length) {
          table[bits] = symbols[index] << 4 | length;
        }
      }
      code <<= 1;
    }
    return table;
  }

  /** Reads the description of a code of so many symbols. */
  static Vp8lCode read(Vp8lBits in, int alphabet) throws Refusal {
    int[] lengths = new int[Math.max(alphabet, 256)];
    if (in.flag()) {
      boolean two = in.flag();
      lengths[in.flag() ? in.read(8) : in.read(1)] = 1;
      if (two) {
        lengths[in.read(8)] = 1;
      }
      for (int symbol = alphabet; symbol < lengths.length; symbol++) {
        if (lengths[symbol] > 0) {
          throw Refusal.corrupt("the WebP's lossless data use a symbol that does not exist");
        }
      }
      return new Vp8lCode(lengths);
    }
    int[] lengthLengths = new int[LENGTH_ORDER.length];
    int described = 4 + in.read(4);
    for (int i = 0; i < described; i++) {
      lengthLengths[LENGTH_ORDER[i]] = in.read(3);
    }
    Vp8lCode lengthCode = new Vp8lCode(lengthLengths);
    int tokens = alphabet;
    if (in.flag()) {
      tokens = 2 + in.read(2 + 2 * in.read(3));
      if (tokens > alphabet) {
        throw Refusal.corrupt("the WebP's lossless data describe symbols that do not exist");
      }
    }
    int previous = 8;
    for (int symbol = 0; symbol < alphabet && tokens > 0; tokens--) {
      int token = lengthCode.next(in);
      if (token < 16) {
        lengths[symbol++] = token;
        if (token > 0) {
          previous = token;
        }
        continue;
      }
      int times =
          switch (token) {
            case 16 -> 3 + in.read(2);
            case 17 -> 3 + in.read(3);
            default -> 11 + in.read(7);
          };
      if (symbol + times > alphabet) {
        throw Refusal.corrupt("the WebP's lossless data describe symbols that do not exist");
      }
      Arrays.fill(lengths, symbol, symbol + times, token == 16 ? previous : 0);
      symbol += times;
    }
    return new Vp8lCode(lengths);
  }

  /** Reads one symbol. */
  int next(Vp8lBits in) throws Refusal {
    if (quickBits == 0) {
      return symbols[0];
    }
    int found = quick[in.peek(quickBits)];
    if (found != 0) {
      in.drop(found & 15);
      return found >> 4;
    }
    // Bit by bit: codes of one length are consecutive numbers, longer ones come after them.
    int bits = in.peek(LONGEST);
    int code = 0;
    int first = 0;
    int index = 0;
    for (int length = 1; length <= LONGEST; length++) {
      code |= bits >> (length - 1) & 1;
      int count = counts[length];
      if (code - first < count) {
        in.drop(length);
        return symbols[index + code - first];
      }
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw Refusal.corrupt("the WebP's lossless data are damaged");
  }
}
