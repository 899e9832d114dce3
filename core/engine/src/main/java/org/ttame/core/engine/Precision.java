package org.ttame.core.engine;

import java.util.Optional;
import org.ttame.core.Named;
import org.ttame.core.Text;

/** In what precision a graph's convolutions and products are computed and kept. */
public enum Precision implements Named {
  /** As the graph says: float32, or double. */
  FLOAT32,

  /**
   * Operands and results are rounded to bfloat16 (eight bits of precision), sums are float32. Needs
   * a processor that has AVX-512; faster than float32 with AMX. See {@code PrecisionPass}.
   */
  BFLOAT16;

  /**
   * The precision of a name.
   *
   * @throws IllegalArgumentException if there is none such
   */
  public static Precision of(String name) {
    return Named.find(Precision.class, name)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    Text.format(
                        "\"%s\" is not a precision; use %s",
                        name, String.join(", ", Named.names(Precision.class)))));
  }

  /**
   * Rounds to bfloat16: to the nearest, and to the even one of two that are as near. Processors
   * take numbers below 2⁻¹²⁶ as zero besides.
   *
   * @param value a finite number or an infinity
   * @return its 16 bits
   */
  public static short bfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    return (short) ((bits + 0x7fff + (bits >>> 16 & 1)) >>> 16);
  }

  /** What a processor has for bfloat16. */
  public enum Hardware {
    /** Nothing, or oneDNN is not there: bfloat16 is refused. */
    NONE("no bfloat16"),

    /** AVX-512 without instructions for bfloat16: slower than float32. */
    EMULATED("bfloat16 emulated with AVX-512, slower than float32"),

    /**
     * Instructions for products of vectors. Xeons whose AMX a virtual machine does not have do half
     * as many multiplications a second by them as in float32: they save memory alone there.
     */
    AVX512_BF16("bfloat16 by AVX512_BF16"),

    /** Instructions for products of matrices. */
    AMX("bfloat16 by AMX");

    private final String phrase;

    Hardware(String phrase) {
      this.phrase = phrase;
    }

    /** What this processor has, as far as oneDNN may use it. */
    public static Hardware here() {
      return OneDnn.instance().isPresent() ? OneDnn.bfloat16() : NONE;
    }

    /** What to tell who asks for bfloat16 here and cannot count on it to save time. */
    public Optional<String> warning() {
      return switch (this) {
        case NONE, AMX -> Optional.empty();
        case EMULATED -> Optional.of(Text.format("%s; use float32 unless memory is short", phrase));
        case AVX512_BF16 ->
            Optional.of(
                phrase
                    + " without AMX saves memory, but time only on some processors; compare"
                    + " 'ttame bench' in both precisions");
      };
    }

    @Override
    public String toString() {
      return phrase;
    }
  }

  /**
   * Makes sure that graphs can be computed in this precision here.
   *
   * @throws UnsupportedOperationException if not
   */
  public void requireSupport() {
    if (this == FLOAT32) {
      return;
    }
    if (EngineChoice.current() != EngineChoice.AUTO) {
      throw new UnsupportedOperationException(
          Text.format(
              "The engine %s computes in float32 alone; use the engine auto, or float32",
              EngineChoice.current().optionName()));
    }
    if (Hardware.here() == Hardware.NONE) {
      throw new UnsupportedOperationException(
          "bfloat16 needs oneDNN and a processor with AVX-512, which are not here; use float32");
    }
  }
}
