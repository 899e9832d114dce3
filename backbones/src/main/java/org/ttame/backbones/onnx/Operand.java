package org.ttame.backbones.onnx;

/** What flows along an edge of the graph once a batch size is fixed: known or computed. */
sealed interface Operand permits Constant, Value {
  /** Its shape; every size is known. */
  long[] shape();
}
