package org.ttame.core.engine;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_FROM;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_TO;
import static org.bytedeco.dnnl.global.dnnl.dnnl_bf16;
import static org.bytedeco.dnnl.global.dnnl.dnnl_cpu;
import static org.bytedeco.dnnl.global.dnnl.dnnl_cpu_isa_avx2;
import static org.bytedeco.dnnl.global.dnnl.dnnl_cpu_isa_avx512_core;
import static org.bytedeco.dnnl.global.dnnl.dnnl_cpu_isa_avx512_core_amx;
import static org.bytedeco.dnnl.global.dnnl.dnnl_cpu_isa_avx512_core_bf16;
import static org.bytedeco.dnnl.global.dnnl.dnnl_engine_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_f32;
import static org.bytedeco.dnnl.global.dnnl.dnnl_get_effective_cpu_isa;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_desc_get_size;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_desc_init_by_strides;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_desc_init_by_tag;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_get_data_handle;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_attr_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_attr_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_attr_set_scratchpad_mode;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_desc_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_desc_iterator_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_desc_iterator_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_desc_iterator_fetch;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_desc_iterator_next;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_desc_query;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_desc_query_md;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_execute;
import static org.bytedeco.dnnl.global.dnnl.dnnl_query_impl_info_str;
import static org.bytedeco.dnnl.global.dnnl.dnnl_query_scratchpad_md;
import static org.bytedeco.dnnl.global.dnnl.dnnl_reorder_primitive_desc_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_scratchpad_mode_user;
import static org.bytedeco.dnnl.global.dnnl.dnnl_stream_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_stream_default_flags;
import static org.bytedeco.dnnl.global.dnnl.dnnl_stream_wait;
import static org.bytedeco.dnnl.global.dnnl.dnnl_success;

import java.util.Optional;
import org.bytedeco.dnnl.const_dnnl_op_desc_t;
import org.bytedeco.dnnl.dnnl_engine;
import org.bytedeco.dnnl.dnnl_exec_arg_t;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc_t;
import org.bytedeco.dnnl.dnnl_primitive;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.dnnl_primitive_desc_iterator;
import org.bytedeco.dnnl.dnnl_stream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.ttame.core.Text;

/**
 * oneDNN itself. ND4J calls it, too, but hands it weights that have to be rearranged at every call,
 * and one operation at a time; called directly it keeps weights in the layout its kernels want, and
 * adds bias, residual and activation while a result is still in the processor's cache.
 *
 * <p>Its threads are those of OpenMP, whose number ND4J sets: both use the same runtime.
 */
final class OneDnn {
  private static final Logger LOG = LoggerFactory.getLogger(OneDnn.class);

  /** The bit that all of oneDNN's sets of instructions with AVX-512 for servers have. */
  private static final int AVX_512 = dnnl_cpu_isa_avx512_core & ~dnnl_cpu_isa_avx2;

  private final dnnl_engine engine = new dnnl_engine();
  private final dnnl_stream stream = new dnnl_stream();

  private OneDnn() {
    check(dnnl_engine_create(engine, dnnl_cpu, 0), "engine");
    check(dnnl_stream_create(stream, engine, dnnl_stream_default_flags), "stream");
  }

  /** The library, loaded once in a process. */
  private static final class Holder {
    private static final Optional<OneDnn> LOADED = load(HostMemory.backend());
  }

  /**
   * Loads the library.
   *
   * @param backend ND4J's, as {@link HostMemory} names it
   * @return empty where there is none for this platform, or arrays live elsewhere
   */
  static Optional<OneDnn> load(String backend) {
    if (!HostMemory.holdsArrays(backend)) {
      return Optional.empty();
    }
    try {
      return Optional.of(new OneDnn());
    } catch (LinkageError | RuntimeException e) {
      LOG.info("oneDNN is called through ND4J alone: {}", e.toString());
      return Optional.empty();
    }
  }

  /**
   * Convolutions with AMX whose code is generated for every border and block of an image: up to 42
   * MiB and 0.3 s a kernel at VGG-16's sizes, 150 MiB a direction.
   */
  private static final String UNROLLED = "brgconv:avx512_core_amx";

  /** Those with loops instead: as fast within a tenth, in less than 0.1 MiB and 1 ms. */
  private static final String ROLLED = "jit:avx512_core_amx";

  /** Layer normalisation, whose code is generated as well: one pass, as fast as memory. */
  private static final String ROWS = "simple_layer_normalization";

  /** A kernel that oneDNN does not have, or only as a slow reference. */
  static final class UnsupportedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UnsupportedException(String message) {
      super(message);
    }
  }

  /** The library; empty where there is none for this platform, or arrays live elsewhere. */
  static Optional<OneDnn> instance() {
    return Holder.LOADED;
  }

  /**
   * Whether the processor is without AVX-512. Convolutions of blocks of channels are worth the
   * rearranging then: those of 3×3 take half to two thirds of the time that channels last take.
   * With AVX-512 there is no difference.
   */
  static boolean hasNarrowVectors() {
    return (dnnl_get_effective_cpu_isa() & AVX_512) == 0;
  }

  /** What the processor has for bfloat16. */
  static Precision.Hardware bfloat16() {
    int isa = dnnl_get_effective_cpu_isa();
    if (has(isa, dnnl_cpu_isa_avx512_core_amx)) {
      return Precision.Hardware.AMX;
    }
    if (has(isa, dnnl_cpu_isa_avx512_core_bf16)) {
      return Precision.Hardware.AVX512_BF16;
    }
    return has(isa, dnnl_cpu_isa_avx512_core)
        ? Precision.Hardware.EMULATED
        : Precision.Hardware.NONE;
  }

  private static boolean has(int isa, int wanted) {
    return (isa & wanted) == wanted;
  }

  dnnl_stream stream() {
    return stream;
  }

  /**
   * Describes an array.
   *
   * @param tag how the dimensions lie in memory, a {@code dnnl_format_tag_t}
   * @param dims lengths, in oneDNN's order: batch, channels, height, width; output channels, input
   *     channels, height, width
   */
  static dnnl_memory_desc_t describe(DataType type, int tag, long... dims) {
    dnnl_memory_desc_t desc = new dnnl_memory_desc_t();
    check(dnnl_memory_desc_init_by_tag(desc, dims.length, dims, number(type), tag), "description");
    return desc;
  }

  /** oneDNN's number of a type. */
  private static int number(DataType type) {
    return switch (type) {
      case FLOAT -> dnnl_f32;
      case BFLOAT16 -> dnnl_bf16;
      default -> throw new UnsupportedException("oneDNN is not asked for " + type);
    };
  }

  /** The same layout of another type. */
  static dnnl_memory_desc_t as(DataType type, dnnl_memory_desc_t layout) {
    dnnl_memory_desc_t same = copy(layout);
    same.data_type(number(type));
    return same;
  }

  /** A description of one's own, of one that belongs to something else. */
  static dnnl_memory_desc_t copy(dnnl_memory_desc_t layout) {
    dnnl_memory_desc_t copy = new dnnl_memory_desc_t();
    copy.put(layout);
    return copy;
  }

  /**
   * Describes images.
   *
   * @param tag how they lie in memory
   * @param shape {@code [B, H, W, C]}
   */
  static dnnl_memory_desc_t image(DataType type, int tag, long[] shape) {
    return describe(type, tag, shape[0], shape[3], shape[1], shape[2]);
  }

  /** Describes an array whose elements lie as they lie. */
  static dnnl_memory_desc_t describe(DataType type, StackLayout layout) {
    return describe(type, layout.shape(), layout.strides());
  }

  /**
   * Describes an array.
   *
   * @param dims lengths
   * @param strides how many elements neighbours along each dimension are apart
   * @throws UnsupportedException if oneDNN has no such layout: neighbours that reach past where the
   *     next row begins, or too many dimensions
   */
  static dnnl_memory_desc_t describe(DataType type, long[] dims, long[] strides) {
    dnnl_memory_desc_t desc = new dnnl_memory_desc_t();
    int status = dnnl_memory_desc_init_by_strides(desc, dims.length, dims, number(type), strides);
    if (status != dnnl_success) {
      throw new UnsupportedException("oneDNN has no such layout, status " + status);
    }
    return desc;
  }

  /**
   * What oneDNN would do; the caller destroys it. Its scratch memory is the caller's to give
   * ({@link #scratchpad}): oneDNN's own may belong to the thread that made the primitive, and be
   * missing in others.
   *
   * @param attributes what follows the operation, or null
   * @param forward of which this is the gradient, or null
   */
  dnnl_primitive_desc plan(
      const_dnnl_op_desc_t operation, dnnl_primitive_attr attributes, dnnl_primitive_desc forward) {
    dnnl_primitive_attr own = attributes == null ? new dnnl_primitive_attr() : attributes;
    if (attributes == null) {
      check(dnnl_primitive_attr_create(own), "attributes");
    }
    try (dnnl_primitive_desc_iterator choices = new dnnl_primitive_desc_iterator()) {
      check(dnnl_primitive_attr_set_scratchpad_mode(own, dnnl_scratchpad_mode_user), "scratchpad");
      int status = dnnl_primitive_desc_iterator_create(choices, operation, own, engine, forward);
      if (status != dnnl_success) {
        throw new UnsupportedException("oneDNN has no such kernel, status " + status);
      }
      try {
        return chosen(choices);
      } finally {
        dnnl_primitive_desc_iterator_destroy(choices);
      }
    } finally {
      if (attributes == null) {
        dnnl_primitive_attr_destroy(own);
      }
    }
  }

  /** As {@link #plan}, of an operation's gradient. */
  dnnl_primitive_desc planBackward(const_dnnl_op_desc_t forward, const_dnnl_op_desc_t backward) {
    dnnl_primitive_desc hint = plan(forward, null, null);
    try {
      return plan(backward, null, hint);
    } finally {
      dnnl_primitive_desc_destroy(hint);
    }
  }

  /** The first of what oneDNN offers, or the second, where that is better. */
  private static dnnl_primitive_desc chosen(dnnl_primitive_desc_iterator choices) {
    dnnl_primitive_desc desc = dnnl_primitive_desc_iterator_fetch(choices);
    if (name(desc).startsWith(UNROLLED)
        && dnnl_primitive_desc_iterator_next(choices) == dnnl_success) {
      dnnl_primitive_desc next = dnnl_primitive_desc_iterator_fetch(choices);
      boolean better = name(next).startsWith(ROLLED);
      dnnl_primitive_desc_destroy(better ? desc : next);
      desc = better ? next : desc;
    }
    String kernel = name(desc);
    boolean slow = kernel.startsWith("simple") && !kernel.startsWith(ROWS);
    if (kernel.startsWith("ref") || slow) {
      dnnl_primitive_desc_destroy(desc);
      throw new UnsupportedException("oneDNN has only its reference kernel, " + kernel);
    }
    return desc;
  }

  /**
   * Scratch memory for what is planned.
   *
   * @return the caller destroys it; null if none is needed
   */
  dnnl_memory scratchpad(dnnl_primitive_desc desc) {
    dnnl_memory_desc_t layout = dnnl_primitive_desc_query_md(desc, dnnl_query_scratchpad_md, 0);
    return layout == null || dnnl_memory_desc_get_size(layout) == 0 ? null : allocate(layout);
  }

  /** Makes a plan runnable; destroys the plan. */
  dnnl_primitive make(dnnl_primitive_desc desc) {
    dnnl_primitive primitive = new dnnl_primitive();
    try {
      check(dnnl_primitive_create(primitive, desc), "primitive");
      return primitive;
    } finally {
      dnnl_primitive_desc_destroy(desc);
    }
  }

  /** Copies one layout into another; the caller destroys it. */
  dnnl_primitive reorder(dnnl_memory_desc_t from, dnnl_memory_desc_t to) {
    dnnl_primitive_desc desc = new dnnl_primitive_desc();
    check(
        dnnl_reorder_primitive_desc_create(desc, from, engine, to, engine, null), "rearrangement");
    return make(desc);
  }

  /** Copies what lies in one layout into memory of another, of the same type or not. */
  void rearrange(
      dnnl_memory from, dnnl_memory_desc_t given, dnnl_memory to, dnnl_memory_desc_t wanted) {
    dnnl_primitive reorder = reorder(given, wanted);
    try (dnnl_exec_arg_t arguments = new dnnl_exec_arg_t(2)) {
      arguments.position(0).arg(DNNL_ARG_FROM).memory(from);
      arguments.position(1).arg(DNNL_ARG_TO).memory(to);
      arguments.position(0);
      check(dnnl_primitive_execute(reorder, stream, 2, arguments), "rearrangement");
      check(dnnl_stream_wait(stream), "rearrangement");
    } finally {
      dnnl_primitive_destroy(reorder);
    }
  }

  /** oneDNN's view of memory that is somebody else's; the caller destroys the view. */
  dnnl_memory view(dnnl_memory_desc_t desc, INDArray array) {
    if (array.ordering() != 'c' && array.rank() > 1) {
      throw new IllegalArgumentException("oneDNN reads dense arrays in c order alone");
    }
    // Not data().address(): of a part of a buffer that is where the whole begins.
    return memory(desc, array.data().addressPointer().address());
  }

  /** Memory of oneDNN's own, aligned as its kernels like it; the caller destroys it. */
  dnnl_memory allocate(dnnl_memory_desc_t desc) {
    return memory(desc, -1);
  }

  /** Memory of oneDNN's own that holds one number; the caller destroys it. */
  dnnl_memory number(dnnl_memory_desc_t desc, float value) {
    dnnl_memory memory = allocate(desc);
    try (PointerPointer<FloatPointer> handle = new PointerPointer<>(1)) {
      check(dnnl_memory_get_data_handle(memory, handle), "memory");
      handle.get(FloatPointer.class, 0).put(value);
    }
    return memory;
  }

  private dnnl_memory memory(dnnl_memory_desc_t desc, long address) {
    dnnl_memory memory = new dnnl_memory();
    check(dnnl_memory_create(memory, desc, engine, new Address(address)), "memory");
    return memory;
  }

  /** oneDNN's name of the kernel, e.g. {@code brgconv:avx512_core}. */
  private static String name(dnnl_primitive_desc desc) {
    try (PointerPointer<BytePointer> answer = new PointerPointer<>(1)) {
      check(dnnl_primitive_desc_query(desc, dnnl_query_impl_info_str, 0, answer), "query");
      return new BytePointer(answer.get(0)).getString();
    }
  }

  static void check(int status, String what) {
    if (status != dnnl_success) {
      throw new IllegalStateException(Text.format("oneDNN failed (%s), status %d", what, status));
    }
  }

  /** An address as JavaCPP passes it on. */
  private static final class Address extends Pointer {
    Address(long value) {
      address = value;
    }
  }
}
