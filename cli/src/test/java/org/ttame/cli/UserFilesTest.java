package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ttame.core.Text;
import org.ttame.training.data.ImageList;
import org.ttame.training.sample.SampleData;

/** Files as systems and editors hand them over: devices, pipes, links, byte-order marks. */
@Timeout(value = 2, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class UserFilesTest {
  private static final String DIGITS =
      "zero\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n";

  @TempDir static Path folder;

  @BeforeAll
  static void things() throws IOException {
    SampleData sample = new SampleData(folder.resolve("sample"));
    Files.copy(sample.backbone("vgg"), folder.resolve("vgg.onnx"));
    ImageList scenes = sample.images("test");
    Files.createDirectories(folder.resolve("images"));
    Files.copy(scenes.path(0), folder.resolve("images/a.jpg"));
    Files.createDirectories(folder.resolve("looped/inner"));
    Files.copy(scenes.path(0), folder.resolve("looped/inner/b.jpg"));
  }

  private static Ttame.Result run(String line) {
    return Ttame.run(
        Arrays.stream(line.trim().split(" +", -1))
            .map(word -> word.startsWith("@") ? folder.resolve(word.substring(1)).toString() : word)
            .toArray(String[]::new));
  }

  private static void pipe(String name) throws IOException {
    Path pipe = folder.resolve(name);
    if (!Files.exists(pipe)) {
      Files.createDirectories(pipe.getParent());
      try {
        new ProcessBuilder("mkfifo", pipe.toString()).inheritIO().start().waitFor();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  @ParameterizedTest
  @EnabledOnOs(OS.LINUX)
  @CsvSource(
      delimiter = '|',
      value = {
        "predict --weights @P --images @images                                   | 1",
        "inspect @P                                                              | 1",
        "import --weights @P --out @i.ttame                                      | 1",
        "import --zoo @P --out @i.ttame                                          | 1",
        "predict --weights @vgg.onnx --images @P --out @o                        | 1",
        "predict --weights @vgg.onnx --images @images --labels @P --out @o       | 1",
        "predict --weights @vgg.onnx --images @images --config @P --out @o       | 2",
        "evaluate --weights @vgg.onnx --data @images --methods gradcam --metrics pointing --boxes @P"
            + " --out @e1                                                        | 1",
        "evaluate --weights @vgg.onnx --data @images --maps @maps --out @e2      | 1",
        "evaluate --weights @vgg.onnx --data @images --methods gradcam --out @begun | 1",
        "train --weights @vgg.onnx --data @images --init @P --run @r1            | 1",
        "train --weights @vgg.onnx --data @images --val @P --run @r2             | 1",
        "train --run @run --resume                                               | 1",
        "inspect @run                                                            | 1",
        "split --data @P --validation 1 --test 0 --out @s                        | 1",
      })
  void pipesAreNotWaitedFor(String line, int code) throws IOException {
    pipe("P");
    pipe("maps/a.npy");
    pipe("run/run.json");
    pipe("run/command.properties");
    pipe("begun/evaluation.json");
    pipe("begun/per-image.csv");
    Ttame.Result result = run(line);
    assertThat(result.code()).as("%s", result).isEqualTo(code);
    assertThat(result.err()).contains("is a device, a pipe or a socket, not a file");
    for (String device : new String[] {"/dev/zero", "/dev/stdin"}) {
      if (line.contains("@P ")) {
        result = run(line.replace("@P", device));
        assertThat(result.code()).as("%s", result).isEqualTo(code);
        assertThat(result.err()).contains("'" + device + "' ");
      }
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void amongImagesTheyAreNamedCountedAndSkipped() throws IOException {
    pipe("looped/pipe.jpg");
    link("looped/zero.png", Path.of("/dev/zero"));
    link("looped/self.png", folder.resolve("looped/self.png"));
    link("looped/gone.png", folder.resolve("nowhere"));
    link("looped/inner/up", folder.resolve("looped"));
    Ttame.Result result =
        run("predict --weights @vgg.onnx --images @looped --out @looped-out --threads 1");
    assertThat(result.code()).as("%s", result).isZero();
    assertThat(result.err())
        .contains("pipe.jpg: this is a device or a pipe")
        .contains("zero.png: this is a device or a pipe")
        .contains("self.png: ")
        .contains("gone.png: there is no such file");
    assertThat(result.out()).contains(": 1 image; 4 images skipped: 3 unreadable, 1 missing");
  }

  private static void link(String name, Path to) throws IOException {
    Files.createSymbolicLink(folder.resolve(name), to);
  }

  @ParameterizedTest
  @ValueSource(strings = {"UTF-8", "UTF-16LE", "UTF-16BE"})
  void byteOrderMarksAreNoPartOfAnyText(String charset) throws IOException {
    Charset form = Charset.forName(charset);
    String out = "@marked-" + charset;
    write("list.txt", "\uFEFFimages/a.jpg 7\r\n", form);
    write("labels.txt", "\uFEFF" + DIGITS.replace("\n", "\r\n"), form);
    write("my.properties", Text.format("\uFEFFweights=%s\r\n", file("vgg.onnx")), form);
    write("boxes.csv", "\uFEFFimage,class,x0,y0,x1,y1\r\nimages/a.jpg,7,0,0,64,64\r\n", form);
    run("predict --config @my.properties --images @list.txt --labels @labels.txt --out " + out);
    JsonNode said = json("marked-" + charset + "/predictions.json").path("images").get(0);
    assertThat(said.path("label").asInt()).isEqualTo(7);
    int first = said.path("top").get(0).path("index").asInt();
    assertThat(said.path("top").get(0).path("label").asText())
        .isEqualTo(DIGITS.split("\n", -1)[first]);
    Ttame.Result measured =
        run(
            "evaluate --config @my.properties --data @list.txt --methods gradcam --metrics pointing"
                + " --boxes @boxes.csv --out "
                + out);
    assertThat(measured.code()).as("%s", measured).isZero();
    assertThat(measured.out()).contains(": 1 image");
  }

  @Test
  void aRunThatAnEditorSavedWithAMarkIsStillARun() throws IOException {
    Ttame.Result trained =
        run("train --weights @vgg.onnx --data @images --max-steps 1 --batch-size 1 --run @edited");
    if (trained.code() != 0) {
      // A batch of one may be refused; the record is there all the same.
      assertThat(Files.exists(folder.resolve("edited/run.json"))).as("%s", trained).isTrue();
    }
    for (String name : new String[] {"run.json", "command.properties"}) {
      Path file = folder.resolve("edited").resolve(name);
      write("edited/" + name, "\uFEFF" + Files.readString(file), StandardCharsets.UTF_8);
    }
    Ttame.Result inspected = run("inspect @edited");
    assertThat(inspected.code()).as("%s", inspected).isZero();
    Ttame.Result resumed = run("train --run @edited --resume");
    assertThat(resumed.err()).doesNotContain("\uFEFF").doesNotContain("damaged");
  }

  @Test
  void whatIsNotUtf8IsNamedByLine() throws IOException {
    write("latin.txt", DIGITS.replace("five", "fünf"), StandardCharsets.ISO_8859_1);
    Ttame.Result result =
        run("predict --weights @vgg.onnx --images @images --labels @latin.txt --out @latin");
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.err()).contains("latin.txt' is not text in UTF-8 (line 6); save it as UTF-8");
  }

  @Test
  void imagesThatAreNotDecodedAreNamedCountedAndSkipped() throws IOException {
    Path mixed = Files.createDirectories(folder.resolve("mixed"));
    Files.copy(folder.resolve("images/a.jpg"), mixed.resolve("a.jpg"));
    Files.copy(folder.resolve("images/a.jpg"), mixed.resolve("without ending"));
    start("IMG_1.avif", "\0\0\0\u0018ftypavif\0\0\0\0");
    start("IMG_2.HEIC", "\0\0\0\u0018ftypheic\0\0\0\0");
    start("IMG_3.JXL", "no such thing");
    start("x.jp2", "\0\0\0\u000cjP  \r\n\u0087\n");
    start("y.dat", "8BPS\0\1");
    start("z.svg", "<?xml version='1.0'?>\n<svg/>");
    start("film.ts", "\0\0\0\u0018ftypisom\0\0\0\0");
    start("notes.txt", "GIF89a is a format");
    start(".hidden.jpg", "");
    start("Thumbs.db", "");
    Files.createDirectories(mixed.resolve("sub"));
    start("sub/labels.json", "{}");
    Ttame.Result result =
        run("predict --weights @vgg.onnx --images @mixed --out @mixed-out --threads 1");
    assertThat(result.code()).as("%s", result).isZero();
    assertThat(result.err())
        .contains("IMG_1.avif: AVIF or HEIC images are not read; convert it to PNG or JPEG")
        .contains("IMG_2.HEIC: AVIF or HEIC images")
        .contains("IMG_3.JXL: not an image")
        .contains("x.jp2: JPEG 2000 images")
        .contains("y.dat: PHOTOSHOP images")
        .contains("z.svg: SVG images")
        .contains(Text.format("ignoring 5 other files in '%s', no images", mixed));
    assertThat(result.out())
        .contains(": 2 images; 6 images skipped: 5 of an unsupported format, 1 not an image");
    Ttame.Result strict =
        run("predict --weights @vgg.onnx --images @mixed --out @mixed-out2 --strict --threads 1");
    assertThat(strict.code()).as("%s", strict).isEqualTo(1);
    assertThat(strict.err()).contains("IMG_1.avif");
    for (String command :
        new String[] {"explain --method gradcam --images", "evaluate --methods gradcam --data"}) {
      Ttame.Result other =
          run(
              command
                  + " @mixed --weights @vgg.onnx --threads 1 --out @o-"
                  + command.substring(0, 3));
      assertThat(other.out()).as("%s", other).contains("2 images; 6 images skipped");
    }
  }

  private static void start(String name, String bytes) throws IOException {
    Files.writeString(folder.resolve("mixed").resolve(name), bytes, StandardCharsets.ISO_8859_1);
  }

  @Test
  void aPictureGivenAsWeightsIsToldFromANetwork() {
    Ttame.Result result = run("predict --weights @images/a.jpg --images @images --out @o");
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.err()).contains("a.jpg is an image (JPEG), not a classifier");
  }

  private static void write(String name, String text, Charset charset) throws IOException {
    Files.writeString(folder.resolve(name), text, charset);
  }

  private static String file(String name) {
    return folder.resolve(name).toString();
  }

  private static JsonNode json(String name) throws IOException {
    return new ObjectMapper().readTree(folder.resolve(name).toFile());
  }
}
