package org.ttame.backbones.onnx.export;

import static org.ttame.backbones.onnx.WireReader.BYTES;
import static org.ttame.backbones.onnx.WireReader.VARINT;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.ttame.backbones.onnx.WireReader;
import org.ttame.backbones.onnx.WireReader.Tag;
import org.ttame.backbones.source.BackboneException;
import org.ttame.core.storage.InputFile;

/**
 * An ONNX file as what is appended to its graph has to know it: where the graph lies, which names
 * are taken, and which files beside it hold weights. Field numbers are those of {@code onnx.proto};
 * what has no number here is passed over.
 */
final class ModelFile {
  /**
   * The size of an axis.
   *
   * @param value its size; 0 where it is free
   * @param name of the free size; may be empty
   */
  record Dimension(long value, String name) {
    static final Dimension FREE = new Dimension(0, "");
  }

  private final WireReader in;
  private final Set<String> names = new HashSet<>();
  private final Set<String> locations = new TreeSet<>();
  private final Set<String> metadata = new HashSet<>();
  private final Map<String, Dimension> firstAxes = new HashMap<>();
  private long irVersion;
  private long graphLength = -1;
  private long graphStart;
  private long graphEnd;
  private final long size;

  private ModelFile(WireReader in) {
    this.in = in;
    size = in.size();
  }

  /**
   * Reads a file's structure.
   *
   * @param file an ONNX file
   * @throws BackboneException if it is damaged
   */
  static ModelFile read(Path file) throws IOException {
    try (FileChannel channel = InputFile.channel(file)) {
      ModelFile model = new ModelFile(new WireReader(channel, file.toString()));
      model.model();
      if (model.graphLength < 0) {
        throw new BackboneException(file + " holds no graph; give the .onnx file itself");
      }
      return model;
    }
  }

  /** Version of the format, which decides whether weights have to be inputs, too. */
  long irVersion() {
    return irVersion;
  }

  /** Bytes of the file. */
  long size() {
    return size;
  }

  /** Where the length of the graph's field stands. */
  long graphLength() {
    return graphLength;
  }

  /** The graph's first byte. */
  long graphStart() {
    return graphStart;
  }

  /** The byte behind the graph's last. */
  long graphEnd() {
    return graphEnd;
  }

  /** All names in the graph and in graphs inside it. */
  Set<String> names() {
    return names;
  }

  /** The keys of its metadata. */
  Set<String> metadata() {
    return metadata;
  }

  /** Paths of the files that hold weights, as it has them. */
  Set<String> locations() {
    return locations;
  }

  /** How many images an input takes. */
  Dimension batch(String input) {
    return firstAxes.getOrDefault(input, Dimension.FREE);
  }

  private interface Field {
    void read(int number, long end) throws IOException;
  }

  /** Goes through the fields of a message; what is no message or text is passed over. */
  private void fields(long end, Field field) throws IOException {
    while (in.position() < end) {
      Tag tag = in.tag();
      if (tag.wireType() == BYTES) {
        long before = in.position();
        field.read(tag.field(), end);
        if (in.position() == before) {
          in.skip(BYTES, end);
        }
      } else {
        in.skip(tag.wireType(), end);
      }
    }
  }

  private void model() throws IOException {
    while (in.position() < size) {
      Tag tag = in.tag();
      if (tag.field() == 1 && tag.wireType() == VARINT) {
        irVersion = in.varint();
      } else if (tag.wireType() != BYTES) {
        in.skip(tag.wireType(), size);
      } else if (tag.field() == 7) {
        graphLength = in.position();
        graphEnd = in.enter(size);
        graphStart = in.position();
        graph(graphEnd);
      } else if (tag.field() == 14) {
        fields(
            in.enter(size),
            (number, end) -> {
              if (number == 1) {
                metadata.add(in.string(end));
              }
            });
      } else if (tag.field() == 25) {
        fields(
            in.enter(size),
            (number, end) -> {
              if (number == 7) {
                node(in.enter(end));
              }
            });
      } else {
        in.skip(BYTES, size);
      }
    }
  }

  private void graph(long graphsEnd) throws IOException {
    fields(
        graphsEnd,
        (number, end) -> {
          switch (number) {
            case 1 -> node(in.enter(end));
            case 5 -> tensor(in.enter(end));
            case 11 -> input(in.enter(end));
            case 12, 13 -> named(in.enter(end), 1);
            case 15 -> sparse(in.enter(end));
            default -> {}
          }
        });
  }

  private void named(long messageEnd, int nameField) throws IOException {
    fields(
        messageEnd,
        (number, end) -> {
          if (number == nameField) {
            names.add(in.string(end));
          }
        });
  }

  private void node(long nodeEnd) throws IOException {
    fields(
        nodeEnd,
        (number, end) -> {
          switch (number) {
            case 1, 2, 3 -> names.add(in.string(end));
            case 5 -> attribute(in.enter(end));
            default -> {}
          }
        });
  }

  private void attribute(long attributeEnd) throws IOException {
    fields(
        attributeEnd,
        (number, end) -> {
          switch (number) {
            case 5, 10 -> tensor(in.enter(end));
            case 6, 11 -> graph(in.enter(end));
            case 22, 23 -> sparse(in.enter(end));
            default -> {}
          }
        });
  }

  private void sparse(long sparseEnd) throws IOException {
    fields(
        sparseEnd,
        (number, end) -> {
          if (number == 1 || number == 2) {
            tensor(in.enter(end));
          }
        });
  }

  private void tensor(long tensorEnd) throws IOException {
    fields(
        tensorEnd,
        (number, end) -> {
          switch (number) {
            case 8 -> names.add(in.string(end));
            case 13 -> location(in.enter(end));
            default -> {}
          }
        });
  }

  /** An entry of a tensor's external data. */
  private void location(long entryEnd) throws IOException {
    String[] entry = {"", ""};
    fields(
        entryEnd,
        (number, end) -> {
          if (number <= entry.length) {
            entry[number - 1] = in.string(end);
          }
        });
    if (entry[0].equals("location")) {
      locations.add(entry[1]);
    }
  }

  /** ValueInfoProto: name = 1, type = 2 → tensor_type = 1 → shape = 2 → dim = 1. */
  private void input(long inputEnd) throws IOException {
    String[] name = {""};
    Dimension[] first = {null};
    fields(
        inputEnd,
        (number, end) -> {
          if (number == 1) {
            name[0] = in.string(end);
          } else if (number == 2) {
            fields(
                in.enter(end),
                (type, typeEnd) -> {
                  if (type == 1) {
                    first[0] = tensorType(in.enter(typeEnd));
                  }
                });
          }
        });
    names.add(name[0]);
    if (first[0] != null) {
      firstAxes.put(name[0], first[0]);
    }
  }

  private Dimension tensorType(long typeEnd) throws IOException {
    Dimension[] first = {null};
    fields(
        typeEnd,
        (number, end) -> {
          if (number == 2) {
            fields(
                in.enter(end),
                (dim, dimEnd) -> {
                  if (dim == 1 && first[0] == null) {
                    first[0] = dimension(in.enter(dimEnd));
                  }
                });
          }
        });
    return first[0];
  }

  private Dimension dimension(long end) throws IOException {
    Dimension dimension = Dimension.FREE;
    while (in.position() < end) {
      Tag tag = in.tag();
      if (tag.field() == 1 && tag.wireType() == VARINT) {
        dimension = new Dimension(Math.max(0, in.varint()), "");
      } else if (tag.field() == 2 && tag.wireType() == BYTES) {
        dimension = new Dimension(0, in.string(end));
      } else {
        in.skip(tag.wireType(), end);
      }
    }
    return dimension;
  }
}
