package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private int run(String... words) {
    return new Main(print(out), print(err)).run(List.of(words));
  }

  private static PrintStream print(ByteArrayOutputStream to) {
    return new PrintStream(to, true, StandardCharsets.UTF_8);
  }

  private String out() {
    return out.toString(StandardCharsets.UTF_8);
  }

  private String err() {
    return err.toString(StandardCharsets.UTF_8);
  }

  @Test
  void withoutACommandShowsTheCommandsAndFails() {
    assertThat(run()).isEqualTo(2);
    assertThat(out()).isEmpty();
    assertThat(err()).contains("usage: ttame COMMAND").contains("  version ");
  }

  /** A full disk or a closed pipe behind standard output. */
  @Test
  void resultsThatCannotBeWrittenAreAFailure() {
    OutputStream full =
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            throw new IOException("no space left");
          }
        };
    Main main = new Main(new PrintStream(full, true, StandardCharsets.UTF_8), print(err));
    assertThat(main.runAndFlush(List.of("help"))).isEqualTo(1);
    assertThat(err()).startsWith("ttame: standard output could not be written");
  }

  @ParameterizedTest
  @ValueSource(strings = {"--help", "-h", "help"})
  void helpGoesToStandardOutput(String word) {
    assertThat(run(word)).isZero();
    assertThat(out()).contains("usage: ttame COMMAND");
    assertThat(err()).isEmpty();
  }

  @Test
  void everyCommandExplainsItselfInHundredColumns() {
    for (Main.Entry entry : Main.COMMANDS) {
      out.reset();
      assertThat(run(entry.name(), "--help")).isZero();
      assertThat(out()).startsWith("ttame " + entry.name() + ": ").contains("\nexample:\n  ttame ");
      assertThat(out().lines()).allMatch(line -> line.length() <= 100);
      assertThat(entry.command().get().spec().name()).isEqualTo(entry.name());
      String help = out();
      out.reset();
      assertThat(run("help", entry.name())).isZero();
      assertThat(out()).isEqualTo(help);
    }
  }

  /** The example stays one line, to be pasted. */
  @ParameterizedTest
  @ValueSource(ints = {60, 79, 80})
  void helpFitsANarrowTerminal(int width) {
    assertThat(Help.general(Main.COMMANDS, width).lines()).allMatch(line -> line.length() <= width);
    for (Main.Entry entry : Main.COMMANDS) {
      CommandSpec spec = entry.command().get().spec();
      assertThat(Help.of(spec, width).lines())
          .filteredOn(line -> !line.equals("  " + spec.example()))
          .allMatch(line -> line.length() <= width);
      assertThat(words(Help.of(spec, width))).isEqualTo(words(Help.of(spec, 100)));
    }
  }

  private static List<String> words(String text) {
    return List.of(text.trim().split("\\s+", -1));
  }

  @Test
  void columnsAreThoseOfTheTerminalWithinReason() {
    assertThat(Help.width("72")).isEqualTo(72);
    assertThat(Help.width("20")).isEqualTo(60);
    assertThat(Help.width("240")).isEqualTo(100);
    for (String none : new String[] {null, "", "-5", "wide", "99999999999"}) {
      assertThat(Help.width(none)).isEqualTo(100);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "exlpain                        | 'exlpain' is not a command; did you mean explain?",
        "hlep                           | 'hlep' is not a command; did you mean help?",
        "sanity --run a                 | --data PATH is missing, and there is no folder 'a'",
        "sanity --run a --data b --threshold 2 | --threshold 2.0 is not below 1",
        "sanity --data b --weights c --methods gradcam --checks labels | --checks labels needs"
            + " --run",
        "ablate --weights a --data b    | --test PATH is missing",
        "lr-find --min-lr 1 --max-lr 0.1| --min-lr 1.0 is not below --max-lr 0.1",
        "version --thread 3             | version has no option --thread; did you mean --threads?",
        "version --banana 3             | version has no option --banana",
        "version --threads              | --threads needs a value",
        "version --threads 0            | --threads 0 is not a whole number of at least 1",
        "version --threads x            | --threads x is not a whole number of at least 1",
        "version --threads 3000000000   | --threads 3000000000 is more than the largest number,",
        "version --threads 1 --threads 2| --threads is given twice",
        "explain --method rise --methods iia| --methods is given twice",
        "version --device tpu           | --device tpu is none of cpu, cuda",
        "version here                   | 'here' is not an option or its value",
        "version --quiet --verbose      | --quiet and --verbose are mutually exclusive",
        "version --config nowhere.properties | 'nowhere.properties' does not exist",
      })
  void wrongUsageSaysWhatAndExitsWithTwo(String line, String sentence) {
    assertThat(run(line.trim().split(" ", -1))).isEqualTo(2);
    assertThat(out()).isEmpty();
    assertThat(err()).contains(sentence);
  }

  @Test
  void whatIsTypedDrivesNoTerminal() {
    assertThat(run("\u001b[2J")).isEqualTo(2);
    assertThat(run("version", "--bell\u0007")).isEqualTo(2);
    assertThat(run("version", "--config", "a\nttame: done")).isEqualTo(2);
    assertThat(err())
        .contains("'\\u001b[2J' is not a command")
        .contains("--bell\\u0007")
        .contains("a\\nttame: done");
    assertThat(err().chars()).allMatch(c -> c >= ' ' || c == '\n');
  }

  @Test
  void theCommandLineWinsOverTheConfiguration(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("my.properties");
    Files.writeString(file, "threads=3\nquiet=true\nverbose=false\n");
    CommandSpec spec = new VersionCommand().spec();
    Arguments both = read(spec, "--config", file.toString(), "--threads", "5");
    assertThat(both.text(CommonOptions.THREADS)).contains("5");
    assertThat(both.has(CommonOptions.QUIET)).isTrue();
    assertThat(both.has(CommonOptions.VERBOSE)).isFalse();
    Arguments alone = read(spec, "--config", file.toString());
    assertThat(alone.text(CommonOptions.THREADS)).contains("3");
    assertThat(alone.text(CommonOptions.DEVICE)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "thraeds=3, did you mean --threads?",
    "quiet=perhaps, quiet=perhaps must be true or false",
    "labels=C:\\users, write a backslash as \\\\",
    "'threads=2\nquiet=true\nthreads=3', threads is given twice",
    "help=true, help belongs on the command line",
    "help=false, help belongs on the command line",
    "config=other.properties, config belongs on the command line",
    "version=true, version has no option version",
  })
  void aWrongConfigurationIsWrongUsage(String content, String sentence, @TempDir Path folder)
      throws IOException {
    Path file = Files.writeString(folder.resolve("my.properties"), content);
    assertThat(run("version", "--config", file.toString())).isEqualTo(2);
    assertThat(err()).contains("my.properties").contains(sentence);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "version  | threads=0       | --threads 0 is not a whole number of at least 1 (threads in",
        "version  | device=tpu      | --device tpu is none of cpu, cuda (device in",
        "lr-find  | min-lr=1        | --min-lr 1.0 is not below --max-lr 0.1 (min-lr in",
        "evaluate | methods=a,,b    | --methods a,,b has an empty entry; separate the entries by"
            + " single commas (methods in",
        "version  | verbose=true    | --quiet and --verbose are mutually exclusive; give one"
            + " (verbose in",
      })
  void aBadValueOfAConfigurationNamesTheFile(
      String command, String content, String sentence, @TempDir Path folder) throws IOException {
    Path file = Files.writeString(folder.resolve("my.properties"), content);
    List<String> line = new ArrayList<>(List.of(command, "--config", file.toString()));
    switch (command) {
      case "version" -> line.add("--quiet");
      case "lr-find" -> line.addAll(List.of("--max-lr", "0.1"));
      default -> line.addAll(List.of("--weights", "a", "--data", "b"));
    }
    assertThat(run(line.toArray(String[]::new))).isEqualTo(2);
    assertThat(err()).contains(sentence + " '" + file + "')");
  }

  @Test
  void whatTheCommandLineSetsIsNotTheFilesFault(@TempDir Path folder) throws IOException {
    Path file = Files.writeString(folder.resolve("my.properties"), "threads=4");
    assertThat(run("version", "--config", file.toString(), "--threads", "0")).isEqualTo(2);
    assertThat(err()).contains("--threads 0 is not").doesNotContain("my.properties");
  }

  @Test
  void theGpuNeedsABuildOfItsOwn() {
    assertThat(run("version", "--device", "cuda")).isEqualTo(1);
    assertThat(err()).contains("--device cuda").contains("-Pcuda");
  }

  private static Arguments read(CommandSpec spec, String... words) {
    try {
      return CommandLineReader.read(spec, List.of(words));
    } catch (UsageException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void whereNothingCanBeWrittenNoCommandBegins(@TempDir Path folder) throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "in the way");
    String model = "--weights none.onnx";
    List<String> lines =
        List.of(
            "train " + model + " --data none",
            "explain " + model + " --images none --method gradcam",
            "predict " + model + " --images none",
            "evaluate " + model + " --data none --methods gradcam",
            "compare none nil",
            "merge none",
            "figures --figures road",
            "export --run none",
            "import " + model,
            "sanity --run none --data none",
            "ablate",
            "lr-find",
            "search",
            "split --data none",
            "bench " + model);
    for (Main.Entry entry : Main.COMMANDS) {
      if (entry.command().get().spec().options().stream().anyMatch(o -> o.name().equals("out"))) {
        String line =
            lines.stream()
                .filter(l -> (l + " ").startsWith(entry.name() + " "))
                .findFirst()
                .orElseThrow();
        err.reset();
        String words = line + " --out " + file.resolve("x/y");
        assertThat(run(words.split(" ", -1))).as(line).isEqualTo(1);
        assertThat(err())
            .contains("Cannot write into")
            .contains("'" + file + "' is a file where a folder is needed");
      }
    }
    assertThat(file).hasContent("in the way");
    assertThat(folder).isDirectoryContaining(file::equals);
  }
}
