package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Services name options without dashes, so that a page and a job can show what they say. */
class OptionNamesTest {
  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

  /** Commands of other programs, in sentences that tell how to convert a file. */
  private static final Pattern OTHER_PROGRAMS =
      Pattern.compile("tf2onnx|optimum-cli|--output model\\.onnx");

  @Test
  void sentencesNameOptionsAsTheyAreTyped() {
    assertThat(OptionSpec.typed("give option 'mean' and option 'std'; not option 'no such'"))
        .isEqualTo("give --mean and --std; not option 'no such'");
    assertThat(OptionSpec.typed("adoption 'mean' of 'mean'"))
        .isEqualTo("adoption 'mean' of 'mean'");
  }

  @Test
  void servicesTypeNothing() throws IOException {
    Pattern typed = Pattern.compile("\"[^\"]*--[a-z]");
    assertThat(
            sources()
                .filter(line -> typed.matcher(line).find())
                .filter(line -> !OTHER_PROGRAMS.matcher(line).find()))
        .isEmpty();
  }

  @Test
  void everyOptionThatTheyNameExists() throws IOException {
    Set<String> options =
        Main.COMMANDS.stream()
            .flatMap(entry -> entry.command().get().spec().options().stream())
            .map(OptionSpec::name)
            .collect(Collectors.toSet());
    Pattern named = Pattern.compile("\\boption '([^']*)'");
    List<String> names =
        sources()
            .flatMap(line -> named.matcher(line).results().map(match -> match.group(1)))
            .distinct()
            .toList();
    assertThat(names).contains("weights", "out", "mean");
    assertThat(options).containsAll(names);
  }

  /** All lines of code outside cli that are no comments. */
  private static Stream<String> sources() throws IOException {
    List<Path> files;
    try (Stream<Path> walk = Files.walk(ROOT)) {
      files =
          walk.filter(file -> file.toString().endsWith(".java"))
              .filter(file -> file.toString().contains("/src/main/java/"))
              .filter(file -> !file.startsWith(ROOT.resolve("cli")))
              .toList();
    }
    assertThat(files).hasSizeGreaterThan(100);
    List<String> lines = new java.util.ArrayList<>();
    for (Path file : files) {
      Files.readAllLines(file).stream()
          .filter(line -> !line.strip().startsWith("*") && !line.strip().startsWith("//"))
          .forEach(lines::add);
    }
    return lines.stream();
  }
}
