package org.ttame.backbones.onnx;

import java.util.ArrayList;
import java.util.List;

/** A tensor that depends on the image. */
final class Value implements Operand {
  private final String name;
  private final long[] shape;
  private final boolean unknown;
  private final List<Operation> consumers = new ArrayList<>();
  private Operation producer;

  Value(String name, long... shape) {
    this.name = name;
    this.shape = shape.clone();
    this.unknown = false;
  }

  /** A value of an operation that is not understood. */
  static Value unknown(String name) {
    return new Value(name, true);
  }

  private Value(String name, boolean unknown) {
    this.name = name;
    this.unknown = unknown;
    this.shape = new long[0];
  }

  /** Whether its shape is not known, because what computes it is not understood. */
  boolean isUnknown() {
    return unknown;
  }

  String name() {
    return name;
  }

  @Override
  public long[] shape() {
    return shape.clone();
  }

  int rank() {
    return shape.length;
  }

  /** The operation that computes it; null for the image itself. */
  Operation producer() {
    return producer;
  }

  void producer(Operation operation) {
    producer = operation;
  }

  /** The operations that read it and that the logits depend on. */
  List<Operation> consumers() {
    return consumers;
  }

  @Override
  public String toString() {
    return name;
  }
}
