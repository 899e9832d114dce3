package org.ttame.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.SplitMix;
import org.ttame.core.image.ImageException;
import org.ttame.core.image.InputSpec;

class BatchSourceTest {
  private static final InputSpec SPEC = InputSpec.imageNet(2);
  private static final int IMAGES = 10;

  @TempDir Path folder;
  private ImageList list;

  /** Twelve values: the image's number, then draws. */
  private final ImageLoader loader =
      (file, random, target, offset) -> {
        int number = number(file);
        if (number == 3 && Files.size(file) > 0) {
          throw new IOException(file.getFileName() + " is broken");
        }
        target[offset] = number;
        for (int i = 1; i < 12; i++) {
          target[offset + i] = random.nextInt(1000);
        }
      };

  @BeforeEach
  void files() throws IOException {
    for (int i = 0; i < IMAGES; i++) {
      Files.writeString(folder.resolve(i + ".jpg"), "");
    }
    list = ImageList.of(folder);
  }

  @Test
  void keepsTheSmallLastBatchOfEveryEpoch() throws IOException {
    List<Integer> sizes = new ArrayList<>();
    List<Long> epochs = new ArrayList<>();
    try (BatchSource source = source(options(4, true, 1), 0, 6)) {
      while (source.hasNext()) {
        try (Batch batch = source.next()) {
          sizes.add(batch.size());
          epochs.add(batch.epoch());
          assertThat(batch.images().shape()).containsExactly(batch.size(), 2, 2, 3);
        }
      }
      assertThatThrownBy(source::next).isInstanceOf(NoSuchElementException.class);
    }
    assertThat(sizes).containsExactly(4, 4, 2, 4, 4, 2);
    assertThat(epochs).containsExactly(0L, 0L, 0L, 1L, 1L, 1L);
    assertThat(BatchSource.stepsPerEpoch(10, 4)).isEqualTo(3);
    assertThat(BatchSource.stepsPerEpoch(8, 4)).isEqualTo(2);
  }

  @Test
  void everyEpochShowsEveryImageInAnOrderOfItsOwn() throws IOException {
    List<List<Float>> epochs = new ArrayList<>();
    try (BatchSource source = source(options(4, true, 1), 0, 9)) {
      for (int epoch = 0; epoch < 3; epoch++) {
        List<Float> order = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
          order.addAll(numbers(source.next()));
        }
        assertThat(order).hasSize(IMAGES).doesNotHaveDuplicates();
        epochs.add(order);
      }
    }
    assertThat(new HashSet<>(epochs)).hasSize(3);
    try (BatchSource source = source(options(10, false, 1), 0, 1)) {
      assertThat(numbers(source.next())).isSorted();
    }
  }

  @Test
  void valuesDependNeitherOnThreadsNorOnWhereARunStarts() throws IOException {
    List<float[]> whole = values(source(options(3, true, 1), 0, 12));
    assertThat(values(source(options(3, true, 4), 0, 12)))
        .usingRecursiveComparison()
        .isEqualTo(whole);
    for (int from = 1; from < 12; from++) {
      assertThat(values(source(options(3, true, 2), from, 12)))
          .usingRecursiveComparison()
          .isEqualTo(whole.subList(from, 12));
    }
    BatchOptions other = new BatchOptions(3, true, 99, 1, 2, false);
    assertThat(values(source(other, 0, 12)).get(0)).isNotEqualTo(whole.get(0));
  }

  @Test
  void anUnreadableImageIsLeftOutAndChangesNoOther() throws IOException {
    List<float[]> whole = values(source(options(3, true, 2), 0, 4));
    Files.writeString(folder.resolve("3.jpg"), "x");
    int bad = 0;
    try (BatchSource source = source(options(3, true, 2), 0, 4)) {
      for (int step = 0; step < 4; step++) {
        try (Batch batch = source.next()) {
          List<Float> expected = new ArrayList<>();
          float[] full = whole.get(step);
          for (int i = 0; i < full.length; i += 12) {
            if (full[i] != 3) {
              for (int k = 0; k < 12; k++) {
                expected.add(full[i + k]);
              }
            }
          }
          List<Float> found = new ArrayList<>();
          if (batch.size() > 0) {
            for (float value : batch.images().data().asFloat()) {
              found.add(value);
            }
          }
          assertThat(found).isEqualTo(expected);
          for (Batch.BadImage image : batch.bad()) {
            bad++;
            assertThat(image.index()).isEqualTo(3);
            assertThat(image.reason()).isEqualTo("3.jpg is broken");
            assertThat(image.kind()).isEqualTo(ImageException.Kind.UNREADABLE);
          }
        }
      }
    }
    assertThat(bad).isEqualTo(1);
  }

  @Test
  void aBatchMayBeEmpty() throws IOException {
    Files.writeString(folder.resolve("3.jpg"), "x");
    try (BatchSource source = source(options(1, false, 1), 3, 5)) {
      try (Batch batch = source.next()) {
        assertThat(batch.size()).isZero();
        assertThatThrownBy(batch::images).hasMessageContaining("step 3");
      }
      assertThat(numbers(source.next())).containsExactly(4f);
    }
  }

  @Test
  void strictnessMakesItFatal() throws IOException {
    Files.writeString(folder.resolve("3.jpg"), "x");
    try (BatchSource source = source(new BatchOptions(10, false, 1, 2, 2, true), 0, 1)) {
      assertThatThrownBy(source::next)
          .isInstanceOf(IOException.class)
          .hasMessage("3.jpg is broken");
    }
  }

  @Test
  void decodesAheadWhileTheCallerComputes() throws Exception {
    CountDownLatch third = new CountDownLatch(9);
    AtomicInteger loaded = new AtomicInteger();
    ImageLoader counting =
        (file, random, target, offset) -> {
          loaded.incrementAndGet();
          third.countDown();
        };
    try (BatchSource source = new BatchSource(list, SPEC, options(3, true, 2), counting, 0, 100)) {
      source.next().close();
      // Nobody asks for more; two batches come anyway, and no more than two.
      assertThat(third.await(30, TimeUnit.SECONDS)).isTrue();
      Thread.sleep(100);
      assertThat(loaded).hasValue(9);
    }
  }

  @Test
  void anErrorInTheLoaderIsNotMistakenForABadImage() {
    ImageLoader failing =
        (file, random, target, offset) -> {
          throw new OutOfMemoryError("too much");
        };
    try (BatchSource source = new BatchSource(list, SPEC, options(3, true, 2), failing, 0, 1)) {
      assertThatThrownBy(source::next).isInstanceOf(OutOfMemoryError.class);
    }
  }

  @Test
  void drawsAreEvenAndNeverChange() {
    int[] counts = new int[6];
    SplitMix random = new SplitMix(7);
    for (int i = 0; i < 60_000; i++) {
      counts[random.nextInt(6)]++;
    }
    assertThat(Arrays.stream(counts)).allMatch(count -> count > 9_600 && count < 10_400);
    Set<Long> streams = new HashSet<>();
    for (long a = 0; a < 30; a++) {
      for (long b = 0; b < 30; b++) {
        streams.add(new SplitMix(a, b).nextLong());
      }
    }
    assertThat(streams).hasSize(900);
    // A run of an older version must resume to the same bits.
    assertThat(new SplitMix(1, 2, 3).nextLong()).isEqualTo(FROZEN);
  }

  private static final long FROZEN = 7_057_111_852_245_375_752L;

  private BatchSource source(BatchOptions options, long from, long to) {
    return new BatchSource(list, SPEC, options, loader, from, to);
  }

  private static BatchOptions options(int batch, boolean shuffle, int threads) {
    return new BatchOptions(batch, shuffle, 42, threads, 2, false);
  }

  private static List<float[]> values(BatchSource source) throws IOException {
    List<float[]> values = new ArrayList<>();
    try (source) {
      while (source.hasNext()) {
        try (Batch batch = source.next()) {
          values.add(batch.images().data().asFloat());
        }
      }
    }
    return values;
  }

  private static List<Float> numbers(Batch batch) {
    try (batch) {
      List<Float> numbers = new ArrayList<>();
      for (int i = 0; i < batch.size(); i++) {
        numbers.add(batch.images().getFloat(i, 0, 0, 0));
      }
      return numbers;
    }
  }

  private static int number(Path file) {
    return Integer.parseInt(file.getFileName().toString().replace(".jpg", ""));
  }
}
