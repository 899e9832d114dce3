package org.ttame.backbones.onnx;

import org.ttame.backbones.onnx.OnnxModel.Function;

/**
 * An attribute's value; only the parts of its type are set.
 *
 * @param real a float
 * @param integer an integer
 * @param text a string
 * @param integers a list of integers
 * @param reals a list of floats
 * @param tensor a tensor
 * @param reference for a node inside a function: the function's attribute to take instead
 * @param graph the branch of a conditional or the body of a loop; null where it holds none
 */
@SuppressWarnings("ArrayRecordComponent")
record OnnxAttribute(
    double real,
    long integer,
    String text,
    long[] integers,
    double[] reals,
    Constant tensor,
    String reference,
    Function graph) {
  /** An attribute of a long, a list of longs, a double, a text or a constant. */
  static OnnxAttribute of(Object value) {
    return new OnnxAttribute(
        value instanceof Double real ? real : 0,
        value instanceof Number number && !(value instanceof Double) ? number.longValue() : 0,
        value instanceof String text ? text : "",
        value instanceof long[] list ? list : new long[0],
        new double[0],
        value instanceof Constant constant ? constant : null,
        "",
        null);
  }
}
