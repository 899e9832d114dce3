package org.ttame.backbones;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.ttame.core.classifier.FeatureKind;
import org.ttame.core.classifier.FeatureLayer;
import org.ttame.core.npz.Npz;

/**
 * The tiny networks of {@code members.zip} and their golden values; see {@code src/test/python}.
 */
final class Members {
  private Members() {}

  /** Unpacks all into a folder and returns the .onnx files. */
  static List<Path> unpack(Path folder) {
    return archive("members.zip", folder);
  }

  /** The same of another archive. */
  static List<Path> archive(String archive, Path folder) {
    try (InputStream in = Members.class.getResourceAsStream(archive);
        ZipInputStream zip = new ZipInputStream(Objects.requireNonNull(in))) {
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        Files.copy(zip, folder.resolve(entry.getName()));
      }
      try (var files = Files.list(folder)) {
        return files.filter(file -> file.toString().endsWith(".onnx")).sorted().toList();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Unpacks one. */
  static Path unpack(String name, Path folder) {
    return unpack(folder).stream()
        .filter(file -> file.getFileName().toString().equals(name + ".onnx"))
        .findFirst()
        .orElseThrow();
  }

  /** Golden values of the network that a file holds: {@code vgg_bn-torch…} is {@code vgg_bn}. */
  static Map<String, INDArray> golden(Path file, Path folder) throws IOException {
    String member = file.getFileName().toString().replaceAll("-.*", "");
    String values =
        switch (member) {
          case "vit_separate" -> "vit";
          case "resnet_affine" -> "resnet";
          case "vgg_channels_last" -> "vgg";
          default -> member;
        };
    Path target = folder.resolve(values + ".npz");
    if (!Files.exists(target)) {
      try (InputStream in = Members.class.getResourceAsStream(values + ".npz")) {
        Files.copy(Objects.requireNonNull(in), target);
      }
    }
    return Npz.read(target);
  }

  /** A golden image batch as the graphs take it, {@code [B, S, S, 3]}. */
  static INDArray images(INDArray planes) {
    return planes.permute(0, 2, 3, 1).dup('c');
  }

  /** A golden map or token sequence in the graphs' layout. */
  static INDArray feature(INDArray golden, FeatureLayer layer) {
    return layer.kind() == FeatureKind.MAP ? images(golden) : golden.dup('c');
  }

  /** All values in order, to be compared bit by bit: arrays call those equal that are close. */
  static float[] floats(INDArray array) {
    return array.dup('c').data().asFloat();
  }

  /** Largest difference, relative to the expected values' largest magnitude. */
  static double difference(INDArray actual, INDArray expected) {
    if (!java.util.Arrays.equals(actual.shape(), expected.shape())) {
      return Double.POSITIVE_INFINITY;
    }
    double scale = Math.max(expected.amaxNumber().doubleValue(), 1e-30);
    try (INDArray gap = actual.sub(expected)) {
      return gap.amaxNumber().doubleValue() / scale;
    }
  }
}
