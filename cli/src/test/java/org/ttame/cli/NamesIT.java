package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.Text;
import org.ttame.core.storage.FileNames;
import org.ttame.training.data.ImageList;
import org.ttame.training.sample.SampleData;

/** Images of any name, under a locale that has no letters but ASCII's: none ends a command. */
@DisabledOnOs(OS.WINDOWS) // most of these names are none there
class NamesIT {
  /** As {@link FileNames} writes them, and as they are shown. */
  private static final List<String> NAMES =
      List.of(
          "\u001b[31mred.jpg",
          "=cmd.jpg",
          "\\back.jpg",
          "a\\..\\b.jpg",
          "crème/猫.jpg",
          "line\nbreak.jpg",
          "n".repeat(251) + ".jpg",
          "x.jpg",
          "x.json/y.jpg");

  @TempDir static Path folder;
  private static int images;

  @BeforeAll
  static void things() throws IOException {
    SampleData sample = new SampleData(folder.resolve("sample"));
    Files.copy(sample.backbone("vgg"), folder.resolve("vgg.onnx"));
    ImageList scenes = sample.images("test");
    for (int i = 0; i < NAMES.size(); i++) {
      copy(scenes.path(i), NAMES.get(i));
    }
    images = NAMES.size();
    if (OS.LINUX.isCurrentOs()) {
      copy(scenes.path(images++), "latin-\uDCE9.jpg");
    }
  }

  private static void copy(Path from, String name) throws IOException {
    Path to = FileNames.resolve(folder.resolve("grosse Bilder"), name);
    Files.createDirectories(to.getParent());
    Files.copy(from, to);
  }

  private static Jar.Result run(String... words) {
    Jar.Result result =
        new Jar(folder)
            .environment("LC_ALL", "C")
            .run(
                Stream.concat(Stream.of(words), Stream.of("--threads", "1"))
                    .toArray(String[]::new));
    assertThat(result.code()).as("%s", result).isZero();
    assertThat(result.err()).doesNotContain("This is unexpected").doesNotContain("skipped");
    assertThat(result.out() + result.err())
        .doesNotContain("\u001b", "line\nbreak")
        .doesNotContain("\uFFFD");
    return result;
  }

  private static JsonNode json(String file) throws IOException {
    return new ObjectMapper().readTree(Files.readString(folder.resolve(file)));
  }

  @Test
  void predictNamesThem() throws IOException {
    Jar.Result result =
        run("predict", "--weights", "vgg.onnx", "--images", "grosse Bilder", "--out", "p");
    assertThat(result.out())
        .contains(Text.format(": %d images", images))
        .contains("crème/猫.jpg: ", "\\u001b[31mred.jpg: ", "line\\nbreak.jpg: ", "\\back.jpg: ");
    assertThat(StreamSupport.stream(json("p/predictions.json").path("images").spliterator(), false))
        .extracting(image -> image.path("file").asText())
        .containsAll(NAMES);
  }

  @Test
  void explainWritesMapsThatEvaluateFinds() throws IOException {
    Jar.Result result =
        run(
            "explain",
            "--weights",
            "vgg.onnx",
            "--method",
            "gradcam",
            "--images",
            "grosse Bilder",
            "--format",
            "npy,json",
            "--out",
            "maps");
    assertThat(result.out()).contains(Text.format("for %d images", images));
    for (String map :
        List.of("crème/猫.npy", "crème/猫.json", "\\back.npy", "x.json", "x.json-2/y.npy")) {
      assertThat(FileNames.resolve(folder.resolve("maps"), map)).isRegularFile();
    }
    result =
        run(
            "evaluate",
            "--weights",
            "vgg.onnx",
            "--data",
            "grosse Bilder",
            "--maps",
            "maps",
            "--out",
            "m");
    assertThat(result.out()).contains(Text.format(": %d images", images));
    assertThat(Files.readString(folder.resolve("m/per-image.csv")))
        .contains("\n'=cmd.jpg,maps,", "crème/猫.jpg,maps,", "\"line\nbreak.jpg\",maps,");
    result =
        run(
            "evaluate",
            "--weights",
            "vgg.onnx",
            "--data",
            "grosse Bilder",
            "--maps",
            "maps",
            "--out",
            "m");
    assertThat(result.err()).contains("the evaluation is complete");
  }

  @Test
  void severalMethodsAndClassesAndPagesHaveNamesOfTheirOwn() throws IOException {
    run(
        "explain",
        "--weights",
        "vgg.onnx",
        "--method",
        "gradcam,gradcam++",
        "--class",
        "top:2",
        "--images",
        "grosse Bilder",
        "--format",
        "npy",
        "--compare",
        "--out",
        "several");
    try (Stream<Path> files = Files.walk(folder.resolve("several"))) {
      List<String> names = files.filter(Files::isRegularFile).map(FileNames::text).toList();
      assertThat(names).filteredOn(name -> name.endsWith(".npy")).hasSize(4 * images);
      assertThat(names).filteredOn(name -> name.endsWith(".compare.png")).hasSize(images);
      assertThat(names).noneMatch(name -> name.endsWith(".part"));
    }
  }

  @Test
  void trainingReadsThemAndFiguresShowThem() {
    run(
        "train",
        "--weights",
        "vgg.onnx",
        "--data",
        "grosse Bilder",
        "--val",
        "grosse Bilder",
        "--max-steps",
        "1",
        "--batch-size",
        "4",
        "--run",
        "run");
    run("figures", "--runs", "run", "--images", "grosse Bilder", "--out", "figures");
  }

  @Test
  void splitLeavesOutWhatNoLineCanName() throws IOException {
    Jar.Result result =
        new Jar(folder)
            .environment("LC_ALL", "C")
            .run(
                "split",
                "--data",
                "grosse Bilder",
                "--validation",
                "4",
                "--test",
                "4",
                "--out",
                "s");
    assertThat(result.code()).as("%s", result).isZero();
    assertThat(result.err()).contains("no line of a list can hold the name of line\\nbreak.jpg");
    Files.writeString(
        folder.resolve("both.txt"),
        (Files.readString(folder.resolve("s/val.txt"))
                + Files.readString(folder.resolve("s/test.txt")))
            .replace("../", ""));
    assertThat(run("predict", "--weights", "vgg.onnx", "--images", "both.txt", "--out", "b").out())
        .contains(": 8 images");
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void pathsThatAreTypedAreRead() throws IOException {
    Path list = FileNames.resolve(folder, "Bücher.txt");
    Files.writeString(list, "grosse Bilder/crème/猫.jpg 3\n");
    assertThat(
            run("predict", "--weights", "vgg.onnx", "--images", "Bücher.txt", "--out", "typed")
                .out())
        .contains(": 1 image");
    assertThat(folder.resolve("typed/predictions.json")).exists();
  }
}
