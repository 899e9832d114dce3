package org.ttame.core.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.BitSet;
import org.junit.jupiter.api.Test;

/** Prefix codes of lossless WebP, the place where decoders have been broken. */
class Vp8lCodeTest {
  /** Bits in the order in which they are read. */
  private static final class Bits {
    private final BitSet bits = new BitSet();
    private int length;

    Bits number(int value, int count) {
      for (int i = 0; i < count; i++) {
        bits.set(length++, (value >> i & 1) != 0);
      }
      return this;
    }

    Vp8lBits reader() {
      byte[] bytes = new byte[(length + 7) / 8];
      System.arraycopy(bits.toByteArray(), 0, bytes, 0, bits.toByteArray().length);
      return new Vp8lBits(bytes, 0, bytes.length);
    }
  }

  /**
   * The start of a code whose code lengths are themselves coded by symbols 1 and 2, one bit each.
   */
  private static Bits lengthsOfOneBit() {
    Bits bits = new Bits().number(0, 1).number(1, 4); // Not simple; 5 of the order 17, 18, 0, 1, 2.
    return bits.number(0, 9).number(1, 3).number(1, 3);
  }

  @Test
  void oneSymbolTakesNoBits() throws Refusal {
    Bits bits = new Bits().number(1, 1).number(0, 1).number(1, 1).number(200, 8);
    Vp8lBits in = bits.reader();
    Vp8lCode code = Vp8lCode.read(in, 256);
    for (int i = 0; i < 1000; i++) {
      assertThat(code.next(in)).isEqualTo(200);
    }
  }

  @Test
  void twoSymbolsTakeABitEach() throws Refusal {
    Bits bits = new Bits().number(1, 1).number(1, 1).number(1, 1).number(200, 8).number(7, 8);
    Vp8lBits in = bits.number(0b0110, 4).reader();
    Vp8lCode code = Vp8lCode.read(in, 256);
    // The smaller symbol has the smaller code.
    assertThat(code.next(in)).isEqualTo(7);
    assertThat(code.next(in)).isEqualTo(200);
    assertThat(code.next(in)).isEqualTo(200);
    assertThat(code.next(in)).isEqualTo(7);
  }

  @Test
  void threeSymbolsShareTheCodeSpace() throws Refusal {
    // Three lengths given: 1, 2, 2 for symbols 0, 1, 2.
    Bits bits = lengthsOfOneBit().number(1, 1).number(0, 3).number(1, 2).number(0b110, 3);
    Vp8lBits in = bits.number(0b0, 1).number(0b01, 2).number(0b11, 2).reader();
    Vp8lCode code = Vp8lCode.read(in, 256);
    assertThat(code.next(in)).isZero();
    assertThat(code.next(in)).isEqualTo(1);
    assertThat(code.next(in)).isEqualTo(2);
  }

  @Test
  void overfullAndIncompleteCodesAreRefused() {
    // All 256 symbols with a length of one bit.
    Bits overfull = lengthsOfOneBit().number(0, 1);
    for (int i = 0; i < 256; i++) {
      overfull.number(0, 1);
    }
    assertThatThrownBy(() -> Vp8lCode.read(overfull.reader(), 256))
        .isInstanceOf(Refusal.class)
        .hasMessageContaining("not complete");
    // Lengths 2 and 2: half of the space is free.
    Bits incomplete = lengthsOfOneBit().number(1, 1).number(0, 3).number(0, 2).number(0b11, 2);
    assertThatThrownBy(() -> Vp8lCode.read(incomplete.reader(), 256))
        .isInstanceOf(Refusal.class)
        .hasMessageContaining("not complete");
  }

  @Test
  void symbolsThatDoNotExistAreRefused() {
    Bits beyond = new Bits().number(1, 1).number(0, 1).number(1, 1).number(40, 8);
    assertThatThrownBy(() -> Vp8lCode.read(beyond.reader(), 40))
        .isInstanceOf(Refusal.class)
        .hasMessageContaining("does not exist");
  }

  @Test
  void theEndIsTheEnd() {
    assertThatThrownBy(() -> Vp8lCode.read(new Bits().number(0, 3).reader(), 256))
        .isInstanceOf(Refusal.class)
        .hasMessageContaining("end too early");
  }
}
