package org.ttame.backbones.onnx;

import java.io.IOException;
import java.util.List;

/**
 * Turns one operator into SameDiff operations. It honours every attribute and every form of its
 * operator that it does not refuse: a wrong acceptance is worse than a refusal.
 */
interface Converter {
  /**
   * The shapes of a node's outputs, found before anything is written.
   *
   * @param inputs its operands, null for one left out; at least one depends on the image
   * @return a shape for each output
   * @throws UnsupportedGraphException if this form of the operator is not supported
   */
  default List<long[]> shapes(OnnxNode node, List<Operand> inputs) throws IOException {
    return Shapes.of(node, inputs);
  }

  /**
   * Writes an operation and hands its outputs to the emitter. Numbers of a constant may be read
   * here only where it is small ({@link ImportedGraph#INLINE}); those of weights inside a {@link
   * Emitter.Weight} alone, which is not called when a graph is written without weights or from a
   * backbone file.
   *
   * @param operation what to write
   * @param emitter where to
   * @throws UnsupportedGraphException if this form of the operator is not supported
   */
  void convert(Operation operation, Emitter emitter) throws IOException;
}
