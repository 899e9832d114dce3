package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ttame.core.Text;

class DoctorCommandTest {
  @Test
  void printsWhatWasExpectedAndFound() throws Exception {
    Ttame.Result printed = Ttame.run("doctor", "--threads", "1");
    assertThat(printed.code()).isZero();
    assertThat(printed.out())
        .contains("native binary ")
        .contains("ok    operator gelu, forwards: expected ")
        .contains("ok    family vit, loss of training step 2: expected ")
        .doesNotContain("WRONG");
    assertThat(printed.err()).contains("checks passed");
    JsonNode report = new ObjectMapper().readTree(Ttame.run("doctor", "--json", "--quiet").out());
    Schemas.requireValid("doctor", report.toString());
    assertThat(report.path("passed").asBoolean()).isTrue();
    assertThat(report.path("checks").size())
        .isEqualTo(printed.out().lines().filter(line -> line.startsWith("ok")).count());
    assertThat(report.path("checks").findValuesAsText("tolerance")).doesNotContain("");
  }

  /** Neither the home nor the temporary folder is one: said once, without a stack trace. */
  @Test
  void namesWhereNativesCannotBeUnpacked(@TempDir Path folder) throws Exception {
    Path file = Files.createFile(folder.resolve("file"));
    assertThat(fails("-Duser.home=" + file, "-Djava.io.tmpdir=" + file))
        .isEqualTo(
            Text.format(
                "ttame: native libraries cannot be unpacked: no folder can be made in '%s' or '%s';"
                    + " name one that can be written by java -Dorg.bytedeco.javacpp.cachedir=DIR%n",
                file, file));
  }

  /** As the jar for one platform ends on another: the class path lacks what that one loads. */
  @Test
  void namesThePlatformWhoseNativesAreMissing() throws Exception {
    assertThat(fails("-Dorg.bytedeco.javacpp.platform=plan9-mips"))
        .startsWith("ttame: the native libraries for plan9-mips cannot be loaded (no jni")
        .contains("-Pplan9-mips -Djavacpp.platform=plan9-mips")
        .doesNotContain("java.library.path", "unexpected")
        .hasLineCount(1);
  }

  /** What doctor prints in a JVM with these options, where it exits with 1. */
  private static String fails(String... options) throws Exception {
    List<String> line = new ArrayList<>(List.of(options));
    line.add(0, Path.of(System.getProperty("java.home"), "bin", "java").toString());
    line.addAll(
        List.of("-cp", System.getProperty("java.class.path"), Main.class.getName(), "doctor"));
    Process process = new ProcessBuilder(line).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(said).isEqualTo(1);
    return said;
  }
}
