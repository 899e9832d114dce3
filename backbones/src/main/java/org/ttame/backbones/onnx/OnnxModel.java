package org.ttame.backbones.onnx;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * An ONNX file: its graph in memory, its weights still in the file.
 *
 * @param file where it was read from
 * @param producer the exporter and its version, may be empty
 * @param opset version of ONNX's own operator set
 * @param nodes in an order in which each can be computed
 * @param initialisers weights by name
 * @param inputs the graph's inputs, initialisers left out
 * @param outputs names of the graph's outputs
 * @param functions model-local functions by domain and name
 * @param files open files that the weights are read from
 */
record OnnxModel(
    Path file,
    String producer,
    long opset,
    List<OnnxNode> nodes,
    Map<String, Constant> initialisers,
    List<GraphInput> inputs,
    List<String> outputs,
    Map<String, Function> functions,
    List<DataFile> files,
    Map<String, String> metadata)
    implements AutoCloseable {
  /** A model without metadata. */
  OnnxModel(
      Path file,
      String producer,
      long opset,
      List<OnnxNode> nodes,
      Map<String, Constant> initialisers,
      List<GraphInput> inputs,
      List<String> outputs,
      Map<String, Function> functions,
      List<DataFile> files) {
    this(file, producer, opset, nodes, initialisers, inputs, outputs, functions, files, Map.of());
  }

  /**
   * An input of the graph.
   *
   * @param name its name
   * @param elementType code of its element type, see {@link ElementType}
   * @param shape its sizes, −1 where they are dynamic; null where it has none
   */
  @SuppressWarnings("ArrayRecordComponent")
  record GraphInput(String name, int elementType, long[] shape) {}

  /**
   * A model-local function, or a graph inside a node: that has no inputs where it is the branch of
   * a conditional, reads the names around it, and its initialisers are Constant nodes.
   *
   * @param inputs names of its formal inputs
   * @param outputs names of its formal outputs
   * @param nodes its body, in an order in which each can be computed
   * @param opset version of ONNX's own operator set that its body is written in, 0 for the model's
   * @param defaults attributes that a call may leave out
   */
  record Function(
      List<String> inputs,
      List<String> outputs,
      List<OnnxNode> nodes,
      long opset,
      Map<String, OnnxAttribute> defaults) {
    /** Names that its body reads and does not compute. */
    Set<String> free() {
      Set<String> own = new HashSet<>(inputs);
      nodes.forEach(node -> own.addAll(node.outputs()));
      Set<String> free = new LinkedHashSet<>(outputs);
      nodes.forEach(node -> free.addAll(node.reads()));
      free.removeAll(own);
      free.remove("");
      return free;
    }
  }

  static String functionKey(String domain, String name) {
    return domain + "::" + name;
  }

  /** Bytes of the file and of the files beside it that it keeps weights in. */
  long bytes() throws IOException {
    long bytes = 0;
    for (DataFile opened : files) {
      bytes += opened.channel().size();
    }
    return bytes;
  }

  @Override
  public void close() throws IOException {
    IOException failure = null;
    for (DataFile opened : files) {
      try {
        opened.close();
      } catch (IOException e) {
        failure = e;
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
