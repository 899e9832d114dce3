package org.ttame.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOpsHolder;

class PromptNativeOpsTest {
  private static final int MEGABYTES = 64;

  @Test
  void nd4jRunsOnThem() {
    assertThat(NativeOpsHolder.getInstance().getDeviceNativeOps())
        .isInstanceOf(PromptNativeOps.class);
  }

  /**
   * Twenty arrays of 64 MB with views, one after the other, without the garbage collector's help.
   */
  @Test
  @Tag("memory")
  void aClosedArrayGivesItsMemoryBackAtOnce() {
    for (DataType type : new DataType[] {DataType.FLOAT, DataType.DOUBLE, DataType.INT32}) {
      long elements = ((long) MEGABYTES << 20) / type.width();
      Nd4j.create(type, elements).close();
      long before = Pointer.physicalBytes();
      for (int i = 0; i < 20; i++) {
        try (INDArray array = Nd4j.create(type, elements).assign(1)) {
          assertThat(array.reshape(2, elements / 2).getRow(1).isView()).isTrue();
          assertThat(Pointer.physicalBytes() - before).isGreaterThan(50L << 20);
        }
        assertThat(Pointer.physicalBytes() - before)
            .as("%s, round %d", type, i)
            .isLessThan(20L << 20);
      }
    }
  }

  /**
   * What ND4J's deallocator does later must find nothing; views of a closed array are its affair.
   */
  @Test
  void theDeallocatorComesAfterwardsAndFindsNothing() throws InterruptedException {
    for (int round = 0; round < 200; round++) {
      INDArray array = Nd4j.rand(DataType.FLOAT, 30, 40);
      INDArray view = array.reshape(40, 30).getRow(round % 40);
      assertThat(view.sumNumber().doubleValue()).isBetween(0d, 30d);
      array.close();
      assertThat(array.wasClosed()).isTrue();
      assertThat(view.wasClosed()).isTrue();
      if (round % 50 == 0) {
        System.gc();
        Thread.sleep(20);
      }
    }
    assertThat(Nd4j.ones(5).sumNumber().intValue()).isEqualTo(5);
  }
}
