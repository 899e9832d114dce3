package org.ttame.core.engine;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.ttame.core.Text;

/** One operation of a plan and the values it reads and writes. Passes may rewrite all of it. */
final class PlanStep {
  /** The operation's name in the graph, for messages. */
  final String name;

  /** ND4J's operation; null where {@link #kernel} computes. */
  DifferentialFunction op;

  /** Computes in place of the operation, or null. */
  Kernel kernel;

  /** Makes the kernel for arrays of other types, or null where there is none but this. */
  ArrayTypes.Maker maker;

  /** What the kernel does to each value of its one input, or null where it does something else. */
  List<PostOperation> functions;

  List<PlanValue> inputs;
  List<PlanValue> outputs;

  /** Whether the step belongs to the part that runs once the late inputs are known. */
  boolean late;

  /** Whether the output's shape is given and the operation's own idea of it is to be ignored. */
  boolean shapeGiven;

  PlanStep(String name, DifferentialFunction op, List<PlanValue> inputs, List<PlanValue> outputs) {
    this.name = name;
    this.op = op;
    this.inputs = new ArrayList<>(inputs);
    this.outputs = new ArrayList<>(outputs);
  }

  PlanStep(String name, Kernel kernel, List<PlanValue> inputs, PlanValue output) {
    this(name, (DifferentialFunction) null, inputs, List.of(output));
    this.kernel = kernel;
  }

  /** A step whose kernel can be made for other types as well. */
  PlanStep(String name, ArrayTypes.Maker maker, List<PlanValue> inputs, PlanValue output) {
    this(name, maker.make(ArrayTypes.of(inputs, output)), inputs, output);
    this.maker = maker;
  }

  /** A step in this one's place. */
  PlanStep replaced(DifferentialFunction op, List<PlanValue> inputs, PlanValue output) {
    return new PlanStep(name, op, inputs, List.of(output)).at(this);
  }

  /** A step in this one's place. */
  PlanStep replaced(Kernel kernel, List<PlanValue> inputs, PlanValue output) {
    return new PlanStep(name, kernel, inputs, output).at(this);
  }

  /** A step in this one's place, whose kernel can be made for other types as well. */
  PlanStep replaced(ArrayTypes.Maker maker, List<PlanValue> inputs, PlanValue output) {
    return new PlanStep(name, maker, inputs, output).at(this);
  }

  private PlanStep at(PlanStep place) {
    late = place.late;
    return this;
  }

  /** The kind of operation, e.g. {@code conv2d}. */
  String kind() {
    return kernel != null ? kernel.kind() : op.opName();
  }

  /** Integer arguments; empty for operations that have none. */
  long[] integerArguments() {
    return op instanceof DynamicCustomOp custom ? custom.iArgs() : new long[0];
  }

  @Override
  public String toString() {
    return Text.format("%s %s: %s → %s", name, kind(), inputs, outputs);
  }
}
