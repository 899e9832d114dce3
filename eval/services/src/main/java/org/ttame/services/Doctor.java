package org.ttame.services;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.DoubleSupplier;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.ttame.backbones.Backbones;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.ProgressListener;
import org.ttame.core.Text;
import org.ttame.core.attention.AttentionMechanism;
import org.ttame.core.attention.AttentionSpec;
import org.ttame.core.attention.Variant;
import org.ttame.core.classifier.ClassifierOutput;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.classifier.InputGradient;
import org.ttame.core.engine.ComputingThreads;
import org.ttame.core.image.ImageReader;
import org.ttame.core.image.RgbImage;
import org.ttame.core.npz.Npz;
import org.ttame.eval.bench.ResidentMemory;
import org.ttame.training.ClassDraws;
import org.ttame.training.Trainer;
import org.ttame.training.TrainingOptions;

/**
 * Can the results of this installation be trusted? Computes small things whose right results are
 * known and stored beside this class (make_doctor.py): what PyTorch in double precision and Pillow
 * make of the same inputs. Takes seconds, on any backend.
 */
public final class Doctor {
  /** A classifier of 8×8 images around each operator that has been found wrong somewhere. */
  static final List<String> OPERATORS =
      List.of(
          "max-pool-padding",
          "max-pool-ceil",
          "average-pool-padding",
          "gelu",
          "layer-norm",
          "batch-norm",
          "softmax",
          "tanh-near-zero",
          "hard-sigmoid",
          "maximum-broadcast",
          "convolution-stride-2",
          "convolution-7-stride-2",
          "convolution-1-stride-2",
          "convolution-groups",
          "convolution-depthwise",
          "convolution-dilated",
          "resize-bilinear");

  static final List<String> FAMILIES = List.of("vgg", "resnet", "vit");

  static final List<String> PICTURES =
      List.of(
          "16bit-type2.png",
          "palette-200.png",
          "progressive-422.jpg",
          "baseline-420.jpg",
          "lossy.webp",
          "lossless.webp",
          "animated.gif",
          "32bit.bmp");

  private static final String GOLDEN = "golden.npz";

  /** Of the largest value. Single precision is as far from double by a tenth of it at most. */
  private static final double TOLERANCE = 1e-4;

  /** Passes that are not counted: buffers are taken, code is compiled. */
  private static final int WARM_UP = 50;

  private static final int PASSES = 300;

  /** What the process may grow by over those passes; one lost array a pass would be 14 MiB. */
  private static final double GROWTH = 8;

  /** A leak shows every time; Java collects its garbage, and is then not to be told from one. */
  private static final int ROUNDS = 5;

  private final ProgressListener listener;
  private final List<Check> checks = new ArrayList<>();
  private int attempts;

  /**
   * One thing that was looked at.
   *
   * @param name what
   * @param expected what is right
   * @param found what this installation gives
   * @param tolerance how far from it is still right, in words
   * @param passed whether it is right
   */
  public record Check(
      String name, String expected, String found, String tolerance, boolean passed) {}

  private Doctor(ProgressListener listener) {
    this.listener = listener;
  }

  /**
   * Looks at everything. ND4J has been started, with the threads that are to be used.
   *
   * @return what was found, in a fixed order
   * @throws IOException if the stored values cannot be unpacked
   */
  public static List<Check> run(ProgressListener listener) throws IOException {
    return run(listener, golden -> {});
  }

  /** The same with other stored values, for a test. */
  static List<Check> run(ProgressListener listener, Consumer<Map<String, INDArray>> change)
      throws IOException {
    Path folder = Files.createTempDirectory("ttame-doctor");
    Doctor doctor = new Doctor(listener);
    try {
      doctor.look(folder, change);
    } finally {
      try (Stream<Path> files = Files.list(folder)) {
        for (Path file : files.toList()) {
          Files.delete(file);
        }
      }
      Files.delete(folder);
    }
    return List.copyOf(doctor.checks);
  }

  private void look(Path folder, Consumer<Map<String, INDArray>> change) throws IOException {
    listener.begin("checking", PICTURES.size() + OPERATORS.size() + FAMILIES.size() + 2L, 0);
    Map<String, INDArray> golden = Npz.read(unpack(GOLDEN, folder));
    change.accept(golden);
    for (String picture : PICTURES) {
      attempt("decoder " + picture, () -> decoder(picture, folder, golden));
    }
    for (String operator : OPERATORS) {
      attempt("operator " + operator, () -> bothWays("operator ", operator, folder, golden));
    }
    for (String family : FAMILIES) {
      attempt(
          "family " + family,
          () -> {
            bothWays("family ", family, folder, golden);
            steps(family, folder, golden);
          });
    }
    attempt("threads", () -> threads(folder, golden));
    attempt("memory", () -> memory(folder, golden));
    golden.values().forEach(INDArray::close);
  }

  private interface Work {
    void run() throws IOException;
  }

  /** What cannot be computed at all is a finding, and no reason to look no further. */
  private void attempt(String name, Work work) {
    try {
      work.run();
    } catch (IOException | RuntimeException | LinkageError e) {
      checks.add(new Check(name, "a result", e.toString(), "none", false));
    }
    listener.advance(++attempts, name);
  }

  private void decoder(String name, Path folder, Map<String, INDArray> golden) throws IOException {
    RgbImage image = new ImageReader().read(unpack(name, folder));
    INDArray expected = golden.get(name + ".pixels");
    int differing = 0;
    byte[] samples = image.samples();
    boolean sized = image.height() == expected.size(0) && samples.length == expected.length();
    if (sized) {
      byte[] right = bytes(expected);
      for (int i = 0; i < samples.length; i++) {
        differing += samples[i] == right[i] ? 0 : 1;
      }
    }
    checks.add(
        new Check(
            "decoder " + name,
            Text.format("%d×%d pixels of Pillow's", expected.size(1), expected.size(0)),
            sized
                ? Text.format("%d values differ", differing)
                : Text.format("%d×%d pixels", image.width(), image.height()),
            "none",
            sized && differing == 0));
  }

  private static byte[] bytes(INDArray pixels) {
    int[] values = pixels.reshape(pixels.length()).castTo(DataType.INT32).toIntVector();
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return bytes;
  }

  /** Logits, and the gradient of the cross-entropy at the images. */
  private void bothWays(String kind, String name, Path folder, Map<String, INDArray> golden)
      throws IOException {
    int[] labels = golden.get(name + ".labels").toIntVector();
    try (FrozenClassifier classifier = classifier(name, folder);
        INDArray images = images(golden.get(name + ".images"));
        ClassifierOutput forward = classifier.forward(images, List.of());
        InputGradient backward = classifier.crossEntropyGradient(images, labels)) {
      closeTo(kind + name + ", forwards", golden.get(name + ".logits"), forward.logits());
      closeTo(kind + name + ", backwards", golden.get(name + ".gradient"), backward.gradient());
    }
  }

  private void closeTo(String name, INDArray expected, INDArray found) {
    double worst = 0;
    int at = 0;
    double largest = 0;
    double[] right = expected.reshape(expected.length()).castTo(DataType.DOUBLE).toDoubleVector();
    double[] ours = found.dup('c').reshape(found.length()).castTo(DataType.DOUBLE).toDoubleVector();
    for (int i = 0; i < right.length; i++) {
      double difference = Math.abs(ours[i] - right[i]);
      largest = Math.max(largest, Math.abs(right[i]));
      if (!(difference <= worst)) { // not a number is the worst
        worst = difference;
        at = i;
      }
    }
    checks.add(
        new Check(
            name,
            Text.format("%.6g at value %d of %d", right[at], at, right.length),
            Text.format("%.6g, the farthest", ours[at]),
            Text.format("%.1g", TOLERANCE * largest),
            worst <= TOLERANCE * largest));
  }

  /** Two training steps: the second one's loss shows what the first has learnt. */
  private void steps(String family, Path folder, Map<String, INDArray> golden) throws IOException {
    INDArray losses = golden.get(family + ".loss");
    INDArray units = golden.get(family + ".units");
    int steps = (int) losses.length();
    Map<String, INDArray> initial = new TreeMap<>();
    String prefix = family + ".init.";
    golden.forEach(
        (name, array) -> {
          if (name.startsWith(prefix)) {
            initial.put(name.substring(prefix.length()), array);
          }
        });
    TrainingOptions options =
        TrainingOptions.builder().maxLr(golden.get(family + ".max_lr").getDouble(0)).build();
    try (FrozenClassifier classifier = classifier(family, folder);
        AttentionMechanism mechanism =
            AttentionMechanism.fromNpz(
                AttentionSpec.of(
                    classifier.defaultLayers(), classifier.classes(), Variant.PROPOSED),
                initial);
        Trainer trainer =
            new Trainer(
                classifier,
                mechanism,
                options,
                steps,
                ClassDraws.recorded(classes(golden.get(family + ".psi"))))) {
      for (int step = 0; step < steps; step++) {
        try (INDArray images = units.get(NDArrayIndex.point(step)).dup('c').divi(255)) {
          double expected = losses.getDouble(step);
          double found = trainer.step(step, images).loss();
          checks.add(
              new Check(
                  Text.format("family %s, loss of training step %d", family, step + 1),
                  Text.format("%.6f", expected),
                  Text.format("%.6f", found),
                  Text.format("%.1g", TOLERANCE * expected),
                  Math.abs(found - expected) <= TOLERANCE * expected));
        }
      }
    }
  }

  private static List<int[][]> classes(INDArray psi) {
    List<int[][]> steps = new ArrayList<>();
    for (int step = 0; step < psi.size(0); step++) {
      steps.add(psi.get(NDArrayIndex.point(step)).dup('c').toIntMatrix());
    }
    return steps;
  }

  /**
   * As many as were asked for, and right where each has enough to do. If they are slower than one,
   * another process is in the way.
   */
  private void threads(Path folder, Map<String, INDArray> golden) throws IOException {
    int asked = ComputingThreads.current();
    try (FrozenClassifier classifier = classifier("resnet", folder);
        INDArray few = images(golden.get("resnet.images"));
        INDArray images = eightTimes(few);
        INDArray expected = eightTimes(golden.get("resnet.logits"));
        ClassifierOutput output = classifier.forward(images, List.of());
        INDArray difference = output.logits().sub(expected)) {
      double apart = difference.amaxNumber().doubleValue() / expected.amaxNumber().doubleValue();
      DoubleSupplier pass =
          () -> {
            long began = System.nanoTime();
            classifier.forward(images, List.of()).close();
            return (System.nanoTime() - began) / 1e6;
          };
      double all = median(pass);
      double one = all;
      if (asked > 1) {
        ComputingThreads.use(1);
        try {
          one = median(pass);
        } finally {
          ComputingThreads.use(asked);
        }
      }
      checks.add(
          new Check(
              "threads",
              Text.format("%d, and the golden logits", asked),
              Text.format(
                  "%d, %.1g apart; a pass takes %.2f ms, %.2f ms with one%s",
                  ComputingThreads.current(),
                  apart,
                  all,
                  one,
                  all > 1.5 * one ? ": other processes are in the way, use fewer threads" : ""),
              Text.format("%.1g; the time is not checked", TOLERANCE),
              ComputingThreads.current() == asked && apart <= TOLERANCE));
    }
  }

  private static INDArray eightTimes(INDArray array) {
    return Nd4j.concat(0, array, array, array, array, array, array, array, array);
  }

  private static double median(DoubleSupplier pass) {
    int passes = 9;
    return DoubleStream.generate(pass)
        .limit(passes)
        .sorted()
        .skip(passes / 2)
        .findFirst()
        .orElseThrow();
  }

  /** Memory outside the heap that passes leave behind. */
  private void memory(Path folder, Map<String, INDArray> golden) throws IOException {
    try (FrozenClassifier classifier = classifier("vgg", folder);
        INDArray images = images(golden.get("vgg.images"))) {
      passes(classifier, images, WARM_UP);
      double grown = Double.POSITIVE_INFINITY;
      for (int round = 0; round < ROUNDS && grown > GROWTH; round++) {
        long before = ResidentMemory.now();
        long garbage = heap();
        passes(classifier, images, PASSES);
        long outside = ResidentMemory.now() - before - Math.max(0, heap() - garbage);
        grown = Math.min(grown, outside / (double) (1 << 20));
      }
      checks.add(
          new Check(
              "memory",
              Text.format("no more after %d passes", PASSES),
              Text.format("%.1f MiB more", grown),
              Text.format("%.0f MiB", GROWTH),
              grown <= GROWTH));
    }
  }

  private static long heap() {
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }

  private static void passes(FrozenClassifier classifier, INDArray images, int count) {
    int[] labels = new int[(int) images.size(0)];
    for (int i = 0; i < count; i++) {
      classifier.crossEntropyGradient(images, labels).close();
    }
  }

  private static FrozenClassifier classifier(String name, Path folder) throws IOException {
    return Backbones.load(unpack(name + ".onnx", folder), BackboneOptions.defaults());
  }

  /** Standardised images of bytes, which are read as float32. */
  private static INDArray images(INDArray bytes) {
    return bytes.sub(128).divi(64);
  }

  private static Path unpack(String name, Path folder) throws IOException {
    Path file = folder.resolve(name);
    if (!Files.exists(file)) {
      try (InputStream in = Doctor.class.getResourceAsStream("doctor/" + name)) {
        if (in == null) {
          throw new IOException("The jar is damaged: doctor/" + name + " is not in it");
        }
        Files.copy(in, file);
      }
    }
    return file;
  }
}
