package org.ttame.backbones;

import java.nio.file.Files;
import java.nio.file.Path;
import org.ttame.backbones.source.BackboneOptions;
import org.ttame.core.classifier.FrozenClassifier;
import org.ttame.core.engine.NativeBinary;

/** Loads a backbone in a program of its own; prints its peak resident bytes and the seconds. */
final class LoadProbe {
  private LoadProbe() {}

  public static void main(String[] args) throws Exception {
    NativeBinary.select();
    org.nd4j.linalg.factory.Nd4j.zeros(1).close();
    long began = System.nanoTime();
    try (FrozenClassifier classifier =
        Backbones.load(Path.of(args[0]), BackboneOptions.defaults())) {
      double seconds = (System.nanoTime() - began) / 1e9;
      long peak =
          Files.readAllLines(Path.of("/proc/self/status")).stream()
              .filter(line -> line.startsWith("VmHWM"))
              .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
              .findFirst()
              .orElse(0);
      System.out.println(classifier.name() + " " + peak + " " + seconds);
    }
  }
}
