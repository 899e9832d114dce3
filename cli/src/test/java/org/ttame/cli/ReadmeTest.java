package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.ttame.backbones.Backbones;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.core.attention.ClassChoice;
import org.ttame.core.attention.MapExplainer;
import org.ttame.core.attention.Variant;
import org.ttame.core.engine.ComputingThreads;
import org.ttame.core.npz.Npz;
import org.ttame.training.Trainer;
import org.ttame.training.TrainingOptions;
import org.ttame.training.sample.SampleData;

/** The Java of README and docs/java.md, run as written there. */
class ReadmeTest {
  private static final Path README = Path.of("..", "README.md");
  private static final Path GUIDE = Path.of("docs", "java.md");
  private static final Path SOURCE =
      Path.of("src", "test", "java", "org", "ttame", "cli", "ReadmeTest.java");

  @TempDir Path folder;

  @Test
  void showsTheCodeThatRunsHere() throws IOException {
    String guide = unindented(Files.readString(GUIDE));
    String source = Files.readString(SOURCE);
    assertThat(guide).contains(snippet(source, "TRAINING"), snippet(source, "PER THREAD"));
  }

  /** The program that ExamplesIT runs, and its pom.xml. */
  @Test
  void showsTheProgramOutside() throws IOException {
    String guide = unindented(Files.readString(GUIDE));
    Path project = Path.of("examples", "java", "photograph");
    String program =
        Files.readString(project.resolve(Path.of("src", "main", "java", "ExplainPhotograph.java")));
    String lines =
        unindented(program.substring(program.indexOf("    try ("), program.indexOf("  }\n}")));
    assertThat(guide)
        .contains(lines)
        .contains(unindented(Files.readString(project.resolve("pom.xml"))));
    assertThat(unindented(Files.readString(README))).contains(lines);
  }

  @Test
  void trainsExplainsSavesAndLoads() throws IOException {
    Path onnx = new SampleData(folder).backbone("vgg");
    Path npz = folder.resolve("attention.npz");
    Iterator<INDArray> batches = Stream.generate(() -> Nd4j.rand(2, 64, 64, 3)).limit(2).iterator();
    INDArray images = Nd4j.randn(2, 64, 64, 3);
    // TRAINING begins
    var classifier = Backbones.load(onnx, BackboneOptions.defaults());
    var spec = AttentionSpec.of(classifier.defaultLayers(), classifier.classes(), Variant.PROPOSED);
    var mechanism = AttentionMechanism.create(spec, 42);
    try (var trainer = new Trainer(classifier, mechanism, TrainingOptions.defaults(), 2)) {
      trainer.train(batches); // of [B, S, S, 3], values in [0, 1]
    }
    Npz.write(npz, mechanism.toNpz());
    var explainer = new MapExplainer(classifier, AttentionMechanism.fromNpz(spec, Npz.read(npz)));
    var map = explainer.explain(images, ClassChoice.fixed(3)).map(0, 0); // [h, w] in [0, 1]
    // TRAINING ends
    assertThat(map.shape()).containsExactly(16, 16);
    assertThat(map.minNumber().doubleValue()).isZero();
    assertThat(map.maxNumber().doubleValue()).isEqualTo(1);
    explainer.close();
    mechanism.close();
    classifier.close();
  }

  @Test
  void eachThreadHasItsOwn() throws Exception {
    Path onnx = new SampleData(folder).backbone("vgg");
    Path npz = folder.resolve("attention.npz");
    Map<String, INDArray> images = new HashMap<>();
    Map<String, INDArray> expected = new HashMap<>();
    try (var classifier = Backbones.load(onnx, BackboneOptions.defaults())) {
      var spec =
          AttentionSpec.of(classifier.defaultLayers(), classifier.classes(), Variant.PROPOSED);
      try (var mechanism = AttentionMechanism.create(spec, 42);
          var explainer = new MapExplainer(classifier, mechanism)) {
        Npz.write(npz, mechanism.toNpz());
        for (int i = 0; i < 12; i++) {
          String name = "image " + i;
          images.put(name, Nd4j.randn(1, 64, 64, 3));
          expected.put(
              name, explainer.explain(images.get(name), ClassChoice.predicted()).map(0, 0));
        }
        workersOfTheirOwn(onnx, npz, spec, images, expected);
      }
    }
  }

  private static void workersOfTheirOwn(
      Path onnx,
      Path npz,
      AttentionSpec spec,
      Map<String, INDArray> images,
      Map<String, INDArray> expected)
      throws Exception {
    Queue<String> names = new ConcurrentLinkedQueue<>(images.keySet());
    Map<String, INDArray> maps = new ConcurrentHashMap<>();
    ExecutorService pool = Executors.newFixedThreadPool(3);
    // PER THREAD begins
    Callable<Void> worker =
        () -> {
          ComputingThreads.use(1);
          try (var own = Backbones.load(onnx, BackboneOptions.defaults());
              var mechanism = AttentionMechanism.fromNpz(spec, Npz.read(npz));
              var explainer = new MapExplainer(own, mechanism)) {
            for (var name = names.poll(); name != null; name = names.poll()) {
              maps.put(
                  name, explainer.explain(images.get(name), ClassChoice.predicted()).map(0, 0));
            }
          }
          return null;
        };
    var done = pool.invokeAll(List.of(worker, worker, worker)); // of 3 threads
    // PER THREAD ends
    pool.shutdown();
    for (var each : done) {
      each.get();
    }
    assertThat(maps).isEqualTo(expected);
  }

  private static String snippet(String source, String name) {
    String begin = "// " + name + " begins\n";
    int from = source.indexOf(begin) + begin.length();
    int end = source.lastIndexOf('\n', source.indexOf("// " + name + " ends", from)) + 1;
    return unindented(source.substring(from, end));
  }

  private static String unindented(String text) {
    return text.lines().map(String::strip).reduce("", (all, line) -> all + line + "\n");
  }
}
