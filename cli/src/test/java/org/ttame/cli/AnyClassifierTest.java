package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.backbones.BackboneInfo;
import org.ttame.backbones.Backbones;
import org.ttame.core.Text;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.npz.Npy;
import org.ttame.training.sample.SampleData;

/**
 * The commands on classifiers of no family: trained, explained, evaluated and checked. Tiny ones of
 * every kind of layer in ordinary builds, of every kind of block and whole exported models in the
 * profile: {@code -Dttame.exports=FOLDER}, {@code -Dttame.only=NAME,NAME} in that order; {@code
 * -Dttame.table=FILE} writes after each how long it took. Whole models lose their layers in few
 * stages, as each is a model to load, and Score-CAM takes their narrowest layer, as each channel is
 * a pass.
 */
class AnyClassifierTest {
  /** Where the tiny classifiers are: beside the tests that compare them with PyTorch. */
  private static final Path BLOCKS =
      Path.of("../backbones/src/test/resources/org/ttame/backbones/blocks.zip");

  /**
   * Maps, tokens with and without others in front, a grid with channels last, a single layer, a
   * graph for two images at once.
   */
  private static final List<String> KINDS =
      List.of(
          "resnext.new",
          "registers",
          "class-attention",
          "windows.new",
          "mixer.new",
          "groups",
          "side-by-side.new");

  /** What sanity checks. */
  private static final String BOTH = "backbone,mechanism";

  private static final CommandTable TABLE = new CommandTable();

  @TempDir static Path folder;
  private static String images;

  @BeforeAll
  static void files() throws IOException {
    SampleData sample = new SampleData(folder);
    Path scenes = Files.createDirectories(folder.resolve("images"));
    for (int i = 0; i < 3; i++) {
      Files.copy(sample.images("test").path(i), scenes.resolve(Text.format("scene-%d.jpg", i)));
    }
    images = scenes.toString();
    try (InputStream in = Files.newInputStream(BLOCKS);
        ZipInputStream zip = new ZipInputStream(in)) {
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        Files.copy(zip, folder.resolve(entry.getName()));
      }
    }
  }

  @TestFactory
  Stream<DynamicTest> commandsWorkOnEveryKindOfLayer() {
    // Every stage of the classifier's randomisation imports it again: one of maps, one of tokens.
    return KINDS.stream()
        .map(
            name ->
                test(folder.resolve(name + ".onnx"), KINDS.indexOf(name) < 2 ? BOTH : "mechanism"));
  }

  /** That a graph is for two images at once is said once, and recorded with the run. */
  @Test
  void aBatchOfItsOwnIsSaidOnce() throws IOException {
    Path file = folder.resolve("side-by-side.new.onnx");
    Path run = folder.resolve("side-by-side-run");
    String said = "its graph is for 2 images at once";
    Ttame.Result trained =
        ok(
            "train --weights @ --data @ --batch-size 3 --max-steps 1 --report 0 --run @",
            file,
            images,
            run);
    assertThat(trained.err()).containsOnlyOnce(said);
    assertThat(run.resolve("run.json")).content().contains("own_batch");
    Ttame.Result explained =
        ok("explain --run @ --images @ --out @", run, images, folder.resolve("side-by-side-maps"));
    assertThat(explained.err()).doesNotContain(said);
    areMaps(folder.resolve("side-by-side-maps"), 3);
    Ttame.Result inspected = ok("inspect --json @", file);
    assertThat(inspected.out()).contains(said);
  }

  @TestFactory
  @Tag("fullsize")
  Stream<DynamicTest> commandsWorkOnEveryKindOfBlock() throws IOException {
    return onnx(folder).filter(file -> !KINDS.contains(name(file))).map(file -> test(file, BOTH));
  }

  @TestFactory
  @Tag("fullsize")
  Stream<DynamicTest> commandsWorkOnWholeModels() throws IOException {
    String exports = System.getProperty("ttame.exports");
    assumeTrue(exports != null, "-Dttame.exports=FOLDER names no folder of exports");
    String only = System.getProperty("ttame.only", "");
    Stream<Path> files =
        only.isEmpty()
            ? onnx(Path.of(exports))
            : Stream.of(only.split(",", -1)).map(name -> Path.of(exports, name + ".onnx"));
    return files.map(
        file ->
            DynamicTest.dynamicTest(
                name(file),
                () -> {
                  try {
                    everyCommandWorks(file, BOTH + " --stages 3", narrowest(file));
                  } finally {
                    write();
                  }
                }));
  }

  private static Stream<Path> onnx(Path where) throws IOException {
    try (Stream<Path> files = Files.list(where)) {
      return files.filter(file -> file.toString().endsWith(".onnx")).sorted().toList().stream();
    }
  }

  private static String name(Path file) {
    return String.valueOf(file.getFileName()).replaceFirst("\\.onnx$", "");
  }

  private static DynamicTest test(Path file, String checks) {
    return DynamicTest.dynamicTest(
        name(file), () -> everyCommandWorks(file, checks, Optional.empty()));
  }

  /** The layer that Score-CAM explains with the fewest passes. */
  private static Optional<FeatureLayer> narrowest(Path file) throws IOException {
    BackboneInfo info = Backbones.inspect(file);
    return info.layers().stream()
        .filter(layer -> info.defaultLayers().contains(layer.node()))
        .min(Comparator.comparingInt(FeatureLayer::channels));
  }

  private static void everyCommandWorks(Path file, String checks, Optional<FeatureLayer> scored)
      throws IOException {
    CommandTable.Row row = TABLE.row(name(file));
    Path out = Files.createDirectories(folder.resolve(name(file)));
    String run = out.resolve("run").toString();
    row.time(
        () ->
            ok(
                "train --weights @ --data @ --batch-size 2 --max-steps 2 --report 0 --run @",
                file,
                images,
                run));
    for (String method : List.of("ttame", "gradcam", "gradcam++", "rise --rise-masks 16")) {
      row.time(() -> explain(run, method, 2, out));
    }
    String layer = scored.map(it -> " --layer " + it.node()).orElse("");
    row.time(() -> explain(run, "scorecam" + layer, 1, out));
    scored.ifPresent(it -> row.note(it.channels() + " channels"));
    row.time(
        () -> {
          Ttame.Result table =
              ok(
                  "evaluate --run @ --data @ --limit 2 --methods ttame,gradcam,rise --rise-masks 8 --gallery 0 --out @",
                  run,
                  images,
                  out.resolve("metrics"));
          assertThat(table.out()).contains("T-TAME", "Grad-CAM", "RISE");
        });
    row.time(
        () -> {
          Ttame.Result verdicts =
              ok(
                  "sanity --run @ --data @ --limit 1 --methods gradcam --shown 1 --out @ --checks "
                      + checks,
                  run,
                  images,
                  out.resolve("sanity"));
          assertThat(verdicts.out())
              .contains(
                  Stream.of(checks.split(" ", -1)[0].split(",", -1)).map(c -> c + ", ").toList());
        });
    if (scored.isPresent()) {
      row.note("3 stages");
    }
  }

  private static void explain(String run, String method, int count, Path out) throws IOException {
    Path maps = out.resolve(method.substring(0, 4) + method.length());
    ok("explain --run @ --images @ --limit @ --out @ --method " + method, run, images, count, maps);
    areMaps(maps, count);
  }

  /** Float32 in [0, 1], from end to end where they are not constant. */
  private static void areMaps(Path where, int count) throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.walk(where)) {
      files = all.filter(file -> file.toString().endsWith(".npy")).toList();
    }
    assertThat(files).hasSize(count);
    for (Path file : files) {
      try (INDArray map = Npy.read(file)) {
        double top = map.maxNumber().doubleValue();
        assertThat(map.minNumber().doubleValue()).as("%s", file).isZero();
        assertThat(top).as("%s", file).isIn(0.0, 1.0);
      }
    }
  }

  @AfterAll
  static void write() throws IOException {
    String table = System.getProperty("ttame.table");
    if (table != null) {
      TABLE.write(Path.of(table));
    }
  }

  /** A command that must succeed; each {@code @} is the next argument. */
  private static Ttame.Result ok(String line, Object... arguments) {
    List<String> words = new ArrayList<>();
    Iterator<Object> next = Arrays.asList(arguments).iterator();
    for (String word : line.split(" ", -1)) {
      words.add(word.equals("@") ? String.valueOf(next.next()) : word);
    }
    return Ttame.ok(words.toArray(String[]::new));
  }
}
