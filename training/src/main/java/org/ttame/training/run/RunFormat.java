package org.ttame.training.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.ttame.backbones.ClassifierJson;
import org.ttame.backbones.onnx.OnnxBackbone;
import org.ttame.core.classifier.Assumption;
import org.ttame.core.image.InputSpec;
import org.ttame.core.image.ResizeRule;

/**
 * The forms of {@code run.json}. Form 1, of the first stage, knew square images of three channels
 * and logits of classes that are mutually exclusive; in form 2 {@code backbone} is as {@link
 * ClassifierJson} writes it.
 */
final class RunFormat {
  /** What is written. */
  static final int CURRENT = 2;

  private static final int FIRST = 1;

  private RunFormat() {}

  /** Whether a form can be read. */
  static boolean isKnown(int format) {
    return format == FIRST || format == CURRENT;
  }

  /**
   * Brings a record of a known form to the current one. Fields that are damaged stay so, for
   * whoever reads them.
   */
  static void upgrade(ObjectNode record) {
    if (record.path("format").asInt() == CURRENT) {
      return;
    }
    record.put("format", CURRENT);
    if (!(record.path("backbone") instanceof ObjectNode backbone)) {
      return;
    }
    ObjectNode input = backbone.putObject(ClassifierJson.INPUT);
    move(backbone, "side", input, "height");
    input.set("width", input.path("height"));
    input.put("channels", 3);
    input.put("layout", InputSpec.Layout.NCHW.name());
    input.put("type", InputSpec.Type.FLOAT32.fileName());
    move(backbone, "mean", input, "mean");
    move(backbone, "std", input, "std");
    input.put("resize", ResizeRule.CROP.optionName());
    ObjectNode output = backbone.putObject(ClassifierJson.OUTPUT);
    output.put("name", backbone.path("provenance").path(OnnxBackbone.OUTPUT).asText(""));
    move(backbone, "classes", output, "classes");
    backbone.withArray(ClassifierJson.ASSUMED).add(Assumption.Setting.RESIZE.fileName());
  }

  private static void move(ObjectNode from, String name, ObjectNode to, String newName) {
    JsonNode value = from.remove(name);
    if (value != null) {
      to.set(newName, value);
    }
  }
}
