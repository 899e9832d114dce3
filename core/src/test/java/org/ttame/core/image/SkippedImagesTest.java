package org.ttame.core.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.ttame.core.image.ImageException.Kind;

class SkippedImagesTest {
  private static ImageException failure(Kind kind) {
    return new ImageException(kind, "cat.png", "what happened", null);
  }

  @Test
  void countsByKind() throws ImageException {
    SkippedImages skipped = new SkippedImages(false);
    assertThat(skipped.summary()).isEqualTo("no image skipped");
    skipped.add(failure(Kind.CORRUPT));
    assertThat(skipped.summary()).isEqualTo("skipped 1 image: 1 corrupt");
    skipped.add(failure(Kind.MISSING));
    skipped.add(failure(Kind.CORRUPT));
    assertThat(skipped.total()).isEqualTo(3);
    assertThat(skipped.counts()).isEqualTo(Map.of(Kind.MISSING, 1, Kind.CORRUPT, 2));
    assertThat(skipped.summary()).isEqualTo("skipped 3 images: 1 missing, 2 corrupt");
  }

  @Test
  void strictEndsTheWork() {
    SkippedImages skipped = new SkippedImages(true);
    ImageException failure = failure(Kind.MISSING);
    assertThat(catchThrowableOfType(ImageException.class, () -> skipped.add(failure)))
        .isSameAs(failure);
  }
}
