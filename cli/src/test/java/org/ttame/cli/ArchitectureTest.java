package org.ttame.cli;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.AccessTarget;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Which module may depend on which, and what only cli may carry. */
@AnalyzeClasses(
    packages = "org.ttame",
    importOptions = {ImportOption.DoNotIncludeTests.class, ArchitectureTest.NoTestJars.class})
class ArchitectureTest {
  /** Once packaged, core's test classes come in a jar, which the stock option does not know. */
  static final class NoTestJars implements ImportOption {
    @Override
    public boolean includes(Location location) {
      return !location.contains("-tests.jar");
    }
  }

  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final List<String> LIBRARIES =
      List.of(
          "core/base", "core/engine", "core/image", "core/method", "backbones", "training", "eval");

  @ArchTest
  static final ArchRule DEPENDENCIES =
      layeredArchitecture()
          .consideringOnlyDependenciesInAnyPackage("org.ttame..")
          .layer("base")
          .definedBy("org.ttame.core", "org.ttame.core.storage..", "org.ttame.core.provenance..")
          .layer("engine")
          .definedBy("org.ttame.core.engine..")
          .layer("image")
          .definedBy("org.ttame.core.image..", "org.ttame.core.npz..")
          .layer("method")
          .definedBy(
              "org.ttame.core.classifier..",
              "org.ttame.core.attention..",
              "org.ttame.core.masking..",
              "org.ttame.core.loss..")
          .layer("backbones")
          .definedBy("org.ttame.backbones..")
          .layer("training")
          .definedBy("org.ttame.training..")
          .layer("explainers")
          .definedBy("org.ttame.eval.explain..")
          .layer("metrics")
          .definedBy(
              "org.ttame.eval.metric..",
              "org.ttame.eval.road..",
              "org.ttame.eval.statistics..",
              "org.ttame.eval.sanity..",
              "org.ttame.eval.evaluation..")
          .layer("report")
          .definedBy(
              "org.ttame.eval.render..",
              "org.ttame.eval.output..",
              "org.ttame.eval.report..",
              "org.ttame.eval.figure..",
              "org.ttame.eval.gallery..")
          .layer("services")
          .definedBy(
              "org.ttame.services..", "org.ttame.eval.experiment..", "org.ttame.eval.bench..")
          .layer("cli")
          .definedBy("org.ttame.cli..")
          .whereLayer("base")
          .mayNotAccessAnyLayer()
          .whereLayer("engine")
          .mayOnlyAccessLayers("base")
          .whereLayer("image")
          .mayOnlyAccessLayers("base")
          .whereLayer("method")
          .mayOnlyAccessLayers("image", "engine", "base")
          .whereLayer("backbones")
          .mayOnlyAccessLayers("method", "image", "engine", "base")
          .whereLayer("training")
          .mayOnlyAccessLayers("backbones", "method", "image", "engine", "base")
          .whereLayer("explainers")
          .mayOnlyAccessLayers("method", "image", "engine", "base")
          .whereLayer("metrics")
          .mayOnlyAccessLayers(
              "explainers", "training", "backbones", "method", "image", "engine", "base")
          .whereLayer("report")
          .mayOnlyAccessLayers(
              "metrics", "explainers", "training", "backbones", "method", "image", "engine", "base")
          .whereLayer("services")
          .mayOnlyAccessLayers(
              "report",
              "metrics",
              "explainers",
              "training",
              "backbones",
              "method",
              "image",
              "engine",
              "base")
          .whereLayer("cli")
          .mayNotBeAccessedByAnyLayer()
          .ensureAllClassesAreContainedInArchitecture();

  @ArchTest
  static final ArchRule LOGGING_BACKEND_STAYS_OUT =
      noClasses().should().dependOnClassesThat().resideInAPackage("ch.qos.logback..");

  @ArchTest
  static final ArchRule COMMAND_LINE_STAYS_IN_CLI =
      noClasses()
          .that()
          .resideOutsideOfPackage("org.ttame.cli..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("org.apache.commons.cli..");

  @ArchTest
  static final ArchRule NO_CIRCLES = slices().matching("org.ttame.(**)").should().beFreeOfCycles();

  /** What is written to the NIO buffer of an array is not known to a device. */
  @ArchTest
  static final ArchRule ONLY_HOST_MEMORY_TAKES_BUFFERS =
      noClasses()
          .that()
          .doNotHaveFullyQualifiedName("org.ttame.core.engine.HostMemory")
          .should()
          .accessTargetWhere(
              DescribedPredicate.describe(
                  "take an array's buffer",
                  access -> access.getTarget().getName().startsWith("asNio")));

  /** What opens a file to read it. */
  private static final DescribedPredicate<JavaAccess<?>> OPENS_A_FILE =
      DescribedPredicate.describe(
          "open a file",
          access -> {
            if (!(access.getTarget() instanceof AccessTarget.CodeUnitAccessTarget target)) {
              return false;
            }
            String method = target.getName();
            List<String> parameters =
                target.getRawParameterTypes().stream().map(JavaClass::getName).toList();
            boolean constructor = method.equals("<init>");
            return switch (access.getTargetOwner().getName()) {
              case "java.nio.file.Files" ->
                  Set.of(
                              "newInputStream",
                              "newBufferedReader",
                              "newByteChannel",
                              "readString",
                              "readAllLines",
                              "readAllBytes",
                              "lines")
                          .contains(method)
                      || (method.equals("copy") && parameters.get(0).endsWith("Path"));
              case "java.nio.channels.FileChannel", "java.nio.channels.AsynchronousFileChannel" ->
                  method.equals("open");
              case "java.io.FileInputStream",
                      "java.io.FileReader",
                      "java.io.RandomAccessFile",
                      "java.util.Scanner",
                      "java.util.zip.ZipFile",
                      "java.util.jar.JarFile" ->
                  constructor;
              case "java.nio.file.Path" -> method.equals("toFile");
              case "java.net.URL" -> method.equals("openStream");
              case "javax.imageio.ImageIO" -> method.equals("read");
              default -> false;
            };
          });

  /** Those who may: the gate itself, and who looks at files that nobody names. */
  private static final List<String> MAY_OPEN_FILES =
      List.of(
          "org.ttame.core.storage.InputFile",
          // looks at what it is before it opens it, to count kinds of unreadable images
          "org.ttame.core.image.ImageReader",
          // the system's own
          "org.ttame.core.engine.CoreShortage",
          "org.ttame.core.engine.NativeBinary",
          "org.ttame.cli.Engine",
          "org.ttame.services.BatchFit",
          "org.ttame.eval.bench.ResidentMemory",
          // to write
          "org.ttame.core.storage.AtomicFile",
          "org.ttame.core.storage.PartFile",
          "org.ttame.eval.sanity.MapStore",
          "org.ttame.eval.evaluation.RecordStore",
          "org.ttame.eval.output.EvaluationFolder",
          "org.ttame.training.run.StepLog",
          "org.ttame.training.run.RunFolder");

  @ArchTest
  static final ArchRule FILES_ARE_READ_THROUGH_THE_GATE =
      noClasses()
          .that(
              DescribedPredicate.describe(
                  "are not listed", type -> !MAY_OPEN_FILES.contains(type.getFullName())))
          .should()
          .accessTargetWhere(OPENS_A_FILE);

  /** An exception that nobody needs any more would hide the next file opened there. */
  @ArchTest
  static void everyExceptionOpensFiles(JavaClasses classes) {
    assertThat(MAY_OPEN_FILES)
        .allSatisfy(
            name ->
                assertThat(classes.get(name).getAccessesFromSelf())
                    .as(name)
                    .anyMatch(OPENS_A_FILE));
  }

  @ArchTest
  static void onlyConstantsAreStatic(JavaClasses classes) {
    List<String> mutable =
        classes.stream()
            .map(JavaClass::getFields)
            .flatMap(fields -> fields.stream())
            .filter(field -> field.getModifiers().contains(JavaModifier.STATIC))
            .filter(field -> !field.getModifiers().contains(JavaModifier.FINAL))
            .map(JavaField::getFullName)
            .toList();
    assertThat(mutable).isEmpty();
  }

  /** Who uses a library picks backend and logging; to compile against is all a library may. */
  @Test
  void librariesLeaveNativesAndLoggingToTheProgram() throws IOException {
    Pattern native_ =
        Pattern.compile(
            "<dependency>(?:(?!</dependency>).)*(?:nd4j-native|nd4j-cuda|logback"
                + "|<classifier>\\$\\{javacpp)(?:(?!</dependency>).)*</dependency>",
            Pattern.DOTALL);
    for (String module : LIBRARIES) {
      String pom = Files.readString(ROOT.resolve(module).resolve("pom.xml"));
      assertThat(native_.matcher(pom).results().map(match -> match.group()))
          .as(module)
          .allMatch(dependency -> dependency.matches("(?s).*<scope>(test|provided)</scope>.*"));
    }
  }

  @Test
  void coreKnowsNoBackboneByName() throws IOException {
    Pattern name = Pattern.compile("(?i)\"[^\"]*(vgg|resnet|vit_b|encoder_layer)[^\"]*\"");
    try (Stream<Path> sources = Files.walk(ROOT.resolve("core"))) {
      List<String> named =
          sources
              .filter(file -> file.toString().contains("/src/main/java/"))
              .filter(file -> file.toString().endsWith(".java"))
              .flatMap(
                  file ->
                      lines(file)
                          .filter(line -> name.matcher(line).find())
                          .map(line -> file.getFileName() + ": " + line.strip()))
              .toList();
      assertThat(named).isEmpty();
    }
  }

  private static Stream<String> lines(Path file) {
    try {
      return Files.readAllLines(file).stream();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
