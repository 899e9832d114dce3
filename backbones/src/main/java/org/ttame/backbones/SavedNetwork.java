package org.ttame.backbones;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.source.BackboneException;
import org.ttame.core.Text;
import org.ttame.core.engine.HostMemory;
import org.ttame.core.storage.InputFile;

/**
 * A network that DL4J saved, read entry by entry. DL4J's own {@code ModelSerializer} deserialises a
 * Java object that the zip may carry, which runs whatever code the file's author chose, and takes
 * the sizes it finds for granted. Here no object is ever deserialised, the configuration may name
 * classes of DL4J's configurations only, and what the file announces is compared with what it has
 * before memory is taken.
 *
 * @param network the network; the owner closes it
 * @param unread entries that were left alone because they hold serialised objects
 */
record SavedNetwork(ComputationGraph network, List<String> unread) {
  private static final String CONFIGURATION = "configuration.json";
  private static final String COEFFICIENTS = "coefficients.bin";

  /** DL4J writes serialised objects under these names. */
  private static final List<String> OBJECTS = List.of("preprocessor.bin", "normalizer.bin");

  private static final int MAX_ENTRIES = 100;

  /** ResNet50's has 0.3 MB. */
  private static final int MAX_CONFIGURATION = 1 << 23;

  /** Trained weights hardly shrink; a megabyte more for those that are all zero. */
  private static final long MAX_EXPANSION = 32;

  private static final long SMALL = 1 << 20;

  /** Numbers that a shape's description may have; ND4J's has at most 67. */
  private static final int MAX_SHAPE = 128;

  private static final List<String> CONFIGURATION_PACKAGES =
      List.of(
          "org.deeplearning4j.nn.conf.",
          "org.deeplearning4j.nn.weights.",
          "org.deeplearning4j.nn.modelimport.keras.preprocessors.",
          "org.nd4j.linalg.activations.impl.",
          "org.nd4j.linalg.learning.config.",
          "org.nd4j.linalg.learning.regularization.",
          "org.nd4j.linalg.lossfunctions.impl.",
          "org.nd4j.linalg.schedule.");

  /** Of two values under one name the checks below would see one and DL4J the other. */
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  /**
   * Reads a zip; throws {@link BackboneException} if it is no saved network, damaged, or not to be
   * trusted.
   */
  static SavedNetwork read(Path file) throws IOException {
    try (ZipFile zip = InputFile.zip(file)) {
      Map<String, ZipEntry> entries = entries(zip, file);
      if (!entries.containsKey(CONFIGURATION) || !entries.containsKey(COEFFICIENTS)) {
        throw new BackboneException(
            Text.format(
                "%s is a zip, but no saved DL4J network; unpack it and give the .onnx file", file));
      }
      JsonNode configuration = configuration(zip, entries.get(CONFIGURATION), file);
      ComputationGraph network = network(zip, entries.get(COEFFICIENTS), configuration, file);
      return new SavedNetwork(network, OBJECTS.stream().filter(entries::containsKey).toList());
    } catch (ZipException | EOFException e) {
      throw new BackboneException(
          Text.format("%s begins as a zip, but is damaged or cut short; copy it again", file), e);
    }
  }

  private static Map<String, ZipEntry> entries(ZipFile zip, Path file) throws IOException {
    if (zip.size() > MAX_ENTRIES) {
      throw new BackboneException(
          Text.format(
              "%s holds %,d entries, a saved DL4J network has a handful; unpack it and give the"
                  + " .onnx file",
              file, zip.size()));
    }
    Map<String, ZipEntry> entries = new HashMap<>();
    for (ZipEntry entry : zip.stream().map(ZipEntry.class::cast).toList()) {
      if (entries.put(entry.getName(), entry) != null) {
        throw new BackboneException(
            Text.format("%s holds more than one entry %s; this is refused", file, entry.getName()));
      }
    }
    return entries;
  }

  private static JsonNode configuration(ZipFile zip, ZipEntry entry, Path file) throws IOException {
    byte[] bytes;
    try (InputStream in = zip.getInputStream(entry)) {
      bytes = in.readNBytes(MAX_CONFIGURATION + 1);
    }
    if (bytes.length > MAX_CONFIGURATION) {
      throw new BackboneException(
          Text.format(
              "%s: its %s has more than %,d bytes, which no network needs; this is refused",
              file, CONFIGURATION, MAX_CONFIGURATION));
    }
    try {
      JsonNode tree = JSON.readTree(bytes);
      checkClasses(tree, file);
      return tree;
    } catch (JsonProcessingException e) {
      throw new BackboneException(
          Text.format(
              "%s holds a DL4J network whose configuration is damaged; copy it again", file),
          e);
    }
  }

  /** DL4J makes objects of the classes that its configurations name: only its own may be named. */
  private static void checkClasses(JsonNode node, Path file) throws BackboneException {
    List<JsonNode> open = new ArrayList<>(List.of(node));
    while (!open.isEmpty()) {
      JsonNode next = open.remove(open.size() - 1);
      next.elements().forEachRemaining(open::add);
      for (Map.Entry<String, JsonNode> field : next.properties()) {
        checkClass(field.getKey(), field.getKey(), file);
        if (field.getValue().isTextual()) {
          checkClass(field.getKey(), field.getValue().textValue(), file);
        }
      }
      if (next.isTextual()) {
        checkClass("", next.textValue(), file);
      }
    }
  }

  private static void checkClass(String key, String text, Path file) throws BackboneException {
    boolean named = key.startsWith("@") && !key.equals(text);
    boolean allowed = CONFIGURATION_PACKAGES.stream().anyMatch(text::startsWith);
    if (!allowed && (named || (text.indexOf('.') > 0 && isClass(text)))) {
      throw new BackboneException(
          Text.format(
              "%s: its %s names the class %s, which is none of DL4J's configurations; this is"
                  + " refused",
              file, CONFIGURATION, text));
    }
  }

  /** Looks without running anything of it. */
  private static boolean isClass(String name) {
    try {
      Class.forName(name, false, SavedNetwork.class.getClassLoader());
      return true;
    } catch (ClassNotFoundException | LinkageError e) {
      return false;
    }
  }

  private static ComputationGraph network(
      ZipFile zip, ZipEntry coefficients, JsonNode tree, Path file) throws IOException {
    // What was checked is what DL4J reads, not the bytes that it was read from.
    String json = tree.toString();
    try {
      if (tree.path("vertices").isMissingNode()) {
        MultiLayerConfiguration configuration = MultiLayerConfiguration.fromJson(json);
        MultiLayerNetwork layers = new MultiLayerNetwork(configuration);
        long count = 0;
        for (NeuralNetConfiguration layer : configuration.getConfs()) {
          count = Math.addExact(count, layer.getLayer().initializer().numParams(layer));
        }
        layers.init(coefficients(zip, coefficients, count, file), false);
        try {
          // The same layers with a copy of their parameters.
          return layers.toComputationGraph();
        } finally {
          layers.close();
        }
      }
      ComputationGraphConfiguration configuration = ComputationGraphConfiguration.fromJson(json);
      long count = 0;
      for (var vertex : configuration.getVertices().values()) {
        count = Math.addExact(count, vertex.numParams(true));
      }
      ComputationGraph graph = new ComputationGraph(configuration);
      graph.init(coefficients(zip, coefficients, count, file), false);
      return graph;
    } catch (RuntimeException | LinkageError | StackOverflowError | OutOfMemoryError e) {
      throw new BackboneException(
          Text.format("%s could not be read as a DL4J network: %s", file, e.getMessage()), e);
    }
  }

  /**
   * Reads an array as ND4J writes it: the shape's numbers, then the elements, each with a name of
   * how it was in memory, a length and a type; big-endian.
   */
  private static INDArray coefficients(ZipFile zip, ZipEntry entry, long wanted, Path file)
      throws IOException {
    long size = entry.getSize();
    if (size > entry.getCompressedSize() * MAX_EXPANSION + SMALL) {
      throw new BackboneException(
          Text.format(
              "%s: its %s claims %,d bytes, unpacked from %,d; no trained weights shrink like that,"
                  + " this is refused",
              file, COEFFICIENTS, size, entry.getCompressedSize()));
    }
    CRC32 sum = new CRC32();
    try (DataInputStream in =
        new DataInputStream(
            new CheckedInputStream(new BufferedInputStream(zip.getInputStream(entry)), sum))) {
      Header shape = Header.read(in);
      boolean known = shape.length() >= 0 && shape.length() <= MAX_SHAPE;
      in.skipNBytes(known ? shape.length() * shape.bytes() : 0);
      Header header = Header.read(in);
      boolean real = header.type().equals("FLOAT") || header.type().equals("DOUBLE");
      if (!known || !real || header.length() != wanted || wanted > size / header.bytes()) {
        throw new BackboneException(
            Text.format(
                "%s: its %s announces %,d values of type %s in %,d bytes, its configuration %,d;"
                    + " copy it again",
                file, COEFFICIENTS, header.length(), header.type(), size, wanted));
      }
      INDArray array =
          Nd4j.createUninitialized(DataType.valueOf(header.type()), new long[] {1, wanted}, 'c');
      boolean done = false;
      try {
        HostMemory.fill(array, memory -> header.readInto(memory, in));
        done = in.read() < 0 && sum.getValue() == entry.getCrc();
      } finally {
        if (!done) {
          array.close();
        }
      }
      if (!done) {
        throw new BackboneException(
            Text.format("%s: its %s is damaged; copy it again", file, COEFFICIENTS));
      }
      return array;
    }
  }

  /** What precedes the numbers of a buffer. */
  private record Header(long length, String type) {
    /** How lengths were counted before they were 64-bit. */
    private static final List<String> OLD = List.of("DIRECT", "HEAP", "JAVACPP");

    static Header read(DataInputStream in) throws IOException {
      long length = OLD.contains(in.readUTF()) ? in.readInt() : in.readLong();
      return new Header(length, in.readUTF());
    }

    int bytes() {
      return type.equals("LONG") || type.equals("DOUBLE") ? Long.BYTES : Integer.BYTES;
    }

    void readInto(ByteBuffer target, DataInputStream in) throws IOException {
      for (long i = 0; i < length; i++) {
        if (type.equals("FLOAT")) {
          target.putFloat(in.readFloat());
        } else {
          target.putDouble(in.readDouble());
        }
      }
    }
  }
}
