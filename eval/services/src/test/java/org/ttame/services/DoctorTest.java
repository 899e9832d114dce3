package org.ttame.services;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.ProgressListener;

class DoctorTest {
  private static final int COMPARED =
      Doctor.PICTURES.size() + 2 * Doctor.OPERATORS.size() + 4 * Doctor.FAMILIES.size();

  @Test
  void findsThisInstallationHealthy() throws IOException {
    List<Long> progress = new ArrayList<>();
    ProgressListener listener =
        new ProgressListener() {
          @Override
          public void begin(String what, long total, long before) {
            progress.add(total);
          }

          @Override
          public void advance(long done, String detail) {
            progress.add(done);
          }
        };
    List<Doctor.Check> checks = Doctor.run(listener);
    long total = progress.remove(0);
    assertThat(progress).isEqualTo(LongStream.rangeClosed(1, total).boxed().toList());
    assertThat(checks).filteredOn(check -> !check.passed()).isEmpty();
    assertThat(checks).hasSize(COMPARED + 2);
    assertThat(checks).extracting(Doctor.Check::name).doesNotHaveDuplicates();
    assertThat(checks)
        .allSatisfy(
            check -> {
              assertThat(check.expected()).isNotBlank();
              assertThat(check.found()).isNotBlank();
              assertThat(check.tolerance()).isNotBlank();
            });
  }

  /** One value of each stored array is moved by two thousandths of the largest. */
  @Test
  void findsEveryDifference() throws IOException {
    List<Doctor.Check> checks = Doctor.run(ProgressListener.NONE, DoctorTest::move);
    assertThat(checks).hasSize(COMPARED + 2);
    assertThat(checks)
        .filteredOn(Doctor.Check::passed)
        .extracting(Doctor.Check::name)
        .containsExactly("memory");
  }

  private static void move(Map<String, INDArray> golden) {
    golden.forEach(
        (name, array) -> {
          if (name.endsWith(".pixels")) {
            array.putScalar(0, array.getDouble(0) > 100 ? 0 : 255);
          } else if (name.endsWith(".loss")) {
            array.muli(1.002);
          } else if (name.endsWith(".logits") || name.endsWith(".gradient")) {
            double largest = array.amaxNumber().doubleValue();
            array.putScalar(
                array.length() - 1, array.getDouble(array.length() - 1) + largest / 500);
          }
        });
  }
}
