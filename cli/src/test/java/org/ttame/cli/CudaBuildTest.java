package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.Text;
import org.ttame.training.sample.SampleData;

/**
 * The build for NVIDIA on a machine without a device: every command that computes says so, and does
 * nothing else. Its stand-in is a class path with that build's mark and without ND4J's native part.
 */
class CudaBuildTest {
  /** Only names and numbers are drawn or compared: no array. */
  private static final Set<String> WITHOUT_ND4J = Set.of("split", "compare");

  @TempDir Path folder;

  @Test
  void everyComputingCommandEndsWithOneSentence() throws Exception {
    SampleData sample = new SampleData(folder.resolve("sample"));
    String weights = sample.backbone("vgg").toString();
    String images = sample.images("test").source().toString();
    String run = folder.resolve("run").toString();
    String shard = folder.resolve("shard").toString();
    Ttame.ok("train", "--out", run, "--max-steps", "1", "--report", "0", "--limit", "4");
    List<String> data = List.of("--weights", weights, "--data", images);
    Ttame.ok(
        with(
                with(List.of("evaluate"), data),
                with(
                    List.of("--methods", "random", "--metrics", "ad", "--gallery", "0"),
                    "--limit",
                    "2",
                    "--shard",
                    "0/1",
                    "--out",
                    shard))
            .toArray(String[]::new));
    Map<String, List<String>> commands = new LinkedHashMap<>();
    commands.put("train", data);
    commands.put("explain", List.of("--run", run, "--images", images));
    commands.put("predict", List.of("--weights", weights, "--images", images));
    commands.put("evaluate", List.of("--run", run, "--data", images));
    commands.put("merge", List.of(shard));
    commands.put("figures", List.of("--runs", run, "--images", images));
    commands.put("inspect", List.of(weights));
    commands.put("import", List.of("--weights", weights));
    commands.put("export", List.of("--run", run));
    commands.put("sanity", List.of("--run", run, "--data", images));
    commands.put("ablate", with(data, "--test", images));
    commands.put("lr-find", data);
    commands.put("search", with(data, "--val", images));
    commands.put("serve", List.of("--run", run, "--port", "0"));
    commands.put("bench", List.of("--weights", weights));
    commands.put("doctor", List.of());
    commands.put("version", List.of());
    Set<String> all = Main.COMMANDS.stream().map(Main.Entry::name).collect(Collectors.toSet());
    all.removeAll(WITHOUT_ND4J);
    assertThat(commands.keySet()).isEqualTo(all);

    List<String> lines = new ArrayList<>();
    for (Map.Entry<String, List<String>> command : commands.entrySet()) {
      List<String> words = with(List.of(command.getKey()), command.getValue());
      boolean writes =
          !Set.of("inspect", "serve", "bench", "doctor", "version").contains(words.get(0));
      lines.add(
          String.join(
              "\t", writes ? with(words, "--out", folder.resolve("out").toString()) : words));
    }
    Path list = Files.write(folder.resolve("commands"), lines);
    Path mark = Files.createDirectory(folder.resolve("classes"));
    Files.createFile(mark.resolve("nd4j-jcublas.properties"));
    String path =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(entry -> !Path.of(entry).getFileName().toString().startsWith("nd4j-native"))
            .collect(Collectors.joining(File.pathSeparator));
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                mark + File.pathSeparator + path,
                CudaBuildTest.class.getName(),
                list.toString())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    List<String> said;
    try (var out = process.inputReader(StandardCharsets.UTF_8)) {
      said = out.lines().toList();
    }
    assertThat(process.waitFor()).as("%s", said).isZero();
    assertThat(said).hasSize(commands.size());
    assertThat(said)
        .allSatisfy(
            line ->
                assertThat(line)
                    .matches(
                        "\\S+ exits with 1: (\\d+ other file.*; )?ttame: this build computes on NVIDIA GPUs only, and none can be used"
                            + " here \\(.*\\): install a device and its driver, or take a build for the"
                            + " processor, made without -Pcuda"));
    assertThat(folder.resolve("out")).doesNotExist();
  }

  private static List<String> with(List<String> words, String... more) {
    return with(words, List.of(more));
  }

  private static List<String> with(List<String> words, List<String> more) {
    List<String> all = new ArrayList<>(words);
    all.addAll(more);
    return all;
  }

  /**
   * Runs commands, and prints what each came to in a line.
   *
   * @param args a file with a command a line, its words between tabs
   */
  public static void main(String[] args) throws Exception {
    for (String line : Files.readAllLines(Path.of(args[0]))) {
      Ttame.Result result = Ttame.run(line.split("\t", -1));
      System.out.println(
          Text.format(
              "%s exits with %d: %s",
              line.split("\t", -1)[0],
              result.code(),
              String.join("; ", result.err().lines().toList())));
    }
    System.exit(0);
  }
}
