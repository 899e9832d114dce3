package org.ttame.backbones.onnx.export;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import onnx.Onnx;
import org.nd4j.shade.protobuf.CodedOutputStream;
import org.ttame.backbones.onnx.Attachment;
import org.ttame.backbones.onnx.OnnxBackbone;
import org.ttame.backbones.source.BackboneException;
import org.ttame.core.Named;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.InferenceWeights;
import org.ttame.core.image.ImageSize;
import org.ttame.core.storage.AtomicFile;
import org.ttame.core.storage.FileNames;
import org.ttame.core.storage.InputFile;

/**
 * A classifier's ONNX file with a trained mechanism behind it: whatever runs the file computes the
 * classifier's outputs and explanations of them in one pass. All that was in the file stays there
 * byte for byte; nodes, constants, outputs and metadata are appended.
 */
public final class ExplainerFile {
  /** What the keys of the metadata that is added begin with. */
  public static final String KEY = "ttame.";

  private static final int OLDEST = 9;
  private static final int BLOCK = 1 << 20;

  private ExplainerFile() {}

  /** Which classes are explained. */
  public enum Classes implements Named {
    /** The most probable one of each image: output {@code explanation}, {@code [B, h, w]}. */
    PREDICTED,
    /** Those of the input {@code class}, int64 {@code [B]}: output {@code explanation}. */
    INPUT,
    /** All: output {@code explanations}, {@code [B, K, h, w]}. */
    ALL
  }

  /** How large the maps are. */
  public enum MapSizes implements Named {
    /** As the mechanism makes them. */
    NATIVE,
    /** As the classifier's images. */
    IMAGE
  }

  /**
   * What to write.
   *
   * @param classes which are explained
   * @param mapSize how large the maps are
   * @param metadata added to the file's own, by key without {@link #KEY}
   */
  public record Options(Classes classes, MapSizes mapSize, Map<String, String> metadata) {
    public Options {
      Objects.requireNonNull(classes, "classes");
      Objects.requireNonNull(mapSize, "mapSize");
      metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
    }
  }

  /**
   * Writes a file.
   *
   * @param classifier the classifier's file; stays the caller's
   * @param mechanism trained for it; stays the caller's
   * @param options what to write
   * @param out the new file, whole or not there; files with weights that the classifier keeps
   *     beside itself are copied beside it
   * @throws BackboneException if the file cannot be appended to
   * @throws IOException naming the file, if one cannot be read or written
   */
  public static void write(
      OnnxBackbone classifier, AttentionMechanism mechanism, Options options, Path out)
      throws IOException {
    Attachment attachment = classifier.attachment();
    Path file = attachment.file();
    if (Files.exists(out) && Files.isSameFile(file, out)) {
      throw new BackboneException(
          Text.format("%s is the classifier's own file, which stays as it is; give another", out));
    }
    if (attachment.opset() < OLDEST) {
      throw new BackboneException(
          Text.format(
              "%s is of operator set %d, and mechanisms are written from %d on; bring it there with"
                  + " onnx.version_converter",
              file, attachment.opset(), OLDEST));
    }
    ModelFile model = ModelFile.read(file);
    if (model.metadata().stream().anyMatch(key -> key.startsWith(KEY))) {
      throw new BackboneException(
          Text.format("%s has explanations in it already; give the classifier's own file", file));
    }
    ImageSize image = classifier.architecture().size();
    AppendedGraph graph = new AppendedGraph(model, attachment.opset());
    MechanismGraph.Added added;
    try (InferenceWeights weights = mechanism.inferenceWeights()) {
      MapSize target =
          options.mapSize() == MapSizes.IMAGE
              ? new MapSize(image.height(), image.width())
              : new MapSize(mechanism.mapHeight(), mechanism.mapWidth());
      added =
          new MechanismGraph(attachment, graph, mechanism.spec(), weights)
              .write(options.classes(), target, model.batch(attachment.image()));
    }
    Map<String, String> metadata = new LinkedHashMap<>(options.metadata());
    metadata.put("classes", options.classes().optionName());
    metadata.put("map-size", options.mapSize().optionName());
    metadata.put("output-values", attachment.probabilities() ? "probabilities" : "logits");
    metadata.put("image", attachment.image());
    metadata.put("map", added.map());
    if (!added.classes().isEmpty()) {
      metadata.put("class", added.classes());
    }
    write(file, model, graph.build(), metadata, out);
  }

  private static void write(
      Path file, ModelFile model, Onnx.GraphProto more, Map<String, String> metadata, Path out)
      throws IOException {
    Onnx.ModelProto.Builder end = Onnx.ModelProto.newBuilder();
    metadata.forEach(
        (key, value) -> end.addMetadataPropsBuilder().setKey(KEY + key).setValue(value));
    Onnx.ModelProto properties = end.build();
    long length = model.graphEnd() - model.graphStart() + more.getSerializedSize();
    if (model.size() + more.getSerializedSize() + properties.getSerializedSize() + Long.BYTES
        > Integer.MAX_VALUE) {
      throw new BackboneException(
          Text.format(
              "%s and its explanations are larger than the 2 GB that an ONNX file may have; export"
                  + " it with its weights in a file beside it",
              file));
    }
    WeightFiles.copy(file, model.locations(), out);
    AtomicFile.write(
        out,
        stream -> {
          try (FileChannel channel = InputFile.channel(file)) {
            copy(channel, 0, model.graphLength(), stream);
            CodedOutputStream coded = CodedOutputStream.newInstance(stream);
            coded.writeUInt64NoTag(length);
            coded.flush();
            copy(channel, model.graphStart(), model.graphEnd(), stream);
            more.writeTo(stream);
            copy(channel, model.graphEnd(), model.size(), stream);
            properties.writeTo(stream);
          }
        });
  }

  private static void copy(FileChannel from, long start, long end, OutputStream to)
      throws IOException {
    ByteBuffer block = ByteBuffer.allocate(BLOCK);
    for (long at = start; at < end; at += block.limit()) {
      block.clear().limit((int) Math.min(BLOCK, end - at));
      while (block.hasRemaining()) {
        if (from.read(block, at + block.position()) < 0) {
          throw new IOException("The classifier's file became shorter while it was read");
        }
      }
      to.write(block.array(), 0, block.limit());
    }
  }

  /** The files beside an ONNX file that hold its weights. */
  private static final class WeightFiles {
    private WeightFiles() {}

    /**
     * Copies them beside another file, under the same names: the graph names them, and stays as it
     * is.
     *
     * @param file the ONNX file
     * @param locations their paths as the file has them
     * @param out the other file
     * @throws BackboneException if one lies elsewhere, or another file is in its place
     */
    static void copy(Path file, Set<String> locations, Path out) throws IOException {
      Path from = folder(file);
      Path to = folder(out);
      for (String location : locations) {
        Path source = resolve(file, from, location);
        Path target = FileNames.resolve(to, location);
        if (target.equals(out.toAbsolutePath().normalize())) {
          throw new BackboneException(
              Text.format(
                  "%s keeps weights in a file called %s, which the new one may not be called, too;"
                      + " give another file (option 'out')",
                  file, location));
        }
        if (!Files.exists(target)) {
          AtomicFile.write(
              target,
              stream -> {
                try (var in = InputFile.open(source)) {
                  in.transferTo(stream);
                }
              });
        } else if (!Files.isSameFile(source, target) && Files.mismatch(source, target) >= 0) {
          throw new BackboneException(
              Text.format(
                  "%s holds something else than the weights that %s keeps under that name; give a"
                      + " file in another folder (option 'out')",
                  target, file));
        }
      }
    }

    private static Path folder(Path file) {
      return file.toAbsolutePath().normalize().getParent();
    }

    private static Path resolve(Path file, Path folder, String location) throws BackboneException {
      try {
        Path relative = Path.of(location);
        boolean leaves = relative.isAbsolute();
        for (Path part : relative) {
          leaves |= part.toString().equals("..");
        }
        if (!leaves && !location.isEmpty()) {
          return FileNames.resolve(folder, location);
        }
      } catch (InvalidPathException e) {
        throw new BackboneException(
            Text.format("%s keeps weights in \"%s\", which is not a file name", file, location), e);
      }
      throw new BackboneException(
          Text.format(
              "%s keeps weights in \"%s\", a path that does not stay beside it; export it with its"
                  + " weights in one file in its own folder",
              file, location));
    }
  }
}
