package org.ttame.backbones.onnx;

import static org.ttame.backbones.onnx.WireReader.BYTES;
import static org.ttame.backbones.onnx.WireReader.FIXED32;
import static org.ttame.backbones.onnx.WireReader.FIXED64;
import static org.ttame.backbones.onnx.WireReader.VARINT;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.ttame.backbones.onnx.WireReader.Tag;
import org.ttame.backbones.source.BackboneException;
import org.ttame.core.Text;
import org.ttame.core.storage.FileNames;

/**
 * Reads TensorProto messages: where the elements are, not the elements. Raw data, typed data and
 * external files.
 */
final class TensorParser {
  private static final int MAX_RANK = 16;

  private final Path file;
  private final DataFile own;
  private final WireReader in;
  private final List<DataFile> files;
  private final Budget budget;
  private final Map<Path, DataFile> external = new HashMap<>();

  TensorParser(Path file, DataFile own, WireReader in, List<DataFile> files, Budget budget) {
    this.budget = budget;
    this.file = file;
    this.own = own;
    this.in = in;
    this.files = files;
  }

  /** A tensor and the name it had in the file. */
  record Named(String name, Constant constant) {}

  /** What the fields of one message said. */
  private final class Fields {
    String name = "";
    long typeCode;
    long[] shape = new long[0];
    long rawStart = -1;
    long rawBytes;
    final Numbers typed = new Numbers();
    final Map<String, String> externalData = new HashMap<>();
    boolean isExternal;
  }

  /** A growing list of doubles. */
  private final class Numbers {
    private double[] values = new double[8];
    private int count;

    void add(double value) throws BackboneException {
      if (count == values.length) {
        budget.values(count);
        values = Arrays.copyOf(values, count * 2);
      }
      values[count++] = value;
    }

    double[] toArray() {
      return Arrays.copyOf(values, count);
    }
  }

  Named parse(long end) throws IOException {
    Fields fields = new Fields();
    while (in.position() < end) {
      Tag tag = in.tag();
      int wire = tag.wireType();
      switch (tag.field()) {
        case 1 -> varints(wire, end, value -> dimension(fields, value));
        case 2 -> fields.typeCode = in.varint();
        case 4 -> floats(fields, wire, end);
        case 5 -> varints(wire, end, value -> fields.typed.add(int32(fields, value)));
        case 7, 11 -> varints(wire, end, fields.typed::add);
        case 8 -> fields.name = in.string(end);
        case 9 -> raw(fields, end);
        case 10 -> doubles(fields, wire, end);
        case 13 -> externalEntry(fields, in.enter(end));
        case 14 -> fields.isExternal = in.varint() == 1;
        default -> in.skip(wire, end);
      }
    }
    return new Named(fields.name, constant(fields));
  }

  private interface VarintSink {
    void accept(long value) throws IOException;
  }

  private void varints(int wire, long end, VarintSink sink) throws IOException {
    if (wire == VARINT) {
      sink.accept(in.varint());
    } else {
      long stop = in.enter(end);
      while (in.position() < stop) {
        sink.accept(in.varint());
      }
    }
  }

  private void dimension(Fields fields, long value) throws IOException {
    if (value < 0 || fields.shape.length == MAX_RANK) {
      throw in.malformed();
    }
    fields.shape = Arrays.copyOf(fields.shape, fields.shape.length + 1);
    fields.shape[fields.shape.length - 1] = value;
  }

  private static double int32(Fields fields, long value) {
    ElementType type = ElementType.of(fields.typeCode);
    return type == null ? value : type.fromInt32((int) value);
  }

  /** A packed list of floats has the same bytes as raw data and is left in the file. */
  private void floats(Fields fields, int wire, long end) throws IOException {
    if (wire == FIXED32) {
      fields.typed.add(Float.intBitsToFloat(in.fixed32()));
    } else {
      raw(fields, end);
    }
  }

  private void doubles(Fields fields, int wire, long end) throws IOException {
    if (wire == FIXED64) {
      fields.typed.add(Double.longBitsToDouble(in.fixed64()));
    } else {
      raw(fields, end);
    }
  }

  private void raw(Fields fields, long end) throws IOException {
    long stop = in.enter(end);
    fields.rawStart = in.position();
    fields.rawBytes = stop - in.position();
    in.seek(stop);
  }

  private void externalEntry(Fields fields, long end) throws IOException {
    String key = "";
    String value = "";
    while (in.position() < end) {
      Tag tag = in.tag();
      if (tag.wireType() == BYTES && tag.field() == 1) {
        key = in.string(end);
      } else if (tag.wireType() == BYTES && tag.field() == 2) {
        value = in.string(end);
      } else {
        in.skip(tag.wireType(), end);
      }
    }
    fields.externalData.put(key, value);
  }

  private Constant constant(Fields fields) throws IOException {
    ElementType type = ElementType.of(fields.typeCode);
    if (type == null) {
      throw new BackboneException(
          Text.format(
              "%s: tensor \"%s\" has element type %d; supported are float, double, half, bfloat16 and integers",
              file, fields.name, fields.typeCode));
    }
    long count;
    try {
      count = Constant.count(fields.shape);
      Math.multiplyExact(count, (long) type.bytes());
    } catch (ArithmeticException e) {
      throw in.malformed();
    }
    if (fields.isExternal) {
      return Constant.of(externalStorage(fields, type, count), fields.shape);
    }
    if (fields.rawStart >= 0) {
      require(fields, fields.rawBytes == count * type.bytes(), fields.rawBytes / type.bytes());
      return Constant.of(new Storage.InFile(own, fields.rawStart, count, type), fields.shape);
    }
    double[] values = fields.typed.toArray();
    require(fields, values.length == count, values.length);
    return Constant.computed(values, type, fields.shape);
  }

  private void require(Fields fields, boolean right, long found) throws BackboneException {
    if (!right) {
      throw new BackboneException(
          Text.format(
              "%s: tensor \"%s\" of shape %s holds %,d values; the file is damaged, export it again",
              file, fields.name, Arrays.toString(fields.shape), found));
    }
  }

  /** External data must lie in the model's own folder: a path that leaves it is refused. */
  private Storage externalStorage(Fields fields, ElementType type, long count) throws IOException {
    String location = fields.externalData.getOrDefault("location", "");
    Path folder = file.toAbsolutePath().normalize().getParent();
    Path data;
    try {
      data = FileNames.resolve(folder, location).normalize();
    } catch (java.nio.file.InvalidPathException e) {
      throw new BackboneException(
          Text.format("%s keeps weights in \"%s\", which is not a file name", file, location), e);
    }
    if (location.isEmpty() || !data.startsWith(folder)) {
      throw new BackboneException(
          Text.format(
              "%s keeps weights in \"%s\", outside its own folder; this is refused",
              file, location));
    }
    if (!Files.isRegularFile(data)) {
      throw new BackboneException(
          Text.format(
              "%s keeps its weights in %s, which is missing; put that file beside it", file, data));
    }
    if (!data.toRealPath().startsWith(folder.toRealPath())) {
      throw new BackboneException(
          Text.format(
              "%s keeps weights in \"%s\", a link that leaves its folder; this is refused",
              file, location));
    }
    long offset = number(fields, "offset", 0);
    long length = number(fields, "length", count * type.bytes());
    long size = Files.size(data);
    if (length != count * type.bytes()) {
      require(fields, false, length / type.bytes());
    }
    if (offset < 0 || offset > size || length > size - offset) {
      throw new BackboneException(
          Text.format(
              "%s is cut short: tensor \"%s\" lies at bytes %,d to %,d, the file has %,d; copy it again",
              data, fields.name, offset, offset + length, size));
    }
    DataFile opened = external.get(data);
    if (opened == null) {
      opened = new DataFile(data);
      external.put(data, opened);
      files.add(opened);
    }
    return new Storage.InFile(opened, offset, count, type);
  }

  private long number(Fields fields, String key, long otherwise) throws BackboneException {
    String text = fields.externalData.get(key);
    try {
      return text == null ? otherwise : Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw new BackboneException(
          Text.format("%s: tensor \"%s\" has \"%s\" as its %s", file, fields.name, text, key), e);
    }
  }
}
