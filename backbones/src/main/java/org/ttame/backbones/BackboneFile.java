package org.ttame.backbones;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.zip.CRC32C;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.architecture.Architecture;
import org.ttame.backbones.graph.BackboneGraph;
import org.ttame.backbones.graph.Parameter;
import org.ttame.backbones.graph.WeightSource;
import org.ttame.backbones.onnx.OnnxBackbone;
import org.ttame.backbones.source.BackboneException;
import org.ttame.backbones.source.BackboneSource;
import org.ttame.core.Text;
import org.ttame.core.classifier.Assumption;
import org.ttame.core.classifier.OutputKind;
import org.ttame.core.classifier.OutputSpec;
import org.ttame.core.engine.HostMemory;
import org.ttame.core.image.ImageSize;
import org.ttame.core.image.InputSpec;
import org.ttame.core.storage.AtomicFile;
import org.ttame.core.storage.InputFile;

/**
 * A backbone's architecture and weights in one file, the weights as its SameDiff graph holds them:
 * loading is rebuilding the graph in code and copying arrays. A saved SameDiff graph would stop at
 * 2 GB and cannot be relied on to train on after loading.
 *
 * <p>Little-endian: the eight bytes {@code TTAMEBB1}; the length of the header as a 64-bit integer;
 * the header, JSON with {@code architecture}, {@code input}, {@code output} and {@code assumed} as
 * of {@link ClassifierJson}, {@code provenance} and {@code arrays} (name and shape of each); each
 * array, float32 in c order, from the next multiple of 64 on; after the last, at the next multiple
 * of 64, the CRC-32C of the header and of each array as 32-bit integers.
 */
public final class BackboneFile implements BackboneSource {
  private static final byte[] MAGIC = "TTAMEBB1".getBytes(StandardCharsets.US_ASCII);
  private static final int ALIGNMENT = 64;
  private static final int MAX_HEADER = 1 << 24;
  private static final int BLOCK = 1 << 20;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path file;
  private final FileChannel channel;
  private final Architecture architecture;
  private final InputSpec inputSpec;
  private final OutputSpec output;
  private final boolean settled;
  private final Map<String, String> provenance;
  private final Set<Assumption.Setting> assumed;
  private final Map<String, Entry> entries;

  private BackboneFile(
      Path file,
      FileChannel channel,
      Architecture architecture,
      InputSpec inputSpec,
      OutputSpec output,
      boolean settled,
      Map<String, String> provenance,
      Set<Assumption.Setting> assumed,
      Map<String, Entry> entries) {
    this.file = file;
    this.channel = channel;
    this.architecture = architecture;
    this.inputSpec = inputSpec;
    this.output = output;
    this.settled = settled;
    this.provenance = provenance;
    this.assumed = assumed;
    this.entries = entries;
  }

  /** Where an array is. */
  private record Entry(Parameter parameter, long offset, int checksum) {}

  /** Whether a file begins as one of these. */
  static boolean isOne(byte[] start) {
    return start.length >= MAGIC.length
        && java.util.Arrays.equals(start, 0, MAGIC.length, MAGIC, 0, MAGIC.length);
  }

  /**
   * Writes a backbone, one weight in memory at a time.
   *
   * @param file the target; appears when it is whole
   * @param inputSpec what it expects of an image
   * @param output what it answers
   * @param provenance where it comes from
   * @param assumed what of all this nobody has said
   * @throws IOException if a weight cannot be had or the file not written
   */
  public static void write(
      Path file,
      Architecture architecture,
      InputSpec inputSpec,
      OutputSpec output,
      Map<String, String> provenance,
      Collection<Assumption.Setting> assumed,
      WeightSource weights)
      throws IOException {
    List<Parameter> parameters = BackboneGraph.outline(architecture).parameters();
    ObjectNode header = JSON.createObjectNode();
    header.set("architecture", ArchitectureJson.write(architecture));
    header.set(ClassifierJson.INPUT, ClassifierJson.input(inputSpec));
    header.set(ClassifierJson.OUTPUT, ClassifierJson.output(output));
    assumed.forEach(setting -> header.withArray(ClassifierJson.ASSUMED).add(setting.fileName()));
    ObjectNode origin = header.putObject("provenance");
    provenance.forEach(origin::put);
    ArrayNode arrays = header.putArray("arrays");
    for (Parameter parameter : parameters) {
      ObjectNode array = arrays.addObject();
      array.put("name", parameter.name());
      parameter.shape().forEach(array.withArray("shape")::add);
    }
    byte[] json = JSON.writeValueAsBytes(header);
    if (json.length > MAX_HEADER) {
      throw new BackboneException(
          "The graph is too large to be written to " + file + "; use the file that it is from");
    }
    AtomicFile.write(file, out -> write(out, json, parameters, weights));
  }

  private static void write(
      OutputStream out, byte[] json, List<Parameter> parameters, WeightSource weights)
      throws IOException {
    ByteBuffer checksums =
        ByteBuffer.allocate(Integer.BYTES * (parameters.size() + 1)).order(ByteOrder.LITTLE_ENDIAN);
    out.write(MAGIC);
    out.write(
        ByteBuffer.allocate(Long.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(json.length)
            .array());
    out.write(json);
    checksums.putInt(checksum(ByteBuffer.wrap(json)));
    long position = (long) MAGIC.length + Long.BYTES + json.length;
    byte[] block = new byte[BLOCK];
    for (Parameter parameter : parameters) {
      position = pad(out, position);
      long[] shape = parameter.shape().stream().mapToLong(Long::longValue).toArray();
      try (INDArray array = weights.load(parameter.name(), shape)) {
        ByteBuffer bytes = HostMemory.values(array);
        checksums.putInt(checksum(bytes.duplicate()));
        while (bytes.hasRemaining()) {
          int part = Math.min(block.length, bytes.remaining());
          bytes.get(block, 0, part);
          out.write(block, 0, part);
        }
        position += parameter.size() * Float.BYTES;
      }
    }
    pad(out, position);
    out.write(checksums.array());
  }

  private static long pad(OutputStream out, long position) throws IOException {
    long next = aligned(position);
    out.write(new byte[(int) (next - position)]);
    return next;
  }

  private static long aligned(long position) {
    return (position + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  private static byte[] bytesOf(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.limit()];
    buffer.get(0, bytes);
    return bytes;
  }

  private static int checksum(ByteBuffer bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes);
    return (int) crc.getValue();
  }

  /**
   * Opens a file and reads its header.
   *
   * @param file a file written by {@link #write}
   * @return the backbone; the caller closes it when the weights have been loaded
   * @throws BackboneException if it is damaged
   */
  public static BackboneFile open(Path file) throws IOException {
    FileChannel channel = InputFile.channel(file);
    boolean done = false;
    try {
      BackboneFile opened = open(file, channel);
      done = true;
      return opened;
    } finally {
      if (!done) {
        channel.close();
      }
    }
  }

  private static BackboneFile open(Path file, FileChannel channel) throws IOException {
    ByteBuffer start = read(file, channel, 0, MAGIC.length + Long.BYTES);
    long length = start.getLong(MAGIC.length);
    if (!isOne(bytesOf(start)) || length < 2 || length > MAX_HEADER) {
      throw damaged(file, "its header makes no sense");
    }
    ByteBuffer json = read(file, channel, start.capacity(), (int) length);
    try {
      JsonNode header = JSON.readTree(bytesOf(json));
      List<Parameter> parameters = new ArrayList<>();
      for (JsonNode array : header.path("arrays")) {
        List<Long> shape = new ArrayList<>();
        array.path("shape").forEach(size -> shape.add(size.asLong()));
        parameters.add(new Parameter(array.path("name").asText(), shape));
      }
      Map<String, Entry> entries = new LinkedHashMap<>();
      long position = start.capacity() + length;
      long end = position;
      for (Parameter parameter : parameters) {
        end = aligned(end) + Math.multiplyExact(parameter.size(), (long) Float.BYTES);
      }
      ByteBuffer checksums =
          read(file, channel, aligned(end), Integer.BYTES * (parameters.size() + 1));
      if (checksums.getInt() != checksum(json)) {
        throw damaged(file, "its header has changed");
      }
      long beyond = channel.size() - aligned(end) - checksums.capacity();
      if (beyond != 0) {
        throw damaged(file, Text.format("%,d bytes follow its last array", beyond));
      }
      for (Parameter parameter : parameters) {
        position = aligned(position);
        entries.put(parameter.name(), new Entry(parameter, position, checksums.getInt()));
        position += parameter.size() * Float.BYTES;
      }
      Map<String, String> provenance = new LinkedHashMap<>();
      header
          .path("provenance")
          .properties()
          .forEach(field -> provenance.put(field.getKey(), field.getValue().asText()));
      if (entries.size() < parameters.size()) {
        throw damaged(file, "two of its arrays have one name");
      }
      if (header.path("architecture").path("depth").asInt() > parameters.size()) {
        throw damaged(file, "it has fewer arrays than blocks");
      }
      Architecture architecture = ArchitectureJson.read(header.path("architecture"));
      InputSpec input = input(header, architecture);
      OutputSpec output = output(header, architecture);
      Set<Assumption.Setting> assumed = ClassifierJson.assumed(header.path(ClassifierJson.ASSUMED));
      if (!header.has(ClassifierJson.INPUT)) {
        assumed.add(Assumption.Setting.RESIZE);
      }
      return new BackboneFile(
          file,
          channel,
          architecture,
          input,
          output,
          header.has(ClassifierJson.OUTPUT),
          Collections.unmodifiableMap(provenance),
          Collections.unmodifiableSet(assumed),
          entries);
    } catch (JsonProcessingException | IllegalArgumentException | ArithmeticException e) {
      throw new BackboneException(damaged(file, "its header is not readable").getMessage(), e);
    }
  }

  private static InputSpec input(JsonNode header, Architecture architecture) {
    ImageSize size = architecture.size();
    if (!header.has(ClassifierJson.INPUT)) { // of the first stage
      return new InputSpec(
          size.height(), numbers(header.path("mean")), numbers(header.path("std")));
    }
    InputSpec input = ClassifierJson.input(header.path(ClassifierJson.INPUT), "input.");
    if (!size.equals(new ImageSize(input.height(), input.width()))
        || input.channels() != architecture.channels()) {
      throw new IllegalArgumentException("its images are not its graph's");
    }
    return input;
  }

  private static OutputSpec output(JsonNode header, Architecture architecture) {
    if (!header.has(ClassifierJson.OUTPUT)) { // of the first stage
      String name = header.path("provenance").path(OnnxBackbone.OUTPUT).asText("");
      return new OutputSpec(name, OutputKind.LOGITS, architecture.classes(), List.of());
    }
    OutputSpec output = ClassifierJson.output(header.path(ClassifierJson.OUTPUT), "output.");
    if (output.classes() != Math.max(2, architecture.classes())) {
      throw new IllegalArgumentException("its classes are not its graph's");
    }
    return output;
  }

  private static List<Double> numbers(JsonNode array) {
    List<Double> values = new ArrayList<>();
    array.forEach(value -> values.add(value.asDouble()));
    return values;
  }

  private static ByteBuffer read(Path file, FileChannel channel, long position, int length)
      throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    fill(file, channel, position, bytes);
    return bytes.flip();
  }

  private static void fill(Path file, FileChannel channel, long position, ByteBuffer bytes)
      throws IOException {
    while (bytes.hasRemaining()) {
      int read = channel.read(bytes, position + bytes.position());
      if (read < 0) {
        throw new BackboneException(
            Text.format(
                "%s is cut short: it should reach to byte %,d and has %,d; copy it again or repeat the import",
                file, position + bytes.limit(), channel.size()));
      }
    }
  }

  private static BackboneException damaged(Path file, String how) {
    return new BackboneException(
        Text.format("%s is damaged: %s; copy it again or repeat the import", file, how));
  }

  @Override
  public Architecture architecture() {
    return architecture;
  }

  @Override
  public OutputSpec output() {
    return output;
  }

  @Override
  public boolean outputSettled() {
    return settled;
  }

  @Override
  public InputSpec.Stored stored() {
    return inputSpec.stored();
  }

  @Override
  public Optional<InputSpec> inputSpec() {
    return Optional.of(inputSpec);
  }

  @Override
  public Map<String, String> provenance() {
    return provenance;
  }

  @Override
  public Set<Assumption.Setting> assumed() {
    return assumed;
  }

  @Override
  public INDArray load(String name, long... shape) throws IOException {
    Entry entry = entries.get(name);
    List<Long> wanted = java.util.Arrays.stream(shape).boxed().toList();
    if (entry == null || !entry.parameter().shape().equals(wanted)) {
      throw damaged(file, Text.format("it has no array %s of shape %s", name, wanted));
    }
    INDArray array = Nd4j.createUninitialized(DataType.FLOAT, shape, 'c');
    boolean done = false;
    try {
      HostMemory.fill(
          array,
          bytes -> {
            fill(file, channel, entry.offset(), bytes);
            if (checksum(bytes.flip()) != entry.checksum()) {
              throw damaged(file, "the array " + name + " has changed");
            }
          });
      done = true;
      return array;
    } finally {
      if (!done) {
        array.close();
      }
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
