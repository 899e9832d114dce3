package org.ttame.backbones.onnx;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.ttame.backbones.source.BackboneException;

/** What reading a file may cost goes by what it brings. */
class BudgetTest {
  private static final Path FILE = Path.of("file.onnx");

  /** As NFNet-F0's: 71 million, each read or made nine times. */
  private static final long STANDARDISED = 9 * 71_000_000L;

  @Test
  void aLargeFileMayStandardiseItsWeights() {
    assertThatCode(() -> new Budget(FILE, 287_000_000L).values(STANDARDISED))
        .doesNotThrowAnyException();
    assertThatThrownBy(() -> new Budget(FILE, 1_000).values(STANDARDISED))
        .isInstanceOf(BackboneException.class)
        .hasMessageContaining("file.onnx: its constants unfold to more than");
  }

  /** A file that only says that it is large, as a sparse one does, may not ask for hours. */
  @Test
  void workHasAnEndWhateverTheFileHas() {
    assertThatThrownBy(() -> new Budget(FILE, Long.MAX_VALUE / 2).values(1L << 33))
        .isInstanceOf(BackboneException.class);
  }
}
