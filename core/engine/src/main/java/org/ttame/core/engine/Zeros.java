package org.ttame.core.engine;

import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Fills a step's output with zeros. */
final class Zeros implements Kernel {
  @Override
  public String kind() {
    return "zeros";
  }

  @Override
  public long operations() {
    return 0;
  }

  @Override
  public OperationCall.Bound bind(List<INDArray> inputs, INDArray output) {
    Pointer memory = output.data().addressPointer();
    long bytes = output.length() * output.dataType().width();
    return () -> Pointer.memset(memory, 0, bytes);
  }

  @Override
  public void close() {
    // Owns nothing.
  }
}
