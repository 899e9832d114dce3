package org.ttame.core.engine;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.Charset;

/**
 * Keeps SameDiff's debugging lines off standard output, which belongs to results: version
 * 1.0.0-M2.1 prints "Added differentiated op …" for every operation it differentiates.
 */
final class QuietOutput {
  private static final String NOISE = "Added differentiated op ";

  private QuietOutput() {}

  /**
   * Runs an action, dropping SameDiff's lines and passing on what other threads print meanwhile.
   */
  static synchronized void run(Runnable action) {
    PrintStream original = System.out;
    try (PrintStream filter =
        new PrintStream(new LineFilter(original), true, Charset.defaultCharset())) {
      System.setOut(filter);
      action.run();
    } finally {
      System.setOut(original);
    }
  }

  private static final class LineFilter extends OutputStream {
    private final PrintStream target;
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();

    LineFilter(PrintStream target) {
      this.target = target;
    }

    @Override
    public void write(int b) {
      line.write(b);
      if (b == '\n') {
        pass();
      }
    }

    @Override
    public void close() {
      if (line.size() > 0) {
        pass();
      }
    }

    private void pass() {
      byte[] bytes = line.toByteArray();
      line.reset();
      if (!new String(bytes, Charset.defaultCharset()).startsWith(NOISE)) {
        target.write(bytes, 0, bytes.length);
      }
    }
  }
}
