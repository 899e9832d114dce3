package org.ttame.eval.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.masking.Masking;
import org.ttame.eval.LinearClassifier;

class ProtocolTest {
  @Test
  void theReleasedOneMasksEveryClassifierAsACnn() {
    try (FrozenClassifier classifier =
        LinearClassifier.builder(LinearClassifier.PLAIN, new float[8 * 8 * 3 * 2], new float[2])
            .defaultMasking(Masking.VIT)
            .build()) {
      assertThat(Protocol.parse("Paper").masking(classifier)).isEqualTo(Masking.VIT);
      assertThat(Protocol.parse("released").masking(classifier)).isEqualTo(Masking.CNN);
    }
    assertThat(Protocol.PAPER.keeping()).isEqualTo(PixelKeeping.EXACT);
    assertThat(Protocol.RELEASED.keeping()).isEqualTo(PixelKeeping.QUANTILE);
    assertThatThrownBy(() -> Protocol.parse("both")).hasMessageContaining("\"both\"");
  }
}
