package org.ttame.services;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.backbones.Backbones;
import org.ttame.backbones.onnx.OnnxBackbone;
import org.ttame.backbones.onnx.export.ExplainerFile;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.Variant;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.image.InputSpec;
import org.ttame.core.npz.Npz;
import org.ttame.core.provenance.BuildInfo;
import org.ttame.core.provenance.Sha256;
import org.ttame.core.storage.AtomicFile;
import org.ttame.training.run.RunClassifier;

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

  /** Writes a run's mechanism into its classifier's own ONNX file. */
  private static final class OnnxExport {
    private static final ObjectMapper JSON = new ObjectMapper();

    private OnnxExport() {}

    /** Writes the file; refuses an ONNX file that is missing, or is another classifier's. */
    static void write(
        Export.Options options, FrozenClassifier classifier, AttentionMechanism mechanism)
        throws IOException {
      RunClassifier recorded = options.run().folder().classifier();
      Path file = options.weights().isPresent() ? options.weights().get() : options.run().weights();
      try (OnnxBackbone original = open(file, options.run(), recorded)) {
        String sum = Sha256.of(file);
        requireSame(file, sum, options.run(), recorded);
        Map<String, String> metadata = metadata(options, classifier, mechanism);
        metadata.put("classifier", String.valueOf(file.getFileName()));
        metadata.put("classifier-sha256", sum);
        ExplainerFile.write(
            original,
            mechanism,
            new ExplainerFile.Options(options.classes(), options.mapSize(), metadata),
            options.out());
      }
    }

    private static OnnxBackbone open(Path file, TrainedRun run, RunClassifier recorded)
        throws IOException {
      return Backbones.openOnnx(file, recorded.options())
          .orElseThrow(
              () ->
                  new IOException(
                      Text.format(
                          "%s, the classifier of the run in '%s', is not an ONNX file, so no"
                              + " explanation can be appended to it; give the ONNX file that it was"
                              + " made from (option 'weights')",
                          file, run.run())));
    }

    /** The same file, the one that the run's was imported from, or one with the same weights. */
    private static void requireSame(Path file, String sum, TrainedRun run, RunClassifier recorded)
        throws IOException {
      boolean known =
          recorded.sha256().isEmpty()
              || recorded.sha256().get().equals(sum)
              || recorded.imported().filter(sum::equals).isPresent();
      if (known) {
        return;
      }
      Optional<Path> own = run.folder().backboneFile().filter(Files::isRegularFile);
      if (own.isEmpty()
          || !Sha256.of(own.get()).equals(recorded.sha256().get())
          || !Backbones.sameNetwork(own.get(), file, recorded.options())) {
        throw recorded.another(file, sum);
      }
    }

    private static Map<String, String> metadata(
        Export.Options options, FrozenClassifier classifier, AttentionMechanism mechanism)
        throws IOException {
      TrainedRun run = options.run();
      InputSpec input = classifier.inputSpec();
      Map<String, String> metadata = new LinkedHashMap<>();
      metadata.put("version", BuildInfo.current().describe());
      metadata.put("run", String.valueOf(run.run().toAbsolutePath().normalize().getFileName()));
      metadata.put("checkpoint", run.checkpointName());
      metadata.put(
          "mechanism-sha256",
          run.folder().checkpoints().get(run.checkpointName()).attentionSha256());
      metadata.put("variant", mechanism.spec().variant().optionName());
      metadata.put(
          "layers", json(mechanism.spec().features().stream().map(FeatureLayer::node).toList()));
      metadata.put("output", classifier.spec().output().name());
      metadata.put("output-kind", classifier.spec().output().kind().optionName());
      metadata.put("height", String.valueOf(input.height()));
      metadata.put("width", String.valueOf(input.width()));
      metadata.put("layout", input.stored().layout().name());
      metadata.put("type", input.stored().type().fileName());
      metadata.put("mean", json(input.mean()));
      metadata.put("std", json(input.std()));
      metadata.put("resize", input.resize().optionName());
      List<String> labels =
          ClassNames.find(Optional.empty(), Optional.of(run.run()), classifier.spec().output());
      if (!labels.isEmpty()) {
        metadata.put("labels", json(labels));
      }
      return metadata;
    }

    private static String json(Object value) throws JsonProcessingException {
      return JSON.writeValueAsString(value);
    }
  }
}
