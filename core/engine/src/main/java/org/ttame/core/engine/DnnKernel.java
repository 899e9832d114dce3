package org.ttame.core.engine;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_BIAS;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SCRATCHPAD;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_execute;
import static org.bytedeco.dnnl.global.dnnl.dnnl_stream_wait;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import org.bytedeco.dnnl.dnnl_exec_arg_t;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc_t;
import org.bytedeco.dnnl.dnnl_primitive;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.Text;

/** A primitive of oneDNN with what it reads at every run. */
final class DnnKernel implements Kernel {
  private final OneDnn dnn;
  private final String kind;
  private final long operations;
  private final dnnl_primitive primitive;
  private final List<Argument> inputs = new ArrayList<>();
  private final List<Constant> constants = new ArrayList<>();
  private final List<dnnl_memory> owned = new ArrayList<>();
  private final List<dnnl_memory> bound = new ArrayList<>();
  private Argument output;
  private boolean blocked;
  private boolean elementwise;
  private dnnl_exec_arg_t arguments;

  /** An array of the step: what it is to the primitive, and how it lies in memory. */
  private record Argument(int role, dnnl_memory_desc_t layout) {}

  /** An array that stays the same. */
  private record Constant(int role, Supplier<dnnl_memory> memory) {}

  DnnKernel(OneDnn dnn, String kind, long operations, dnnl_primitive primitive) {
    this.dnn = dnn;
    this.kind = kind;
    this.operations = operations;
    this.primitive = primitive;
  }

  /** A kernel of what {@link OneDnn#plan} has planned, with its scratch memory; takes the plan. */
  static DnnKernel of(OneDnn dnn, String kind, long operations, dnnl_primitive_desc desc) {
    dnnl_memory scratchpad = dnn.scratchpad(desc);
    DnnKernel kernel = new DnnKernel(dnn, kind, operations, dnn.make(desc));
    return scratchpad == null ? kernel : kernel.owned(DNNL_ARG_SCRATCHPAD, scratchpad);
  }

  /** The step's next input. */
  DnnKernel input(int role, dnnl_memory_desc_t layout) {
    inputs.add(new Argument(role, layout));
    return this;
  }

  /** The step's next input is read where the output is written. */
  DnnKernel inputInOutput() {
    inputs.add(null);
    return this;
  }

  /** The step's output; a part of a sequence may have none. */
  DnnKernel output(int role, dnnl_memory_desc_t layout) {
    output = new Argument(role, layout);
    return this;
  }

  /** Something that is always the same and stays its owner's. */
  DnnKernel constant(int role, dnnl_memory memory) {
    return constant(role, () -> memory);
  }

  /** The same, made when the kernel is bound. */
  DnnKernel constant(int role, Supplier<dnnl_memory> memory) {
    constants.add(new Constant(role, memory));
    return this;
  }

  /** Memory of the kernel's own, closed with it. */
  DnnKernel owned(int role, dnnl_memory memory) {
    owned.add(memory);
    return constant(role, memory);
  }

  /** A frozen bias; null for none. */
  DnnKernel bias(INDArray array, dnnl_memory_desc_t layout) {
    if (array != null) {
      owned(DNNL_ARG_BIAS, dnn.view(layout, array));
    }
    return this;
  }

  /** Its arrays are blocks of channels. */
  DnnKernel inBlocks() {
    blocked = true;
    return this;
  }

  /** It treats each value by itself. */
  DnnKernel elementwise(boolean value) {
    elementwise = value;
    return this;
  }

  @Override
  public boolean elementwise() {
    return elementwise;
  }

  @Override
  public boolean blocked() {
    return blocked;
  }

  @Override
  public String kind() {
    return kind;
  }

  @Override
  public long operations() {
    return operations;
  }

  @Override
  public OperationCall.Bound bind(List<INDArray> from, INDArray to) {
    if (from.size() != inputs.size()) {
      throw new IllegalArgumentException(
          Text.format("%s reads %d arrays, got %d", kind, inputs.size(), from.size()));
    }
    release();
    int own = (int) inputs.stream().filter(Objects::nonNull).count();
    int count = own + constants.size() + (output == null ? 0 : 1);
    dnnl_exec_arg_t list = new dnnl_exec_arg_t(count);
    int at = 0;
    for (int i = 0; i < inputs.size(); i++) {
      if (inputs.get(i) != null) {
        set(list, at++, inputs.get(i).role(), view(inputs.get(i), from.get(i)));
      }
    }
    for (Constant constant : constants) {
      set(list, at++, constant.role(), constant.memory().get());
    }
    if (output != null) {
      set(list, at, output.role(), view(output, to));
    }
    list.position(0);
    arguments = list;
    return () -> {
      OneDnn.check(dnnl_primitive_execute(primitive, dnn.stream(), count, list), kind);
      OneDnn.check(dnnl_stream_wait(dnn.stream()), kind);
    };
  }

  private static void set(dnnl_exec_arg_t list, int at, int role, dnnl_memory memory) {
    list.position(at).arg(role).memory(memory);
  }

  private dnnl_memory view(Argument argument, INDArray array) {
    dnnl_memory memory = dnn.view(argument.layout(), array);
    bound.add(memory);
    return memory;
  }

  private void release() {
    bound.forEach(memory -> dnnl_memory_destroy(memory));
    bound.clear();
    if (arguments != null) {
      arguments.close();
      arguments = null;
    }
  }

  @Override
  public void close() {
    release();
    owned.forEach(memory -> dnnl_memory_destroy(memory));
    owned.clear();
    dnnl_primitive_destroy(primitive);
  }
}
