package org.ttame.services;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.backbones.onnx.export.ExplainerFile;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.Variant;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.npz.Npz;
import org.ttame.core.storage.AtomicFile;

/** Writes a trained attention mechanism out. */
public final class Export {
  private Export() {}

  /** The forms it is written in. */
  public enum Format {
    /** PyTorch's names and layout. */
    NPZ,
    /** A graph for inference. */
    SAMEDIFF,
    /** The classifier's own ONNX file, with the mechanism behind it. */
    ONNX
  }

  /**
   * What to write.
   *
   * @param run the trained mechanism
   * @param format in which form
   * @param out the file to write
   * @param weights of {@link Format#ONNX} the classifier's ONNX file, where it is not the one that
   *     the run names
   * @param classes of {@link Format#ONNX} which are explained
   * @param mapSize of {@link Format#ONNX} how large the maps are
   */
  public record Options(
      TrainedRun run,
      Format format,
      Path out,
      Optional<Path> weights,
      ExplainerFile.Classes classes,
      ExplainerFile.MapSizes mapSize) {
    public Options {
      Objects.requireNonNull(run, "run");
      Objects.requireNonNull(format, "format");
      Objects.requireNonNull(out, "out");
      Objects.requireNonNull(weights, "weights");
      Objects.requireNonNull(classes, "classes");
      Objects.requireNonNull(mapSize, "mapSize");
    }

    /** With maps of the predicted class as the mechanism makes them. */
    public Options(TrainedRun run, Format format, Path out) {
      this(
          run,
          format,
          out,
          Optional.empty(),
          ExplainerFile.Classes.PREDICTED,
          ExplainerFile.MapSizes.NATIVE);
    }
  }

  /**
   * What was written.
   *
   * @param variant of the mechanism
   * @param checkpoint the name of the one taken
   */
  public record Result(Variant variant, String checkpoint) {}

  /**
   * Writes.
   *
   * @param classifier the run's; stays the caller's
   */
  public static Result run(Options options, FrozenClassifier classifier) throws IOException {
    try (AttentionMechanism mechanism = options.run().mechanism(classifier)) {
      switch (options.format()) {
        case NPZ -> writeNpz(mechanism, options.out());
        case SAMEDIFF -> writeGraph(mechanism, options.out());
        case ONNX -> OnnxExport.write(options, classifier, mechanism);
      }
      return new Result(mechanism.spec().variant(), options.run().checkpointName());
    }
  }

  /**
   * The file to load the run's classifier from: the one that the run names, or where it has gone
   * the one that is given.
   *
   * @throws IOException if there is neither
   */
  public static Path classifier(Options options) throws IOException {
    Optional<Path> own = options.run().folder().backboneFile().filter(Files::exists);
    return own.isEmpty() && options.weights().isPresent()
        ? options.weights().get()
        : options.run().weights();
  }

  private static void writeNpz(AttentionMechanism mechanism, Path out) throws IOException {
    Map<String, INDArray> arrays = mechanism.toNpz();
    try {
      Npz.write(out, arrays);
    } finally {
      arrays.values().forEach(INDArray::close);
    }
  }

  private static void writeGraph(AttentionMechanism mechanism, Path out) throws IOException {
    SameDiff graph = SameDiff.create();
    List<SDVariable> features = new ArrayList<>();
    for (FeatureLayer layer : mechanism.spec().features()) {
      features.add(
          graph.placeHolder("feature." + features.size(), DataType.FLOAT, layer.outputShape(-1)));
    }
    SDVariable classes = graph.placeHolder("classes", DataType.INT32, -1, -1);
    mechanism.attach(graph, features, classes).rename("maps");
    ByteBuffer bytes = graph.asFlatBuffers(false);
    AtomicFile.write(
        out,
        target -> {
          WritableByteChannel channel = Channels.newChannel(target);
          while (bytes.hasRemaining()) {
            channel.write(bytes);
          }
        });
  }
}
