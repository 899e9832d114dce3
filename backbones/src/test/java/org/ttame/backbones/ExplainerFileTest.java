package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import onnx.Onnx;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.shade.protobuf.CodedInputStream;
import org.ttame.backbones.onnx.export.ExplainerFile.Classes;
import org.ttame.backbones.onnx.export.ExplainerFile.MapSizes;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.Variant;

/**
 * Files of every exporter, operator set and kind of block with a mechanism behind them, run by ONNX
 * Runtime: its maps are ours, and the classifier's outputs are what they were.
 */
class ExplainerFileTest {
  /** Tag of a model's graph. */
  private static final int GRAPH = 7 << 3 | 2;

  @TempDir static Path folder;

  /** Each file with another variant, classes and size of maps. */
  @TestFactory
  Stream<DynamicTest> everyFile() throws IOException {
    List<Path> files = new ArrayList<>();
    Members.unpack(Files.createDirectories(folder.resolve("members"))).stream()
        .filter(file -> !file.toString().contains("-training")) // not frozen: refused
        .forEach(files::add);
    files.addAll(Members.archive("blocks.zip", Files.createDirectories(folder.resolve("blocks"))));
    assertThat(files).hasSizeGreaterThan(70);
    return IntStream.range(0, files.size())
        .mapToObj(
            i -> {
              Path file = files.get(i);
              Variant variant = Variant.values()[i % Variant.values().length];
              Classes classes = Classes.values()[i % 3];
              MapSizes size = MapSizes.values()[i / 3 % 2];
              return DynamicTest.dynamicTest(
                  String.join(
                      " ",
                      String.valueOf(file.getFileName()),
                      variant.optionName(),
                      classes.optionName(),
                      size.optionName()),
                  () -> agrees(file, variant, classes, size, i % 2 == 0));
            });
  }

  private static void agrees(
      Path file, Variant variant, Classes classes, MapSizes size, boolean logits) throws Exception {
    Path out = folder.resolve("explained").resolve("explained-" + file.getFileName());
    try (ExplainerCheck check = new ExplainerCheck(file);
        AttentionMechanism mechanism = check.mechanism(variant)) {
      if (file.endsWith("cosine-windows.onnx")) {
        // Divides by norms near zero: PyTorch's own float32 is 1e-4 from its double precision.
        check.agreesOnItsLayers(mechanism, ExplainerCheck.TOLERANCE, out);
      } else if (file.endsWith("dual.onnx")) {
        // Normalises four channels: ONNX Runtime's optimised maps are 6e-6 from its plain ones.
        check.agrees(mechanism, classes, size, out, OptLevel.NO_OPT);
      } else {
        check.agrees(mechanism, classes, size, out);
      }
      if (logits) { // four more sessions
        check.keepsLogits(out);
      }
    }
    assertKept(file, out);
  }

  /** Everything that was in the file comes first, as it was; what is new has a name of its own. */
  private static void assertKept(Path file, Path out) throws IOException {
    Onnx.ModelProto before = Onnx.ModelProto.parseFrom(Files.readAllBytes(file));
    Onnx.ModelProto after = Onnx.ModelProto.parseFrom(Files.readAllBytes(out));
    Onnx.GraphProto.Builder graph = after.getGraph().toBuilder();
    List<String> names = new ArrayList<>();
    after.getGraph().getNodeList().forEach(node -> names.addAll(node.getOutputList()));
    after.getGraph().getInitializerList().forEach(weight -> names.add(weight.getName()));
    names.removeIf(String::isEmpty);
    assertThat(names).doesNotHaveDuplicates();
    keepFirst(before.getGraph().getNodeCount(), graph.getNodeCount(), graph::removeNode);
    keepFirst(
        before.getGraph().getInitializerCount(),
        graph.getInitializerCount(),
        graph::removeInitializer);
    keepFirst(before.getGraph().getInputCount(), graph.getInputCount(), graph::removeInput);
    keepFirst(before.getGraph().getOutputCount(), graph.getOutputCount(), graph::removeOutput);
    Onnx.ModelProto.Builder model = after.toBuilder().setGraph(graph);
    keepFirst(
        before.getMetadataPropsCount(), model.getMetadataPropsCount(), model::removeMetadataProps);
    assertThat(model.build()).isEqualTo(before);
    byte[] kept = graph(file);
    assertThat(Arrays.copyOf(graph(out), kept.length)).isEqualTo(kept);
  }

  private interface Removal {
    void at(int index);
  }

  private static void keepFirst(int count, int of, Removal removal) {
    for (int i = of - 1; i >= count; i--) {
      removal.at(i);
    }
  }

  /** The bytes of a file's graph. */
  private static byte[] graph(Path file) throws IOException {
    CodedInputStream in = CodedInputStream.newInstance(Files.readAllBytes(file));
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      if (tag == GRAPH) {
        return in.readByteArray();
      }
      in.skipField(tag);
    }
    throw new IOException("no graph");
  }

  /** Every variant, classes and size of maps on a member of each family. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "vgg-torch2.15-dynamo-opset20-dynamic-raw",
        "resnet-torch1.13-script-opset13-dynamic",
        "vit-torch2.15-dynamo-opset23-dynamic-raw"
      })
  void everyForm(String member) throws Exception {
    Path own = Files.createDirectories(folder.resolve(member));
    try (ExplainerCheck check = new ExplainerCheck(Members.unpack(member, own))) {
      for (Variant variant : Variant.values()) {
        try (AttentionMechanism mechanism = check.mechanism(variant)) {
          for (Classes classes : Classes.values()) {
            for (MapSizes size : MapSizes.values()) {
              check.agrees(mechanism, classes, size, own.resolve("explained.onnx"));
            }
          }
        }
      }
    }
  }
}
