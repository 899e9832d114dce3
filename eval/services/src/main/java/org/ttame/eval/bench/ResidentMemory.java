package org.ttame.eval.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bytedeco.javacpp.Pointer;

/** The memory that the system has given to this process: Java's and native together. */
public final class ResidentMemory {
  private static final Path STATUS = Path.of("/proc/self/status");

  private ResidentMemory() {}

  /** Bytes now. */
  public static long now() {
    return Pointer.physicalBytes();
  }

  /** The most bytes since the process began; where the system does not say, those of now. */
  public static long peak() {
    try {
      for (String line : Files.readAllLines(STATUS)) {
        if (line.startsWith("VmHWM:")) {
          return Long.parseLong(line.replaceAll("\\D", "")) << 10;
        }
      }
    } catch (IOException e) {
      // Not Linux: said below.
    }
    return now();
  }
}
