package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import onnx.Onnx;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.shade.protobuf.ByteString;
import org.ttame.backbones.source.BackboneException;
import org.ttame.backbones.source.BackboneOptions;

/**
 * Whatever is wrong with a file, the user reads one sentence that says what, and nothing crashes.
 */
class DamagedFilesTest {
  private static final BackboneOptions OPTIONS = BackboneOptions.defaults();
  private static final String VGG = "vgg-torch2.15-script-opset20";

  @TempDir Path folder;

  @Test
  void missingEmptyAndFolder() throws IOException {
    refuses(folder.resolve("none.onnx"), "There is no file");
    refuses(Files.createFile(folder.resolve("empty.onnx")), "is empty");
    refuses(folder, "is a folder");
  }

  @Test
  void textPictureAndNoise() throws IOException {
    refuses(
        write("text.onnx", "This is not a model.\n".repeat(50).getBytes(StandardCharsets.UTF_8)),
        "is not an ONNX model");
    for (String text :
        List.of("hello\n", "# weights\n", "\n\nnotes\n", "{\"a\": 1}\n", "zebra ".repeat(99))) {
      refuses(write("notes.onnx", text.getBytes(StandardCharsets.UTF_8)), "is not an ONNX model");
    }
    byte[] png = {(byte) 0x89, 'P', 'N', 'G', 13, 10, 26, 10, 0, 0, 0, 13, 'I', 'H', 'D', 'R'};
    refuses(write("picture.onnx", png), "is an image (PNG), not a classifier");
    Random random = new Random(1);
    for (int i = 0; i < 200; i++) {
      byte[] noise = new byte[1 + random.nextInt(500)];
      random.nextBytes(noise);
      refuses(write("noise.onnx", noise), "noise.onnx");
    }
  }

  @Test
  void cutShortAnywhere() throws IOException {
    byte[] good = Files.readAllBytes(Members.unpack(VGG, folder));
    for (int length = 1; length < good.length; length += good.length / 60) {
      refuses(write("cut.onnx", Arrays.copyOf(good, length)), "cut.onnx");
    }
    refuses(write("half.onnx", Arrays.copyOf(good, good.length / 2)), "is cut short");
  }

  /** A flipped bit may go unnoticed in a weight, but never ends in anything but a sentence. */
  @Test
  void flippedBits() throws IOException {
    for (String member : List.of(VGG, "vit-torch2.15-dynamo-opset18")) {
      Path fresh = Files.createTempDirectory(folder, "fresh");
      byte[] good = Files.readAllBytes(Members.unpack(member, fresh));
      Random random = new Random(2);
      for (int i = 0; i < 150; i++) {
        byte[] bad = good.clone();
        bad[random.nextInt(bad.length)] ^= (byte) (1 << random.nextInt(8));
        Path file = write("flipped.onnx", bad);
        try {
          Backbones.load(file, OPTIONS).close();
        } catch (BackboneException e) {
          assertThat(e.getMessage()).contains("flipped.onnx").endsWith(e.getMessage().strip());
        }
      }
    }
  }

  @Test
  void weightsThatAreNoNumbers() throws IOException {
    for (float value : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      Onnx.ModelProto.Builder model = model(VGG);
      Onnx.TensorProto.Builder tensor = model.getGraphBuilder().getInitializerBuilder(0);
      ByteBuffer bytes =
          ByteBuffer.wrap(tensor.getRawData().toByteArray()).order(ByteOrder.LITTLE_ENDIAN);
      bytes.putFloat(8, value);
      tensor.setRawData(ByteString.copyFrom(bytes.array()));
      refuses(write("nan.onnx", model.build().toByteArray()), "nan.onnx holds " + value);
    }
  }

  @Test
  void wrongNumberOfClassesAndWrongFamily() throws IOException {
    Path file = Members.unpack(VGG, folder);
    assertThatThrownBy(() -> Backbones.load(file, OPTIONS.withClasses(1000)))
        .isInstanceOf(BackboneException.class)
        .hasMessageContaining("7 classes")
        .hasMessageContaining("1000 are expected");
    assertThatThrownBy(() -> Backbones.load(file, OPTIONS.withName("resnet50")))
        .isInstanceOf(BackboneException.class)
        .hasMessageContaining("holds a vgg")
        .hasMessageContaining("not a resnet50");
  }

  @Test
  void externalDataMissingCutOrElsewhere() throws IOException {
    Path file = Members.unpack("vit-torch2.15-script-opset17-external", folder);
    Path data = folder.resolve("vit-torch2.15-script-opset17-external.data");
    byte[] good = Files.readAllBytes(data);
    Files.write(data, Arrays.copyOf(good, good.length - 4000));
    refuses(file, "is cut short");
    Files.delete(data);
    refuses(file, "external.data, which is missing");

    for (String escape : List.of("../secret.data", "/etc/hostname", "a/../../b")) {
      Onnx.ModelProto.Builder model =
          Onnx.ModelProto.parseFrom(Files.readAllBytes(file)).toBuilder();
      for (Onnx.TensorProto.Builder tensor : model.getGraphBuilder().getInitializerBuilderList()) {
        if (tensor.getExternalDataCount() > 0) {
          tensor.getExternalDataBuilder(0).setValue(escape);
        }
      }
      refuses(write("escape.onnx", model.build().toByteArray()), "outside its own folder");
    }
    Path outside = Files.write(Files.createTempFile("outside", ".data"), good);
    Files.createSymbolicLink(data, outside);
    refuses(file, "a link that leaves its folder");
    Files.delete(outside);
  }

  @Test
  void otherNetworks() throws IOException {
    Onnx.ModelProto.Builder random = model("resnet-torch2.15-script-opset20");
    random.getGraphBuilder().getNodeBuilderList().stream()
        .filter(node -> node.getOpType().equals("Relu"))
        .forEach(node -> node.setOpType("Hardmax"));
    refuses(
        write("random.onnx", random.build().toByteArray()),
        "20 Conv, 16 Hardmax",
        "16 Hardmax nodes, the first",
        "export the model in evaluation mode");

    Onnx.ModelProto.Builder grouped = model("resnet-torch2.15-script-opset20");
    grouped.getGraphBuilder().getNodeBuilder(0).getAttributeBuilderList().stream()
        .filter(attribute -> attribute.getName().equals("group"))
        .forEach(attribute -> attribute.setI(3));
    refuses(
        write("next.onnx", grouped.build().toByteArray()),
        "3 channels in 3 groups with weights of shape");

    Onnx.ModelProto.Builder unknown = model(VGG);
    unknown.getGraphBuilder().getNodeBuilder(1).setOpType("GridSample");
    refuses(write("unknown.onnx", unknown.build().toByteArray()), "GridSample");

    Onnx.ModelProto.Builder approximate = model("vit-torch2.15-dynamo-opset20-dynamic");
    approximate.getGraphBuilder().getNodeBuilderList().stream()
        .filter(node -> node.getOpType().equals("Gelu"))
        .flatMap(node -> node.getAttributeBuilderList().stream())
        .forEach(attribute -> attribute.setS(ByteString.copyFromUtf8("quick")));
    refuses(write("quick.onnx", approximate.build().toByteArray()), "approximated by quick");
  }

  @Test
  void otherInputs() throws IOException {
    Onnx.ModelProto.Builder grey = model(VGG);
    var shape = grey.getGraphBuilder().getInputBuilder(0).getTypeBuilder().getTensorTypeBuilder();
    shape.getShapeBuilder().getDimBuilder(1).setDimValue(1);
    refuses(write("grey.onnx", grey.build().toByteArray()), "reads 1 channels", "[4, 3, 3, 3]");

    Onnx.ModelProto.Builder bytes = model(VGG);
    bytes
        .getGraphBuilder()
        .getInputBuilder(0)
        .getTypeBuilder()
        .getTensorTypeBuilder()
        .setElemType(2);
    refuses(write("bytes.onnx", bytes.build().toByteArray()), "UINT8", "float32");
  }

  @Test
  void otherZips() throws IOException {
    try (InputStream in = getClass().getResourceAsStream("members.zip")) {
      refuses(write("members.zip", in.readAllBytes()), "no saved DL4J network");
    }
    refuses(write("cut.zip", new byte[] {'P', 'K', 3, 4, 0, 0, 0, 0, 0}), "damaged or cut short");
  }

  private Onnx.ModelProto.Builder model(String member) throws IOException {
    Path fresh = Files.createTempDirectory(folder, "fresh");
    return Onnx.ModelProto.parseFrom(Files.readAllBytes(Members.unpack(member, fresh))).toBuilder();
  }

  private Path write(String name, byte[] content) throws IOException {
    return Files.write(folder.resolve(name), content);
  }

  private static void refuses(Path file, String... words) {
    assertThatThrownBy(() -> Backbones.load(file, OPTIONS).close())
        .isInstanceOf(BackboneException.class)
        .hasMessageContainingAll(words);
  }
}
