package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.ttame.core.Text;
import org.ttame.training.sample.SampleData;

/** Shards, put together, are what one run would have written, bit for bit. */
class ShardTest {
  /** Of all files: how long something took. */
  private static final String SECONDS =
      "(?<=\"seconds\" : )[^,]*|[0-9.]+ s(?= in all)|(?<=<td>)[0-9.]+(?=</td><td class=\"words\">)";

  @TempDir static Path folder;
  private static SampleData sample;
  private static Path images;

  /** Images of the sample's, two of them unreadable, one name twice but for its ending. */
  @BeforeAll
  static void unpack() throws IOException {
    sample = new SampleData(folder.resolve("sample"));
    images = Files.createDirectory(folder.resolve("images"));
    List<Path> scenes;
    try (Stream<Path> all = Files.list(sample.images("test").source())) {
      scenes = all.filter(file -> !file.toString().endsWith(".csv")).sorted().limit(7).toList();
    }
    for (Path scene : scenes) {
      Files.copy(scene, images.resolve(scene.getFileName()));
    }
    String first = scenes.get(4).getFileName().toString();
    Files.writeString(images.resolve("0-broken.png"), "no picture");
    Files.writeString(images.resolve(first + ".broken.png"), "nor this");
    Files.copy(scenes.get(5), images.resolve("twice.png"));
    Files.copy(scenes.get(6), images.resolve("twice.jpg"));
  }

  private static String[] words(String command, String backbone, String out, String... more)
      throws IOException {
    List<String> words =
        new ArrayList<>(
            List.of(
                command,
                "--weights",
                sample.backbone(backbone).toString(),
                command.equals("explain") ? "--images" : "--data",
                images.toString(),
                "--batch-size",
                "4",
                "--out",
                folder.resolve(out).toString()));
    words.addAll(List.of(more));
    return words.toArray(String[]::new);
  }

  private static String[] with(String[] words, String... more) {
    String[] all = Arrays.copyOf(words, words.length + more.length);
    System.arraycopy(more, 0, all, words.length, more.length);
    return all;
  }

  /** What a folder holds, without what time it took. */
  private static Map<String, String> files(String out) throws IOException {
    Path root = folder.resolve(out);
    Map<String, String> files = new LinkedHashMap<>();
    try (Stream<Path> all = Files.walk(root)) {
      for (Path file : all.filter(Files::isRegularFile).sorted().toList()) {
        String name = root.relativize(file).toString();
        String text =
            new String(Files.readAllBytes(file), java.nio.charset.StandardCharsets.ISO_8859_1);
        if (name.equals("metrics.csv")) {
          text = text.replaceAll("(?m)^((?:[^,]*,){7})[^,]*", "$1");
        } else if (name.endsWith(".json") || name.endsWith(".html")) {
          text = text.replaceAll(SECONDS, "");
        }
        files.put(name, text);
      }
    }
    files.keySet().removeIf(name -> name.matches("shard-.*|batches.jsonl"));
    return files;
  }

  private static void assertSame(String out, Map<String, String> whole) throws IOException {
    Map<String, String> files = files(out);
    assertThat(files.keySet()).isEqualTo(whole.keySet());
    files.forEach((name, text) -> assertThat(text).as(name).isEqualTo(whole.get(name)));
  }

  private static List<String> parts(String name, int count) {
    List<String> parts = new ArrayList<>();
    for (int i = count - 1; i >= 0; i--) {
      parts.add(name + "-" + i + "-of-" + count);
    }
    return parts;
  }

  private static Ttame.Result merge(List<String> parts, String out) {
    List<String> words = new ArrayList<>(List.of("merge"));
    parts.forEach(part -> words.add(folder.resolve(part).toString()));
    words.addAll(List.of("--out", folder.resolve(out).toString()));
    return Ttame.run(words.toArray(String[]::new));
  }

  @ParameterizedTest
  @CsvSource({
    "vgg, 'gradcam,gradcam++,scorecam,ablationcam,rise,iia,random'",
    "resnet, 'gradcam,iia-released,random'",
    "vit, 'gradcam,iia,transformer-lrp,random'"
  })
  void evaluatesBitForBitAsOneRun(String backbone, String methods) throws IOException {
    List<String> more =
        new ArrayList<>(
            List.of(
                "--methods",
                methods,
                "--metrics",
                "ad,ic,road",
                "--road-percentages",
                "30",
                "--gallery",
                "5"));
    if (methods.contains("rise")) {
      more.addAll(List.of("--rise-masks", "6"));
    }
    String[] options = more.toArray(String[]::new);
    Ttame.ok(words("evaluate", backbone, backbone, options));
    Map<String, String> whole = files(backbone);
    assertThat(whole)
        .containsKeys("metrics.json", "metrics.csv", "per-image.csv", "report.html", "skipped.csv");
    assertThat(whole.get("metrics.json")).contains("\"skipped_images\" : 2");
    for (int n = 1; n <= 3; n++) {
      List<String> parts = parts(backbone, n);
      for (String part : parts) {
        String shard = part.replaceFirst("^\\w+-(\\d)-of-(\\d)$", "$1/$2");
        Ttame.Result done =
            Ttame.ok(with(words("evaluate", backbone, part, options), "--shard", shard));
        assertThat(done.out()).contains("shard " + shard);
      }
      Ttame.Result merged = merge(parts, backbone + "-of-" + n);
      assertThat(merged.code()).as("%s", merged).isZero();
      assertThat(merged.out()).contains("9 images; 2 images skipped: 2 not an image");
      assertSame(backbone + "-of-" + n, whole);
    }
  }

  /** The command that made it says of the merged folder that nothing is left to do. */
  @Test
  void mergedEvaluationsAreComplete() throws IOException {
    String[] options = {"--methods", "random", "--gallery", "0"};
    List<String> parts = parts("complete", 2);
    for (String part : parts) {
      String shard = part.replaceFirst("^complete-(\\d)-of-(\\d)$", "$1/$2");
      Ttame.ok(with(words("evaluate", "vgg", part, options), "--shard", shard));
    }
    assertThat(merge(parts, "complete").code()).isZero();
    Map<String, String> merged = files("complete");
    Ttame.Result again = Ttame.ok(words("evaluate", "vgg", "complete", options));
    assertThat(again.err()).contains("resuming: 9 of 11");
    assertSame("complete", merged);
    assertThat(merge(parts, "complete").code()).isZero();
    assertSame("complete", merged);
  }

  @Test
  void explainsBitForBitAsOneRun() throws IOException {
    String[] options = {"--method", "gradcam,random", "--class", "top:2"};
    Ttame.ok(words("explain", "vit", "maps", options));
    Map<String, String> whole = files("maps");
    assertThat(whole).hasSize(9 * 2 * 2 * 3 + 1).containsKey("skipped.csv");
    assertThat(whole.keySet()).anyMatch(name -> name.startsWith("twice.png."));
    for (int n = 2; n <= 3; n++) {
      List<String> parts = parts("maps", n);
      for (String part : parts) {
        String shard = part.replaceFirst("^maps-(\\d)-of-(\\d)$", "$1/$2");
        Ttame.ok(with(words("explain", "vit", part, options), "--shard", shard));
        // all into one folder, too
        Ttame.ok(with(words("explain", "vit", "one-of-" + n, options), "--shard", shard));
      }
      assertThat(merge(parts, "maps-of-" + n).code()).isZero();
      assertSame("maps-of-" + n, whole);
      assertThat(merge(List.of("one-of-" + n), "one-of-" + n).code()).isZero();
      assertSame("one-of-" + n, whole);
    }
  }

  @Test
  void refusesWhatDoesNotBelongTogether() throws IOException {
    String[] options = {"--methods", "random", "--metrics", "ad,ic", "--gallery", "0"};
    for (int i = 0; i < 3; i++) {
      Ttame.ok(with(words("evaluate", "vgg", "r" + i, options), "--shard", i + "/3"));
    }
    assertThat(merge(List.of("r0", "r2"), "r").err())
        .contains("2 of 3 shards were found, missing: 1/3; run those first");
    assertThat(merge(List.of("r0", "r1", "r2", "r1"), "r").err())
        .contains("shard 1/3 was given twice, in '")
        .contains("r1'");
    assertThat(merge(List.of("r0", "nowhere"), "r").err()).contains("nowhere' is not a folder");
    assertThat(merge(List.of("images"), "r").err()).contains("holds no finished shard");

    Ttame.ok(with(words("evaluate", "vgg", "seed", options), "--shard", "1/3", "--seed", "7"));
    assertThat(merge(List.of("r0", "seed", "r2"), "r").err())
        .contains("do not belong together: shard 0/3 in '")
        .contains("has seed 42, shard 1/3 in '")
        .contains("seed' has 7");
    Ttame.ok(with(words("evaluate", "vgg", "half", options), "--shard", "1/2"));
    assertThat(merge(List.of("r0", "half"), "r").err()).contains("number of shards 3");
    Path record = folder.resolve("r2/shard-2-of-3.json");
    String text = Files.readString(record);
    Files.writeString(record, text.replaceFirst("\"program\" : \"", "$09."));
    assertThat(merge(List.of("r0", "r1", "r2"), "r").err())
        .contains("has program ")
        .contains("r2' has 9.");
    Files.writeString(record, text);
    Path rows = folder.resolve("r1/per-image.csv");
    String measured = Files.readString(rows);
    Files.writeString(
        rows, measured.substring(0, measured.lastIndexOf('\n', measured.length() - 2) + 1));
    assertThat(merge(List.of("r0", "r1", "r2"), "r").err()).contains("run it again");
    Files.writeString(
        rows, measured.replaceFirst("(?m)^([^,\n]+)\\.jpg,random", "other.jpg,random"));
    assertThat(merge(List.of("r0", "r1", "r2"), "r").err())
        .contains("the images in the shards are not those of the list");
    assertThat(folder.resolve("r")).doesNotExist();

    Ttame.Result another =
        Ttame.run(with(words("evaluate", "vgg", "r0", options), "--shard", "1/3"));
    assertThat(another.err()).contains("shard 0/3; now it is 1/3");
    for (String wrong : List.of("3/3", "-1/3", "1", "a/b", "0/0")) {
      Ttame.Result usage =
          Ttame.run(with(words("evaluate", "vgg", "u", options), "--shard", wrong));
      assertThat(usage.code()).as(wrong).isEqualTo(2);
      assertThat(usage.err()).contains("--shard");
    }
    Ttame.Result many = Ttame.run(with(words("evaluate", "vgg", "u", options), "--shard", "0/99"));
    assertThat(many.err()).contains(Text.format("--shard 0/99: there are only 11 images"));
  }

  /** A record that somebody edited, or a disk damaged, is named with what is wrong in it. */
  @Test
  void refusesDamagedRecords() throws IOException {
    String[] options = {"--methods", "random", "--metrics", "ad,ic", "--gallery", "0"};
    for (int i = 0; i < 2; i++) {
      Ttame.ok(with(words("evaluate", "vgg", "d" + i, options), "--shard", i + "/2"));
    }
    ObjectMapper mapper = new ObjectMapper();
    Path record = folder.resolve("d1/shard-1-of-2.json");
    String sound = Files.readString(record);
    Map<String, String> damages = new LinkedHashMap<>();
    for (String name :
        List.of(
            "command",
            "count",
            "index",
            "program",
            "build",
            "settings",
            "backbone",
            "provenance",
            "namesSha256",
            "batchSize",
            "done",
            "leftOut",
            "evaluation")) {
      damages.put(mapper.readValue(sound, ObjectNode.class).without(name).toString(), name);
    }
    Map<String, String> values = new LinkedHashMap<>();
    values.put("index", "7");
    values.put("index ", "-1");
    values.put("index  ", "\"x\"");
    values.put("count", "2000000000");
    values.put("batchSize", "-4");
    values.put("images", "-5");
    values.put("done", "3");
    values.put("command", "\"predict\"");
    values.put("leftOut", "[{\"place\":99,\"image\":\"x\",\"reason\":\"y\"}]");
    values.put("leftOut ", "[{\"place\":1,\"image\":\"x\",\"kind\":\"ODD\",\"reason\":\"y\"}]");
    values.put("evaluation", "{\"keys\":[],\"parameters\":{},\"methods\":{},\"labels\":[]}");
    for (Map.Entry<String, String> value : values.entrySet()) {
      String name = value.getKey().strip();
      ObjectNode edited = mapper.readValue(sound, ObjectNode.class);
      edited.set(name, mapper.readTree(value.getValue()));
      damages.put(edited.toString(), name.equals("images") ? "count" : name);
    }
    damages.put("", "it is not a JSON object");
    damages.put("null", "it is not a JSON object");
    damages.put("[]", "it is not a JSON object");
    damages.put(sound.substring(0, sound.length() / 2), "is");
    for (Map.Entry<String, String> damage : damages.entrySet()) {
      Files.writeString(record, damage.getKey());
      Ttame.Result refused = merge(List.of("d0", "d1"), "damaged");
      assertThat(refused.code()).as(damage.getValue()).isEqualTo(1);
      assertThat(refused.err())
          .contains("d1/shard-1-of-2.json' is damaged: ", damage.getValue())
          .contains("remove the file and run its command again")
          .doesNotContain("This is unexpected", "java.", "org.ttame");
      assertThat(folder.resolve("damaged")).doesNotExist();
    }
    Files.writeString(record, sound.replace("\"format\" : 1", "\"format\" : 2"));
    assertThat(merge(List.of("d0", "d1"), "damaged").err()).contains("format 2", "reads format 1");
    Files.writeString(record, sound);
    // Memory for so many images is not even asked for.
    Map<Path, String> two = new LinkedHashMap<>();
    for (int i = 0; i < 2; i++) {
      Path own = folder.resolve(Text.format("d%d/shard-%d-of-2.json", i, i));
      two.put(own, Files.readString(own));
      ObjectNode edited = mapper.readValue(two.get(own), ObjectNode.class);
      edited.put("images", 2_000_000_000).put("done", 1_000_000_000 - edited.get("leftOut").size());
      Files.writeString(own, edited.toString());
    }
    assertThat(merge(List.of("d0", "d1"), "damaged").err())
        .contains("shard 0/2 in '", "says that it measured ", "has fewer; run it again");
    for (Map.Entry<Path, String> own : two.entrySet()) {
      Files.writeString(own.getKey(), own.getValue());
    }
    Path rows = folder.resolve("d1/per-image.csv");
    Files.writeString(rows, Files.readString(rows).replaceFirst(",random,", ",gradcam,"));
    assertThat(merge(List.of("d0", "d1"), "damaged").err())
        .contains("per-image.csv' has changed since the evaluation wrote it")
        .contains("(it has rows of gradcam)");
    assertThat(folder.resolve("damaged")).doesNotExist();
  }
}
