package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaValidatorsConfig;
import com.networknt.schema.SpecVersion;
import com.networknt.schema.ValidationMessage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;

/** Holds files that commands wrote to the schemas and column tables that are published. */
final class Schemas {
  static final Path FOLDER = Path.of("src", "main", "resources", "org", "ttame", "cli", "schemas");
  static final Path TABLES = Path.of("docs", "schemas.md");
  private static final ObjectMapper JSON = new ObjectMapper();

  private Schemas() {}

  /** What a document violates. */
  static Set<ValidationMessage> faults(String name, JsonNode document) throws IOException {
    JsonSchemaFactory factory = JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012);
    JsonSchema schema =
        factory.getSchema(
            JSON.readTree(FOLDER.resolve(name + ".schema.json").toFile()),
            SchemaValidatorsConfig.builder().formatAssertionsEnabled(true).build());
    return schema.validate(document);
  }

  /** A JSON file, or what a command printed. */
  static void requireValid(String name, String text) throws IOException {
    assertThat(faults(name, JSON.readTree(text))).as(name).isEmpty();
  }

  /** A JSON file. */
  static void requireValid(String name, Path file) throws IOException {
    requireValid(name, Files.readString(file, StandardCharsets.UTF_8));
  }

  /** A CSV file has the columns that the table says. */
  static void requireColumns(Path file) throws IOException {
    String name = file.getFileName().toString();
    String row =
        Files.readAllLines(TABLES).stream()
            .filter(line -> line.startsWith("| `" + name + "`"))
            .findFirst()
            .orElseThrow(() -> new AssertionError(name + " is not in " + TABLES));
    String columns = row.split("`", -1)[3];
    String header = Files.readAllLines(file).get(0);
    if (row.contains("then one for each")) {
      assertThat(header).as(name).startsWith(columns + ",");
    } else {
      assertThat(header).as(name).isEqualTo(columns);
    }
  }
}
