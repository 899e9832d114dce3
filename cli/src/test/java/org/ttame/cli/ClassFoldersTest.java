package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.training.sample.SampleData;

/** Which class a folder stands for: never another one than its name says. */
class ClassFoldersTest {
  private static final List<String> NAMES =
      List.of("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine");

  @TempDir static Path folder;
  private static Path image;
  private static String weights;

  @BeforeAll
  static void things() throws IOException {
    SampleData sample = new SampleData(folder);
    weights = sample.backbone("vgg").toString();
    image = sample.images("test").path(0);
    Files.write(folder.resolve("labels.txt"), NAMES);
  }

  private static Path folders(String name, List<String> classes) throws IOException {
    Path made = folder.resolve(name);
    for (String each : classes) {
      Files.createDirectories(made.resolve(each));
      Files.copy(image, made.resolve(each).resolve("a.jpg"));
    }
    return made;
  }

  private static Ttame.Result ttame(String... words) {
    return Ttame.run(
        Stream.concat(Stream.of(words), Stream.of("--threads", "1")).toArray(String[]::new));
  }

  @Test
  void predictMapsNamesAndWarnsWhereNothingIsKnown() throws IOException {
    String images = folders("some", List.of("nine", "three")).toString();
    Path out = folder.resolve("predictions");
    String names = folder.resolve("labels.txt").toString();
    Ttame.Result known =
        ttame(
            "predict",
            "--weights",
            weights,
            "--images",
            images,
            "--labels",
            names,
            "--out",
            out.toString());
    assertThat(known.out()).contains("of 2 labelled images");
    JsonNode said = new ObjectMapper().readTree(out.resolve("predictions.json").toFile());
    assertThat(said.path("images").get(0).path("label").asInt()).isEqualTo(9);
    assertThat(said.path("images").get(1).path("label").asInt()).isEqualTo(3);
    Ttame.Result unknown =
        ttame("predict", "--weights", weights, "--images", images, "--out", out.toString());
    assertThat(unknown.code()).isZero();
    assertThat(unknown.out()).doesNotContain("accuracy");
    assertThat(unknown.err())
        .contains("no accuracy: which of the classifier's 10 classes the 2 class folders of ");
    assertThat(out.resolve("predictions.json")).content().doesNotContain("\"label\"");
  }

  @Test
  void aLabelWithoutAClassIsNamed() throws IOException {
    Path list = folder.resolve("beyond.txt");
    Files.writeString(list, image + " 3\n" + image + " 10\n");
    Ttame.Result result =
        ttame(
            "predict",
            "--weights",
            weights,
            "--images",
            list.toString(),
            "--out",
            folder.resolve("beyond").toString());
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.err())
        .contains("beyond.txt' gives ")
        .contains("the label 10, but the classifier's classes are 0 to 9");
  }

  @Test
  void explainTakesLabelsOnlyWhereTheyAreKnown() throws IOException {
    Path data = folders("training", List.of("nine", "three"));
    String run = folder.resolve("run").toString();
    assertThat(ttame("train", "--weights", weights, "--data", data.toString(), "--run", run).code())
        .isZero();
    assertThat(folder.resolve("run/labels.txt")).doesNotExist();
    String[] explain = {
      "explain", "--run", run, "--images", data.toString(), "--class", "label", "--out"
    };
    Ttame.Result refused = ttame(with(explain, folder.resolve("refused").toString()));
    assertThat(refused.code()).isEqualTo(1);
    assertThat(refused.err()).contains("--class label: which of ").contains("'path label' lines");
    String maps = folder.resolve("maps").toString();
    String names = folder.resolve("labels.txt").toString();
    assertThat(ttame(with(explain, maps, "--labels", names)).out())
        .contains(": 9 (nine), ")
        .contains(": 3 (three), ");
  }

  private static String[] with(String[] words, String... more) {
    return Stream.concat(Stream.of(words), Stream.of(more)).toArray(String[]::new);
  }

  @Test
  void splitSaysWhatItsLabelsAre() throws IOException {
    assertThat(split("split-names", List.of("cat", "dog")))
        .contains("labels are the positions of the 2 class folders, 0 (cat) to 1 (dog):");
    assertThat(split("split-numbers", List.of("10", "2")))
        .contains("labels are the numbers that the 2 class folders are named by");
    assertThat(Files.readAllLines(folder.resolve("split-numbers-lists/val.txt")))
        .allMatch(line -> line.endsWith("/10/a.jpg 10") || line.endsWith("/2/a.jpg 2"));
  }

  private static String split(String name, List<String> classes) throws IOException {
    String data = folders(name, classes).toString();
    String out = folder.resolve(name + "-lists").toString();
    Ttame.Result result =
        Ttame.run("split", "--data", data, "--validation", "1", "--test", "1", "--out", out);
    assertThat(result.code()).as("%s", result).isZero();
    return result.out();
  }
}
