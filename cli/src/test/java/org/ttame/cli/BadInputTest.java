package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.ttame.backbones.Backbones;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.training.sample.SampleData;

/** What a user may get wrong: each answer names the thing, and leaves nothing half-written. */
class BadInputTest {
  @TempDir static Path folder;
  private static byte[] vgg;

  @BeforeAll
  static void things() throws IOException {
    SampleData sample = new SampleData(folder);
    Path onnx = sample.backbone("vgg");
    vgg = Files.readAllBytes(onnx);
    Files.write(folder.resolve("truncated.onnx"), Arrays.copyOf(vgg, vgg.length / 2));
    Files.writeString(folder.resolve("text.onnx"), "This is not a network.\n");
    Files.write(folder.resolve("empty.onnx"), new byte[0]);
    Files.write(folder.resolve("cut.zip"), new byte[] {'P', 'K', 3, 4, 0, 0});
    Path imported = folder.resolve("cut.ttame");
    Backbones.importTo(onnx, imported, BackboneOptions.defaults());
    Files.write(imported, Arrays.copyOf(Files.readAllBytes(imported), 5000));
    Path good = sample.images("test").path(0);
    Path images = Files.createDirectories(folder.resolve("images"));
    Files.copy(good, images.resolve("good.jpg"));
    Files.writeString(images.resolve("text.jpg"), "This is not a picture.\n");
    Files.write(images.resolve("cut.jpg"), Arrays.copyOf(Files.readAllBytes(good), 300));
    Files.write(images.resolve("nothing.png"), new byte[0]);
    Path unreadable = Files.createDirectories(folder.resolve("unreadable"));
    Files.writeString(unreadable.resolve("text.jpg"), "This is not a picture.\n");
    Files.createDirectories(folder.resolve("empty"));
    Files.writeString(folder.resolve("file"), "in the way\n");
    Files.writeString(folder.resolve("two.txt"), "cat\ndog\n");
    Files.writeString(folder.resolve("binary.txt"), "\0\1\2");
  }

  private static Ttame.Result run(String line) {
    return Ttame.run(
        Arrays.stream(line.trim().split(" +", -1))
            .map(word -> word.startsWith("@") ? folder.resolve(word.substring(1)).toString() : word)
            .toArray(String[]::new));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "predict --weights @none.onnx --images @images              | none.onnx        | no file",
        "predict --weights @truncated.onnx --images @images         | truncated.onnx   | ",
        "predict --weights @text.onnx --images @images              | text.onnx        | ONNX",
        "predict --weights @empty.onnx --images @images             | empty.onnx       | ",
        "predict --weights @empty --images @images                  | empty            | ",
        "predict --weights @vgg.onnx --images @none                 | none             | exist",
        "predict --weights @vgg.onnx --images @empty                | empty            | no image",
        "predict --weights @vgg.onnx --images @unreadable --out @p1 | unreadable       | the only image of",
        "predict --weights @vgg.onnx --images @images --strict --out @p2 | images      | jpg",
        "predict --weights @vgg.onnx --images @images --out @file   | file             | ",
        "predict --weights @vgg.onnx --images @images --labels @two.txt --out @p3 | two.txt | 10 classes",
        "predict --weights @vgg.onnx --images @images --backbone resnet50 --out @p4 | vgg.onnx | resnet50",
        "inspect @empty                                             | empty            | no training run",
        "explain --run @empty --images @images                      | empty            | no training run",
        "explain --run @none --images @images                       | none             | no training run: there is no such folder",
        "train --weights @vgg.onnx --data @none                     | none             | exist",
        "train --weights @vgg.onnx --data @images --run @r1 --layers features.5,nose | nose | features.15",
        "train --weights @vgg.onnx --data @images --run @r2 --init @text.onnx | text.onnx | ",
        "train --weights @vgg.onnx --data @binary.txt --run @r3     | binary.txt       | ",
        "train --weights @vgg.onnx --data @images --run @file       | file             | ",
        "train --run @none --resume                                 | none             | there is no such folder",
        "train --weights @vgg.onnx --data @images --run @t1 --layers feature.15 | feature.15 | did you mean features.15?",
        "train --weights @vgg.onnx --data @images --run @t2 --labels @two.txt | two.txt     | 10 classes",
        "train --weights @vgg.onnx --data @images --run @t3 --init @two.txt | two.txt      | ",
        "explain --weights @vgg.onnx --images @images --method gradcam --layer feature.15 --out @x1 | feature.15 | did you mean features.15?",
        "split --data @images --validation 3 --test 9               | 4                | draw",
        "predict --weights @vgg.onnx --images @images --device cuda --out @p5 | --device cuda | -Pcuda",
        "import --weights @vgg.onnx --out @i1.ttame --device cuda   | --device cuda    | -Pcuda",
        "import --weights @none.onnx --out @i1.ttame                | none.onnx        | no file",
        "import --weights @truncated.onnx --out @i1.ttame           | truncated.onnx   | ",
        "import --weights @text.onnx --out @i1.ttame                | text.onnx        | ONNX",
        "import --weights @empty --out @i1.ttame                    | empty            | folder",
        "import --weights @vgg.onnx --out @i1.ttame --backbone vit_b_16 | vgg.onnx     | vit_b_16",
        "import --zoo @none.zip --out @i1.ttame                     | none.zip         | no file",
        "import --zoo @cut.zip --out @i1.ttame                      | cut.zip          | zip",
        "import --weights @vgg.onnx --out @empty                    | empty            | folder",
        "import --weights @vgg.onnx --out @file/i1.ttame            | file             | ",
        "import --weights @vgg.onnx --out @vgg.onnx                 | vgg.onnx         | to be imported",
        "predict --weights @cut.ttame --images @images              | cut.ttame        | repeat the import",
      })
  void failsWithASentence(String line, String names, String says) {
    Ttame.Result result = run(line);
    assertThat(result.code()).as("%s", result).isEqualTo(1);
    assertThat(result.err()).contains(names).doesNotContain("Exception").doesNotContain("foreseen");
    if (says != null) {
      assertThat(result.err()).contains(says);
    }
  }

  @AfterAll
  static void importsLeaveNothingHalfWritten() throws IOException {
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left.map(file -> file.getFileName().toString()))
          .noneMatch(name -> name.endsWith(".part") || name.matches("i\\d\\.ttame|[rt]\\d"));
    }
    assertThat(folder.resolve("vgg.onnx")).hasBinaryContent(vgg);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "predict --images @images                                | --weights FILE or --run DIR",
        "predict --weights @vgg.onnx                             | --images PATH is missing",
        "predict --weights @vgg.onnx --images @images --mean 1,2 | --mean and --std belong together",
        "predict --weights @vgg.onnx --images @images --mean 0,0,0 --std 1,0,1 | positive",
        "predict --weights @vgg.onnx --images @images --top 0    | --top 0",
        "explain --images @images                                | --run DIR is missing",
        "explain --weights @vgg.onnx --images @images --method gradcam --class 10 --out @x2 | --class 10 is not a class: the classifier has 10, counted from 0",
        "explain --run r --images i --class -1                   | --class -1",
        "explain --run r --images i --class top:x                | top:",
        "explain --images @images --method rise,ttame            | ttame needs --run DIR",
        "explain --run r --images i --method magic               | magic is not a method; choose from ttame",
        "explain --run r --images i --layer l                    | --layer: none of the chosen methods",
        "explain --run r --images i --layers l                   | --layer: none of the chosen methods",
        "explain --run r --images i --method iia --rise-masks 9  | --rise-masks: none of the chosen methods",
        "explain --weights w --images i --method rise --checkpoint best | belongs to --run",
        "explain --run r --images i --format gif                 | gif",
        "explain --run r --images i --colormap pink              | pink",
        "explain --run r --images i --opacity 1.01               | --opacity 1.01 is not between 0 and 1",
        "explain --run r --images i --opacity half               | --opacity half is not a number",
        "explain --run r --images i --size large                 | --size large is none of original, input",
        "train --weights @vgg.onnx                               | --weights and --data belong together",
        "train --val @images                                     | --val needs",
        "train --resume                                          | --resume needs --run",
        "train --batch-size 0                                    | --batch-size 0",
        "train --accumulate 0                                    | --accumulate must be at least 1, got 0",
        "train --accumulate 1.5            | --accumulate: '1.5' is not a whole number, or is too large",
        "train --accumulate 99999999999                          | --accumulate: '99999999999' is not a whole",
        "train --accumulate NaN                                  | --accumulate: 'NaN' is not a number",
        "train --max-lr NaN                                      | --max-lr must be a positive number",
        "train --weight-decay Infinity                           | --weight-decay must be a finite number",
        "serve --run r --port 99999           | --port 99999 is not a port number; the largest is 65535",
        "serve --run r --max-bytes 3000000000 | --max-bytes 3000000000 is more than the largest number",
        "serve --run r --host nosuch.host.invalid                | is not an address of this machine",
        "train --epochs some                                     | epochs",
        "train --loss none                                       | none",
        "train --variant big                                     | --variant: \"big\" is not a variant; use one of",
        "train --masking x                                       | x",
        "train --backbone alexnet                                | alexnet",
        "predict --weights w --images i --backbone alexnet       | alexnet is not a family",
        "train --run a --out b                                   | are mutually exclusive",
        "export --run r --format npz --class all                 | belongs to --format onnx",
        "evaluate --run r --data d --metrics roads               | none of ad, ic, road, insertion, deletion, pointing, energy",
        "evaluate --run r --data d --road-percentages 10         | belongs to --metrics road",
        "evaluate --run r --data d --metrics road --road-percentages 100 | 100.0 is not above 0",
        "evaluate --weights w --data d --maps m --boxes b        | --boxes belongs to",
        "evaluate --weights w --data d --maps rise=m             | --maps rise=m: rise is a method's own",
        "evaluate --data d --maps m                              | --weights FILE or --run DIR",
        "evaluate --run r --data d --thresholds 0                | --thresholds",
        "evaluate --run r --data d --gallery -1                  | --gallery",
        "evaluate --run r --data d --colormap pink               | is not a colour map",
        "evaluate --run r --data d --methods magic               | magic is not a method",
        "evaluate --weights w --data d --methods lcam            | --lcam-run",
        "evaluate --run r --data d --lcam-run l                  | --lcam-run",
        "evaluate --weights w --data d                           | --run DIR is missing",
        "import --out @i2.ttame                                  | --weights FILE or --zoo FILE",
        "import --weights @vgg.onnx --zoo vgg16                  | are mutually exclusive",
        "import --weights @vgg.onnx --mean 1,2,3                 | --mean and --std belong together",
        "predict --weights @vgg.onnx --images @images --max-pixels 0 | --max-pixels 0",
        "explain --run r --images i --max-pixels 2000000000      | --max-pixels: The limit of pixels",
        "train --max-pixels 2000000000                           | The limit of pixels",
        "train --max-pixels many                                 | max-pixels",
        "inspect                                                 | one classifier file or one training run",
        "inspect a b                                             | one classifier file or one training run",
      })
  void wrongUsageSaysHow(String line, String says) {
    Ttame.Result result = run(line);
    assertThat(result.code()).as("%s", result).isEqualTo(2);
    assertThat(result.err()).contains(says).contains("--help' shows the options");
    assertThat(result.out()).isEmpty();
  }

  @Test
  void unreadableImagesAreNamedCountedAndSkipped() {
    Ttame.Result result =
        run("predict --weights @vgg.onnx --images @images --out @skipping --threads 1");
    assertThat(result.code()).as("%s", result).isZero();
    assertThat(result.err())
        .contains("skipped: ")
        .contains("text.jpg")
        .contains("cut.jpg")
        .contains("nothing.png");
    assertThat(result.out()).contains("1 image; 3 images skipped: 2 not an image, 1 damaged");
  }

  @Test
  void nothingIsLeftWhereNoImageCouldBeRead() throws IOException {
    run("predict --weights @vgg.onnx --images @unreadable --out @clean");
    if (Files.exists(folder.resolve("clean"))) {
      try (Stream<Path> left = Files.list(folder.resolve("clean"))) {
        assertThat(left).isEmpty();
      }
    }
  }
}
