package org.ttame.backbones;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import onnx.Onnx;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.backbones.SmallNetwork.Body;
import org.ttame.backbones.source.BackboneException;
import org.ttame.backbones.source.BackboneOptions;

/** Conditionals: the branch that a constant condition takes, and refusals of all others. */
class ConditionalsTest {
  private static final int CHANNELS = 4;

  @TempDir Path folder;

  /** Adds or, where the condition does not hold, multiplies; one operand is the branch's own. */
  private static String choose(OnnxWriter onnx, String condition, String x) {
    OnnxWriter then = onnx.branch();
    then.output(then.node("Add", List.of(x, then.number(0.5f))), "added");
    OnnxWriter otherwise = onnx.branch();
    otherwise.output(otherwise.node("Mul", List.of(x, otherwise.number(-2))), "multiplied");
    return onnx.node("If", List.of(condition), "then_branch", then, "else_branch", otherwise);
  }

  private static String is(OnnxWriter onnx, String x, int axis, long size) {
    String shape = onnx.node("Shape", List.of(x));
    String found = onnx.node("Gather", List.of(shape, onnx.index(axis)), "axis", 0);
    return onnx.node("Equal", List.of(found, onnx.index(size)));
  }

  private static String convolved(OnnxWriter onnx, String image) {
    return SmallNetwork.conv(CHANNELS, 3, 3, 1).write(onnx, image);
  }

  @Test
  void theBranchOfAConstantConditionIsTaken() throws Exception {
    for (long size : new long[] {CHANNELS, CHANNELS + 1}) {
      Body body =
          (onnx, image) -> {
            String x = convolved(onnx, image);
            return choose(onnx, is(onnx, x, 1, size), x);
          };
      SmallNetwork.isRight(folder, body);
    }
  }

  /** A branch reads what is around it and around that, computes constants, and gives one back. */
  @Test
  void branchesMayHoldBranches() throws Exception {
    Body body =
        (onnx, image) -> {
          String x = convolved(onnx, image);
          String condition = is(onnx, x, 1, CHANNELS);
          OnnxWriter outer = onnx.branch();
          String inside = choose(outer, is(outer, x, 2, 1), outer.node("Relu", List.of(x)));
          outer.output(outer.node("Sub", List.of(inside, x)), "outer");
          outer.output(outer.node("Exp", List.of(outer.numbers(0.5f))), "constant");
          OnnxWriter never = onnx.branch();
          never.output(never.node("Relu", List.of(x)), "never");
          never.output(never.node("Neg", List.of(never.numbers(0.5f))), "other");
          List<String> results =
              onnx.nodes("If", List.of(condition), 2, "then_branch", outer, "else_branch", never);
          return onnx.node("Mul", results);
        };
    SmallNetwork.isRight(folder, body);
  }

  private Path withFreeBatch(long images, boolean unknown) throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", -1, 3, 8, 8);
    String x = choose(onnx, is(onnx, "image", 0, images), convolved(onnx, "image"));
    if (unknown) {
      x = onnx.node("NonZero", List.of(x));
    }
    String pooled = onnx.node("Flatten", List.of(onnx.node("GlobalAveragePool", List.of(x))));
    onnx.output(
        onnx.node("Gemm", List.of(pooled, onnx.weight(0, 1, CHANNELS, 5), onnx.weight(0, 1, 5))),
        "logits");
    Path file = folder.resolve("batch" + images + ".onnx");
    onnx.write(file, 1);
    return file;
  }

  @Test
  void aBranchForOneNumberOfImagesIsRefused() throws Exception {
    for (int images = 1; images <= 3; images++) {
      Path file = withFreeBatch(images, false);
      assertThatThrownBy(() -> Backbones.load(file, BackboneOptions.defaults()))
          .isInstanceOf(BackboneException.class)
          .hasMessageContaining("If node \"/If_")
          .hasMessageContaining("depends on the image or on the batch size");
    }
    Path both = withFreeBatch(1, true);
    assertThatThrownBy(() -> Backbones.load(both, BackboneOptions.defaults()))
        .hasMessageContaining("If node \"/If_")
        .hasMessageContaining("NonZero");
  }

  /** Names of nodes need not differ, and one that always decides alike does not hide the other. */
  @Test
  void conditionalsOfOneNameAreToldApart() throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", -1, 3, 8, 8);
    String x = convolved(onnx, "image");
    String byBatch = choose(onnx, is(onnx, "image", 0, 1), x);
    String always = choose(onnx, is(onnx, x, 1, CHANNELS), byBatch);
    String pooled = onnx.node("Flatten", List.of(onnx.node("GlobalAveragePool", List.of(always))));
    onnx.output(
        onnx.node("Gemm", List.of(pooled, onnx.weight(0, 1, CHANNELS, 5), onnx.weight(0, 1, 5))),
        "logits");
    Path file = folder.resolve("names.onnx");
    onnx.write(file, 1);
    Onnx.ModelProto.Builder model = Onnx.ModelProto.parseFrom(Files.readAllBytes(file)).toBuilder();
    model.getGraphBuilder().getNodeBuilderList().stream()
        .filter(node -> node.getOpType().equals("If"))
        .forEach(node -> node.setName("same"));
    Files.write(file, model.build().toByteArray());
    assertThatThrownBy(() -> Backbones.load(file, BackboneOptions.defaults()))
        .isInstanceOf(BackboneException.class)
        .hasMessageContaining("If node \"same\"");
  }

  @Test
  void aBranchThatTheImageDecidesIsRefused() throws Exception {
    Path file =
        SmallNetwork.network(
            folder,
            "decided",
            (onnx, image) -> {
              String x = convolved(onnx, image);
              String mean = onnx.node("ReduceMean", List.of(x), "keepdims", 0);
              String condition = onnx.node("Greater", List.of(mean, onnx.number(0)));
              return choose(onnx, condition, x);
            });
    assertThatThrownBy(() -> Backbones.load(file, BackboneOptions.defaults()))
        .isInstanceOf(BackboneException.class)
        .hasMessageContaining("depends on the image or on the batch size");
  }

  @Test
  void graphsInsideGraphsAreLimited() throws Exception {
    OnnxWriter onnx = new OnnxWriter("image", 2, 3, 8, 8);
    OnnxWriter inner = onnx;
    OnnxWriter[] all = new OnnxWriter[20];
    for (int i = 0; i < all.length; i++) {
      inner = inner.branch();
      all[i] = inner;
    }
    String x = "image";
    String yes = "yes";
    for (int i = all.length - 1; i > 0; i--) {
      all[i].output(all[i].node("Relu", List.of(x)), "deep" + i);
      x = all[i - 1].node("If", List.of(yes), "then_branch", all[i]);
    }
    onnx.output(onnx.node("If", List.of(yes), "then_branch", all[0]), "logits");
    Path file = folder.resolve("deep.onnx");
    onnx.write(file, 1);
    assertThatThrownBy(() -> Backbones.load(file, BackboneOptions.defaults()))
        .isInstanceOf(BackboneException.class)
        .hasMessageContaining("graphs inside graphs");
  }
}
