package org.ttame.backbones;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import ai.onnxruntime.TensorInfo;
import ai.onnxruntime.platform.Fp16Conversions;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** ONNX Runtime on the same file: what a network's outputs really are. */
final class OnnxOracle implements AutoCloseable {
  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final OrtSession session;

  OnnxOracle(Path file) throws OrtException {
    this(file, OptLevel.ALL_OPT);
  }

  OnnxOracle(Path file, OptLevel level) throws OrtException {
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setOptimizationLevel(level);
      session = environment.createSession(file.toString(), options);
    }
  }

  /** Outputs by name for a batch {@code [B, S, S, 3]}. */
  Map<String, INDArray> run(INDArray images) throws OrtException {
    try (INDArray planes = images.permute(0, 3, 1, 2).dup('c')) {
      return run(planes, null);
    }
  }

  /** Outputs by name for images as they lie in the file, and classes where it takes some. */
  Map<String, INDArray> run(INDArray planes, long[] classes) throws OrtException {
    Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
    try {
      for (Map.Entry<String, NodeInfo> input : session.getInputInfo().entrySet()) {
        OnnxJavaType type = ((TensorInfo) input.getValue().getInfo()).type;
        inputs.put(
            input.getKey(),
            type == OnnxJavaType.INT64
                ? OnnxTensor.createTensor(environment, classes)
                : image(planes, type));
      }
      try (OrtSession.Result result = session.run(inputs)) {
        Map<String, INDArray> outputs = new LinkedHashMap<>();
        for (Map.Entry<String, OnnxValue> entry : result) {
          OnnxTensor tensor = (OnnxTensor) entry.getValue();
          FloatBuffer buffer = tensor.getFloatBuffer();
          float[] values = new float[buffer.remaining()];
          buffer.get(values);
          outputs.put(entry.getKey(), Nd4j.create(values, tensor.getInfo().getShape(), 'c'));
        }
        return outputs;
      }
    } finally {
      inputs.values().forEach(OnnxTensor::close);
    }
  }

  private OnnxTensor image(INDArray planes, OnnxJavaType type) throws OrtException {
    float[] values = planes.data().asFloat();
    if (type == OnnxJavaType.FLOAT) {
      return OnnxTensor.createTensor(environment, FloatBuffer.wrap(values), planes.shape());
    }
    if (type == OnnxJavaType.UINT8) {
      ByteBuffer bytes = ByteBuffer.allocateDirect(values.length);
      for (float value : values) {
        bytes.put((byte) Math.round(value));
      }
      return OnnxTensor.createTensor(environment, bytes.rewind(), planes.shape(), type);
    }
    ByteBuffer halves = ByteBuffer.allocateDirect(2 * values.length).order(ByteOrder.nativeOrder());
    for (float value : values) {
      halves.putShort(Fp16Conversions.floatToFp16(value));
    }
    return OnnxTensor.createTensor(environment, halves.rewind(), planes.shape(), type);
  }

  /** Declared sizes of an input or output, −1 where they are free. */
  long[] shape(String name) throws OrtException {
    Map<String, NodeInfo> all = new LinkedHashMap<>(session.getInputInfo());
    all.putAll(session.getOutputInfo());
    return ((TensorInfo) all.get(name).getInfo()).getShape();
  }

  /** Names of the inputs. */
  Set<String> inputs() {
    return session.getInputNames();
  }

  /** The file's metadata. */
  Map<String, String> metadata() throws OrtException {
    return session.getMetadata().getCustomMetadata();
  }

  @Override
  public void close() throws OrtException {
    session.close();
  }
}
