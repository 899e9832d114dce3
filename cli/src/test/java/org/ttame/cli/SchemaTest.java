package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaId;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SpecVersion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The files that commands write are as their schemas say; SanityCommandTest and others add theirs.
 */
class SchemaTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir static Path folder;

  @BeforeAll
  static void run() {
    ok("train --run @run --limit 8 --max-steps 2 --epochs 1 --batch-size 4 --report 4 --threads 1");
  }

  private static Ttame.Result ok(String line) {
    return Ttame.ok(line.replace("@", folder + "/").split(" ", -1));
  }

  @Test
  void aRun() throws IOException {
    Schemas.requireValid("run", folder.resolve("run/run.json"));
    Schemas.requireValid("run", ok("inspect --run @run --json").out());
    for (String line : Files.readAllLines(folder.resolve("run/steps.jsonl"))) {
      Schemas.requireValid("steps", line);
    }
    Schemas.requireValid("metrics", folder.resolve("run/report/metrics.json"));
    Schemas.requireColumns(folder.resolve("run/report/per-image.csv"));
  }

  @Test
  void maps() throws IOException {
    Files.createDirectories(folder.resolve("some"));
    Path scenes = folder.resolve("run/sample/scenes/test");
    Path scene;
    try (Stream<Path> all = Files.list(scenes)) {
      scene = all.filter(file -> file.toString().endsWith(".jpg")).sorted().findFirst().get();
    }
    Files.copy(scene, folder.resolve("some/a.jpg"));
    Files.writeString(folder.resolve("some/b.jpg"), "no picture");
    ok("explain --run @run --images @some --out @maps --threads 1");
    Schemas.requireValid("explanation", folder.resolve("maps/a.json"));
    Schemas.requireColumns(folder.resolve("maps/skipped.csv"));
    ok("predict --run @run --images @some --logits --out @predicted --threads 1");
    Schemas.requireValid("predictions", folder.resolve("predicted/predictions.json"));
    ok("explain --run @run --limit 2 --shard 1/2 --format npy --out @part --threads 1");
    Schemas.requireValid("shard", folder.resolve("part/shard-1-of-2.json"));
  }

  @Test
  void measurements() throws IOException {
    ok("evaluate --run @run --limit 3 --metrics ad,ic,pointing --out @metrics --threads 1");
    Schemas.requireValid("metrics", folder.resolve("metrics/metrics.json"));
    Schemas.requireValid("evaluation", folder.resolve("metrics/evaluation.json"));
    for (String table : List.of("metrics.csv", "per-image.csv")) {
      Schemas.requireColumns(folder.resolve("metrics").resolve(table));
    }
    ok("evaluate --run @run --limit 3 --shard 0/2 --out @half --threads 1");
    Schemas.requireValid("shard", folder.resolve("half/shard-0-of-2.json"));
    ok("compare @metrics @metrics --out @compared");
    Schemas.requireValid("compare", folder.resolve("compared/compare.json"));
    Schemas.requireColumns(folder.resolve("compared/compare.csv"));
  }

  @Test
  void answersOnStandardOutput() throws IOException {
    Schemas.requireValid("version", ok("version --json").out());
    Schemas.requireValid("inspect", ok("inspect @run/sample/vgg.onnx --json").out());
    Path other = Files.writeString(folder.resolve("other.onnx"), "no network");
    Ttame.Result refused = Ttame.run("inspect", other.toString(), "--json");
    assertThat(refused.code()).isEqualTo(1);
    Schemas.requireValid("inspect", refused.out());
  }

  /** A schema that anything fulfils would hold nothing to it. */
  @Test
  void refuseWhatIsMissingOrUnknown() throws IOException {
    ObjectNode run = (ObjectNode) JSON.readTree(folder.resolve("run/run.json").toFile());
    assertThat(Schemas.faults("run", run.deepCopy().put("format", 1))).hasSize(1);
    assertThat(Schemas.faults("run", run.deepCopy().without("seed"))).hasSize(1);
    assertThat(Schemas.faults("run", run.deepCopy().put("status", "well"))).hasSize(1);
    ObjectNode metrics =
        (ObjectNode) JSON.readTree(folder.resolve("run/report/metrics.json").toFile());
    assertThat(Schemas.faults("metrics", metrics.deepCopy().put("unknown", 1))).hasSize(1);
    assertThat(Schemas.faults("metrics", metrics.without("format"))).hasSize(1);
  }

  /** Each is a schema of draft 2020-12, is listed, and has its version where there is one. */
  @Test
  void areSchemas() throws IOException {
    JsonSchemaFactory factory = JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012);
    String table = Files.readString(Schemas.TABLES);
    List<Path> files;
    try (Stream<Path> all = Files.list(Schemas.FOLDER)) {
      files = all.sorted().toList();
    }
    assertThat(files).hasSizeGreaterThan(15);
    for (Path file : files) {
      JsonNode schema = JSON.readTree(file.toFile());
      String name = file.getFileName().toString().replace(".schema.json", "");
      assertThat(factory.getSchema(SchemaLocation.of(SchemaId.V202012)).validate(schema))
          .as(name)
          .isEmpty();
      assertThat(table).contains("| `" + name + "` |");
      JsonNode format = schema.findPath("format");
      if (!name.equals("steps")) {
        assertThat(table)
            .containsPattern("\\| " + format.path("const").asInt() + " \\| `" + name + "` \\|");
      }
    }
  }
}
