package org.ttame.core.engine;

import java.util.Arrays;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Kernels one after the other, all writing to the step's output, as one step. */
final class KernelSequence implements Kernel {
  /** Says that a stage reads what the stage before it wrote. */
  static final int RESULT = -1;

  private final String kind;
  private final List<Stage> stages;

  /**
   * A part of the sequence.
   *
   * @param kernel what computes
   * @param inputs the step's inputs that it reads, by place, or {@link #RESULT}
   */
  @SuppressWarnings("ArrayRecordComponent") // read only, never compared
  record Stage(Kernel kernel, int... inputs) {}

  KernelSequence(String kind, Stage... stages) {
    this.kind = kind;
    this.stages = List.of(stages);
  }

  @Override
  public String kind() {
    return kind;
  }

  @Override
  public long operations() {
    return stages.stream().mapToLong(stage -> stage.kernel().operations()).sum();
  }

  @Override
  public OperationCall.Bound bind(List<INDArray> inputs, INDArray output) {
    List<OperationCall.Bound> bound =
        stages.stream()
            .map(stage -> stage.kernel().bind(read(stage, inputs, output), output))
            .toList();
    return () -> bound.forEach(OperationCall.Bound::run);
  }

  private static List<INDArray> read(Stage stage, List<INDArray> inputs, INDArray output) {
    return Arrays.stream(stage.inputs())
        .mapToObj(place -> place == RESULT ? output : inputs.get(place))
        .toList();
  }

  @Override
  public void close() {
    stages.forEach(stage -> stage.kernel().close());
  }
}
