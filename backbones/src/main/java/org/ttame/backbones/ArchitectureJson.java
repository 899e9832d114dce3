package org.ttame.backbones;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.ttame.backbones.architecture.Architecture;
import org.ttame.backbones.architecture.ConvShape;
import org.ttame.backbones.architecture.PoolShape;
import org.ttame.backbones.architecture.ResNetArchitecture;
import org.ttame.backbones.architecture.ResNetArchitecture.Block;
import org.ttame.backbones.architecture.VggArchitecture;
import org.ttame.backbones.architecture.VitArchitecture;
import org.ttame.backbones.onnx.ImportedGraph;

/** Architectures as JSON, field by field, so that a file says in plain words what it holds. */
final class ArchitectureJson {
  private ArchitectureJson() {}

  static ObjectNode write(Architecture architecture) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("family", architecture.family());
    json.put("side", architecture.size().height());
    json.put("classes", architecture.classes());
    if (architecture instanceof VggArchitecture vgg) {
      ArrayNode stages = json.putArray("stages");
      vgg.stages().forEach(stage -> integers(stages.addArray(), stage));
      json.put("grid", vgg.grid());
      integers(json.putArray("hidden"), vgg.hidden());
      json.put("batchNorm", vgg.batchNorm());
    } else if (architecture instanceof ResNetArchitecture resnet) {
      conv(json.putObject("stem"), resnet.stem());
      resnet.stemPool().ifPresent(pool -> pool(json.putObject("stemPool"), pool));
      ArrayNode stages = json.putArray("stages");
      for (List<Block> blocks : resnet.stages()) {
        ArrayNode stage = stages.addArray();
        for (Block block : blocks) {
          ObjectNode node = stage.addObject();
          ArrayNode body = node.putArray("body");
          block.body().forEach(shape -> conv(body.addObject(), shape));
          block.shortcut().ifPresent(shape -> conv(node.putObject("shortcut"), shape));
        }
      }
      resnet.headPool().ifPresent(pool -> pool(json.putObject("headPool"), pool));
    } else if (architecture instanceof VitArchitecture vit) {
      json.put("patch", vit.patch());
      json.put("width", vit.width());
      json.put("depth", vit.depth());
      json.put("heads", vit.heads());
      json.put("mlp", vit.mlp());
      json.put("normEps", vit.normEps());
    } else if (architecture instanceof ImportedGraph graph) {
      json.set("graph", graph.json());
    }
    return json;
  }

  /**
   * Reads what {@link #write} wrote.
   *
   * @throws IllegalArgumentException if it describes no architecture
   */
  static Architecture read(JsonNode json) {
    String family = json.path("family").asText();
    if (family.equals(ImportedGraph.FAMILY)) {
      return ImportedGraph.read(json.path("graph"));
    }
    int side = integer(json, "side");
    int classes = integer(json, "classes");
    return switch (family) {
      case "vgg" -> {
        List<List<Integer>> stages = new ArrayList<>();
        json.path("stages").forEach(stage -> stages.add(integers(stage)));
        yield new VggArchitecture(
            side,
            stages,
            integer(json, "grid"),
            integers(json.path("hidden")),
            classes,
            json.path("batchNorm").asBoolean());
      }
      case "resnet" -> {
        List<List<Block>> stages = new ArrayList<>();
        for (JsonNode stage : json.path("stages")) {
          List<Block> blocks = new ArrayList<>();
          for (JsonNode block : stage) {
            List<ConvShape> body = new ArrayList<>();
            block.path("body").forEach(shape -> body.add(conv(shape)));
            blocks.add(
                new Block(body, Optional.ofNullable(block.get("shortcut")).map(s -> conv(s))));
          }
          stages.add(blocks);
        }
        yield new ResNetArchitecture(
            side,
            conv(json.path("stem")),
            Optional.ofNullable(json.get("stemPool")).map(p -> pool(p)),
            stages,
            Optional.ofNullable(json.get("headPool")).map(p -> pool(p)),
            classes);
      }
      case "vit" ->
          new VitArchitecture(
              side,
              integer(json, "patch"),
              integer(json, "width"),
              integer(json, "depth"),
              integer(json, "heads"),
              integer(json, "mlp"),
              json.path("normEps").asDouble(),
              classes);
      default -> throw new IllegalArgumentException("no family is called \"" + family + "\"");
    };
  }

  private static void integers(ArrayNode array, List<Integer> values) {
    values.forEach(value -> array.add(value));
  }

  private static List<Integer> integers(JsonNode array) {
    List<Integer> values = new ArrayList<>();
    array.forEach(value -> values.add(value.asInt()));
    return values;
  }

  private static int integer(JsonNode json, String field) {
    if (!json.path(field).canConvertToInt()) {
      throw new IllegalArgumentException("its field \"" + field + "\" is no number");
    }
    return json.get(field).asInt();
  }

  private static void conv(ObjectNode json, ConvShape shape) {
    json.put("in", shape.in());
    json.put("out", shape.out());
    json.put("kernel", shape.kernel());
    json.put("stride", shape.stride());
    json.put("padding", shape.padding());
  }

  private static ConvShape conv(JsonNode json) {
    return new ConvShape(
        integer(json, "in"),
        integer(json, "out"),
        integer(json, "kernel"),
        integer(json, "stride"),
        integer(json, "padding"));
  }

  private static void pool(ObjectNode json, PoolShape shape) {
    json.put("kernel", shape.kernel());
    json.put("stride", shape.stride());
    json.put("padding", shape.padding());
  }

  private static PoolShape pool(JsonNode json) {
    return new PoolShape(
        integer(json, "kernel"), integer(json, "stride"), integer(json, "padding"));
  }
}
