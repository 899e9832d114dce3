package org.ttame.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.ttame.core.Text;

/** Runs commands inside the test's JVM, where ND4J is loaded once for all. */
final class Ttame {
  private Ttame() {}

  /** What a command answered. */
  record Result(int code, String out, String err) {
    @Override
    public String toString() {
      return Text.format("exit %d%n--- stdout%n%s--- stderr%n%s", code, out, err);
    }
  }

  static Result run(String... words) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int code =
        new Main(
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8))
            .run(List.of(words));
    return new Result(
        code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  /** The same, of a command that must succeed. */
  static Result ok(String... words) {
    Result result = run(words);
    assertThat(result.code()).as("%s", result).isZero();
    return result;
  }
}
