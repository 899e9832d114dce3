package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is in the jar, and what it says of the licences. */
class LicencesIT {
  private ZipFile jar;
  private Set<String> files;

  @BeforeEach
  void open() throws IOException {
    jar = new ZipFile(System.getProperty("ttame.jar"));
    files =
        jar.stream()
            .filter(entry -> !entry.isDirectory())
            .map(entry -> entry.getName())
            .collect(Collectors.toSet());
  }

  @AfterEach
  void close() throws IOException {
    jar.close();
  }

  /** The licence plugin fails on an unknown licence; here each known one has its text. */
  @Test
  void everyArtefactHasItsLicenceAndTheText() throws IOException {
    String list = text("META-INF/THIRD-PARTY.txt");
    List<String> missing = new ArrayList<>();
    JsonNode components =
        new ObjectMapper().readTree(text("META-INF/sbom/ttame.cdx.json")).get("components");
    int strangers = 0;
    for (JsonNode component : components) {
      if (component.get("group").asText().equals("org.ttame")) {
        continue;
      }
      strangers++;
      String name = component.get("name").asText();
      String version = component.get("version").asText();
      String key = component.get("group").asText() + ":" + name + ":" + version;
      String line = list.lines().filter(l -> l.contains("(" + key + " ")).findFirst().orElse(null);
      if (line == null) {
        missing.add(key + " is not in the list");
        continue;
      }
      String own = "META-INF/licenses/" + name + "-" + version + "-jar/";
      if (files.stream().noneMatch(file -> file.startsWith(own)) && !hasText(line)) {
        missing.add(key + " has no text: " + line);
      }
    }
    assertThat(strangers).isGreaterThan(50);
    assertThat(missing).isEmpty();
  }

  private boolean hasText(String line) {
    Matcher licence = Pattern.compile("\\(([A-Z][A-Za-z]+-[0-9.]+(-Clause)?)\\)").matcher(line);
    while (licence.find()) {
      String id = licence.group(1);
      if (id.equals("Apache-2.0") || files.contains("META-INF/licenses/" + id + ".txt")) {
        return true;
      }
    }
    return false;
  }

  @Test
  void theLicenceIsApaches() throws IOException {
    assertThat(text("META-INF/LICENSE")).contains("Apache License", "Version 2.0, January 2004");
  }

  /** What is in native code no plugin sees. */
  @Test
  void everyNativeLibraryIsNamed() throws IOException {
    String notice = text("META-INF/NOTICE").toLowerCase(Locale.ROOT);
    Pattern library = Pattern.compile("(?:lib)?([^/.]+)\\.(?:[0-9.]*dylib|so|dll)(?:\\.[0-9.]+)?$");
    Set<String> names =
        files.stream()
            .map(file -> library.matcher(file.substring(file.lastIndexOf('/') + 1)))
            .filter(Matcher::matches)
            .map(match -> match.group(1).toLowerCase(Locale.ROOT).replaceAll("[-_0-9]+$", ""))
            // The bindings and parts of what is named.
            .filter(name -> !name.startsWith("jni") && !name.startsWith("opencv_"))
            .filter(name -> !name.startsWith("nd4j") && !name.startsWith("api-ms-win"))
            .collect(Collectors.toSet());
    assertThat(names).contains("openblas").allMatch(notice::contains);
    for (String part : List.of("libpng", "libjpeg-turbo", "libtiff", "openexr", "jasper")) {
      assertThat(notice).contains(part);
      assertThat(files).anyMatch(file -> file.contains("share/licenses/opencv4/" + part));
    }
  }

  /** What ND4J and DataVec bring along for other uses is half a hundred megabytes. */
  @Test
  void whatNothingReachesIsLeftOut() {
    for (String unused :
        List.of("it/unimi/", "freemarker/", "org/joda/", "com/twelvemonkeys/", "com/github/jai")) {
      assertThat(files).noneMatch(file -> file.startsWith(unused));
    }
    assertThat(files.stream().filter(file -> file.matches(".*/libopencv_[^/]*\\.so[^/]*")))
        .extracting(file -> file.replaceAll(".*/libopencv_|\\.so.*", ""))
        .isSubsetOf("core", "imgproc", "imgcodecs");
  }

  /** What untrusted input reaches: SECURITY.md names the versions that are in the jar. */
  @Test
  void securityNamesTheVersionsInTheJar() throws IOException {
    Map<String, String> named =
        Map.of(
            "jackson-databind", "Jackson",
            "jetty-server", "Jetty",
            "deeplearning4j-nn", "DL4J",
            "opencv", "OpenCV",
            "flatbuffers-java", "FlatBuffers",
            "jna", "JNA",
            "oshi-core", "OSHI");
    Set<String> expected = new TreeSet<>();
    for (JsonNode component :
        new ObjectMapper().readTree(text("META-INF/sbom/ttame.cdx.json")).get("components")) {
      String name = named.get(component.get("name").asText());
      if (name != null) {
        // OpenCV's own version, without that of its bindings.
        String version = component.get("version").asText();
        expected.add(
            name
                + " "
                + (name.equals("OpenCV") ? version.substring(0, version.indexOf('-')) : version));
      }
    }
    assertThat(expected).hasSameSizeAs(named.keySet());
    assertThat(Files.readString(Path.of("..", "SECURITY.md"))).contains(expected);
  }

  private String text(String name) throws IOException {
    return new String(
        jar.getInputStream(jar.getEntry(name)).readAllBytes(), StandardCharsets.UTF_8);
  }
}
